import BigInt
import SoliditySyntax

/// A variable, member or array element (or several) within one slot or a run of slots.
public struct SlotMapOccupant: Hashable, Sendable {
  /// The name with its path: `vault.owner`, `flags[0..31]`.
  public let label: String
  /// The type as the compiler writes it.
  public let type: String
  /// The contract that declares it; empty for members of namespaces.
  public let contract: String
  /// The lowest byte within the slot.
  public let offset: Int
  /// How many bytes of the slot it takes.
  public let length: Int
  /// Whether it only reserves room for later versions.
  public let isGap: Bool
}

/// One slot, or a run of slots that are all taken the same way.
public struct SlotMapRow: Hashable, Sendable {
  /// The slot.
  public let first: BigUInt
  /// The last slot of a run; equals `first` for one slot.
  public let last: BigUInt
  /// What lies there, lowest byte first.
  public let occupants: [SlotMapOccupant]
  /// More to say about the row; may be empty.
  public let note: String

  /// Bytes of the slot that nothing takes.
  public var freeBytes: Int { 32 - occupants.reduce(0) { $0 + $1.length } }

  /// Thirty-two characters from byte 31 down to byte 0, the way a slot reads as a number: a letter for
  /// each occupant (`a` the lowest), `_` for reserved bytes, `.` for free ones.
  public var bar: String {
    var bytes = [Character](repeating: ".", count: 32)
    for (index, occupant) in occupants.enumerated() {
      for byte in occupant.offset..<min(32, occupant.offset + occupant.length) {
        bytes[31 - byte] = occupant.isGap ? "_" : SlotMapRow.mark(index)
      }
    }
    return String(bytes)
  }

  /// The letter of an occupant: `a` to `z`, then `A` to `F`.
  static func mark(_ index: Int) -> Character {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEF")
    return letters[index % letters.count]
  }
}

/// The storage of a contract for people: what lies in which byte of which slot.
public struct SlotMap: Sendable {
  /// Rows under one heading.
  public struct Section: Sendable {
    /// `storage`, `transient storage`, or the name of a namespace or hand-made slot.
    public let title: String
    /// The rows in order of slot.
    public let rows: [SlotMapRow]
  }

  /// `path:Contract`.
  public let contract: String
  /// Declared storage first, then transient storage, then regions; empty ones left out.
  public let sections: [Section]
  /// What makes the map uncertain.
  public let problems: [LayoutProblem]

  /// Draws the map of a contract's storage.
  public init(of storage: ContractStorage, in program: Program) {
    let contract = storage.layout.contract
    self.contract = "\(program.unit(of: contract).source.path):\(contract.name)"
    problems = storage.problems
    var builder = SlotMapBuilder(program: program)
    var sections = [
      Section(title: "storage", rows: builder.rows(of: storage.layout.storage)),
      Section(title: "transient storage", rows: builder.rows(of: storage.layout.transient)),
    ]
    for region in storage.regions {
      let kind = region.isTransient ? "transient slot" : "slot"
      let title =
        region.namespace == nil
        ? "\(kind) \(region.name)" : "namespace \(region.name)"
      sections.append(Section(title: title, rows: builder.rows(of: region)))
    }
    self.sections = sections.filter { !$0.rows.isEmpty }
  }

  /// The map as text, one row a slot.
  public var text: String {
    var lines = [contract]
    for section in sections {
      // Hashed slots are named once; the rows count from there.
      let lowest = section.rows.map(\.first).min()
      let origin = lowest.flatMap { $0.bitWidth > 64 ? $0 : nil }
      let place = origin.map { " at \(SlotText.hexadecimal($0))" } ?? ""
      lines.append("  \(section.title)\(place)")
      let names = section.rows.map { SlotMap.slotText($0, from: origin) }
      let width = min(24, names.map(\.count).max() ?? 0)
      for (row, name) in zip(section.rows, names) {
        let padding = String(repeating: " ", count: max(0, width - name.count))
        lines.append("    \(padding)\(name) [\(row.bar)] \(SlotMap.legend(of: row))")
      }
    }
    if sections.isEmpty { lines.append("  no storage") }
    lines += problems.map { "  warning: \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func slotText(_ row: SlotMapRow, from origin: BigUInt?) -> String {
    let sign = origin == nil ? "" : "+"
    let (first, last) = (row.first - (origin ?? 0), row.last - (origin ?? 0))
    let start = sign + SlotText.short(first)
    return first == last ? start : "\(start)..\(SlotText.short(last))"
  }

  private static func legend(of row: SlotMapRow) -> String {
    var parts = row.occupants.enumerated().map { index, occupant in
      let mark = occupant.isGap ? "_" : String(SlotMapRow.mark(index))
      let contract = occupant.contract.isEmpty ? "" : " (\(occupant.contract))"
      return "\(mark) \(occupant.label): \(occupant.type)\(contract)"
    }
    if row.first != row.last { parts.append("\(row.last - row.first + 1) slots") }
    if row.freeBytes > 0 {
      parts.append("\(row.freeBytes) byte\(row.freeBytes == 1 ? "" : "s") free")
    }
    if !row.note.isEmpty { parts.append(row.note) }
    return parts.joined(separator: ", ")
  }
}
