/// The name of a part of a model in several files: `NAME-00002-of-00003.gguf`.
package struct ShardName: Hashable, Sendable {
  /// What all parts' names begin with, directories included.
  package let base: String
  /// Counted from 1.
  package let number: Int
  /// How many parts there are.
  package let count: Int

  /// Makes the name of a part.
  package init(base: String, number: Int, count: Int) {
    self.base = base
    self.number = number
    self.count = count
  }

  /// Takes a path apart; nil when it is not that of a part.
  package init?(path: String) {
    let suffix = ".gguf"
    guard path.hasSuffix(suffix) else { return nil }
    let stem = path.dropLast(suffix.count)
    // -00002-of-00003
    let tail = stem.suffix(15)
    guard tail.count == 15, tail.utf8.count == 15 else { return nil }
    let parts = tail.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, parts[2] == "of",
      let number = Self.number(parts[1]), let count = Self.number(parts[3]),
      number >= 1, number <= count
    else { return nil }
    self.init(base: String(stem.dropLast(15)), number: number, count: count)
  }

  private static func number(_ digits: Substring) -> Int? {
    guard digits.utf8.count == 5, digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
      return nil
    }
    return Int(digits)
  }

  /// The file's path.
  package var path: String { "\(base)-\(Self.padded(number))-of-\(Self.padded(count)).gguf" }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
