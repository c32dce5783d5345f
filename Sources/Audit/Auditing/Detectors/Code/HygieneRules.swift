extension HygieneDetector {
  static let deprecated = Rule(
    id: "deprecated-construct",
    title: "Deprecated language construct",
    severity: .informational, confidence: .high, category: .hygiene,
    summary: "`throw`, `var`, `sha3`, `suicide`, `callcode`, `now`, `msg.gas`, `block.blockhash`.",
    why: "Newer compilers refuse them; some hide what they do.",
    howToFix: "Use the construct named in the finding.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Old {
        function check(bool fine) public pure { if (!fine) throw; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Old {
        function check(bool fine) public pure { require(fine); }
      }
      """,
    references: [.swc(111), .cwe(477)])

  static let pragma = Rule(
    id: "compiler-version",
    title: "Old or widely differing compilers are admitted",
    severity: .informational, confidence: .high, category: .hygiene,
    summary: """
      A pragma admits only compilers before 0.8, or compilers of several language versions. One \
      finding per pragma text.
      """,
    why: "Old compilers have known bugs; different ones give the same source different meaning.",
    howToFix: "Fix the version that was tested, 0.8 or later.",
    exampleThatFires: """
      pragma solidity >=0.6.0 <0.9.0;

      contract Anything { uint256 public value; }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.8.28;

      contract Anything { uint256 public value; }
      """,
    references: [.swc(102), .swc(103), .cwe(937)])

  static let noEffect = Rule(
    id: "statement-without-effect",
    title: "A statement does nothing",
    severity: .low, confidence: .high, category: .hygiene,
    summary: """
      A comparison or calculation stands alone as a statement, or a call is prepared (`to.call.value(x)`) \
      and never made.
      """,
    why: "Something was meant to happen, and does not: `==` for `=`, or a payment never sent.",
    howToFix: "Write the assignment or make the call.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Switch {
        bool public on;
        function turnOn() external view { on == true; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Switch {
        bool public on;
        function turnOn() external { on = true; }
      }
      """,
    references: [.swc(135), .cwe(1164)])

  static let tautology = Rule(
    id: "tautology",
    title: "A condition never changes",
    severity: .low, confidence: .high, category: .hygiene,
    summary: """
      A number is compared with a constant outside of its type's range (an unsigned one with less \
      than zero), a name with itself, or a literal decides an `&&` or `||`.
      """,
    why: "A check that was meant to protect something does not.",
    howToFix: "Write the condition that was meant.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bounds {
        function check(uint256 amount) external pure returns (bool) { return amount >= 0; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bounds {
        function check(uint256 amount) external pure returns (bool) { return amount > 0; }
      }
      """,
    references: [.cwe(571)])

  static let exponent = Rule(
    id: "incorrect-exponent",
    title: "Exclusive or in the place of a power",
    severity: .medium, confidence: .high, category: .hygiene,
    summary: """
      `^` with the base 2 or 10, between two decimal literals, or of a variable with 2.
      """,
    why: "`10 ^ 18` is 24, not a quintillion.",
    howToFix: "Write `**`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Unit { uint256 public constant ONE = 10 ^ 18; }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Unit { uint256 public constant ONE = 10 ** 18; }
      """,
    references: [.cwe(480)])

  static let typo = Rule(
    id: "assignment-typo",
    title: "Assignment of a signed value that looks like a compound assignment",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "`x =- y` or `x =+ y`, written with the sign at the equals sign.",
    why: "The value is replaced instead of changed.",
    howToFix: "Write `-=` or `+=`, or move the sign to its operand.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Sum {
        int public total;
        function take(int amount) public { total =- amount; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Sum {
        int public total;
        function take(int amount) public { total -= amount; }
      }
      """,
    references: [.swc(129), .cwe(480)])

  static let shift = Rule(
    id: "swapped-shift",
    title: "Operands of a shift in assembly look swapped",
    severity: .medium, confidence: .medium, category: .assembly,
    summary:
      "`shl`, `shr` or `sar` with a variable as the number of bits and a multiple of 8 as the value.",
    why: "The instructions take the number of bits first; swapped, the result is garbage.",
    howToFix: "Write the number of bits first: `shr(8, x)`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bits {
        function high(uint256 x) external pure returns (uint256 y) {
          assembly { y := shr(x, 8) }
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bits {
        function high(uint256 x) external pure returns (uint256 y) {
          assembly { y := shr(8, x) }
        }
      }
      """,
    references: [.cwe(683)])

  static let codeSize = Rule(
    id: "code-size-check",
    title: "A check of the caller's code does not keep contracts out",
    severity: .low, confidence: .high, category: .accessControl,
    summary: "An effect depends on the caller having no code.",
    why: "During its construction a contract has no code.",
    howToFix: "Do not rely on callers being ordinary accounts.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract People {
        mapping(address => bool) public seen;
        function register() external {
          require(msg.sender.code.length == 0, "no contracts");
          seen[msg.sender] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract People {
        mapping(address => bool) public seen;
        function register() external {
          seen[msg.sender] = true;
        }
      }
      """,
    references: [.cwe(284)])
}
