/// Finds added tokens in text: the longest at each place, from left to right, without overlap.
///
/// A tree of bytes. The time is the length of the text times the length of the longest near miss.
struct AddedTokenMatcher: Sendable {
  private struct Node {
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    var byte: UInt8 = 0
    var token: Int32 = -1
  }

  private var nodes = [Node()]
  /// The child of the root for every byte, or -1.
  private var roots = [Int32](repeating: -1, count: 256)

  /// Makes a matcher for tokens of distinct, non-empty contents.
  init(_ tokens: some Sequence<AddedToken>) {
    for token in tokens { insert(token.content, token.id) }
  }

  /// Whether there is nothing to find.
  var isEmpty: Bool { nodes.count == 1 }

  private mutating func insert(_ content: [UInt8], _ token: Int32) {
    guard let first = content.first else { return }
    var node = roots[Int(first)]
    if node < 0 {
      node = addNode(first)
      roots[Int(first)] = node
    }
    for byte in content.dropFirst() {
      var child = nodes[Int(node)].firstChild
      while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
      if child < 0 {
        child = addNode(byte)
        nodes[Int(child)].nextSibling = nodes[Int(node)].firstChild
        nodes[Int(node)].firstChild = child
      }
      node = child
    }
    nodes[Int(node)].token = token
  }

  private mutating func addNode(_ byte: UInt8) -> Int32 {
    nodes.append(Node(byte: byte))
    return Int32(nodes.count - 1)
  }

  /// The first match that starts in `range` and ends in it: the token and where it stands.
  func next(
    in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
  ) -> (token: Int32, range: Range<Int>)? {
    nodes.withUnsafeBufferPointer { nodes in
      roots.withUnsafeBufferPointer { roots in
        for start in range {
          var node = roots[Int(text[start])]
          if node < 0 { continue }
          var found: (token: Int32, range: Range<Int>)?
          var index = start + 1
          while true {
            if nodes[Int(node)].token >= 0 { found = (nodes[Int(node)].token, start..<index) }
            guard index < range.upperBound else { break }
            var child = nodes[Int(node)].firstChild
            while child >= 0, nodes[Int(child)].byte != text[index] {
              child = nodes[Int(child)].nextSibling
            }
            if child < 0 { break }
            node = child
            index += 1
          }
          if let found { return found }
        }
        return nil
      }
    }
  }
}
