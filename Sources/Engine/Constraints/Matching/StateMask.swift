/// What the tokens of a table do from one state of an automaton, whatever stack lies below it.
struct StateMask: Sendable {
  /// The tokens that the automaton reads to their last byte.
  var tokens: TokenSet
  /// Nodes of the token tree where the automaton may be done while longer tokens go on: what follows is for the
  /// stack below. Ascending.
  var exits: [Int32]
  /// Nodes of the token tree where a language is done and cannot go on. Ascending.
  var closings: [Int32] = []
  /// Those on whose way a backslash was read.
  var escapedClosings: [Int32] = []
  /// Tokens that depend on the names read before.
  var uncertain: [Int32] = []

  /// A set of tokens in the smaller of two forms.
  enum TokenSet: Sendable {
    case few([Int32])
    case words([UInt64])

    /// How many bytes it takes.
    var byteCount: Int {
      switch self {
      case .few(let tokens): tokens.count * 4
      case .words(let words): words.count * 8
      }
    }
  }

  var byteCount: Int {
    tokens.byteCount + (exits.count + closings.count + escapedClosings.count + uncertain.count) * 4
      + 64
  }
}

/// A set of tokens being collected, a word or a token at a time.
struct TokenCollector {
  private var few: [Int32] = []
  private var words: [UInt64] = []
  private let wordCount: Int

  init(_ trie: TokenTrie) { wordCount = (trie.tokenCount + 63) / 64 }

  /// Adds a token and its twins.
  @inline(__always)
  mutating func insert(_ token: Int32, _ twin: UnsafeBufferPointer<Int32>) {
    var token = token
    while token >= 0 {
      if words.isEmpty {
        few.append(token)
        if few.count > wordCount { spread() }
      } else {
        words[Int(token) >> 6] |= 1 << UInt64(token & 63)
      }
      token = twin[Int(token)]
    }
  }

  private mutating func spread() {
    words = [UInt64](repeating: 0, count: wordCount)
    for token in few { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }
    few = []
  }

  var set: StateMask.TokenSet { words.isEmpty ? .few(few) : .words(words) }
}

extension TokenMask {
  mutating func formUnion(_ set: StateMask.TokenSet) {
    switch set {
    case .few(let tokens): for token in tokens { insert(token) }
    case .words(let other):
      words.withUnsafeMutableBufferPointer { words in
        other.withUnsafeBufferPointer { other in
          for index in words.indices { words[index] |= other[index] }
        }
      }
    }
  }
}
