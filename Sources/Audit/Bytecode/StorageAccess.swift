import Ethereum

/// From where code is entered.
public enum EntryPoint: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// A call whose first four bytes choose a function.
  case function(Selector)
  /// Any other call: `fallback` and `receive`.
  case fallback

  /// The selector, or `fallback`.
  public var description: String {
    switch self {
    case .function(let selector): selector.description
    case .fallback: "fallback"
    }
  }

  /// Functions by selector, the fallback last.
  public static func < (left: EntryPoint, right: EntryPoint) -> Bool {
    switch (left, right) {
    case (.function(let a), .function(let b)): a < b
    case (.function, .fallback): true
    default: false
    }
  }
}

/// A read or a write of a storage word, from all entry points that come to do it.
public struct StorageAccess: Hashable, Sendable {
  /// Where.
  public let slot: StorageSlot
  /// Whether the word lies in transient storage (EIP-1153).
  public let isTransient: Bool
  /// Whether the word is written; else it is read.
  public let isWrite: Bool
  /// The bytes that are used or changed; `nil` where only the run decides which.
  public let bytes: ByteRange?
  /// From where, sorted.
  public let entryPoints: [EntryPoint]

  /// Puts an access together.
  public init(
    slot: StorageSlot, isTransient: Bool, isWrite: Bool, bytes: ByteRange?,
    entryPoints: [EntryPoint]
  ) {
    self.slot = slot
    self.isTransient = isTransient
    self.isWrite = isWrite
    self.bytes = bytes
    self.entryPoints = entryPoints
  }
}

/// Turns the effects of runs into accesses, merging those that differ in the entry point only.
struct StorageAccessCollector {
  private struct Key: Hashable {
    let slot: StorageSlot
    let isTransient: Bool
    let isWrite: Bool
    let bytes: ByteRange?
  }

  private var accesses: [Key: Set<EntryPoint>] = [:]

  mutating func add(_ effects: Effects, from entryPoint: EntryPoint, reader: SlotReader) {
    var masks: [ExpressionID: Set<Word>] = [:]
    for demand in effects.demands {
      if case .storage = reader.arena[demand.value] {
        masks[demand.value, default: []].insert(demand.mask)
      }
    }
    for event in effects.storage {
      if let value = event.value {
        let ranges = StorageAccessCollector.written(value, to: event.slot, in: reader.arena)
        note(event, ranges, entryPoint, reader)
      }
    }
    for (value, words) in masks {
      guard case .storage(let slot, let isTransient) = reader.arena[value] else { continue }
      let place = reader.slot(slot)
      for mask in words {
        for range in ByteRange.runs(of: mask) {
          let key = Key(slot: place, isTransient: isTransient, isWrite: false, bytes: range)
          accesses[key, default: []].insert(entryPoint)
        }
      }
    }
    // A word that is read for nothing else than to be written back does not count; one that is
    // read and used by nothing that was followed does, with its bytes open.
    let written = Set(effects.storage.filter { $0.value != nil }.map(\.slot))
    let used = Set(masks.keys.compactMap { slotValue($0, in: reader.arena) })
      .union(effects.partialDemands.compactMap { slotValue($0, in: reader.arena) })
    for event in effects.storage
    where event.value == nil && !written.contains(event.slot) && !used.contains(event.slot) {
      note(event, nil, entryPoint, reader)
    }
    for value in effects.partialDemands {
      guard case .storage(let slot, let isTransient) = reader.arena[value] else { continue }
      let key = Key(
        slot: reader.slot(slot), isTransient: isTransient, isWrite: false, bytes: nil)
      accesses[key, default: []].insert(entryPoint)
    }
  }

  private func slotValue(_ value: ExpressionID, in arena: ExpressionArena) -> ExpressionID? {
    if case .storage(let slot, _) = arena[value] { return slot }
    return nil
  }

  private mutating func note(
    _ event: Effects.StorageEvent, _ ranges: [ByteRange]?, _ entryPoint: EntryPoint,
    _ reader: SlotReader
  ) {
    let place = reader.slot(event.slot)
    for range in ranges.map({ $0.map(Optional.some) }) ?? [nil] {
      let key = Key(
        slot: place, isTransient: event.isTransient, isWrite: event.value != nil,
        bytes: range)
      accesses[key, default: []].insert(entryPoint)
    }
  }

  /// All accesses in the order of slots.
  func sorted() -> [StorageAccess] {
    accesses.map { key, entryPoints in
      StorageAccess(
        slot: key.slot, isTransient: key.isTransient, isWrite: key.isWrite, bytes: key.bytes,
        entryPoints: entryPoints.sorted())
    }
    .sorted { left, right in
      if left.isTransient != right.isTransient { return !left.isTransient }
      if left.slot != right.slot { return left.slot < right.slot }
      if left.isWrite != right.isWrite { return !left.isWrite }
      return (left.bytes ?? ByteRange(offset: 31, length: 1))
        < (right.bytes ?? ByteRange(offset: 31, length: 1))
    }
  }

  /// The bytes that a write changes: all but those that come unchanged from the same slot. `nil`
  /// if the old word takes part in a way that only the run decides.
  static func written(
    _ value: ExpressionID, to slot: ExpressionID, in arena: ExpressionArena
  ) -> [ByteRange]? {
    let kept = kept(value, of: slot, in: arena)
    if kept.isZero {
      return holds(value, slot, in: arena) ? nil : [.whole]
    }
    if kept == .max {
      // Bits are only added to the old word: those that the other parts can have.
      let added = addedBits(value, of: slot, in: arena)
      return added.isZero ? nil : ByteRange.runs(of: added)
    }
    return ByteRange.runs(of: ~kept)
  }

  private static func kept(
    _ value: ExpressionID, of slot: ExpressionID, in arena: ExpressionArena
  ) -> Word {
    switch arena[value] {
    case .storage(slot, _): return .max
    case .operation(.and, let parts):
      guard let mask = arena.constant(parts[1]) else { return .zero }
      return kept(parts[0], of: slot, in: arena) & mask
    case .operation(.or, let parts):
      return kept(parts[0], of: slot, in: arena) | kept(parts[1], of: slot, in: arena)
    default: return .zero
    }
  }

  private static func addedBits(
    _ value: ExpressionID, of slot: ExpressionID, in arena: ExpressionArena
  ) -> Word {
    switch arena[value] {
    case .storage(slot, _): return .zero
    case .constant(let word): return word
    case .operation(.and, let parts):
      guard let mask = arena.constant(parts[1]) else { return .max }
      return addedBits(parts[0], of: slot, in: arena) & mask
    case .operation(.or, let parts):
      return addedBits(parts[0], of: slot, in: arena) | addedBits(parts[1], of: slot, in: arena)
    case .sum(let terms, let constant)
    where terms.count == 1 && constant.isZero && terms[0].factor.nonzeroBitCount == 1:
      return Word.lowBits(arena.bits(terms[0].value)) << terms[0].factor.trailingZeroBitCount
    default: return .lowBits(arena.bits(value))
    }
  }

  /// Whether a value is put together by bits from what the slot held.
  private static func holds(
    _ value: ExpressionID, _ slot: ExpressionID, in arena: ExpressionArena
  ) -> Bool {
    switch arena[value] {
    case .storage(slot, _): return true
    case .operation(let opcode, let parts) where [Opcode.and, .or, .xor].contains(opcode):
      return parts.contains { holds($0, slot, in: arena) }
    default: return false
    }
  }
}
