import BigInt
import SoliditySyntax
import Solidity

/// Bytes of storage that a contract gives a meaning.
struct StorageClaim {
  /// The variable with its path: `data.owner`.
  let label: String
  /// The type as the compiler writes it.
  let type: String
  /// The first byte, counted from byte 0 of slot 0.
  let start: BigUInt
  /// One past the last byte.
  let end: BigUInt
  /// The state variable it belongs to; nil for namespaces and slots made by hand.
  let variable: VariableDeclaration?
  /// The innermost declaration: a state variable or struct member.
  let declaration: VariableDeclaration?
  /// Where a slot made by hand is used first.
  let use: StorageUse?
  /// Whether it only reserves room.
  let isGap: Bool
  /// Whether nothing is kept at the place itself: mappings.
  let isMapping: Bool

  /// Whether the two share a byte.
  func overlaps(_ other: StorageClaim) -> Bool { start < other.end && other.start < end }

  /// Whether both give the same bytes the same meaning: same place, same type, same name but for underscores.
  func agrees(with other: StorageClaim) -> Bool {
    start == other.start && end == other.end
      && StorageClaim.comparable(type) == StorageClaim.comparable(other.type)
      && StorageClaim.plain(label) == StorageClaim.plain(other.label)
  }

  /// A name without underscores and case.
  static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" } }

  /// Addresses and contracts are kept alike.
  static func comparable(_ type: String) -> String {
    type == "address payable" || type.hasPrefix("contract ") ? "address" : type
  }

  /// The part of the claim within one slot.
  func occupant(of slot: BigUInt) -> SlotOccupant? {
    let first = slot * 32
    let from = max(start, first)
    let to = min(end, first + 32)
    guard from < to else { return nil }
    return SlotOccupant(
      label: label, type: type, offset: Int(from - first), length: Int(to - from))
  }
}

/// All claims of one contract on persistent storage.
struct StorageClaims {
  /// Structs nested deeper are kept whole.
  private static let maximumDepth = 8

  private let program: Program
  /// The claims in order of place.
  private(set) var claims: [StorageClaim] = []

  /// Collects the declared variables and, if asked for, the slots named by hand.
  init(of storage: ContractStorage, in program: Program, withRegions: Bool) {
    self.program = program
    for entry in storage.layout.storage {
      add(entry, label: entry.label, variable: entry.declaration, depth: 0)
    }
    if withRegions {
      for region in storage.regions where !region.isTransient {
        // Assembly that reads a declared variable by its slot gives it no second meaning.
        let isDeclared =
          region.origin == .access
          && storage.layout.storage.contains { $0.start < region.end && region.start < $0.end }
        if !isDeclared { add(region) }
      }
    }
    claims.sort { ($0.start, $0.label) < ($1.start, $1.label) }
  }

  private mutating func add(
    _ entry: StorageEntry, label: String, variable: VariableDeclaration?, depth: Int
  ) {
    if case .structure(let definition, _) = entry.type, depth < StorageClaims.maximumDepth {
      let members = program.storageMembers(of: definition.node)
      for member in members {
        add(
          member.moved(by: entry.slot), label: label + "." + member.label, variable: variable,
          depth: depth + 1)
      }
      if !members.isEmpty { return }
    }
    var isMapping = false
    if case .mapping = entry.type { isMapping = true }
    claims.append(
      StorageClaim(
        label: label, type: program.typeString(of: entry.type), start: entry.start, end: entry.end,
        variable: variable, declaration: entry.declaration, use: nil,
        isGap: StorageClaims.isGap(entry), isMapping: isMapping))
  }

  private mutating func add(_ region: StorageRegion) {
    if region.entries.isEmpty {
      claims.append(
        StorageClaim(
          label: region.name, type: program.typeString(of: region.type), start: region.start,
          end: region.end, variable: nil, declaration: nil, use: region.uses.first, isGap: false,
          isMapping: false))
      return
    }
    let first = claims.count
    for entry in region.entries {
      add(entry, label: region.name + "." + entry.label, variable: nil, depth: 1)
    }
    for index in first..<claims.count {
      let claim = claims[index]
      claims[index] = StorageClaim(
        label: claim.label, type: claim.type, start: claim.start, end: claim.end, variable: nil,
        declaration: claim.declaration, use: region.uses.first, isGap: claim.isGap,
        isMapping: claim.isMapping)
    }
  }

  /// Arrays that only reserve room are called `gap` with underscores around.
  private static func isGap(_ entry: StorageEntry) -> Bool {
    guard case .array = entry.type else { return false }
    let name = entry.label.lowercased().drop { $0 == "_" }
    return name.hasPrefix("gap")
  }
}

/// Two claims that give shared bytes different meanings.
struct StorageConflict {
  /// The claim of the contract whose account it is.
  let host: StorageClaim
  /// The claim of the code that runs there.
  let guest: StorageClaim
  /// Whether the host's or the guest's place holds nothing itself, being the root of a mapping.
  let isOnlyMappingRoot: Bool
}

/// Compares what two contracts keep in one account's storage.
struct SharedStorageComparison {
  let hostName: String
  let guestName: String
  let conflicts: [StorageConflict]
  private let host: [StorageClaim]
  private let guest: [StorageClaim]

  /// Compares claims. `isGuestUsed` tells which of the guest's claims matter at all.
  init(
    hostName: String, host: [StorageClaim], guestName: String, guest: [StorageClaim],
    isGuestUsed: (StorageClaim) -> Bool
  ) {
    self.hostName = hostName
    self.guestName = guestName
    self.host = host
    self.guest = guest
    var conflicts: [StorageConflict] = []
    // Both lists are in order of place; claims of one list do not overlap each other (but for slots made by hand).
    var low = 0
    for left in host {
      while low < guest.count, guest[low].end <= left.start { low += 1 }
      var index = low
      while index < guest.count, guest[index].start < left.end {
        let right = guest[index]
        index += 1
        guard left.overlaps(right), !left.isGap, !right.isGap, isGuestUsed(right),
          !SharedStorageComparison.isSame(left, right)
        else { continue }
        conflicts.append(
          StorageConflict(
            host: left, guest: right, isOnlyMappingRoot: left.isMapping != right.isMapping))
      }
    }
    self.conflicts = conflicts
  }

  private static func isSame(_ left: StorageClaim, _ right: StorageClaim) -> Bool {
    if let a = left.declaration, let b = right.declaration, a.id == b.id, left.start == right.start
    {
      return true
    }
    if left.agrees(with: right) { return true }
    // Two names for one agreed slot are what the agreement is for.
    return left.variable == nil && right.variable == nil && left.start == right.start
  }

  /// The slots around the conflicts, side by side: at most `limit` rows.
  func diagram(limit: Int = 8) -> SlotDiagram {
    var slots: [BigUInt] = []
    var conflicting: Set<BigUInt> = []
    for conflict in conflicts {
      let first = max(conflict.host.start, conflict.guest.start) / 32
      let last = (min(conflict.host.end, conflict.guest.end) - 1) / 32
      var slot = first
      while slot <= last, slots.count < limit * 2 {
        if conflicting.insert(slot).inserted { slots.append(slot) }
        slot += 1
      }
    }
    // The slots before the first conflict show how the layouts came apart.
    if let first = slots.first, first <= BigUInt(limit) {
      var slot = BigUInt(0)
      while slot < first {
        slots.append(slot)
        slot += 1
      }
    }
    slots.sort()
    let rows = slots.prefix(limit).compactMap { slot -> SlotRow? in
      let left = host.compactMap { $0.occupant(of: slot) }
      let right = guest.compactMap { $0.occupant(of: slot) }
      guard !left.isEmpty || !right.isEmpty else { return nil }
      return SlotRow(
        slot: SlotText.short(slot), left: left, right: right,
        isConflict: conflicting.contains(slot))
    }
    return SlotDiagram(left: hostName, right: guestName, rows: rows)
  }
}
