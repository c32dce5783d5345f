extension ProxyRules {
  static let initializerFrontRun = Rule(
    id: "initializer-front-run",
    title: "Somebody else can initialise first",
    severity: .medium, confidence: .medium, category: .initialization,
    summary: """
      A proxy or clone that the program deploys without initialising it in the same transaction, or code for EIP-7702 \
      accounts whose initializer checks neither the account nor its signature.
      """,
    why:
      "Between deployment and initialisation anyone can call the initializer and own the contract.",
    howToFix: """
      Pass the initializer's call data to the proxy's constructor, call it in the same function, or require a signature.
      """,
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Vault {
        address public owner;
        uint256 public limit;

        function begin(address owner_) external {
          require(owner == address(0));
          owner = owner_;
          limit = 5;
        }
      }

      contract Front {
        address private immutable code;

        constructor(address code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = code.delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }

      contract Maker {
        Vault private immutable code = new Vault();
        address public last;

        function make() external { last = address(new Front(address(code))); }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Vault {
        address public owner;
        uint256 public limit;

        function begin(address owner_) external {
          require(owner == address(0));
          owner = owner_;
          limit = 5;
        }
      }

      contract Front {
        address private immutable code;

        constructor(address code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = code.delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }

      contract Maker {
        Vault private immutable code = new Vault();
        address public last;

        function make() external {
          last = address(new Front(address(code)));
          Vault(last).begin(msg.sender);
        }
      }
      """,
    references: [.eip(7702), .cwe(665)])

  static let parentInitializerMissing = Rule(
    id: "parent-initializer-missing",
    title: "A parent's initializer is not called",
    severity: .medium, confidence: .medium, category: .initialization,
    summary: """
      An initializer that does not call the initializer of one of the contract's parents, or a contract without an \
      initializer whose parents need one; by the rules of the OpenZeppelin upgrades plugins.
      """,
    why: "The parent's state stays zero: no owner, no name, a reentrancy guard that is not armed.",
    howToFix: "Call the initializers of all parents, in the order of inheritance.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init() internal onlyInitializing { owner = msg.sender; }
      }

      contract Named is Initializable {
        uint256 public name;

        function __Named_init() internal onlyInitializing { name = 1; }
      }

      contract Shop is Owned, Named {
        constructor() initializer {}

        function initialize() external initializer { __Named_init(); }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init() internal onlyInitializing { owner = msg.sender; }
      }

      contract Named is Initializable {
        uint256 public name;

        function __Named_init() internal onlyInitializing { name = 1; }
      }

      contract Shop is Owned, Named {
        constructor() initializer {}

        function initialize() external initializer {
          __Owned_init();
          __Named_init();
        }
      }
      """)

  static let parentInitializerRepeated = Rule(
    id: "parent-initializer-repeated",
    title: "A parent's initializer is called twice",
    severity: .low, confidence: .medium, category: .initialization,
    summary:
      "An initializer that runs the initializer of one parent more than once, directly or through another parent.",
    why: "The second call undoes what was set in between, or sets up twice what should exist once.",
    howToFix: "Call each parent's initializer once, or use the `_unchained` forms.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init(address owner_) internal onlyInitializing { owner = owner_; }
      }

      contract Shop is Owned {
        constructor() initializer {}

        function initialize(address owner_) external initializer {
          __Owned_init(owner_);
          __Owned_init(msg.sender);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init(address owner_) internal onlyInitializing { owner = owner_; }
      }

      contract Shop is Owned {
        constructor() initializer {}

        function initialize(address owner_) external initializer { __Owned_init(owner_); }
      }
      """)

  static let parentInitializerOrder = Rule(
    id: "parent-initializer-order",
    title: "Parents are initialised in another order than they are inherited",
    severity: .informational, confidence: .medium, category: .initialization,
    summary: "Initializers of parents called in an order that differs from the linearisation.",
    why:
      "Constructors would run in the order of inheritance; a parent may rely on what an earlier one has set.",
    howToFix: "Call them in the order of inheritance.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init() internal onlyInitializing { owner = msg.sender; }
      }

      contract Named is Initializable {
        uint256 public name;

        function __Named_init() internal onlyInitializing { name = 1; }
      }

      contract Shop is Owned, Named {
        constructor() initializer {}

        function initialize() external initializer {
          __Named_init();
          __Owned_init();
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Initializable {
        bool private done;

        modifier initializer() {
          require(!done);
          done = true;
          _;
        }

        modifier onlyInitializing() { _; }
      }

      contract Owned is Initializable {
        address public owner;

        function __Owned_init() internal onlyInitializing { owner = msg.sender; }
      }

      contract Named is Initializable {
        uint256 public name;

        function __Named_init() internal onlyInitializing { name = 1; }
      }

      contract Shop is Owned, Named {
        constructor() initializer {}

        function initialize() external initializer {
          __Owned_init();
          __Named_init();
        }
      }
      """)

  static let reinitializerVersion = Rule(
    id: "reinitializer-version",
    title: "Two initializers claim one version",
    severity: .medium, confidence: .medium, category: .initialization,
    summary: """
      Functions of one contract whose modifier stores a version and refuses those not above it, called with the same \
      version; or with version 1 beside the first initializer.
      """,
    why: "Only the first of them can ever run. What the other should have set up stays zero.",
    howToFix: "Give each new initializer the next version.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Versions {
        uint64 private version;

        modifier stage(uint64 next) {
          require(version < next);
          version = next;
          _;
        }
      }

      contract Shop is Versions {
        address public owner;
        uint256 public fee;

        constructor() stage(9) {}

        function begin(address owner_) external stage(1) { owner = owner_; }
        function addFee(uint256 fee_) external stage(2) { fee = fee_; }
        function addLimit(uint256 fee_) external stage(2) { fee = fee_ * 2; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Versions {
        uint64 private version;

        modifier stage(uint64 next) {
          require(version < next);
          version = next;
          _;
        }
      }

      contract Shop is Versions {
        address public owner;
        uint256 public fee;

        constructor() stage(9) {}

        function begin(address owner_) external stage(1) { owner = owner_; }
        function addFee(uint256 fee_) external stage(2) { fee = fee_; }
        function addLimit(uint256 fee_) external stage(3) { fee = fee_ * 2; }
      }
      """)
}
