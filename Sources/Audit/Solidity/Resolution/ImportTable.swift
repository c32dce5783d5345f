import SoliditySyntax

/// Which source unit each import directive brings in.
///
/// Made by whoever finds the files; an import without an entry is one whose file was not found.
public struct ImportTable: Sendable, Equatable {
  private var targets: [NodeID: Int32] = [:]

  /// An empty table.
  public init() {}

  /// The number of the unit that an import directive brings in; nil when its file was not found.
  public subscript(directive: ImportDirective) -> Int32? {
    get { targets[directive.id] }
    set { targets[directive.id] = newValue }
  }

  /// Records that the directive `id` (of unit `id.unit`) brings in unit number `target`.
  public mutating func set(_ target: Int32, for id: NodeID) { targets[id] = target }
}
