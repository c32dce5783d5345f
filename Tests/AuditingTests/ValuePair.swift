import Auditing
import Foundation
import Solidity
import SoliditySyntax
import Testing

/// A contract with a fault, and the change that cures it.
struct ValuePair: Sendable, CustomTestStringConvertible {
  /// What the fault is.
  let name: String
  /// The rule that finds it.
  let rule: RuleID
  /// The contract; `@` stands where fault and cure differ.
  let source: String
  /// What stands there in the faulty version.
  let fault: String
  /// What stands there in the cured version.
  let cure: String

  var vulnerable: String { source.replacingOccurrences(of: "@", with: fault) }
  var fixed: String { source.replacingOccurrences(of: "@", with: cure) }
  var testDescription: String { "\(rule.text): \(name)" }

  /// The problems the parser and the resolver have with a text.
  static func objections(_ text: String) -> [String] {
    ProxyProgram.objections(text)
  }

  /// The findings of a rule in a text.
  static func findings(_ rule: RuleID, in text: String) -> [Finding] {
    let program = ReportSample.program([("Pair.sol", text)])
    return Audit.run(AuditRequest(program: program, toolVersion: "1")).findings
      .filter { $0.rule == rule }
  }

  /// The text with everything it declares named otherwise. Names that other contracts give a meaning stay.
  static func renamed(_ text: String) -> String {
    let kept: Set<String> = [
      "transfer", "transferFrom", "balanceOf", "latestRoundData", "onFlashLoan", "swap",
      "amountOutMin", "get_virtual_price",
      "withdraw_admin_fees", "returns", "constructor", "revert", "require",
    ]
    let declaration =
      #/(?:contract|library|modifier|event|interface|struct|function|address|uint256|uint|bool|bytes32|\))\s+(?:public |private |internal |immutable |payable |memory )*([A-Za-z]\w*)/#
    let words: Set<String> = [
      "public", "private", "internal", "external", "view", "pure", "payable", "memory",
      "constant", "immutable", "calldata", "indexed", "is", "virtual", "override",
    ]
    let names = Set(text.matches(of: declaration).map { String($0.output.1) })
      .subtracting(kept).subtracting(words)
    return text.replacing(#/[A-Za-z_]\w*/#) { match in
      let word = String(match.output)
      return names.contains(word) ? "zq" + word.reversed() + "X" : word
    }
  }

  /// The text with every blank a line break.
  static func spread(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: "\n\t")
  }

  /// The text on one line.
  static func squeezed(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
