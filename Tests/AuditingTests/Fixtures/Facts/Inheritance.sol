// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

abstract contract Root {
    address public admin;
    uint256 internal counter = 5;

    constructor(address first) { admin = first; }

    modifier only() virtual { require(msg.sender == admin, "admin"); _; }

    function hook(uint256 value) internal virtual { counter += value; }
    function run(uint256 value) external only { hook(value); }
    function ping() external virtual returns (uint256) { return 1; }
}

abstract contract Left is Root {
    function hook(uint256 value) internal virtual override { super.hook(value + 1); }
}

abstract contract Right is Root {
    mapping(address => bool) trusted;
    modifier only() virtual override { require(trusted[msg.sender]); _; }
    function hook(uint256 value) internal virtual override { if (value > 1) super.hook(value); }
    function trust(address who) external only { trusted[who] = true; }
}

contract Bottom is Left, Right {
    uint256 immutable born = block.timestamp;
    uint256 extra = counter + 1;

    constructor(address a, address b) Root(a == address(0) ? b : a) { trusted[b] = true; }

    modifier only() override(Root, Right) { _; require(gasleft() > 1); }

    function hook(uint256 value) internal override(Left, Right) { super.hook(value * 2); }
    function ping() external override only returns (uint256) { return counter; }
}
