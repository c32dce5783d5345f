extension ProxyRules {
  static let selectorClash = Rule(
    id: "proxy-selector-clash",
    title: "A function of the proxy has the selector of another function of its implementation",
    severity: .high, confidence: .high, category: .proxy,
    summary: """
      Two functions with different signatures, one declared by a proxy and one by its implementation, whose four \
      byte selectors are equal. Functions of a transparent proxy that forward for everyone but its admin are left out.
      """,
    why: """
      Calls meant for the implementation run the proxy's function. Selectors are short enough to be made to \
      collide on purpose, to hide a back door behind a harmless name.
      """,
    howToFix:
      "Rename one of the two, or let the proxy act only for its admin and forward everything else.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Token {
        mapping(address => uint256) private balances;

        function burn(uint256 amount) external { balances[msg.sender] -= amount; }
      }

      contract Front {
        Token private immutable code;

        constructor(Token code_) { code = code_; }

        function collate_propagate_storage(bytes16) external { payable(msg.sender).transfer(1); }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Token {
        mapping(address => uint256) private balances;

        function burn(uint256 amount) external { balances[msg.sender] -= amount; }
      }

      contract Front {
        Token private immutable code;

        constructor(Token code_) { code = code_; }

        function collate_storage(bytes16) external { payable(msg.sender).transfer(1); }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """)

  static let shadowedFunction = Rule(
    id: "proxy-shadows-function",
    title: "A function of the implementation can never be reached through the proxy",
    severity: .medium, confidence: .high, category: .proxy,
    summary: """
      The proxy declares a function with the signature of one of its implementation's, and does not forward it. \
      Where only views are hidden, the finding is informational.
      """,
    why:
      "The proxy's function runs instead: the owner it sets, say, is the proxy's, not the implementation's.",
    howToFix:
      "Give the proxy's functions names of their own, or make them forward for all but the proxy's admin.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Token {
        uint256 private limit;

        function setLimit(uint256 limit_) external { limit = limit_; }
      }

      contract Front {
        Token private immutable code;

        constructor(Token code_) { code = code_; }

        function setLimit(uint256) external view { require(msg.sender == address(code)); }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Token {
        uint256 private limit;

        function setLimit(uint256 limit_) external { limit = limit_; }
      }

      contract Front {
        Token private immutable code;

        constructor(Token code_) { code = code_; }

        function setProxyLimit(uint256) external view { require(msg.sender == address(code)); }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """)

  static let facetSelectorDuplicate = Rule(
    id: "facet-selector-duplicate",
    title: "Two facets of a diamond declare one selector",
    severity: .low, confidence: .medium, category: .proxy,
    summary: "External functions of two facets of one diamond that have the same selector.",
    why:
      "A diamond keeps one facet for a selector. Which of the two runs depends on what was registered.",
    howToFix: "Keep the function in one facet.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Prism {
        mapping(bytes4 => address) private facets;

        constructor(bytes4[] memory selectors, address facet) {
          for (uint256 i = 0; i < selectors.length; i++) { facets[selectors[i]] = facet; }
        }

        fallback() external payable {
          address facet = facets[msg.sig];
          require(facet.code.length > 0);
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), facet, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }

      contract FirstFacet {
        function version() external pure returns (uint256) { return 1; }
      }

      contract SecondFacet {
        function version() external pure returns (uint256) { return 2; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Prism {
        mapping(bytes4 => address) private facets;

        constructor(bytes4[] memory selectors, address facet) {
          for (uint256 i = 0; i < selectors.length; i++) { facets[selectors[i]] = facet; }
        }

        fallback() external payable {
          address facet = facets[msg.sig];
          require(facet.code.length > 0);
          assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), facet, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch ok
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
          }
        }
      }

      contract FirstFacet {
        function version() external pure returns (uint256) { return 1; }
      }

      contract SecondFacet {
        function secondVersion() external pure returns (uint256) { return 2; }
      }
      """,
    references: [.erc(2535)])

  static let uupsBricking = Rule(
    id: "uups-bricking",
    title: "An upgrade after which no further upgrade is possible",
    severity: .high, confidence: .high, category: .upgrade,
    summary: """
      The next implementation of a proxy that only its implementation can upgrade has no function that writes the \
      implementation slot; or an implementation names another slot in `proxiableUUID` than its upgrade writes.
      """,
    why: "The proxy stays with its last implementation for ever, its mistakes included.",
    howToFix:
      "Let every implementation inherit the upgrade function, and test an upgrade away from each new version.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract BoxOne {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address public owner;
        uint256 public value;

        constructor() { owner = msg.sender; }

        function setValue(uint256 value_) external { value = value_; }

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }

      contract BoxTwo {
        address public owner;
        uint256 public value;

        function setValue(uint256 value_) external { value = value_ + 1; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract BoxOne {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address public owner;
        uint256 public value;

        constructor() { owner = msg.sender; }

        function setValue(uint256 value_) external { value = value_; }

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }

      contract BoxTwo {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address public owner;
        uint256 public value;

        function setValue(uint256 value_) external { value = value_ + 1; }

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }
      """,
    references: [.erc(1822)])

  static let uupsDirectUpgrade = Rule(
    id: "uups-direct-upgrade",
    title: "The upgrade function can be called on the implementation itself",
    severity: .low, confidence: .medium, category: .upgrade,
    summary: """
      An implementation's function that writes the implementation slot and does not check that it runs through a proxy.
      """,
    why: """
      Called directly it changes the implementation's own storage, and a delegatecall to the new implementation \
      then runs in the implementation, which it may destroy.
      """,
    howToFix:
      "Compare `address(this)` with an immutable that holds the implementation's own address (`onlyProxy`).",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Box {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private owner;

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Box {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private immutable self = address(this);
        address private owner;

        function upgradeTo(address next) external {
          require(address(this) != self);
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }
      """,
    references: [.erc(1822)])

  static let uupsSuccessorUnchecked = Rule(
    id: "uups-successor-unchecked",
    title: "An upgrade takes any address as the new implementation",
    severity: .low, confidence: .medium, category: .upgrade,
    summary:
      "An implementation's upgrade function that asks the new implementation nothing before it stores it.",
    why: "A mistyped address, or an implementation without an upgrade function, ends the proxy.",
    howToFix:
      "Require `proxiableUUID()` of the new implementation to be the slot written (ERC-1822).",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Box {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private owner;

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          assembly { sstore(SLOT, next) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      interface Proxiable {
        function proxiableUUID() external view returns (bytes32);
      }

      contract Box {
        bytes32 private constant SLOT =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private owner;

        function upgradeTo(address next) external {
          require(msg.sender == owner);
          require(Proxiable(next).proxiableUUID() == SLOT);
          assembly { sstore(SLOT, next) }
        }
      }
      """,
    references: [.erc(1822)])
}
