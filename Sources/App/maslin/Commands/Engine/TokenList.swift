import Foundation

/// Token ids as a user gives them: numbers separated by commas or blanks, `@FILE`, or `-` for standard input.
enum TokenList {
  private static let maximumSize = 256 << 20

  /// Reads the list.
  ///
  /// - Throws: `CommandFailure` naming the first thing that is no token id.
  static func read(_ text: String, from place: String = "--tokens") throws -> [Int32] {
    if text == "-" {
      return try parse(StandardInput.readAll(limit: maximumSize), from: "standard input")
    }
    if text.hasPrefix("@") {
      let path = String(text.dropFirst())
      return try parse(InputFile.read(path, limit: maximumSize), from: path)
    }
    return try parse(Array(text.utf8), from: place)
  }

  private static func parse(_ bytes: [UInt8], from place: String) throws -> [Int32] {
    var ids: [Int32] = []
    var index = 0
    while index < bytes.count {
      if isSeparator(bytes[index]) {
        index += 1
        continue
      }
      let start = index
      while index < bytes.count, !isSeparator(bytes[index]) { index += 1 }
      let word = String(decoding: bytes[start..<index].prefix(40), as: UTF8.self)
      guard let id = Int32(word), id >= 0 else {
        throw CommandFailure(
          .badInput, "\(place): '\(word)' at byte \(start) is no token id (0 to 2147483647)")
      }
      ids.append(id)
    }
    return ids
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    // JSON lists are read too.
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), 0x20, 0x09...0x0D: true
    default: false
    }
  }
}
