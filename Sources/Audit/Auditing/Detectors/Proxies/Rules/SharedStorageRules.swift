extension ProxyRules {
  static let facetStorageOverlap = Rule(
    id: "facet-storage-overlap",
    title: "Two facets or modules keep different things in the same storage",
    severity: .high, confidence: .medium, category: .storage,
    summary: """
      Contracts that run in one account's storage side by side (facets of a diamond, modules one contract delegates \
      to) and declare variables by position that give the same bytes different meanings.
      """,
    why:
      "Each facet starts counting at slot 0 and overwrites what the others, or the diamond itself, keep there.",
    howToFix:
      "Give all facets one struct as their only variable, or each facet a namespace of its own (ERC-7201, ERC-8042).",
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

      contract TradeFacet {
        address private token;
        uint256 public traded;

        function trade(uint256 amount) external { traded += amount; }
      }

      contract VoteFacet {
        address private token;
        address public chair;

        function lead() external { chair = msg.sender; }
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

      contract TradeFacet {
        mapping(bytes4 => address) private facets;
        uint256 public traded;
        address public chair;

        function trade(uint256 amount) external { traded += amount; }
      }

      contract VoteFacet {
        mapping(bytes4 => address) private facets;
        uint256 public traded;
        address public chair;

        function lead() external { chair = msg.sender; }
      }
      """,
    references: [.erc(2535), .erc(7201)])

  static let namespaceReused = Rule(
    id: "namespace-reused",
    title: "Two different structs lie in one storage namespace",
    severity: .high, confidence: .high, category: .storage,
    summary: """
      Structs with different members that code running in the same storage places at the same slot: facets of one \
      diamond, a proxy and its implementation, two bases of one contract.
      """,
    why:
      "A namespace keeps two structs apart only if they have two names. Copied with its constant, it does the opposite.",
    howToFix: "Give each struct its own namespace id.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      library Ledger {
        struct Book { uint256 total; address keeper; }
        bytes32 private constant PLACE = keccak256("example.storage");

        function book() internal pure returns (Book storage b) {
          bytes32 place = PLACE;
          assembly { b.slot := place }
        }
      }

      library Roster {
        struct List { address chair; uint256 size; }
        bytes32 private constant PLACE = keccak256("example.storage");

        function list() internal pure returns (List storage l) {
          bytes32 place = PLACE;
          assembly { l.slot := place }
        }
      }

      contract Club {
        function count(uint256 amount) external { Ledger.book().total += amount; }
        function chair() external view returns (address) { return Roster.list().chair; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      library Ledger {
        struct Book { uint256 total; address keeper; }
        bytes32 private constant PLACE = keccak256("example.storage.ledger");

        function book() internal pure returns (Book storage b) {
          bytes32 place = PLACE;
          assembly { b.slot := place }
        }
      }

      library Roster {
        struct List { address chair; uint256 size; }
        bytes32 private constant PLACE = keccak256("example.storage.roster");

        function list() internal pure returns (List storage l) {
          bytes32 place = PLACE;
          assembly { l.slot := place }
        }
      }

      contract Club {
        function count(uint256 amount) external { Ledger.book().total += amount; }
        function chair() external view returns (address) { return Roster.list().chair; }
      }
      """,
    references: [.erc(7201), .erc(2535)])

  static let namespaceSlotMismatch = Rule(
    id: "namespace-slot-mismatch",
    title: "A namespaced struct does not lie where its annotation says",
    severity: .medium, confidence: .high, category: .storage,
    summary: """
      Computes the slot of a struct's `@custom:storage-location` annotation by the formula of ERC-7201 or ERC-8042 and \
      compares it with the slot the code uses.
      """,
    why: """
      Upgrade checks and explorers trust the annotation. A constant copied from another contract puts two structs \
      into one place.
      """,
    howToFix: "Compute the constant from the annotated id.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Box {
        /// @custom:storage-location erc7201:example.main
        struct Main { uint256 value; }

        bytes32 private constant PLACE =
          0x183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab600;

        function main() private pure returns (Main storage m) { assembly { m.slot := PLACE } }

        function set(uint256 value) external { main().value = value; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Box {
        /// @custom:storage-location erc7201:example.main
        struct Main { uint256 value; }

        bytes32 private constant PLACE =
          keccak256(abi.encode(uint256(keccak256("example.main")) - 1)) & ~bytes32(uint256(0xff));

        function main() private pure returns (Main storage m) {
          bytes32 place = PLACE;
          assembly { m.slot := place }
        }

        function set(uint256 value) external { main().value = value; }
      }
      """,
    references: [.erc(7201)])

  static let nonstandardProxySlot = Rule(
    id: "nonstandard-proxy-slot",
    title: "A constant that is nearly an agreed proxy slot",
    severity: .medium, confidence: .high, category: .proxy,
    summary: """
      A constant that differs from an agreed slot (ERC-1967, ERC-1822 and others) in a few digits, or that leaves out \
      the subtraction of 1.
      """,
    why: """
      Explorers, upgrade tools and other implementations look at the agreed slot; and an implementation that uses the \
      right constant upgrades nothing.
      """,
    howToFix: "Use the agreed constant.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Slots {
        bytes32 internal constant PLACE =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbd;

        function at() external view returns (address a) { assembly { a := sload(PLACE) } }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Slots {
        bytes32 internal constant PLACE =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

        function at() external view returns (address a) { assembly { a := sload(PLACE) } }
      }
      """,
    references: [.eip(1967)])

  static let accountDelegateStorage = Rule(
    id: "account-delegate-storage",
    title: "Code for EIP-7702 accounts keeps variables by position",
    severity: .medium, confidence: .medium, category: .storage,
    summary: """
      A contract made for ordinary accounts to delegate to that declares state variables. High confidence where \
      another such contract of the program gives the same bytes another meaning, low severity otherwise.
      """,
    why: """
      An account may delegate to one contract today and another tomorrow; its storage stays. Variables by position \
      of the new code then read what the old one left.
      """,
    howToFix: "Keep all state in an ERC-7201 namespace of the contract's own.",
    exampleThatFires: """
      pragma solidity ^0.8.24;

      contract Sender {
        uint256 public nonce;

        function execute(address to, uint256 value, bytes calldata input) external payable {
          require(msg.sender == address(this));
          nonce++;
          (bool ok, ) = to.call{value: value}(input);
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.24;

      contract Sender {
        /// @custom:storage-location erc7201:example.sender
        struct State { uint256 nonce; }

        bytes32 private constant PLACE =
          keccak256(abi.encode(uint256(keccak256("example.sender")) - 1)) & ~bytes32(uint256(0xff));

        function state() private pure returns (State storage s) {
          bytes32 place = PLACE;
          assembly { s.slot := place }
        }

        function execute(address to, uint256 value, bytes calldata input) external payable {
          require(msg.sender == address(this));
          state().nonce++;
          (bool ok, ) = to.call{value: value}(input);
          require(ok);
        }
      }
      """,
    references: [.eip(7702), .erc(7201)])
}
