// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// The same proxy with its admin in a slot of its own (ERC-1967): nothing the implementation declares can
// reach it, and nothing it holds can be taken for the implementation's flags.

contract AdminProxy {
    bytes32 private constant ADMIN_SLOT =
        0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103;

    bytes32 private constant IMPLEMENTATION_SLOT =
        0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    constructor(address logic, address admin) {
        bytes32 slot = ADMIN_SLOT;
        assembly {
            sstore(slot, admin)
        }
        _setImplementation(logic);
    }

    function upgradeTo(address logic) external {
        require(msg.sender == _admin(), "not the admin");
        _setImplementation(logic);
    }

    function _admin() private view returns (address admin) {
        bytes32 slot = ADMIN_SLOT;
        assembly {
            admin := sload(slot)
        }
    }

    function _setImplementation(address logic) private {
        require(logic.code.length > 0, "no code");
        bytes32 slot = IMPLEMENTATION_SLOT;
        assembly {
            sstore(slot, logic)
        }
    }

    fallback() external payable {
        bytes32 slot = IMPLEMENTATION_SLOT;
        assembly {
            let logic := sload(slot)
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), logic, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}

abstract contract OnceOnly {
    bool private initialized;
    bool private initializing;

    // The implementation itself is not meant to be used.
    constructor() {
        initialized = true;
    }

    modifier initializer() {
        require(initializing || !initialized, "already initialized");
        bool isTopLevel = !initializing;
        if (isTopLevel) {
            initializing = true;
            initialized = true;
        }
        _;
        if (isTopLevel) {
            initializing = false;
        }
    }
}

contract Governance is OnceOnly {
    address public guardian;
    uint256 public quorum;

    event GuardianSet(address guardian);

    function initialize(address firstGuardian, uint256 firstQuorum) external initializer {
        require(firstGuardian != address(0), "no guardian");
        guardian = firstGuardian;
        quorum = firstQuorum;
        emit GuardianSet(firstGuardian);
    }
}

contract GovernanceDeployer {
    event Deployed(address proxy);

    function deploy(address admin, address guardian) external returns (address proxy) {
        Governance logic = new Governance();
        proxy = address(new AdminProxy(address(logic), admin));
        Governance(proxy).initialize(guardian, 1);
        emit Deployed(proxy);
    }
}
