import BigInt
import SoliditySyntax

/// Breaks variables down into what lies in each slot.
struct SlotMapBuilder {
  /// Arrays and structs of more slots than this are shown as one run.
  private static let expandedSlots = BigUInt(8)
  /// A map has no more rows than this; the rest is summed up.
  private static let maximumRows = 4096

  private let program: Program
  private let names: StorageTypeNames
  private var sizes: StorageSizes
  private var rows: [SlotMapRow] = []

  init(program: Program) {
    self.program = program
    names = StorageTypeNames(program: program)
    sizes = StorageSizes(program: program)
  }

  mutating func rows(of entries: [StorageEntry]) -> [SlotMapRow] {
    rows = []
    for entry in entries {
      add(
        label: entry.label, type: entry.type, contract: entry.declaringContract?.name ?? "",
        slot: entry.slot, offset: entry.offset, isGap: entry.isGap, depth: 0)
    }
    return finish()
  }

  mutating func rows(of region: StorageRegion) -> [SlotMapRow] {
    guard region.entries.isEmpty else {
      rows = []
      for entry in region.entries {
        add(
          label: entry.label, type: entry.type, contract: "", slot: entry.slot,
          offset: entry.offset, isGap: entry.isGap, depth: 1)
      }
      return finish()
    }
    rows = []
    let isNamed = region.name != SlotText.short(region.slot)
    add(
      label: isNamed ? region.name : "word", type: region.type, contract: "", slot: region.slot,
      offset: 0,
      isGap: false, depth: 1)
    return finish()
  }

  private mutating func finish() -> [SlotMapRow] {
    // Packed variables follow each other, so rows of one slot are neighbours.
    var merged: [SlotMapRow] = []
    for row in rows {
      if let previous = merged.last, previous.first == row.first, previous.last == row.last {
        merged[merged.count - 1] = SlotMapRow(
          first: row.first, last: row.last, occupants: previous.occupants + row.occupants,
          note: previous.note.isEmpty ? row.note : previous.note)
      } else {
        merged.append(row)
      }
    }
    return merged
  }

  private mutating func add(
    label: String, type: SolidityType, contract: String, slot: BigUInt, offset: Int, isGap: Bool,
    depth: Int
  ) {
    let size = sizes.size(of: type, name: label)
    let isFull = rows.count >= SlotMapBuilder.maximumRows
    if depth < 16, !isFull {
      switch type {
      case .structure(let definition, _)
      where depth == 0 || size.slots <= SlotMapBuilder.expandedSlots:
        for member in sizes.members(of: definition.node).entries {
          add(
            label: "\(label).\(member.label)", type: member.type, contract: contract,
            slot: slot + member.slot, offset: member.offset, isGap: member.isGap, depth: depth + 1)
        }
        return
      case .array(let element, let length?, _)
      where size.slots <= SlotMapBuilder.expandedSlots && !isGap:
        addElements(
          of: element, count: Int(length), label: label, contract: contract, slot: slot,
          depth: depth)
        return
      default: break
      }
    }
    var note = ""
    switch type {
    case .mapping: note = "values by hash of key and slot"
    case .array(_, nil, _): note = "length; elements from the hash of the slot on"
    default: break
    }
    rows.append(
      SlotMapRow(
        first: slot, last: slot + size.slots - 1,
        occupants: [
          SlotMapOccupant(
            label: label, type: names.label(of: type), contract: contract, offset: offset,
            length: size.bytes, isGap: isGap)
        ], note: note))
  }

  private mutating func addElements(
    of element: SolidityType, count: Int, label: String, contract: String, slot: BigUInt,
    depth: Int
  ) {
    let size = sizes.size(of: element, name: label)
    guard size.bytes < 32 else {
      for index in 0..<count {
        add(
          label: "\(label)[\(index)]", type: element, contract: contract,
          slot: slot + size.slots * BigUInt(index), offset: 0, isGap: false, depth: depth + 1)
      }
      return
    }
    let perSlot = 32 / size.bytes
    for first in stride(from: 0, to: count, by: perSlot) {
      let last = min(first + perSlot, count) - 1
      let range = first == last ? "\(first)" : "\(first)..\(last)"
      let place = slot + BigUInt(first / perSlot)
      rows.append(
        SlotMapRow(
          first: place, last: place,
          occupants: [
            SlotMapOccupant(
              label: "\(label)[\(range)]", type: names.label(of: element), contract: contract,
              offset: 0, length: (last - first + 1) * size.bytes, isGap: false)
          ], note: ""))
    }
  }
}

extension StorageEntry {
  /// Whether the variable only reserves room: a static array whose name says gap (`__gap`,
  /// `__gap_paused`, `______gap`, `_storageGap`).
  package var isGap: Bool {
    guard case .array(_, .some, _) = type, label.hasPrefix("_") else { return false }
    let name = label.drop { $0 == "_" }.lowercased()
    return name.hasPrefix("gap") || name.hasSuffix("gap")
  }
}
