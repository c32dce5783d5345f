/// Follows one text token by token and says which tokens may come next.
///
/// Every text whose tokens were all allowed can be brought to an end, as far as the vocabulary can spell what is due.
/// A copy goes on independently of the original.
public struct GrammarMatcher: Sendable {
  /// Stacks and configurations above which those no longer needed are let go.
  private static let arenaLimit = 1 << 16
  private static let keptMasks = 64

  /// The grammar.
  public let grammar: CompiledGrammar
  private var arena: StackArena
  private var configuration: Int32
  private var masks: [Int32: TokenMask] = [:]
  /// Whether an end token was accepted.
  public private(set) var hasEnded = false

  /// A matcher before the first token.
  public init(_ grammar: CompiledGrammar) {
    self.grammar = grammar
    arena = StackArena(grammar.program)
    configuration = arena.start()
  }

  /// Whether the text may end here.
  public var canEnd: Bool { !hasEnded && arena.configurations[Int(configuration)].isComplete }

  /// Whether the text can only end here: nothing may follow.
  public var mustEnd: Bool {
    canEnd && arena.configurations[Int(configuration)].stacks.isEmpty
  }

  /// Why no token may follow although the text cannot end, if that is so: the grammar is too ambiguous here for the
  /// number of readings that are followed at a time, or the vocabulary cannot spell what is due.
  public mutating func failure() -> GrammarError? {
    guard !hasEnded, !canEnd, allowedTokens().isEmpty else { return nil }
    if arena.hasOverflowed {
      return GrammarError(
        .tooLarge,
        "the grammar has more than \(StackArena.maximumStacks) readings of the text so far; make its choices differ earlier"
      )
    }
    return GrammarError(
      .unsatisfiable, "no token of the vocabulary can continue the text as the grammar demands")
  }

  /// The tokens that may come next. End tokens are among them exactly when `canEnd`; none after an end token.
  public mutating func allowedTokens() -> TokenMask {
    if hasEnded { return TokenMask(tokenCount: grammar.table.count) }
    if let known = masks[configuration] { return known }
    let result = mask()
    if masks.count >= GrammarMatcher.keptMasks { masks.removeAll(keepingCapacity: true) }
    masks[configuration] = result
    return result
  }

  /// Reads a token.
  ///
  /// - Returns: whether it was allowed; if not, nothing changed.
  public mutating func accept(_ token: Int32) -> Bool {
    guard !hasEnded else { return false }
    if grammar.table.endTokens.contains(token) {
      hasEnded = canEnd
      return hasEnded
    }
    var next = configuration
    if grammar.table.special.contains(token) {
      next = arena.step(configuration, special: token)
    } else {
      guard let bytes = grammar.table.bytes(token) else { return false }
      for byte in bytes {
        next = arena.step(next, byte)
        if next == StackArena.dead { break }
      }
    }
    guard next != StackArena.dead else { return false }
    configuration = next
    if arena.size > GrammarMatcher.arenaLimit {
      (arena, configuration) = arena.compacted(configuration)
      masks.removeAll(keepingCapacity: true)
    }
    return true
  }

  // MARK: - Masks

  private mutating func mask() -> TokenMask {
    var result = TokenMask(tokenCount: grammar.table.count)
    let current = arena.configurations[Int(configuration)]
    for stack in current.stacks {
      let frame = arena.frame(stack)
      let state = grammar.program.states[Int(frame.state)]
      for edge in state.specials where grammar.table.special.contains(edge.token) {
        if edge.token >= 0, Int(edge.token) < grammar.table.count { result.insert(edge.token) }
      }
      guard !state.edges.isEmpty else { continue }
      let mask = grammar.mask(frame.state, count: frame.count)
      let isName =
        grammar.program.automata[Int(state.automaton)].role == .name && keepsNames(frame.parent)
      if isName, addNames(mask, frame, to: &result) { continue }
      result.formUnion(mask.tokens)
      for token in mask.uncertain where canAccept(token) { result.insert(token) }
      if frame.parent >= 0 {
        let below =
          isName ? arena.returnedName(to: frame.parent) : arena.returned(to: frame.parent)
        addExits(mask.exits, below, to: &result)
      }
    }
    if current.isComplete {
      for token in grammar.table.endTokens where token >= 0 && Int(token) < grammar.table.count {
        result.insert(token)
      }
    }
    return result
  }

  /// Whether a stack's frame keeps the names read.
  private func keepsNames(_ stack: Int32) -> Bool {
    guard stack >= 0 else { return false }
    let state = grammar.program.states[Int(arena.frame(stack).state)]
    return grammar.program.automata[Int(state.automaton)].role == .distinct
  }

  /// Whether an ordinary token may come next, found by reading it.
  private mutating func canAccept(_ token: Int32) -> Bool {
    guard let bytes = grammar.table.bytes(token) else { return false }
    var next = configuration
    for byte in bytes {
      next = arena.step(next, byte)
      if next == StackArena.dead { return false }
    }
    return true
  }

  /// Adds what a name may go on with where some names are taken: closing it must not make one of them.
  ///
  /// - Returns: false where no name is taken, and nothing was added.
  private mutating func addNames(
    _ mask: StateMask, _ frame: StackArena.Frame, to result: inout TokenMask
  ) -> Bool {
    let taken = arena.names.members(of: arena.frame(frame.parent).count)
    guard !taken.names.isEmpty else { return false }
    let trie = grammar.table.trie
    // With the opening quotation mark, where it was read.
    let before = arena.names.bytes(frame.count)
    let hasEscape = before.contains(UInt8(ascii: "\\"))
    var barred: Set<Int32> = []
    for closing in mask.closings {
      let length = before.count + Int(trie.nodes[Int(closing)].depth) - 2
      guard hasEscape || taken.lengths.contains(length) else { continue }
      let spelling = (before + trie.path(to: Int(closing))).dropFirst().dropLast()
      let name = hasEscape ? NameTable.decoded(spelling) : Array(spelling)
      if taken.names.contains(name) { barred.insert(closing) }
    }
    for closing in mask.escapedClosings {
      let spelling = (before + trie.path(to: Int(closing))).dropFirst().dropLast()
      if taken.names.contains(NameTable.decoded(spelling)) { barred.insert(closing) }
    }
    var own = TokenMask(tokenCount: result.tokenCount)
    own.formUnion(mask.tokens)
    for closing in barred {
      var token = trie.nodes[Int(closing)].token
      while token >= 0 {
        own.remove(token)
        token = trie.twin[Int(token)]
      }
    }
    let below = arena.returnedName(to: frame.parent)
    addExits(mask.exits.filter { !barred.contains($0) }, below, to: &own)
    result.formUnion(.words(own.words))
    return true
  }

  /// Adds the tokens that finish the upper frame at one of the nodes and go on with the stack below.
  private mutating func addExits(_ exits: [Int32], _ start: Int32, to mask: inout TokenMask) {
    guard !exits.isEmpty, start != StackArena.dead else { return }
    let trie = grammar.table.trie
    var path = [Int32](repeating: start, count: trie.depth + 1)
    trie.nodes.withUnsafeBufferPointer { nodes in
      for exit in exits {
        let root = nodes[Int(exit)]
        path[Int(root.depth)] = start
        var index = Int(exit) + 1
        while index < Int(root.next) {
          let node = nodes[index]
          let next = arena.step(path[Int(node.depth) - 1], node.byte)
          guard next != StackArena.dead else {
            index = Int(node.next)
            continue
          }
          if arena.configurations[Int(next)].isUncertain {
            for token in trie.tokens(under: index) where canAccept(token) { mask.insert(token) }
            index = Int(node.next)
            continue
          }
          path[Int(node.depth)] = next
          var token = node.token
          while token >= 0 {
            mask.insert(token)
            token = trie.twin[Int(token)]
          }
          index += 1
        }
      }
    }
  }
}
