/// The name of a rule: lower-case words of letters and digits joined by single hyphens, such as
/// `proxy-storage-collision`. Rule names never change meaning once released; reports, baselines and
/// suppressions refer to them.
public struct RuleID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name as written in reports.
  public let text: String

  /// Makes a rule name, or nil if `text` is not lower-case words joined by hyphens (1 to 64 bytes).
  public init?(_ text: some StringProtocol) {
    guard RuleID.isWellFormed(text) else { return nil }
    self.text = String(text)
  }

  /// Whether `text` has the form of a rule name.
  public static func isWellFormed(_ text: some StringProtocol) -> Bool {
    guard (1...64).contains(text.utf8.count) else { return false }
    var previousIsHyphen = true
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        previousIsHyphen = false
      case UInt8(ascii: "-") where !previousIsHyphen:
        previousIsHyphen = true
      default:
        return false
      }
    }
    return !previousIsHyphen
  }

  /// The name as written in reports.
  public var description: String { text }

  /// Orders by name, byte by byte.
  public static func < (a: RuleID, b: RuleID) -> Bool { a.text < b.text }
}

extension RuleID: ExpressibleByStringLiteral {
  /// Makes a rule name from a literal in the program text; a malformed literal is a bug and stops the program.
  public init(stringLiteral value: StaticString) {
    let text = value.description
    precondition(RuleID.isWellFormed(text), "malformed rule name \(text)")
    self.text = text
  }
}
