/// Reads Solidity text into a syntax tree.
public enum Parser {
  /// Parses a file. Never fails: what cannot be understood is listed in `SourceUnit.diagnostics`.
  ///
  /// - Parameters:
  ///   - source: the file.
  ///   - unit: the number that `NodeID.unit` of every node gets.
  public static func parse(_ source: SourceFile, unit: Int32 = 0) -> SourceUnit {
    fatalError("written by the syntax work")
  }
}
