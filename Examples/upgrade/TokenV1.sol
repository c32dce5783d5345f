// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

// The version in use behind a proxy.
contract Token {
    address public owner;
    bool public paused;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    uint256[46] private __gap;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function initialize(address firstOwner, uint256 supply) external {
        require(owner == address(0), "already initialized");
        require(firstOwner != address(0), "no owner");
        owner = firstOwner;
        totalSupply = supply;
        balanceOf[firstOwner] = supply;
        emit Transfer(address(0), firstOwner, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        require(!paused, "paused");
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}
