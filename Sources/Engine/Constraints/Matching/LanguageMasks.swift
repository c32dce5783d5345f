import Synchronization

/// The masks of the regular languages used over one token table, shared by all grammars that use them.
final class LanguageMasks: Sendable {
  /// Above this, what was kept is let go; grammars in use keep what they hold.
  static let memoryLimit = 256 << 20

  private let known = Mutex<[RegularLanguage.Form: LanguageMask]>([:])

  func mask(_ form: RegularLanguage.Form) -> LanguageMask {
    known.withLock { known in
      if let mask = known[form] { return mask }
      if known.values.reduce(0, { $0 + $1.byteCount }) > LanguageMasks.memoryLimit {
        known.removeAll()
      }
      let mask = LanguageMask(form)
      known[form] = mask
      return mask
    }
  }
}

/// The masks of one regular language, found state by state when they are first asked for.
final class LanguageMask: Sendable {
  private struct Cache {
    /// 256 targets a state; -1: none.
    var table: [Int32] = []
    var states: [Int32: StateMask] = [:]
    var counted: [Int32: CountedMask] = [:]
    var byteCount = 0
  }

  private let automaton: DeterministicAutomaton
  private let counted: CountedText?
  private let cache = Mutex(Cache())

  init(_ form: RegularLanguage.Form) {
    switch form {
    case .plain(let automaton), .name(let automaton):
      self.automaton = automaton
      counted = nil
    case .counted(let text):
      automaton = text.automaton
      counted = text
    }
  }

  var byteCount: Int { cache.withLock { $0.byteCount } }

  /// The mask of a state, for a count of units read where they are counted.
  func mask(_ state: Int32, count: Int32, _ trie: TokenTrie) -> StateMask {
    cache.withLock { cache in
      if cache.table.isEmpty {
        cache.table = LanguageMask.table(automaton)
        cache.byteCount += cache.table.count * 4
      }
      if let counted {
        if cache.counted[state] == nil {
          let found = CountedMask(counted, from: state, table: cache.table, trie)
          cache.byteCount += found.byteCount
          cache.counted[state] = found
        }
        return cache.counted[state]?.mask(counted, count: count, trie)
          ?? StateMask(tokens: .few([]), exits: [])
      }
      if let known = cache.states[state] { return known }
      let found = LanguageMask.walk(state, automaton, cache.table, trie)
      cache.byteCount += found.byteCount
      cache.states[state] = found
      return found
    }
  }

  private static func table(_ automaton: DeterministicAutomaton) -> [Int32] {
    var table = [Int32](repeating: -1, count: automaton.states.count * 256)
    for (index, state) in automaton.states.enumerated() {
      for edge in state.edges {
        for byte in edge.low...edge.high { table[index * 256 + Int(byte)] = edge.target }
      }
    }
    return table
  }

  /// One pass over the token tree that leaves out what the automaton does not read.
  private static func walk(
    _ start: Int32, _ automaton: DeterministicAutomaton, _ table: [Int32], _ trie: TokenTrie
  ) -> StateMask {
    var tokens = TokenCollector(trie)
    var exits: [Int32] = []
    var closings: [Int32] = []
    var escapedClosings: [Int32] = []
    var isEscaped = [Bool](repeating: false, count: trie.depth + 1)
    let isEnd = automaton.states.map(\.isEnd)
    let isClosed = automaton.states.map { $0.isEnd && $0.isDeadEnd }
    var path = [Int32](repeating: start, count: trie.depth + 1)
    table.withUnsafeBufferPointer { table in
      isEnd.withUnsafeBufferPointer { isEnd in
        path.withUnsafeMutableBufferPointer { path in
          trie.nodes.withUnsafeBufferPointer { nodes in
            trie.twin.withUnsafeBufferPointer { twin in
              var index = 0
              while index < nodes.count {
                let node = nodes[index]
                let depth = Int(node.depth)
                let state = table[Int(path[depth - 1]) << 8 | Int(node.byte)]
                guard state >= 0 else {
                  index = Int(node.next)
                  continue
                }
                path[depth] = state
                isEscaped[depth] = isEscaped[depth - 1] || node.byte == UInt8(ascii: "\\")
                if node.token >= 0 { tokens.insert(node.token, twin) }
                if isEnd[Int(state)] {
                  if Int(node.next) > index + 1 { exits.append(Int32(index)) }
                  if isClosed[Int(state)] {
                    if isEscaped[depth] {
                      escapedClosings.append(Int32(index))
                    } else {
                      closings.append(Int32(index))
                    }
                  }
                }
                index += 1
              }
            }
          }
        }
      }
    }
    return StateMask(
      tokens: tokens.set, exits: exits, closings: closings, escapedClosings: escapedClosings)
  }
}

/// What the tokens of a table do from one state of a counted text: how many units they begin, and where they close it.
struct CountedMask: Sendable {
  /// The tokens that stay inside the text, by the number of units they begin.
  private var inside: [[Int32]]
  /// All of them.
  private var all: StateMask.TokenSet
  /// Where the text closes: the node of the token tree, its token or -1, and the number of units begun before.
  private var closings: [(node: Int32, token: Int32, units: Int32)]

  var byteCount: Int {
    all.byteCount + closings.count * 12 + inside.reduce(0) { $0 + $1.count * 4 }
  }

  init(_ text: CountedText, from start: Int32, table: [Int32], _ trie: TokenTrie) {
    var inside: [[Int32]] = []
    var closings: [(node: Int32, token: Int32, units: Int32)] = []
    var collector = TokenCollector(trie)
    var path = [(state: Int32, units: Int32)](repeating: (start, 0), count: trie.depth + 1)
    trie.twin.withUnsafeBufferPointer { twin in
      var index = 0
      while index < trie.nodes.count {
        let node = trie.nodes[index]
        let depth = Int(node.depth)
        var (state, units) = path[depth - 1]
        let target = table[Int(state) << 8 | Int(node.byte)]
        guard target >= 0 else {
          index = Int(node.next)
          continue
        }
        if state == text.hub {
          if target == text.exit {
            closings.append((Int32(index), node.token, units))
            index = Int(node.next)
            continue
          }
          units += 1
        }
        state = target
        path[depth] = (state, units)
        if node.token >= 0 {
          collector.insert(node.token, twin)
          while inside.count <= Int(units) { inside.append([]) }
          inside[Int(units)].append(node.token)
        }
        index += 1
      }
    }
    self.inside = inside
    self.closings = closings
    all = collector.set
  }

  /// The mask after `count` units.
  func mask(_ text: CountedText, count: Int32, _ trie: TokenTrie) -> StateMask {
    var tokens = TokenCollector(trie)
    var exits: [Int32] = []
    var closed: [Int32] = []
    for closing in closings {
      let total = count + closing.units
      guard total >= text.minimum, total <= text.maximum ?? total else { continue }
      if closing.token >= 0 { closed.append(closing.token) }
      if Int(trie.nodes[Int(closing.node)].next) > Int(closing.node) + 1 {
        exits.append(closing.node)
      }
    }
    return trie.twin.withUnsafeBufferPointer { twin in
      let room = text.maximum.map { Int($0 - count) } ?? inside.count
      if room + 1 >= inside.count {
        var mask = TokenMask(tokenCount: trie.tokenCount)
        mask.formUnion(all)
        for token in closed {
          var token = token
          while token >= 0 {
            mask.insert(token)
            token = twin[Int(token)]
          }
        }
        return StateMask(tokens: .words(mask.words), exits: exits)
      }
      for units in 0...max(0, room) { for token in inside[units] { tokens.insert(token, twin) } }
      for token in closed { tokens.insert(token, twin) }
      return StateMask(tokens: tokens.set, exits: exits)
    }
  }
}
