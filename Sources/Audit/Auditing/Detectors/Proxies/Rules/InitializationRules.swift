extension ProxyRules {
  static let uninitializedImplementation = Rule(
    id: "uninitialized-implementation",
    title: "Anyone can initialise the implementation contract itself",
    severity: .high, confidence: .high, category: .initialization,
    summary: """
      An implementation with an initializer that anyone may call once, and whose constructor does not use up \
      that one time. High where the initialised contract reaches a selfdestruct or a delegatecall that is not \
      limited to calls through a proxy, otherwise low.
      """,
    why: """
      Whoever initialises the implementation becomes its owner. If it can destroy itself or delegate to an \
      address of the owner's choice, all proxies lose their code at once.
      """,
    howToFix:
      "Lock the implementation in its constructor (`_disableInitializers()`, or set the flag there).",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract SetUpOnce {
        bool private done;

        modifier once() {
          require(!done);
          done = true;
          _;
        }
      }

      contract Engine is SetUpOnce {
        address public owner;

        function setUp2(address owner_) external once { owner = owner_; }

        function replace(address code, bytes calldata input) external {
          require(msg.sender == owner);
          (bool ok, ) = code.delegatecall(input);
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract SetUpOnce {
        bool private done;

        modifier once() {
          require(!done);
          done = true;
          _;
        }
      }

      contract Engine is SetUpOnce {
        address public owner;

        constructor() once {}

        function setUp2(address owner_) external once { owner = owner_; }

        function replace(address code, bytes calldata input) external {
          require(msg.sender == owner);
          (bool ok, ) = code.delegatecall(input);
          require(ok);
        }
      }
      """,
    references: [.cwe(665), .erc(1822)])

  static let initializerRepeatable = Rule(
    id: "initializer-repeatable",
    title: "An initializer can be called again by anyone",
    severity: .high, confidence: .high, category: .initialization,
    summary: """
      An entry point that anyone may call any number of times and that sets who may use the contract's other \
      functions, in a contract whose constructor does not set that.
      """,
    why: "Whoever calls it last owns the contract.",
    howToFix: "Let the initializer check and set a flag, or set the owner in the constructor.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Till {
        address public owner;
        uint256 public limit;

        function begin(address owner_, uint256 limit_) external {
          owner = owner_;
          limit = limit_;
        }

        function pay(address payable to, uint256 amount) external {
          require(msg.sender == owner);
          require(amount <= limit);
          to.transfer(amount);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Till {
        address public owner;
        uint256 public limit;

        function begin(address owner_, uint256 limit_) external {
          require(owner == address(0));
          owner = owner_;
          limit = limit_;
        }

        function pay(address payable to, uint256 amount) external {
          require(msg.sender == owner);
          require(amount <= limit);
          to.transfer(amount);
        }
      }
      """,
    references: [.cwe(284), .swc(105)])

  static let constructorEffectLost = Rule(
    id: "constructor-effect-lost",
    title: "What the constructor sets is not set behind the proxy",
    severity: .medium, confidence: .medium, category: .initialization,
    summary: """
      A state variable of an implementation that only its constructor or its initial value sets, and that its \
      functions read.
      """,
    why: """
      The constructor runs once, for the implementation's own storage. In every proxy the variable stays zero: \
      an owner nobody is, a limit of nothing, a flag that is off.
      """,
    howToFix:
      "Set it in the initializer, or make it `constant` or `immutable` where all proxies may share it.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Fees {
        uint256 private rate = 30;
        address public owner;

        function begin(address owner_) external {
          require(owner == address(0));
          owner = owner_;
        }

        function fee(uint256 amount) external view returns (uint256) { return amount * rate / 10000; }
      }

      contract Front {
        Fees private immutable code;

        constructor(Fees code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Fees {
        uint256 private constant rate = 30;
        address public owner;

        function begin(address owner_) external {
          require(owner == address(0));
          owner = owner_;
        }

        function fee(uint256 amount) external view returns (uint256) { return amount * rate / 10000; }
      }

      contract Front {
        Fees private immutable code;

        constructor(Fees code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """)

  static let implementationImmutable = Rule(
    id: "implementation-immutable",
    title: "Immutables of an implementation are shared by all its proxies",
    severity: .informational, confidence: .high, category: .upgrade,
    summary: "Immutable variables of a contract that stands behind a proxy.",
    why: "They belong to the code, not to the proxy: an upgrade silently replaces their values.",
    howToFix:
      "Keep them if all proxies are meant to share them; otherwise use a variable set by the initializer.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Meter {
        uint256 public immutable unit;

        constructor(uint256 unit_) { unit = unit_; }
      }

      contract Front {
        Meter private immutable code;

        constructor(Meter code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Meter {
        uint256 public constant unit = 5;
      }

      contract Front {
        Meter private immutable code;

        constructor(Meter code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """)

  static let delegatedSelfdestruct = Rule(
    id: "delegated-selfdestruct",
    title: "A selfdestruct in code that runs by delegatecall",
    severity: .medium, confidence: .medium, category: .proxy,
    summary: """
      A selfdestruct in a contract that a proxy, a clone or another contract runs by delegatecall. One that \
      anyone can reach is told as an unprotected selfdestruct instead.
      """,
    why: """
      Run by delegatecall it destroys the proxy; called directly it destroys the code behind all proxies, which \
      then answer every call with silence (on chains before the Cancun upgrade, or in the transaction of creation after it).
      """,
    howToFix: "Remove it. A contract can be emptied and paused instead.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Engine {
        address private immutable driver = msg.sender;

        function stop() external {
          require(msg.sender == driver);
          selfdestruct(payable(msg.sender));
        }
      }

      contract Front {
        Engine private immutable code;

        constructor(Engine code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Engine {
        address private immutable driver = msg.sender;

        function stop() external {
          require(msg.sender == driver);
          payable(msg.sender).transfer(1);
        }
      }

      contract Front {
        Engine private immutable code;

        constructor(Engine code_) { code = code_; }

        fallback() external payable {
          (bool ok, bytes memory result) = address(code).delegatecall(msg.data);
          require(ok);
          assembly { return(add(result, 32), mload(result)) }
        }
      }
      """,
    references: [.swc(106), .eip(6780)])
}
