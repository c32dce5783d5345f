// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// Keeps ether for its depositors.
contract Vault {
	mapping(address => uint256) public balances;
	address public owner;

	constructor() {
		owner = msg.sender;
	}

	function deposit() external payable {
		balances[msg.sender] += msg.value;
	}

	function withdraw(uint amount) external {
		_send(msg.sender, amount);
		balances[msg.sender] -= amount;
	}

	function sweep(address payable to) external {
		require(tx.origin == owner, unicode"désolé 你好, seul le propriétaire"); to.transfer(address(this).balance);
	}

	function setOwner(address next) external {
		// maslin-ignore sample-missing-guard: set once by the factory before use
		owner = next;
	}

	function _send(address to, uint256 amount) private {
		(bool ok, ) = to.call{value: amount}("");
		require(ok, "failed");
	}
}

contract SavingsVault is Vault {}

contract FamilyVault is Vault {}
