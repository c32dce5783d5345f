import Ethereum

/// Where a run without known inputs stands.
struct SymbolicState {
  /// Number of the instruction to run next.
  var index: Int
  var stack: [ExpressionID] = []
  var memory = SymbolicMemory()
  /// What the path took for granted: conditions and how they came out.
  var conditions: [PathCondition] = []
  /// The function that the path runs, once dispatch has chosen one.
  var selector: UInt32?
  /// The call whose return data is current.
  var lastCall: CallSite?
  /// Copies of the code's own bytes into memory, the latest last.
  var codeCopies: [CodeCopy] = []
  /// Jumps to a lower address on the way here.
  var backwardJumps = 0
  /// Whether a condition on the way depends on call data.
  var dependsOnCallData = false
  /// Words written to memory, kept only while creation code is looked at.
  var memoryWrites: [MemoryWrite] = []

  struct CallSite: Hashable {
    let offset: Int
    let callee: ExpressionID
  }

  struct CodeCopy: Hashable {
    let destination: ExpressionID
    let source: Int
    let length: Int
  }

  struct MemoryWrite: Hashable {
    let address: ExpressionID
    let value: ExpressionID
  }
}

/// A condition of a branch that a path took.
struct PathCondition: Hashable {
  let value: ExpressionID
  let isNonZero: Bool
}

/// How a run of straight code ended.
enum BlockEnd {
  /// At the start of another block.
  case goto(Int)
  /// At `JUMPI`: both ways, and the number of the instruction on each; `nil` where a jump fails.
  case branch(condition: ExpressionID, taken: Int?, otherwise: Int?)
  /// Before the remainder of something that depends on the selector alone: one way for each value
  /// below the divisor. The remainder is to be pushed.
  case remainder(ExpressionID, divisor: Int)
  /// At an instruction that ends execution; `INVALID` also where the EVM would fail.
  case stopped(Opcode)
  /// At a jump whose target is not known.
  case unresolved
}

/// What running code does to the world outside of its stack and memory.
struct Effects {
  private(set) var storage: [StorageEvent] = []
  private(set) var delegations: [Delegation] = []
  private(set) var demands: Set<Demand> = []
  /// Stored words of which a part is used that only the run decides.
  private(set) var partialDemands: Set<ExpressionID> = []
  var creates = false
  var selfDestructs = false
  var hasUnresolvedJump = false
  var isExhausted = false

  private var knownStorage: Set<StorageEvent> = []
  private var knownDelegations: Set<Delegation> = []

  struct StorageEvent: Hashable {
    let offset: Int
    let isTransient: Bool
    let slot: ExpressionID
    /// The value of a write; `nil` for a read.
    let value: ExpressionID?
  }

  struct Delegation: Hashable {
    let offset: Int
    let opcode: Opcode
    let target: ExpressionID
  }

  /// Bits of a value that something depends on.
  struct Demand: Hashable {
    let value: ExpressionID
    let mask: Word
  }

  mutating func add(_ event: StorageEvent) {
    if knownStorage.insert(event).inserted { storage.append(event) }
  }

  mutating func add(_ delegation: Delegation) {
    if knownDelegations.insert(delegation).inserted { delegations.append(delegation) }
  }

  /// Notes that bits of a value are used, and with it the bits of the stored words that it is made
  /// of. A word that is only merged into what is written back to its own `target` slot does not
  /// count.
  mutating func demand(
    _ value: ExpressionID, mask: Word = .max, writtenTo target: ExpressionID? = nil,
    in arena: ExpressionArena
  ) {
    if arena.constant(value) != nil || mask.isZero { return }
    if target == nil, !demands.insert(Demand(value: value, mask: mask)).inserted { return }
    switch arena[value] {
    case .storage(let slot, _):
      if slot != target { demand(slot, in: arena) }
    case .operation(let opcode, let parts):
      switch opcode {
      case .and:
        if let constant = arena.constant(parts[1]) {
          demand(parts[0], mask: mask & constant, writtenTo: target, in: arena)
        } else {
          for part in parts { demand(part, mask: mask, writtenTo: target, in: arena) }
        }
      case .or, .xor:
        for part in parts { demand(part, mask: mask, writtenTo: target, in: arena) }
      case .not:
        demand(parts[0], mask: mask, in: arena)
      case .shr:
        if let count = arena.constant(parts[0])?.int {
          demand(parts[1], mask: mask << min(count, 256), in: arena)
        } else {
          demand(parts[0], in: arena)
          demandPart(of: parts[1], in: arena)
        }
      case .div where arena.constant(parts[1]) == nil:
        demandPart(of: parts[0], in: arena)
        demand(parts[1], in: arena)
      case .signextend:
        let index = arena.constant(parts[0])?.int ?? 31
        demand(parts[1], mask: .lowBits(8 * (min(index, 31) + 1)), in: arena)
        demand(parts[0], in: arena)
      case .byte:
        if let index = arena.constant(parts[0])?.int, index < 32 {
          demand(parts[1], mask: Word(0xff) << (8 * (31 - index)), in: arena)
        } else {
          for part in parts { demand(part, in: arena) }
        }
      default:
        for part in parts { demand(part, in: arena) }
      }
    case .sum(let terms, let constant):
      if terms.count == 1, constant.isZero, terms[0].factor.nonzeroBitCount == 1 {
        demand(terms[0].value, mask: mask >> terms[0].factor.trailingZeroBitCount, in: arena)
      } else {
        for term in terms { demand(term.value, in: arena) }
      }
    case .hash(let words):
      for word in words { demand(word, in: arena) }
    case .callData(let offset):
      demand(offset, in: arena)
    case .hashEnding, .callOutput, .constant, .selector, .environment, .unknown:
      break
    }
  }

  private mutating func demandPart(of value: ExpressionID, in arena: ExpressionArena) {
    if case .storage = arena[value] {
      partialDemands.insert(value)
    } else {
      demand(value, in: arena)
    }
  }
}
