/// Something a reader can check a finding against.
public enum Evidence: Hashable, Sendable {
  /// Two storage layouts side by side.
  case slots(SlotDiagram)
  /// Calls from an entry point down to the place that matters, in order.
  case callPath([EvidenceStep])
  /// The way of a value from where it enters to where it is used, in order.
  case dataFlow([EvidenceStep])
  /// A statement of fact.
  case note(String)
  /// A piece of source to show beside the primary location.
  case code(FindingLocation)
}

/// A variable (or other owner) of bytes within one storage slot.
public struct SlotOccupant: Hashable, Sendable {
  /// The name of the variable, with its path for members (`data.owner`).
  public let label: String
  /// The type as the compiler writes it.
  public let type: String
  /// The first byte within the slot, counted from the low-order end; 0 to 31.
  public let offset: Int
  /// How many bytes of this slot it covers; 1 to 32.
  public let length: Int

  /// Makes an occupant. `offset` and `length` are clamped to a slot of 32 bytes.
  public init(label: String, type: String, offset: Int, length: Int) {
    self.label = label
    self.type = type
    self.offset = min(max(0, offset), 31)
    self.length = min(max(1, length), 32 - self.offset)
  }

  /// Whether the two share a byte.
  public func overlaps(_ other: SlotOccupant) -> Bool {
    offset < other.offset + other.length && other.offset < offset + length
  }
}

/// One storage slot as two layouts see it.
public struct SlotRow: Hashable, Sendable {
  /// The slot number: decimal, or `0x` and 64 hexadecimal digits for hashed slots.
  public let slot: String
  /// What the left layout keeps there.
  public let left: [SlotOccupant]
  /// What the right layout keeps there.
  public let right: [SlotOccupant]
  /// Whether this row shows the harm.
  public let isConflict: Bool

  /// Makes a row. Occupants are kept in order of their offset.
  public init(slot: String, left: [SlotOccupant], right: [SlotOccupant], isConflict: Bool) {
    self.slot = slot
    self.left = left.sorted { ($0.offset, $0.label) < ($1.offset, $1.label) }
    self.right = right.sorted { ($0.offset, $0.label) < ($1.offset, $1.label) }
    self.isConflict = isConflict
  }
}

/// Two storage layouts side by side, restricted to the slots worth showing.
public struct SlotDiagram: Hashable, Sendable {
  /// Whose layout stands left (`Proxy`, `TokenV1`).
  public let left: String
  /// Whose layout stands right.
  public let right: String
  /// The slots in the order to show them.
  public let rows: [SlotRow]

  /// Makes a diagram.
  public init(left: String, right: String, rows: [SlotRow]) {
    self.left = left
    self.right = right
    self.rows = rows
  }
}
