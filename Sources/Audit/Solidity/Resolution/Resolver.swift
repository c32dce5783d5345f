import SoliditySyntax

extension Program {
  /// Resolves a closed set of units.
  ///
  /// Never fails: what cannot be resolved is listed in `diagnostics` and reads as nil or `.unknown`.
  ///
  /// - Parameters:
  ///   - units: the units; `SourceUnit.number` of each must be its index.
  ///   - imports: which unit each import directive brings in.
  public static func resolve(units: [SourceUnit], imports: ImportTable) -> Program {
    var tables = ResolutionTables()
    tables.units = units.map { UnitTables(nodeCount: $0.nodeCount) }
    return Program(units: units, contracts: [], diagnostics: [], tables: tables)
  }
}
