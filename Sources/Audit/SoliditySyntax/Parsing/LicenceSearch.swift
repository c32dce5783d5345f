/// Finds the SPDX licence of a file outside its definitions.
///
/// Source: Solidity documentation, "SPDX License Identifier".
struct LicenceSearch {
  private(set) var licence: String?
  /// More than one licence, or one that is none.
  private(set) var problem: SyntaxDiagnostic?

  private static let mark = Array("SPDX-License-Identifier:".utf8)

  init(_ source: SourceFile, items: [SourceUnitItem]) {
    var found: [(text: String, range: SourceRange)] = []
    var start = 0
    for item in items {
      let range = item.range
      Self.search(source.bytes, start, Int(range.start), &found)
      start = Int(range.end)
    }
    Self.search(source.bytes, start, source.bytes.count, &found)
    guard let first = found.first else { return }
    if found.count > 1 {
      problem = SyntaxDiagnostic(
        message: "more than one SPDX licence; join them with AND or OR", range: found[1].range)
    } else if !first.text.isEmpty, first.text.utf8.allSatisfy(Self.isLicenceByte) {
      licence = first.text
    } else {
      problem = SyntaxDiagnostic(message: "not an SPDX licence", range: first.range)
    }
  }

  private static func isLicenceByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: " "), UInt8(ascii: "("),
      UInt8(ascii: ")"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func search(
    _ bytes: [UInt8], _ start: Int, _ end: Int, _ found: inout [(text: String, range: SourceRange)]
  ) {
    guard start < end else { return }
    bytes.withUnsafeBufferPointer { buffer in
      var index = start
      while index + mark.count <= end {
        guard buffer[index] == mark[0], matches(buffer, index) else {
          index += 1
          continue
        }
        let markStart = index
        index += mark.count
        while index < end, buffer[index] <= 0x20 { index += 1 }
        let textStart = index
        var isEnded = false
        while index < end {
          let byte = buffer[index]
          if byte == 0x0A || byte == 0x0D {
            isEnded = true
            break
          }
          if byte == UInt8(ascii: "*"), index + 1 < end, buffer[index + 1] == UInt8(ascii: "/"),
            index > textStart
          {
            isEnded = true
            break
          }
          index += 1
        }
        // The compiler sees a licence only where its line or comment ends.
        guard isEnded, index > textStart else { continue }
        var textEnd = index
        while textEnd > textStart, buffer[textEnd - 1] <= 0x20 { textEnd -= 1 }
        found.append(
          (
            text: String(decoding: buffer[textStart..<textEnd], as: UTF8.self),
            range: SourceRange(start: markStart, end: index)
          ))
      }
    }
  }

  private static func matches(_ buffer: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
    for offset in 0..<mark.count where buffer[start + offset] != mark[offset] { return false }
    return true
  }
}

extension SourceUnitItem {
  /// The bytes the item covers.
  public var range: SourceRange {
    switch self {
    case .pragma(let node): node.range
    case .import(let node): node.range
    case .contract(let node): node.range
    case .function(let node): node.range
    case .structure(let node): node.range
    case .enumeration(let node): node.range
    case .userDefinedValueType(let node): node.range
    case .error(let node): node.range
    case .event(let node): node.range
    case .variable(let node): node.range
    case .using(let node): node.range
    }
  }
}
