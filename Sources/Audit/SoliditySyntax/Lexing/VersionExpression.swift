extension CompilerVersion {
  /// Every version between `oldest` and `newest` that was released, in order.
  public static let released: [CompilerVersion] = {
    let patches: [(minor: Int, range: ClosedRange<Int>)] = [
      (4, 11...26), (5, 0...17), (6, 0...12), (7, 0...6), (8, 0...36),
    ]
    return patches.flatMap { series in series.range.map { CompilerVersion(0, series.minor, $0) } }
  }()

  /// Minor times 100 plus patch, as the tables of words count versions.
  var code: Int16 { Int16(clamping: minor * 100 + patch) }
}

/// What a `pragma solidity` line asks for: alternatives of comparisons that must all hold.
///
/// Source: the compiler's semantic version expressions: `^ ~ < <= > >= =`, ranges with ` - `, `x` and `*` for any
/// number, blanks for "and", `||` for "or".
struct VersionExpression {
  /// One comparison.
  struct Comparison {
    enum Relation { case exactly, atLeast, atMost, above, below, caret, tilde }
    var relation: Relation
    /// The numbers written, one to three; nil stands for any.
    var numbers: [Int?]

    func admits(_ version: CompilerVersion) -> Bool {
      switch relation {
      case .caret:
        guard Comparison(relation: .atLeast, numbers: numbers).admits(version) else { return false }
        let kept = numbers[0] == 0 && numbers.count > 1 ? 2 : 1
        return Comparison(relation: .atMost, numbers: Array(numbers.prefix(kept))).admits(version)
      case .tilde:
        guard Comparison(relation: .atLeast, numbers: numbers).admits(version) else { return false }
        let kept = numbers.count > 1 ? 2 : 1
        return Comparison(relation: .atMost, numbers: Array(numbers.prefix(kept))).admits(version)
      default:
        let own = [version.major, version.minor, version.patch]
        var order = 0
        for (index, number) in numbers.enumerated() where order == 0 {
          if let number { order = own[index] < number ? -1 : (own[index] > number ? 1 : 0) }
        }
        switch relation {
        case .atLeast: return order >= 0
        case .atMost: return order <= 0
        case .above: return order > 0
        case .below: return order < 0
        default: return order == 0
        }
      }
    }
  }

  /// What is wrong with the text.
  struct Malformed: Error {
    let message: String
  }

  var alternatives: [[Comparison]] = []

  func admits(_ version: CompilerVersion) -> Bool {
    alternatives.contains { $0.allSatisfy { $0.admits(version) } }
  }

  /// Reads the text between `solidity` and the semicolon, comments already blanked.
  init(_ text: [UInt8]) throws(Malformed) {
    var reader = Reader(text: text)
    reader.skipSpace()
    if reader.isAtEnd { throw Malformed(message: "the version pragma names no version") }
    while true {
      alternatives.append(try reader.conjunction())
      reader.skipSpace()
      if reader.isAtEnd { return }
      guard reader.take("||") else {
        throw Malformed(message: "versions can be combined only with '||'")
      }
    }
  }

  private struct Reader {
    let text: [UInt8]
    var index = 0

    init(text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { index >= text.count }
    var current: UInt8 { index < text.count ? text[index] : 0 }

    mutating func skipSpace() {
      while index < text.count, text[index] <= 0x20 { index += 1 }
    }

    mutating func take(_ word: StaticString) -> Bool {
      let length = word.utf8CodeUnitCount
      guard index + length <= text.count else { return false }
      for offset in 0..<length where text[index + offset] != word.utf8Start[offset] { return false }
      index += length
      return true
    }

    mutating func conjunction() throws(Malformed) -> [Comparison] {
      var parts = [try comparison()]
      skipSpace()
      if take("-") {
        parts[0].relation = .atLeast
        var last = try comparison()
        last.relation = .atMost
        parts.append(last)
        return parts
      }
      while !isAtEnd, current != UInt8(ascii: "|") {
        parts.append(try comparison())
        skipSpace()
      }
      return parts
    }

    mutating func comparison() throws(Malformed) -> Comparison {
      skipSpace()
      // A quoted version is read by the compiler too, as long as it is a plain one.
      if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") {
        let quote = current
        index += 1
        let numbers = try version()
        guard current == quote else {
          throw Malformed(message: "expected a version number, found a string")
        }
        index += 1
        return Comparison(relation: .exactly, numbers: numbers)
      }
      var relation = Comparison.Relation.exactly
      if take("^") {
        relation = .caret
      } else if take("~") {
        relation = .tilde
      } else if take(">=") {
        relation = .atLeast
      } else if take("<=") {
        relation = .atMost
      } else if take(">") {
        relation = .above
      } else if take("<") {
        relation = .below
      } else if take("=") {
        relation = .exactly
      }
      skipSpace()
      return Comparison(relation: relation, numbers: try version())
    }

    private mutating func version() throws(Malformed) -> [Int?] {
      var numbers = [try number()]
      while numbers.count < 3 {
        let before = index
        skipSpace()
        guard current == UInt8(ascii: ".") else {
          index = before
          break
        }
        index += 1
        skipSpace()
        numbers.append(try number())
      }
      return numbers
    }

    private mutating func number() throws(Malformed) -> Int? {
      if isAtEnd { throw Malformed(message: "expected a version number before the semicolon") }
      switch current {
      case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "*"):
        index += 1
        return nil
      case UInt8(ascii: "0"):
        index += 1
        return 0
      case UInt8(ascii: "1")...UInt8(ascii: "9"):
        var value = 0
        while current >= UInt8(ascii: "0"), current <= UInt8(ascii: "9") {
          value = value * 10 + Int(current - UInt8(ascii: "0"))
          if value > 1_000_000_000 {
            throw Malformed(message: "the number is too large for a version")
          }
          index += 1
        }
        return value
      default:
        let found = String(decoding: [current], as: UTF8.self)
        throw Malformed(message: "expected a version number, found '\(found)'")
      }
    }
  }
}
