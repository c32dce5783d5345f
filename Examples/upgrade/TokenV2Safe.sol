// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

// `feeCollector` takes a slot of the gap: nothing that is live moves.
contract Token {
    address public owner;
    bool public paused;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    address public feeCollector;
    uint256[45] private __gap;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function transfer(address to, uint256 value) external returns (bool) {
        require(!paused, "paused");
        uint256 fee = value / 1000;
        balanceOf[msg.sender] -= value;
        balanceOf[feeCollector] += fee;
        balanceOf[to] += value - fee;
        emit Transfer(msg.sender, to, value - fee);
        return true;
    }
}
