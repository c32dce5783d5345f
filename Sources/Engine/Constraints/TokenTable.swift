import Synchronization

/// The bytes of every token of a vocabulary, arranged so that all tokens are tested against a grammar in one pass.
///
/// Making one takes a few hundred milliseconds at 130,000 tokens; make one a model and share it. Copies share storage.
public struct TokenTable: Sendable {
  let trie: TokenTrie
  /// What was found for regular languages, kept for every grammar over this table.
  let languages: LanguageMasks

  /// The number of tokens.
  public var count: Int { trie.tokenCount }
  /// Tokens that match only where a grammar names their id.
  public let special: Set<Int32>
  /// Tokens that end a text; allowed exactly where the grammar may end.
  public let endTokens: Set<Int32>

  /// Makes a table.
  ///
  /// - Parameters:
  ///   - tokens: the bytes of every token, by id. They need not be valid UTF-8. A token without bytes, or of more
  ///     than 4096, is never allowed.
  ///   - special: ids of control tokens; their bytes are not looked at.
  ///   - endTokens: ids of tokens that end a text; not spelled out either.
  public init(tokens: [[UInt8]], special: Set<Int32>, endTokens: Set<Int32>) {
    self.special = special
    self.endTokens = endTokens
    trie = TokenTrie(tokens, leaving: special.union(endTokens))
    languages = LanguageMasks()
  }

  /// The bytes of an ordinary token; nil for special and end tokens, tokens without bytes, and unknown ids.
  func bytes(_ token: Int32) -> [UInt8]? { trie.bytes(token) }
}

/// All ordinary tokens as a prefix tree in depth-first order.
final class TokenTrie: Sendable {
  /// One byte of some tokens. The nodes of a subtree follow their root without a gap.
  struct Node: Sendable {
    /// The first token that ends here, or -1.
    var token: Int32
    /// The index of the first node after the subtree.
    var next: Int32
    /// The number of bytes from the start of the token, this one included.
    var depth: UInt16
    /// The byte.
    var byte: UInt8
  }

  static let longestToken = 4096

  let tokenCount: Int
  let nodes: [Node]
  /// For each token the next one with the same bytes, or -1.
  let twin: [Int32]
  /// The largest depth.
  let depth: Int
  private let tokens: [[UInt8]]

  init(_ tokens: [[UInt8]], leaving left: Set<Int32>) {
    tokenCount = tokens.count
    var kept = tokens
    for id in left where id >= 0 && Int(id) < kept.count { kept[Int(id)] = [] }
    for index in kept.indices where kept[index].count > TokenTrie.longestToken { kept[index] = [] }
    self.tokens = kept
    let order = kept.indices.filter { !kept[$0].isEmpty }
      .sorted {
        kept[$0] == kept[$1] ? $0 < $1 : kept[$0].lexicographicallyPrecedes(kept[$1])
      }
    var nodes: [Node] = []
    var twin = [Int32](repeating: -1, count: tokens.count)
    var path: [Int] = []
    var previous: [UInt8] = []
    var previousToken = -1
    var deepest = 0
    for token in order {
      let bytes = kept[token]
      if previousToken >= 0, bytes == previous {
        twin[previousToken] = Int32(token)
        previousToken = token
        continue
      }
      var shared = 0
      while shared < previous.count, shared < bytes.count, previous[shared] == bytes[shared] {
        shared += 1
      }
      while path.count > shared { nodes[path.removeLast()].next = Int32(nodes.count) }
      for depth in shared..<bytes.count {
        path.append(nodes.count)
        nodes.append(
          Node(token: -1, next: 0, depth: UInt16(depth + 1), byte: bytes[depth]))
      }
      nodes[nodes.count - 1].token = Int32(token)
      deepest = max(deepest, bytes.count)
      previous = bytes
      previousToken = token
    }
    while let index = path.popLast() { nodes[index].next = Int32(nodes.count) }
    self.nodes = nodes
    self.twin = twin
    depth = deepest
  }

  /// The tokens that end in a subtree, its root included.
  func tokens(under root: Int) -> [Int32] {
    var result: [Int32] = []
    for index in root..<Int(nodes[root].next) {
      var token = nodes[index].token
      while token >= 0 {
        result.append(token)
        token = twin[Int(token)]
      }
    }
    return result
  }

  /// The bytes from the root of the tree to a node.
  func path(to index: Int) -> [UInt8] {
    // The first token at or below the node begins with them.
    var first = index
    while first < nodes.count, nodes[first].token < 0 { first += 1 }
    guard first < nodes.count else { return [] }
    return Array(tokens[Int(nodes[first].token)].prefix(Int(nodes[index].depth)))
  }

  func bytes(_ token: Int32) -> [UInt8]? {
    guard token >= 0, Int(token) < tokens.count, !tokens[Int(token)].isEmpty else { return nil }
    return tokens[Int(token)]
  }
}
