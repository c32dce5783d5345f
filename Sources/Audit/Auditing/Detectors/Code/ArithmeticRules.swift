extension ArithmeticDetector {
  static let wrapping = Rule(
    id: "arithmetic-overflow",
    title: "Arithmetic can wrap around",
    severity: .medium, confidence: .medium, category: .arithmetic,
    summary: """
      An addition, subtraction, multiplication or power in code compiled before 0.8, or in an \
      `unchecked` block, works on a number the caller supplies, and nothing compares the operands \
      or the result. Low in unchecked blocks; informational where the caller supplies nothing.
      """,
    why: "A wrapped number passes checks and corrupts books: a tiny payment buys everything.",
    howToFix: "Compile with 0.8 or later, use checked arithmetic, or require the bounds first.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Coin {
        mapping(address => uint256) public balances;
        function give(address to, uint256 amount) public {
          require(balances[msg.sender] - amount >= 0);
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function give(address to, uint256 amount) public {
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    references: [.swc(101), .cwe(190)])

  static let narrowing = Rule(
    id: "unsafe-cast",
    title: "A conversion silently drops high bits or the sign",
    severity: .medium, confidence: .medium, category: .arithmetic,
    summary: """
      A number the caller supplies is converted to a type that cannot hold all its values, nothing \
      bounds it before, and the result is stored or sent.
      """,
    why: "Conversions do not revert in any version; a large amount becomes a small one.",
    howToFix: "Require that the number fits, or use a checked conversion such as SafeCast.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Locks {
        mapping(address => uint128) public locked;
        function lock(uint256 amount) external { locked[msg.sender] += uint128(amount); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Locks {
        mapping(address => uint128) public locked;
        function lock(uint256 amount) external {
          require(amount <= type(uint128).max, "too much");
          locked[msg.sender] += uint128(amount);
        }
      }
      """,
    references: [.swc(101), .cwe(681)])

  static let precision = Rule(
    id: "divide-before-multiply",
    title: "A quotient is multiplied after it was rounded",
    severity: .low, confidence: .medium, category: .arithmetic,
    summary: "The result of a division is a factor of a multiplication by something else.",
    why: "Integer division rounds down; multiplying afterwards multiplies the error.",
    howToFix: "Multiply first, then divide.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fees {
        function fee(uint256 amount, uint256 parts, uint256 rate) external pure returns (uint256) {
          return (amount / parts) * rate;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fees {
        function fee(uint256 amount, uint256 parts, uint256 rate) external pure returns (uint256) {
          return (amount * rate) / parts;
        }
      }
      """,
    references: [.cwe(682)])
}
