import Synchronization

/// A grammar ready to be matched against the tokens of one vocabulary.
///
/// What tokens do from a state of the grammar is found when it is first needed and kept for every matcher, and, for
/// the regular parts (strings, numbers, free text), for every grammar over the same table. It may be used from
/// several threads.
public final class CompiledGrammar: Sendable {
  /// Masks of automata with calls are let go above this many bytes.
  static let memoryLimit = 128 << 20

  /// The tokens it was compiled for.
  public let table: TokenTable
  let program: Program
  private let languages: [LanguageMask?]
  private let cache = Mutex(Cache())

  private struct Cache {
    var masks: [Int64: StateMask] = [:]
    var byteCount = 0
  }

  /// Compiles a grammar for a vocabulary.
  ///
  /// - Throws: `GrammarError` where no text satisfies the grammar, a rule is missing or begins with itself, or the
  ///   grammar is larger than the limits.
  public init(_ grammar: Grammar, table: TokenTable) throws(GrammarError) {
    let program = try GrammarCompiler.compile(grammar)
    self.table = table
    self.program = program
    languages = program.automata.map { automaton in
      guard let language = automaton.language else { return nil }
      return table.languages.mask(automaton.counted.map { .counted($0) } ?? .plain(language))
    }
  }

  /// The number of states of its automata.
  public var stateCount: Int { program.states.count }

  /// What tokens do from a state; `count` matters to counted texts, and where names must differ.
  func mask(_ state: Int32, count: Int32) -> StateMask {
    let number = Int(program.states[Int(state)].automaton)
    if let language = languages[number] {
      let local = state - program.automata[number].start
      return language.mask(local, count: count, table.trie)
    }
    // Where no name was read yet, every first name is new; else names are checked one by one.
    let names =
      program.automata[number].role == .distinct && count != NameTable.none
      ? NameTable.unknown : NameTable.none
    let key = Int64(state) << 1 | (names == NameTable.none ? 0 : 1)
    return cache.withLock { cache in
      if let known = cache.masks[key] { return known }
      let found = walk(state, names)
      if cache.byteCount > CompiledGrammar.memoryLimit {
        cache.masks.removeAll()
        cache.byteCount = 0
      }
      cache.byteCount += found.byteCount
      cache.masks[key] = found
      return found
    }
  }

  /// One pass over the token tree with stacks whose bottom is the state's own automaton.
  private func walk(_ state: Int32, _ names: Int32) -> StateMask {
    var arena = StackArena(program)
    let stack = arena.stack(.init(state: state, count: names, parent: -1))
    let trie = table.trie
    var tokens = TokenCollector(trie)
    var exits: [Int32] = []
    var uncertain: [Int32] = []
    var path = [Int32](repeating: StackArena.dead, count: trie.depth + 1)
    trie.twin.withUnsafeBufferPointer { twin in
      trie.nodes.withUnsafeBufferPointer { nodes in
        var index = 0
        while index < nodes.count {
          let node = nodes[index]
          let depth = Int(node.depth)
          let configuration =
            depth == 1
            ? arena.step(stack: stack, node.byte) : arena.step(path[depth - 1], node.byte)
          guard configuration != StackArena.dead else {
            index = Int(node.next)
            continue
          }
          if arena.configurations[Int(configuration)].isUncertain {
            uncertain += trie.tokens(under: index)
            index = Int(node.next)
            continue
          }
          path[depth] = configuration
          if node.token >= 0 { tokens.insert(node.token, twin) }
          if arena.configurations[Int(configuration)].isComplete, Int(node.next) > index + 1 {
            exits.append(Int32(index))
          }
          index += 1
        }
      }
    }
    return StateMask(tokens: tokens.set, exits: exits, uncertain: uncertain)
  }
}
