import Ethereum

/// A value on the stack of code that runs without knowing its inputs: the number of a node in an
/// ``ExpressionArena``. Equal values of one arena have equal numbers.
struct ExpressionID: Hashable, Comparable, Sendable {
  let index: UInt32

  static func < (left: ExpressionID, right: ExpressionID) -> Bool { left.index < right.index }
}

/// One node of a symbolic value.
enum Expression: Hashable, Sendable {
  /// A known number.
  case constant(Word)
  /// The first four bytes of call data as a number.
  case selector
  /// An instruction without arguments that asks the environment, such as `CALLER`.
  case environment(Opcode)
  /// 32 bytes of call data from an offset.
  case callData(ExpressionID)
  /// What a storage slot holds.
  case storage(slot: ExpressionID, isTransient: Bool)
  /// A pure instruction on one to three values.
  case operation(Opcode, [ExpressionID])
  /// A sum of multiples and a constant, in ascending order of the terms, none with factor 0.
  case sum([Term], constant: Word)
  /// The Keccak-256 hash of 32-byte words laid end to end.
  case hash([ExpressionID])
  /// The Keccak-256 hash of bytes of unknown number that end with one word, as a mapping with a
  /// `bytes` or `string` key computes it.
  case hashEnding(with: ExpressionID, site: Int)
  /// A word of what a call returned: the call's offset in the code and the account called.
  case callOutput(site: Int, callee: ExpressionID, word: Int)
  /// A value that nothing is known of, named by the place where it arose.
  case unknown(site: Int, number: Int)

  struct Term: Hashable, Sendable {
    let value: ExpressionID
    let factor: Word
  }
}

/// What a value depends on.
struct Dependencies: OptionSet, Sendable {
  let rawValue: UInt8

  /// The four bytes that choose a function.
  static let selector = Dependencies(rawValue: 1)
  /// The length of call data or the ether sent along: what dispatch code checks besides.
  static let envelope = Dependencies(rawValue: 2)
  /// Call data beyond the selector.
  static let arguments = Dependencies(rawValue: 4)
  /// Anything else: storage, the caller, the block, results of calls.
  static let other = Dependencies(rawValue: 8)
}

/// All symbolic values of one analysis, each stored once.
///
/// Values are simplified as they are made, and a value whose tree would have more than
/// ``maximumSize`` nodes is refused, which bounds every walk over it.
struct ExpressionArena {
  static let maximumSize = 400
  /// Nodes after which no new structure is kept.
  static let maximumCount = 500_000

  private(set) var nodes: [Expression] = []
  private var facts: [Facts] = []
  private var numbers: [Expression: ExpressionID] = [:]

  /// Facts that hold for each node.
  struct Facts {
    /// Nodes of the tree.
    var size: UInt16
    /// The value is below 2^bits.
    var bits: UInt16
    var dependencies: Dependencies
  }

  let zero: ExpressionID
  let one: ExpressionID

  init() {
    zero = ExpressionID(index: 0)
    one = ExpressionID(index: 1)
    _ = intern(.constant(.zero), bits: 0, of: [])
    _ = intern(.constant(.one), bits: 1, of: [])
  }

  subscript(id: ExpressionID) -> Expression { nodes[Int(id.index)] }

  func bits(_ id: ExpressionID) -> Int { Int(facts[Int(id.index)].bits) }

  func dependencies(_ id: ExpressionID) -> Dependencies { facts[Int(id.index)].dependencies }

  func size(_ id: ExpressionID) -> Int { Int(facts[Int(id.index)].size) }

  /// The number that a node is, if it is one.
  func constant(_ id: ExpressionID) -> Word? {
    if case .constant(let word) = self[id] { return word }
    return nil
  }

  var isFull: Bool { nodes.count >= ExpressionArena.maximumCount }

  /// Whether a node with these parts would be too large to keep.
  func isTooLarge(_ parts: [ExpressionID]) -> Bool {
    isFull || parts.reduce(1) { $0 + size($1) } > ExpressionArena.maximumSize
  }

  mutating func constant(_ word: Word) -> ExpressionID {
    intern(.constant(word), bits: 256 - word.leadingZeroBitCount, of: [])
  }

  mutating func selector() -> ExpressionID {
    intern(.selector, bits: 32, dependencies: .selector, of: [])
  }

  mutating func environment(_ opcode: Opcode) -> ExpressionID {
    let bits: Int
    switch opcode {
    case .address, .caller, .origin, .coinbase: bits = 160
    case .calldatasize, .returndatasize, .codesize, .timestamp, .number, .gas, .msize: bits = 64
    default: bits = 256
    }
    let isEnvelope = opcode == .calldatasize || opcode == .callvalue
    return intern(
      .environment(opcode), bits: bits, dependencies: isEnvelope ? .envelope : .other, of: [])
  }

  mutating func callData(at offset: ExpressionID) -> ExpressionID {
    intern(
      .callData(offset), bits: 256,
      dependencies: offset == zero ? [.selector, .arguments] : .arguments, of: [offset])
  }

  mutating func storage(slot: ExpressionID, isTransient: Bool) -> ExpressionID {
    intern(
      .storage(slot: slot, isTransient: isTransient), bits: 256, dependencies: .other, of: [slot])
  }

  mutating func hash(_ words: [ExpressionID], site: Int) -> ExpressionID {
    if isTooLarge(words) { return unknown(site: site, number: 0) }
    return intern(.hash(words), bits: 256, dependencies: .other, of: words)
  }

  mutating func hashEnding(with slot: ExpressionID, site: Int) -> ExpressionID {
    intern(.hashEnding(with: slot, site: site), bits: 256, dependencies: .other, of: [slot])
  }

  mutating func callOutput(site: Int, callee: ExpressionID, word: Int) -> ExpressionID {
    if isTooLarge([callee]) { return unknown(site: site, number: word) }
    return intern(
      .callOutput(site: site, callee: callee, word: word), bits: 256, dependencies: .other,
      of: [callee])
  }

  mutating func unknown(site: Int, number: Int) -> ExpressionID {
    intern(.unknown(site: site, number: number), bits: 256, dependencies: .other, of: [])
  }

  mutating func intern(
    _ node: Expression, bits: Int, dependencies: Dependencies = [], of parts: [ExpressionID]
  ) -> ExpressionID {
    if let known = numbers[node] { return known }
    var size = 1
    var all = dependencies
    for part in parts {
      size += self.size(part)
      all.formUnion(self.dependencies(part))
    }
    let id = ExpressionID(index: UInt32(nodes.count))
    nodes.append(node)
    facts.append(
      Facts(
        size: UInt16(clamping: size), bits: UInt16(clamping: min(bits, 256)), dependencies: all))
    numbers[node] = id
    return id
  }
}
