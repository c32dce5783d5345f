extension ReentrancyDetector {
  static let state = Rule(
    id: "reentrancy-state",
    title: "State is brought up to date only after an external call",
    severity: .high, confidence: .high, category: .reentrancy,
    summary: """
      An external call that can run foreign code stands between a read of a state variable and its update, and no \
      reentrancy lock is held. Calls limited to 2300 gas, static calls and calls only privileged callers can make \
      do not count.
      """,
    why: """
      The called account can call back before the update and repeat an action the old value still allows, such as \
      withdrawing the same balance again.
      """,
    howToFix: """
      Write the new state before the call (checks, effects, interactions), or hold a reentrancy lock over the whole \
      function and over every function that uses the same state.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;

        function deposit() external payable {
          balances[msg.sender] += msg.value;
        }

        function withdraw() external {
          uint256 amount = balances[msg.sender];
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
          balances[msg.sender] = 0;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;

        function deposit() external payable {
          balances[msg.sender] += msg.value;
        }

        function withdraw() external {
          uint256 amount = balances[msg.sender];
          balances[msg.sender] = 0;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let crossFunction = Rule(
    id: "reentrancy-cross-function",
    title: "A function can be entered while another has not finished its books",
    severity: .medium, confidence: .medium, category: .reentrancy,
    summary: """
      State is written after an external call to an account the caller chooses, and another function without lock \
      relies on that state.
      """,
    why: """
      The called account enters through the other function and acts on a value that is about to change.
      """,
    howToFix: """
      Write the state before the call, or hold one reentrancy lock over all functions that share it.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Raffle {
        mapping(address => bool) public claimed;
        mapping(address => uint256) public points;

        function claim(address payable to) external {
          (bool sent, ) = to.call("");
          require(sent, "call failed");
          claimed[msg.sender] = true;
        }

        function swap() external {
          require(!claimed[msg.sender], "claimed");
          points[msg.sender] += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Raffle {
        mapping(address => bool) public claimed;
        mapping(address => uint256) public points;

        function claim(address payable to) external {
          claimed[msg.sender] = true;
          (bool sent, ) = to.call("");
          require(sent, "call failed");
        }

        function swap() external {
          require(!claimed[msg.sender], "claimed");
          points[msg.sender] += 1;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let readOnly = Rule(
    id: "reentrancy-read-only",
    title: "A view shows half-updated state during an external call",
    severity: .low, confidence: .medium, category: .reentrancy,
    summary: """
      While ether is sent to an account the caller chooses, a view that computes from several state variables \
      reads one that is written only after the call, and the view does not look at the lock.
      """,
    why: """
      Other contracts use such views as prices. Inside the call they see one side of the books updated and the other \
      not, even where a lock protects this contract itself.
      """,
    howToFix: "Write all state before the call, or let the view revert while the lock is held.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Pool {
        uint256 public supply;
        uint256 public reserve;
        mapping(address => uint256) public shares;

        function exit(uint256 amount) external {
          shares[msg.sender] -= amount;
          reserve -= amount;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
          supply -= amount;
        }

        function price() external view returns (uint256) {
          return (reserve * 1e18) / supply;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Pool {
        uint256 public supply;
        uint256 public reserve;
        mapping(address => uint256) public shares;

        function exit(uint256 amount) external {
          shares[msg.sender] -= amount;
          reserve -= amount;
          supply -= amount;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
        }

        function price() external view returns (uint256) {
          return (reserve * 1e18) / supply;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let stipend = Rule(
    id: "reentrancy-stipend",
    title: "Only the gas stipend prevents reentrancy",
    severity: .informational, confidence: .high, category: .reentrancy,
    summary: """
      A state variable is read before and written after `transfer` or `send`, which pass on 2300 gas.
      """,
    why: """
      The receiver cannot do much with 2300 gas today. Gas prices have changed before, and chains \
      other than mainnet have their own.
      """,
    howToFix: "Write the new state before sending.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;
        function deposit() external payable { balances[msg.sender] += msg.value; }
        function withdraw() external {
          payable(msg.sender).transfer(balances[msg.sender]);
          balances[msg.sender] = 0;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;
        function deposit() external payable { balances[msg.sender] += msg.value; }
        function withdraw() external {
          uint256 amount = balances[msg.sender];
          balances[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(107), .swc(134)])

  static let events = Rule(
    id: "reentrancy-events",
    title: "Event logged after an external call",
    severity: .informational, confidence: .medium, category: .reentrancy,
    summary: """
      An event is logged after a call to an account the caller chooses, and nothing else is changed after it.
      """,
    why: "On reentry the log shows actions in another order than they happened.",
    howToFix: "Log the event before the call, or hold a reentrancy lock.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Relay {
        event Called(address target);

        function run(address target) external {
          (bool done, ) = target.call("");
          require(done, "call failed");
          emit Called(target);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Relay {
        event Called(address target);

        function run(address target) external {
          emit Called(target);
          (bool done, ) = target.call("");
          require(done, "call failed");
        }
      }
      """,
    references: [.swc(107)])
}
