extension ControlDetector {
  static let skippedBody = Rule(
    id: "modifier-skips-body",
    title: "A modifier can skip the function without reverting",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "Some way through a modifier neither reaches `_` nor reverts.",
    why: """
      The function silently does nothing and returns zeros; callers take that for success.
      """,
    howToFix: "Revert where the body is not to run.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Door {
        address immutable owner = msg.sender;
        bool public open;
        modifier onlyOwner() { if (msg.sender == owner) _; }
        function unlock() external onlyOwner { open = true; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Door {
        address immutable owner = msg.sender;
        bool public open;
        modifier onlyOwner() { require(msg.sender == owner, "not the owner"); _; }
        function unlock() external onlyOwner { open = true; }
      }
      """,
    references: [.cwe(670)])

  static let assemblyReturn = Rule(
    id: "assembly-return",
    title: "Assembly ends the call before its caller is done",
    severity: .high, confidence: .medium, category: .assembly,
    summary: """
      `return` in the assembly of an internal function, or below a modifier with work left, ends the \
      whole message call although code behind it still had something to do.
      """,
    why:
      "What follows, such as a second payment, an event or the release of a lock, never happens.",
    howToFix: "Leave the function with `leave` or by assigning its results.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Answers {
        uint256 public asked;
        function answer() internal pure {
          assembly { mstore(0, 42) return(0, 32) }
        }
        function ask() external {
          answer();
          asked += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Answers {
        uint256 public asked;
        function answer() internal pure {
          assembly { mstore(0, 42) return(0, 32) }
        }
        function ask() external {
          asked += 1;
          answer();
        }
      }
      """,
    references: [.cwe(705)])

  static let overwritten = Rule(
    id: "overwritten-write",
    title: "A stored value is overwritten before it is read",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "The same variable is assigned twice, and nothing in between can see the first value.",
    why: "One of the two assignments was probably meant for another variable or element.",
    howToFix: "Remove the first assignment or correct its target.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Range {
        uint256 public low;
        uint256 public high;
        function set(uint256 a, uint256 b) external {
          low = a;
          low = b;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Range {
        uint256 public low;
        uint256 public high;
        function set(uint256 a, uint256 b) external {
          low = a;
          high = b;
        }
      }
      """,
    references: [.cwe(563)])

  static let constructors = Rule(
    id: "multiple-constructors",
    title: "Two functions claim to be the constructor",
    severity: .medium, confidence: .high, category: .initialization,
    summary: "A contract has a `constructor` and a function with the contract's name.",
    why: "Only one runs at deployment; the other may let anyone initialise the contract again.",
    howToFix: "Keep one constructor.",
    exampleThatFires: """
      pragma solidity 0.4.22;

      contract Shop {
        address public keeper;
        constructor() public { keeper = msg.sender; }
        function Shop() public { keeper = tx.origin; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.22;

      contract Shop {
        address public keeper;
        constructor() public { keeper = msg.sender; }
      }
      """,
    references: [.swc(118), .cwe(665)])

  static let competingArguments = Rule(
    id: "reused-base-constructor",
    title: "A base constructor is given arguments more than once",
    severity: .medium, confidence: .high, category: .initialization,
    summary: """
      Two places among a contract and its bases pass arguments to the constructor of the same base, \
      which compilers before 0.5 accept.
      """,
    why: "Only one set of arguments is used, perhaps not the one the reader expects.",
    howToFix: "Pass the arguments in one place.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Base {
        uint public rate;
        constructor(uint rate_) public { rate = rate_; }
      }

      contract Middle is Base {
        constructor(uint x) Base(x * 3) public {}
      }

      contract Last is Middle {
        constructor(uint y) Middle(y) Base(y * 2) public {}
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Base {
        uint public rate;
        constructor(uint rate_) public { rate = rate_; }
      }

      contract Middle is Base {
        constructor(uint x) Base(x * 3) public {}
      }

      contract Last is Middle {
        constructor(uint y) Middle(y) public {}
      }
      """,
    references: [.cwe(665)])
}
