// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

// Pays before it books: the receiver can call `withdraw` again while its balance is still the old one.
contract Vault {
    mapping(address => uint256) public balanceOf;

    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    function withdraw() external {
        uint256 amount = balanceOf[msg.sender];
        (bool sent, ) = msg.sender.call{value: amount}("");
        require(sent, "transfer failed");
        balanceOf[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
    }
}

// The same with the books kept first.
contract SafeVault {
    mapping(address => uint256) public balanceOf;

    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposited(msg.sender, msg.value);
    }

    function withdraw() external {
        uint256 amount = balanceOf[msg.sender];
        balanceOf[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        (bool sent, ) = msg.sender.call{value: amount}("");
        require(sent, "transfer failed");
    }
}
