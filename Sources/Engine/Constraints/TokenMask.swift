/// Which tokens of a vocabulary may come next: one bit a token.
public struct TokenMask: Hashable, Sendable {
  /// The number of tokens of the vocabulary.
  public let tokenCount: Int
  var words: [UInt64]

  init(tokenCount: Int) {
    self.tokenCount = tokenCount
    words = [UInt64](repeating: 0, count: (tokenCount + 63) / 64)
  }

  init(tokenCount: Int, words: [UInt64]) {
    self.tokenCount = tokenCount
    self.words = words
  }

  /// Whether a token may come next; false for ids outside the vocabulary.
  public func contains(_ token: Int32) -> Bool {
    guard token >= 0, Int(token) < tokenCount else { return false }
    return words[Int(token) >> 6] >> UInt64(token & 63) & 1 == 1
  }

  /// The words of the mask: token t is bit t % 64 of word t / 64; bits past the vocabulary are zero.
  public func withWords<Result>(
    _ body: (UnsafeBufferPointer<UInt64>) throws -> Result
  ) rethrows -> Result {
    try words.withUnsafeBufferPointer(body)
  }

  /// The number of tokens that may come next.
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Whether no token may come next.
  public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  mutating func remove(_ token: Int32) {
    words[Int(token) >> 6] &= ~(1 << UInt64(token & 63))
  }

  mutating func insert(_ token: Int32) {
    words[Int(token) >> 6] |= 1 << UInt64(token & 63)
  }
}
