// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

// `feeCollector` is put in front: the live owner becomes the fee collector, and `paused` is read from
// another slot.
contract Token {
    address public feeCollector;
    address public owner;
    bool public paused;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
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
