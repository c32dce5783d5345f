// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

contract Proxy {
  address private admin;

  fallback() external payable { address target = 0x1111111111111111111111111111111111111111; bytes32 slot = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc; assembly { calldatacopy(0, 0, calldatasize()) let ok := delegatecall(gas(), target, 0, calldatasize(), 0, 0) returndatacopy(0, 0, returndatasize()) if iszero(ok) { revert(0, returndatasize()) } return(0, returndatasize()) } slot; }
}

contract Logic {
  bool private initialized;
  uint64 private started;

  function initialize(
    address first,
    address second,
    address third
  ) external {
    require(!initialized);
    initialized = true;
    first; second; third;
  }
}
