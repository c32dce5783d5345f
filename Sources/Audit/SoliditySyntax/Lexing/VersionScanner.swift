/// Finds the `pragma solidity` lines of a file before it is parsed, because they decide how its words are read.
struct VersionScanner {
  /// The versions admitted by every pragma, in order; all released versions without a pragma.
  private(set) var admitted = CompilerVersion.released
  /// Whether there is a pragma.
  private(set) var isPinned = false
  /// The text of the pragma read last.
  private var lastText: [UInt8] = []
  /// Malformed or unsatisfiable pragmas.
  private(set) var diagnostics: [SyntaxDiagnostic] = []

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    var index = 0
    var depth = 0
    let count = bytes.count
    while index < count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "/"):
        index = Self.afterComment(bytes, index)
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        index = Self.afterString(bytes, index)
      case UInt8(ascii: "{"):
        depth += 1
        index += 1
      case UInt8(ascii: "}"):
        depth = max(0, depth - 1)
        index += 1
      case UInt8(ascii: "p") where depth == 0 && Self.isWord("pragma", bytes, index):
        index = readPragma(bytes, index)
      default:
        if Self.isNamePart(byte) {
          while index < count, Self.isNamePart(bytes[index]) { index += 1 }
        } else {
          index += 1
        }
      }
    }
    if diagnostics.isEmpty, admitted.isEmpty {
      diagnostics.append(
        SyntaxDiagnostic(
          message: "no compiler version satisfies all version pragmas of the file",
          range: SourceRange(start: 0, end: 0)))
    }
  }

  /// The language version that follows.
  var language: LanguageVersion {
    guard isPinned, let newest = admitted.last, let oldest = admitted.first else {
      return LanguageVersion(
        dialect: CompilerVersion.newest, oldest: CompilerVersion.oldest, isPinned: isPinned)
    }
    return LanguageVersion(dialect: newest, oldest: oldest, isPinned: true)
  }

  /// The last admitted version of each minor series but the newest, newest first.
  var alternatives: [CompilerVersion] {
    guard let newest = admitted.last else { return [] }
    var found: [CompilerVersion] = []
    for version in admitted.reversed() where version.minor != newest.minor {
      if found.last?.minor != version.minor { found.append(version) }
    }
    return found
  }

  /// Released versions before the oldest that is read.
  private static let tooOld: [CompilerVersion] =
    (0...7).map { CompilerVersion(0, 1, $0) } + (0...2).map { CompilerVersion(0, 2, $0) }
    + (0...6).map { CompilerVersion(0, 3, $0) } + (0...10).map { CompilerVersion(0, 4, $0) }

  private mutating func readPragma(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    var text: [UInt8] = []
    var index = start + 6
    while index < bytes.count, bytes[index] != UInt8(ascii: ";") {
      if bytes[index] == UInt8(ascii: "/") {
        let after = Self.afterComment(bytes, index)
        if after > index + 1 {
          text.append(0x20)
          index = after
          continue
        }
      }
      if bytes[index] == UInt8(ascii: "{") { return index }
      text.append(bytes[index])
      index += 1
    }
    guard index < bytes.count else { return index }
    var first = 0
    while first < text.count, text[first] <= 0x20 { first += 1 }
    let isSolidity = text.withUnsafeBufferPointer { Self.isWord("solidity", $0, first) }
    guard isSolidity else { return index }
    // Many equal pragmas stand in flattened files; once is enough.
    if text == lastText { return index }
    lastText = text
    let range = SourceRange(start: start, end: index + 1)
    do {
      let expression = try VersionExpression(Array(text[(first + 8)...]))
      let kept = admitted.filter { expression.admits($0) }
      if kept.isEmpty, diagnostics.isEmpty {
        let isAlone = CompilerVersion.released.contains { expression.admits($0) }
        diagnostics.append(
          SyntaxDiagnostic(
            message: isAlone
              ? "this version pragma excludes every version that the pragmas before it admit"
              : "no compiler version from \(CompilerVersion.oldest) to \(CompilerVersion.newest)"
                + " satisfies this version pragma",
            range: range))
      }
      if kept.isEmpty {
        let isOlder = Self.tooOld.contains { expression.admits($0) }
        if !isPinned, isOlder { admitted = [CompilerVersion.oldest] }
      } else {
        admitted = kept
      }
      isPinned = true
    } catch {
      diagnostics.append(
        SyntaxDiagnostic(message: "invalid version pragma: \(error.message)", range: range))
    }
    return index
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
      true
    default: false
    }
  }

  private static func isWord(
    _ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int
  ) -> Bool {
    let end = start + word.utf8CodeUnitCount
    guard end <= bytes.count else { return false }
    for offset in 0..<word.utf8CodeUnitCount
    where bytes[start + offset] != word.utf8Start[offset] { return false }
    return end == bytes.count || !isNamePart(bytes[end])
  }

  private static func afterString(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    let quote = bytes[start]
    var index = start + 1
    while index < bytes.count {
      let byte = bytes[index]
      if byte == quote { return index + 1 }
      if byte == 0x0A || byte == 0x0D { return index }
      index += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    return index
  }

  /// Past the comment that starts at an offset, or past the slash if none does.
  private static func afterComment(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    guard start + 1 < bytes.count else { return start + 1 }
    var index = start + 2
    switch bytes[start + 1] {
    case UInt8(ascii: "/"):
      while index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D { index += 1 }
      return index
    case UInt8(ascii: "*"):
      while index + 1 < bytes.count {
        if bytes[index] == UInt8(ascii: "*"), bytes[index + 1] == UInt8(ascii: "/") {
          return index + 2
        }
        index += 1
      }
      return bytes.count
    default:
      return start + 1
    }
  }
}
