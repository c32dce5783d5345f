/// Finds the first of several texts in a text that comes in pieces, and gives out everything that cannot be part of one.
///
/// The result does not depend on where the pieces are cut: the stop text that ends first counts, of several that end
/// together the longest. Each byte costs one step for every stop text (Knuth, Morris, Pratt 1977).
package struct StopTextMatcher: Sendable {
  private struct Pattern: Sendable {
    let text: String
    let bytes: [UInt8]
    /// For every prefix length the length of its longest proper prefix that is also its suffix.
    let failure: [Int]
    var matched = 0

    init(_ text: String) {
      self.text = text
      bytes = Array(text.utf8)
      var failure = [0, 0]
      var length = 0
      for index in bytes.indices.dropFirst() {
        while length > 0, bytes[length] != bytes[index] { length = failure[length] }
        if bytes[length] == bytes[index] { length += 1 }
        failure.append(length)
      }
      self.failure = failure
    }

    /// Takes the next byte. Returns whether the text stands complete now.
    mutating func take(_ byte: UInt8) -> Bool {
      while matched > 0, bytes[matched] != byte { matched = failure[matched] }
      if bytes[matched] == byte { matched += 1 }
      guard matched == bytes.count else { return false }
      matched = failure[matched]
      return true
    }
  }

  private var patterns: [Pattern]
  private var held: [UInt8] = []

  /// Makes a matcher; empty texts are left out.
  package init(_ texts: [String]) { patterns = texts.filter { !$0.isEmpty }.map(Pattern.init) }

  /// Takes the next piece. Returns the text that has become certain, and the stop text that was found behind it, if any.
  package mutating func append(_ text: String) -> (certain: String, stop: String?) {
    guard !patterns.isEmpty else { return (text, nil) }
    for byte in text.utf8 {
      held.append(byte)
      var found: Pattern?
      for index in patterns.indices where patterns[index].take(byte) {
        if found.map({ $0.bytes.count < patterns[index].bytes.count }) ?? true {
          found = patterns[index]
        }
      }
      if let found {
        let certain = held.dropLast(found.bytes.count)
        held = []
        return (String(decoding: certain, as: UTF8.self), found.text)
      }
    }
    // Stop texts begin at a character, so what is certain ends at one.
    let open = patterns.reduce(0) { max($0, $1.matched) }
    let certain = String(decoding: held.dropLast(open), as: UTF8.self)
    held.removeFirst(held.count - open)
    return (certain, nil)
  }

  /// Gives out what was held back and begins anew.
  package mutating func flush() -> String {
    for index in patterns.indices { patterns[index].matched = 0 }
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }
}
