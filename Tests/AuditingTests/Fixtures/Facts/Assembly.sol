// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

contract Assembly {
    uint256 plain;
    mapping(address => uint256) table;
    uint256 transient flag;
    bytes32 constant SLOT = keccak256("assembly.example.slot");
    struct Box { uint256 a; address b; }

    function box() internal pure returns (Box storage b) {
        bytes32 slot = SLOT;
        assembly { b.slot := slot }
    }

    function setBox(address who) external { box().b = who; }

    function raw(uint256 value) external returns (uint256 old) {
        assembly {
            old := sload(plain.slot)
            sstore(plain.slot, value)
            if iszero(value) { sstore(SLOT, caller()) }
            tstore(flag.slot, 1)
        }
    }

    function hashed(address who) external view returns (uint256 result) {
        assembly {
            mstore(0x00, who)
            mstore(0x20, table.slot)
            result := sload(keccak256(0x00, 0x40))
        }
    }

    function loops(uint256[] calldata xs) external pure returns (uint256 sum) {
        assembly {
            function twice(x) -> y {
                if gt(x, 100) { y := 200 leave }
                y := mul(x, 2)
            }
            for { let i := 0 } lt(i, xs.length) { i := add(i, 1) } {
                let x := calldataload(add(xs.offset, shl(5, i)))
                switch x
                case 0 { continue }
                case 1 { break }
                default { sum := add(sum, twice(x)) }
            }
        }
    }

    function forward(address target) external payable returns (bytes memory out) {
        assembly {
            let p := mload(0x40)
            calldatacopy(p, 0, calldatasize())
            let ok := delegatecall(gas(), target, p, calldatasize(), 0, 0)
            returndatacopy(p, 0, returndatasize())
            if iszero(ok) { revert(p, returndatasize()) }
            return(p, returndatasize())
        }
    }

    function send(address to) external {
        assembly {
            pop(call(gas(), to, selfbalance(), 0, 0, 0, 0))
            let made := create2(0, 0, 0, 1)
            log1(0, 0, made)
            if eq(made, 0) { selfdestruct(to) }
            invalid()
        }
    }
}
