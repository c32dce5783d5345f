import Ethereum

/// Where the target of a `DELEGATECALL` or `CALLCODE` comes from.
public enum DelegateTarget: Hashable, Sendable, CustomStringConvertible {
  /// An address in the code.
  case constant(Address)
  /// An address that a 32-byte operand holds, as the compiler places immutables. The zero address
  /// is a place that the constructor has yet to fill.
  case immutable(Address)
  /// What a storage word holds.
  case storage(StorageSlot, isTransient: Bool)
  /// Call data: the caller chooses.
  case callData
  /// What another contract answered, and where that contract's address comes from, if known.
  indirect case returned(by: DelegateTarget)
  /// The contract itself.
  case own
  /// Not known.
  case unknown

  /// The origin, for a person.
  public var description: String {
    switch self {
    case .constant(let address): "constant address \(address)"
    case .immutable(let address):
      address == .zero ? "immutable, not set here" : "immutable address \(address)"
    case .storage(let slot, let isTransient): (isTransient ? "transient " : "") + "\(slot)"
    case .callData: "call data"
    case .returned(let callee): "answer of a call to \(callee)"
    case .own: "the contract itself"
    case .unknown: "unknown"
    }
  }

  init(
    _ value: ExpressionID, reader: SlotReader, wideConstants: Set<Word>, depth: Int = 0
  ) {
    self = .unknown
    guard depth < 16 else { return }
    func inner(_ value: ExpressionID) -> DelegateTarget {
      DelegateTarget(value, reader: reader, wideConstants: wideConstants, depth: depth + 1)
    }
    let arena = reader.arena
    switch arena[value] {
    case .constant(let word):
      let address = Address(truncating: word)
      self = wideConstants.contains(word) ? .immutable(address) : .constant(address)
    case .storage(let slot, let isTransient):
      self = .storage(reader.slot(slot), isTransient: isTransient)
    case .callData: self = .callData
    case .environment(.address): self = .own
    case .callOutput(_, let callee, let word) where word >= 0:
      self = .returned(by: inner(callee))
    case .operation(let opcode, let parts):
      switch opcode {
      case .and, .or, .shr, .shl, .div, .byte, .signextend:
        // Cutting an address out of a word does not change where it comes from.
        let origins = parts.filter { arena.constant($0) == nil }.map(inner)
        if let first = origins.first, origins.allSatisfy({ $0 == first }) { self = first }
      default: break
      }
    case .sum(let terms, let constant) where terms.count == 1 && constant.isZero:
      self = inner(terms[0].value)
    case .selector, .hash, .hashEnding, .unknown, .environment, .callOutput, .sum:
      break
    }
  }
}

/// A `DELEGATECALL` or `CALLCODE` that some path comes to.
public struct DelegateCall: Hashable, Sendable {
  /// Byte offset of the instruction.
  public let offset: Int
  /// Whether it is the old `CALLCODE`.
  public let isCallCode: Bool
  /// Where the target comes from.
  public let target: DelegateTarget
  /// From where, sorted.
  public let entryPoints: [EntryPoint]
}
