pragma solidity 0.8.28;

contract Broken {
  uint256 public total = ;
}
