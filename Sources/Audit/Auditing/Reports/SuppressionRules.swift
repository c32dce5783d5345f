/// The rules about suppression directives themselves. They cannot be suppressed.
public enum SuppressionRules {
  /// What can be wrong with a directive.
  enum Kind: CaseIterable {
    case withoutReason
    case malformed
    case unused
  }

  /// Their pages.
  public static let rules: [Rule] = Kind.allCases.map(rule)

  static func rule(_ kind: Kind) -> Rule {
    switch kind {
    case .withoutReason: withoutReason
    case .malformed: malformed
    case .unused: unused
    }
  }

  private static let withoutReason = Rule(
    id: "suppression-without-reason",
    title: "Suppression without a reason",
    severity: .informational, confidence: .high, category: .directives,
    summary: """
      A `maslin-ignore` directive names rules but gives no reason after a colon. It suppresses nothing.
      """,
    why: """
      Whoever reads the code next has to judge the finding again. A reason can be checked; a bare \
      directive can only be trusted.
      """,
    howToFix: "Write why the finding is acceptable: `// maslin-ignore RULE: reason`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          // maslin-ignore unused-suppression
          return block.timestamp;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          // maslin-ignore unused-suppression: shows the form of a directive with a reason
          return block.timestamp;
        }
      }
      """)

  private static let malformed = Rule(
    id: "malformed-suppression",
    title: "Suppression that cannot take effect",
    severity: .informational, confidence: .high, category: .directives,
    summary: """
      A `maslin-ignore` directive names no rule or one that does not exist, opens a region that is never \
      closed, ends one that was never opened, or stands where it covers nothing.
      """,
    why: """
      The author believes a finding to be dealt with, and the report shows it again, or a typing error \
      hides that nothing is covered.
      """,
    howToFix: """
      Use a name that `maslin rules` lists, close every `maslin-ignore-start` with a `maslin-ignore-end` \
      of the same rules, and put the directive on the line, before the line, or in the documentation of \
      the declaration it is meant for.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          // maslin-ignore no-such-rule: the name is wrong
          return block.timestamp;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          // maslin-ignore unused-suppression: the name is right
          return block.timestamp;
        }
      }
      """)

  private static let unused = Rule(
    id: "unused-suppression",
    title: "Suppression that suppresses nothing",
    severity: .informational, confidence: .high, category: .directives,
    summary: """
      A `maslin-ignore` directive names a rule that ran and has no finding where the directive applies.
      """,
    why: """
      The code changed and the directive stayed. If the problem returns in that place it will be hidden, \
      with a reason written for other code.
      """,
    howToFix: "Remove the directive, or the rule's name from it.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          // maslin-ignore malformed-suppression: left over from other code
          return block.timestamp;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Clock {
        function now_() external view returns (uint256) {
          return block.timestamp;
        }
      }
      """)
}
