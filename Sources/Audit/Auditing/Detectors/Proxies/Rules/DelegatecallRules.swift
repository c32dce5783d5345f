extension ProxyRules {
  static let controlledDelegatecall = Rule(
    id: "controlled-delegatecall",
    title: "Anyone chooses the target of a delegatecall",
    severity: .high, confidence: .high, category: .proxy,
    summary: """
      A delegatecall, in Solidity or in assembly, whose target comes from a parameter or call data of an \
      entry point that any account may call, directly or through internal calls. Targets held against a \
      list the contract keeps, covered by a signature, or whose effects are always reverted are left out.
      """,
    why: """
      The code called runs as the contract itself: it can set every variable, move all tokens and ether, \
      and grant itself whatever permission it likes.
      """,
    howToFix:
      "Delegate to fixed addresses only, or restrict the function to an owner and check the target.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Vault {
        address public owner = msg.sender;

        function run(address code, bytes calldata input) external {
          (bool ok, ) = code.delegatecall(input);
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Vault {
        address public owner = msg.sender;

        function run(address code, bytes calldata input) external {
          require(msg.sender == owner);
          (bool ok, ) = code.delegatecall(input);
          require(ok);
        }
      }
      """,
    references: [.swc(112), .cwe(829)])

  static let controlledDelegatecallData = Rule(
    id: "controlled-delegatecall-data",
    title: "Anyone chooses which function of a delegate runs",
    severity: .medium, confidence: .medium, category: .proxy,
    summary: """
      An ordinary function that any account may call passes bytes from its parameters, selector included, \
      to a delegatecall of a stored or fixed target. Fallbacks of proxies, which exist for this, are left out.
      """,
    why: """
      The caller reaches every function of the delegate in the calling contract's storage, initialisers \
      and setters included, past the checks of the functions that were meant to wrap them.
      """,
    howToFix:
      "Build the call data in the contract with a fixed selector, or restrict who may call.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Shop {
        address public owner;
        address public immutable engine;

        constructor(address engine_) {
          require(engine_.code.length > 0);
          engine = engine_;
        }

        function forward(bytes memory input) public {
          (bool ok, ) = engine.delegatecall(input);
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Shop {
        address public owner;
        address public immutable engine;

        constructor(address engine_) {
          require(engine_.code.length > 0);
          engine = engine_;
        }

        function forward(uint256 amount) public {
          (bool ok, ) = engine.delegatecall(abi.encodeWithSignature("pay(uint256)", amount));
          require(ok);
        }
      }
      """,
    references: [.swc(112)])

  static let unprotectedUpgrade = Rule(
    id: "unprotected-upgrade",
    title: "Anyone can replace the code that runs in a contract's storage",
    severity: .high, confidence: .high, category: .accessControl,
    summary: """
      An entry point that writes the address a proxy, beacon or delegating contract takes its code from, \
      with a value of the caller's choice, without any check of the caller. The write is found by data \
      flow, so an upgrade function whose permission hook is empty counts, whatever it is called.
      """,
    why: "Whoever sets the implementation owns the proxy: its storage, its tokens, its approvals.",
    howToFix: """
      Check the caller before the write: `onlyOwner`, a role, or for UUPS in `_authorizeUpgrade`.
      """,
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Lantern {
        bytes32 private constant TARGET =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

        function refuel(address fuel) external {
          require(fuel.code.length > 0);
          _permit(fuel);
          assembly { sstore(TARGET, fuel) }
        }

        function _permit(address fuel) internal virtual {}
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Lantern {
        bytes32 private constant TARGET =
          0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
        address private immutable keeper = msg.sender;

        function refuel(address fuel) external {
          require(fuel.code.length > 0);
          _permit(fuel);
          assembly { sstore(TARGET, fuel) }
        }

        function _permit(address fuel) internal virtual { require(msg.sender == keeper); }
      }
      """,
    references: [.erc(1822), .eip(1967), .cwe(284)])

  static let delegatecallInLoop = Rule(
    id: "delegatecall-in-loop",
    title: "A payable function delegates in a loop",
    severity: .high, confidence: .medium, category: .funds,
    summary: """
      A delegatecall in a loop below a payable entry point. For calls to the contract itself (multicall) \
      only if one of its payable functions uses `msg.value`.
      """,
    why: """
      Delegatecall keeps `msg.value`. Every round sees the whole amount although it was sent once, so a \
      deposit function credits it again and again.
      """,
    howToFix:
      "Make the looping function non-payable, or pass amounts as arguments and count what was used.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Bank {
        mapping(address => uint256) public balance;

        function batch(bytes[] calldata calls) external payable {
          for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, ) = address(this).delegatecall(calls[i]);
            require(ok);
          }
        }

        function deposit() external payable { balance[msg.sender] += msg.value; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Bank {
        mapping(address => uint256) public balance;

        function batch(bytes[] calldata calls) external {
          for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, ) = address(this).delegatecall(calls[i]);
            require(ok);
          }
        }

        function deposit() external payable { balance[msg.sender] += msg.value; }
      }
      """)

  static let delegatecallMissingCode = Rule(
    id: "delegatecall-missing-code-check",
    title: "A delegatecall may go to an address without code",
    severity: .low, confidence: .medium, category: .proxy,
    summary: """
      A delegatecall to an address from storage, in a contract that nowhere looks at the code of any address.
      """,
    why: """
      A delegatecall to an account without code succeeds and does nothing. A proxy whose implementation \
      was never set, or was destroyed, then reports success for every call.
      """,
    howToFix: "Check `target.code.length > 0` where the target is set.",
    exampleThatFires: """
      pragma solidity ^0.8.20;

      contract Relay {
        address private helper;

        constructor(address helper_) { helper = helper_; }

        function work() external {
          (bool ok, ) = helper.delegatecall(abi.encodeWithSignature("work()"));
          require(ok);
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.8.20;

      contract Relay {
        address private helper;

        constructor(address helper_) {
          require(helper_.code.length > 0);
          helper = helper_;
        }

        function work() external {
          (bool ok, ) = helper.delegatecall(abi.encodeWithSignature("work()"));
          require(ok);
        }
      }
      """)

  static let callcode = Rule(
    id: "callcode",
    title: "Use of callcode in assembly",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "A call by `callcode`, the predecessor of `delegatecall`, written in assembly.",
    why: """
      The code called sees this contract as its caller and not the account that called it, so its checks \
      of `msg.sender` mean something else. The language dropped it in 0.5.
      """,
    howToFix: "Use `delegatecall`, or better an ordinary call.",
    exampleThatFires: """
      pragma solidity ^0.4.24;

      contract Old {
        address helper;

        function work() public {
          address target = helper;
          assembly {
            if iszero(callcode(gas, target, 0, 0, 0, 0, 0)) { revert(0, 0) }
          }
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity ^0.4.24;

      contract Old {
        address helper;

        function work() public {
          address target = helper;
          assembly {
            if iszero(call(gas, target, 0, 0, 0, 0, 0)) { revert(0, 0) }
          }
        }
      }
      """,
    references: [.swc(111)])
}
