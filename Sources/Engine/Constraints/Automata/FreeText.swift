/// The automaton of text that stops before a marker.
enum FreeText {
  /// Where a reader is inside one UTF-8 sequence (RFC 3629).
  enum Position: Hashable {
    case boundary
    /// That many continuation bytes are due; the next lies in the range.
    case inside(due: Int, ClosedRange<UInt8>)

    func after(_ byte: UInt8) -> Position? {
      switch self {
      case .boundary:
        switch byte {
        case 0x00...0x7F: return .boundary
        case 0xC2...0xDF: return .inside(due: 1, 0x80...0xBF)
        case 0xE0: return .inside(due: 2, 0xA0...0xBF)
        case 0xED: return .inside(due: 2, 0x80...0x9F)
        case 0xE1...0xEF: return .inside(due: 2, 0x80...0xBF)
        case 0xF0: return .inside(due: 3, 0x90...0xBF)
        case 0xF4: return .inside(due: 3, 0x80...0x8F)
        case 0xF1...0xF3: return .inside(due: 3, 0x80...0xBF)
        default: return nil
        }
      case .inside(let due, let range):
        guard range.contains(byte) else { return nil }
        return due == 1 ? .boundary : .inside(due: due - 1, 0x80...0xBF)
      }
    }
  }

  private struct Value: Hashable {
    var position = Position.boundary
    /// The node of the markers' automaton; -1 once a marker was read.
    var node = 0
    /// How much of what follows the text was read, once the marker was.
    var rest = 0
  }

  /// Valid UTF-8 text without any of the markers.
  static func text(without markers: [[UInt8]]) throws(GrammarError) -> DeterministicAutomaton {
    let search = MarkerSearch(markers)
    return try DeterministicAutomaton.build(Value()) {
      $0.position == .boundary
    } step: {
      value, byte in
      guard let position = value.position.after(byte) else { return nil }
      let node = search.after(value.node, byte)
      return search.found(node) == nil ? Value(position: position, node: node) : nil
    }
  }

  /// Valid UTF-8 text up to and including the first marker, which must be the beginning of `following`, and then the
  /// rest of `following`; nil where `following` does not begin with a marker.
  static func text(
    without markers: [[UInt8]], through following: [UInt8]
  ) throws(GrammarError) -> DeterministicAutomaton? {
    let markers = markers.filter { !$0.isEmpty }
    let beginnings = markers.filter { following.starts(with: $0) }
    guard let marker = beginnings.min(by: { $0.count < $1.count }) else { return nil }
    let search = MarkerSearch(markers)
    let rest = Array(following[marker.count...])
    return try DeterministicAutomaton.build(Value()) {
      $0.node < 0 && $0.rest == rest.count
    } step: {
      value, byte in
      if value.node < 0 {
        guard value.rest < rest.count, rest[value.rest] == byte else { return nil }
        return Value(node: -1, rest: value.rest + 1)
      }
      let node = search.after(value.node, byte)
      if let found = search.found(node) { return found == marker ? Value(node: -1) : nil }
      guard let position = value.position.after(byte) else { return nil }
      return Value(position: position, node: node)
    }
  }
}

/// Searches a text for several byte strings at once (Aho and Corasick, 1975).
struct MarkerSearch {
  private var targets: [[Int]]
  private var marker: [[UInt8]?]

  init(_ markers: [[UInt8]]) {
    var children: [[UInt8: Int]] = [[:]]
    var marker: [[UInt8]?] = [nil]
    for text in markers where !text.isEmpty {
      var node = 0
      for byte in text {
        if let next = children[node][byte] {
          node = next
        } else {
          children.append([:])
          marker.append(nil)
          children[node][byte] = children.count - 1
          node = children.count - 1
        }
      }
      marker[node] = text
    }
    var targets = [[Int]](repeating: [Int](repeating: 0, count: 256), count: children.count)
    var failure = [Int](repeating: 0, count: children.count)
    var queue = [0]
    var next = 0
    while next < queue.count {
      let node = queue[next]
      next += 1
      for byte in 0..<256 {
        let fallback = node == 0 ? 0 : targets[failure[node]][byte]
        if let child = children[node][UInt8(byte)] {
          failure[child] = fallback
          if marker[child] == nil { marker[child] = marker[fallback] }
          targets[node][byte] = child
          queue.append(child)
        } else {
          targets[node][byte] = fallback
        }
      }
    }
    self.targets = targets
    self.marker = marker
  }

  func after(_ node: Int, _ byte: UInt8) -> Int { targets[node][Int(byte)] }

  /// A marker that ends at the node: the longest, or the one it contains at its end.
  func found(_ node: Int) -> [UInt8]? { marker[node] }
}
