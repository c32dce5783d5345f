extension DeclarationDetector {
  static let shadowedState = Rule(
    id: "shadowed-state-variable",
    title: "A state variable hides one of a base contract",
    severity: .high, confidence: .high, category: .declarations,
    summary: """
      Before 0.6 a contract could declare a state variable with the name of one it inherits.
      """,
    why: "Code of the base and of the derived contract use different variables under one name.",
    howToFix: "Remove the second declaration.",
    exampleThatFires: """
      pragma solidity 0.5.17;

      contract Owned {
        address public owner = msg.sender;
        modifier onlyOwner() { require(msg.sender == owner); _; }
      }

      contract Till is Owned {
        address owner;
        function close() public onlyOwner {}
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.5.17;

      contract Owned {
        address public owner = msg.sender;
        modifier onlyOwner() { require(msg.sender == owner); _; }
      }

      contract Till is Owned {
        address keeper;
        function close() public onlyOwner {}
      }
      """,
    references: [.swc(119), .cwe(710)])

  static let shadowedName = Rule(
    id: "shadowed-name",
    title: "A declaration hides another of the same name",
    severity: .low, confidence: .high, category: .declarations,
    summary: """
      A function or state variable has the name of a built-in, or a local variable that of a state \
      variable.
      """,
    why: "Readers and later changes take one for the other.",
    howToFix: "Choose another name.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Counter {
        uint256 public count;
        function reset() external pure returns (uint256) {
          uint256 count = 0;
          return count;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Counter {
        uint256 public count;
        function reset() external pure returns (uint256) {
          uint256 fresh = 0;
          return fresh;
        }
      }
      """,
    references: [.swc(119), .cwe(710)])

  static let visibility = Rule(
    id: "default-visibility",
    title: "A function is public because nobody said otherwise",
    severity: .low, confidence: .high, category: .accessControl,
    summary: "A function of a contract compiled before 0.5 states no visibility.",
    why: "The default is public; helpers meant to be internal can be called by anyone.",
    howToFix: "State the visibility.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Prize {
        uint public paid;
        function _pay() { paid += 1; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Prize {
        uint public paid;
        function _pay() internal { paid += 1; }
      }
      """,
    references: [.swc(100), .cwe(710)])

  static let zeroCheck = Rule(
    id: "missing-zero-check",
    title: "An address is stored without excluding zero",
    severity: .low, confidence: .medium, category: .declarations,
    summary: """
      An address given as a parameter is stored in a single state variable, and nothing looks \
      whether it is zero.
      """,
    why: "A forgotten argument locks out the owner or sends funds to nobody.",
    howToFix: "Require that the address is not zero.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Owned {
        address public owner;
        constructor(address owner_) { owner = owner_; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Owned {
        address public owner;
        constructor(address owner_) {
          require(owner_ != address(0), "no owner");
          owner = owner_;
        }
      }
      """,
    references: [.cwe(20)])
}
