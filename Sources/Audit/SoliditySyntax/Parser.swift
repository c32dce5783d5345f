/// Reads Solidity text into a syntax tree.
public enum Parser {
  /// How deep constructs may nest; what nests deeper is diagnosed. Passes that recurse over the tree may rely on it.
  public static let maximumNesting = SyntaxReader.maximumNesting
  /// How many levels the tree of one expression may have, left-leaning operator chains included.
  public static let maximumExpressionHeight = SyntaxReader.maximumHeight

  /// Parses a file. Never fails: what cannot be understood is listed in `SourceUnit.diagnostics`.
  ///
  /// The dialect is the newest compiler that every `pragma solidity` of the file admits. Where the file cannot be
  /// understood in it, the last admitted version of each older minor series is tried.
  ///
  /// - Parameters:
  ///   - source: the file.
  ///   - unit: the number that `NodeID.unit` of every node gets.
  public static func parse(_ source: SourceFile, unit: Int32 = 0) -> SourceUnit {
    if source.bytes.count > SourceFile.maximumSize {
      return SourceUnit(
        number: unit, source: source,
        language: LanguageVersion(
          dialect: .newest, oldest: .oldest, isPinned: false),
        items: [],
        diagnostics: [
          SyntaxDiagnostic(
            message: "the file is larger than \(SourceFile.maximumSize >> 20) MiB and is not read",
            range: SourceRange(start: 0, end: 0))
        ], licence: nil, nodeCount: 0)
    }
    let versions = source.bytes.withUnsafeBufferPointer { VersionScanner($0) }
    let language = versions.language
    let first = parse(source, unit, language, versions.diagnostics)
    if first.diagnostics.isEmpty || !versions.diagnostics.isEmpty || !versions.isPinned {
      return first
    }
    for version in versions.alternatives {
      let older = LanguageVersion(dialect: version, oldest: language.oldest, isPinned: true)
      let attempt = parse(source, unit, older, [])
      if attempt.diagnostics.isEmpty { return attempt }
    }
    return first
  }

  /// Parses a file in one dialect.
  private static func parse(
    _ source: SourceFile, _ unit: Int32, _ language: LanguageVersion, _ found: [SyntaxDiagnostic]
  ) -> SourceUnit {
    if let read = read(source, unit, language, hasLargeStack: false) {
      return assemble(source, unit, language, found, read)
    }
    let read = LargeStack.run { Self.read(source, unit, language, hasLargeStack: true) }
    guard let read else {
      let failure = SyntaxDiagnostic(
        message: "the file nests deeply and no stack to read it could be had",
        range: SourceRange(start: 0, end: 0))
      let nothing = Reading(items: [], diagnostics: [failure], nodeCount: 0)
      return assemble(source, unit, language, found, nothing)
    }
    return assemble(source, unit, language, found, read)
  }

  /// What one run over the file gave.
  private struct Reading: Sendable {
    let items: [SourceUnitItem]
    let diagnostics: [SyntaxDiagnostic]
    let nodeCount: Int
  }

  /// Reads the file once; nil if it nests deeper than an ordinary stack bears.
  private static func read(
    _ source: SourceFile, _ unit: Int32, _ language: LanguageVersion, hasLargeStack: Bool
  ) -> Reading? {
    let version = language.dialect.code
    let oldest = language.isPinned ? language.oldest.code : version
    return source.bytes.withUnsafeBufferPointer { bytes in
      ByteClass.table.withUnsafeBufferPointer { classes in
        WordTable.solidity.slots.withUnsafeBufferPointer { solidity in
          WordTable.yul.slots.withUnsafeBufferPointer { yul in
            WordTable.instructions.slots.withUnsafeBufferPointer { instructions -> Reading? in
              guard let classTable = classes.baseAddress, let solidityTable = solidity.baseAddress,
                let yulTable = yul.baseAddress, let instructionTable = instructions.baseAddress
              else { return nil }
              let lexer = Lexer(
                bytes: bytes, empty: classTable, classes: classTable,
                solidityWords: solidityTable, yulWords: yulTable,
                instructionWords: instructionTable, version: version)
              var reader = SyntaxReader(
                lexer: lexer, unit: unit, version: version, oldestVersion: oldest,
                hasLargeStack: hasLargeStack)
              let items = reader.parseSourceUnit()
              if reader.needsLargeStack { return nil }
              return Reading(
                items: items, diagnostics: reader.diagnostics, nodeCount: Int(reader.nodeCount))
            }
          }
        }
      }
    }
  }

  private static func assemble(
    _ source: SourceFile, _ unit: Int32, _ language: LanguageVersion, _ found: [SyntaxDiagnostic],
    _ read: Reading
  ) -> SourceUnit {
    var diagnostics = found
    if let offset = UTF8Validation.firstInvalidOffset(source.bytes) {
      diagnostics.append(
        SyntaxDiagnostic(
          message: "the text is not valid UTF-8",
          range: SourceRange(start: offset, end: offset + 1)))
    }
    diagnostics += read.diagnostics
    var licence: String?
    if language.dialect >= CompilerVersion(0, 6, 8) {
      let search = LicenceSearch(source, items: read.items)
      licence = search.licence
      if let problem = search.problem, read.diagnostics.isEmpty { diagnostics.append(problem) }
    } else {
      licence = LicenceSearch(source, items: read.items).licence
    }
    // In the order of the file; those at one place in the order found.
    let order = diagnostics.indices.sorted { a, b in
      (diagnostics[a].range.start, a) < (diagnostics[b].range.start, b)
    }
    return SourceUnit(
      number: unit, source: source, language: language, items: read.items,
      diagnostics: order.map { diagnostics[$0] }, licence: licence, nodeCount: read.nodeCount)
  }
}
