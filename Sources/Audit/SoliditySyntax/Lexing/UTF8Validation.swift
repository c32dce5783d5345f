/// Checks text against UTF-8.
///
/// Source: The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
enum UTF8Validation {
  /// The offset of the first byte that is not part of well-formed UTF-8; nil if there is none.
  static func firstInvalidOffset(_ bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBufferPointer { buffer in
      let raw = UnsafeRawBufferPointer(buffer)
      let count = buffer.count
      var index = 0
      while index < count {
        // Eight ASCII bytes at a time.
        while index + 8 <= count,
          raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
        {
          index += 8
        }
        if index >= count { break }
        let first = buffer[index]
        if first < 0x80 {
          index += 1
          continue
        }
        let length: Int
        var lower: UInt8 = 0x80
        var upper: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
          length = 3
          if first == 0xE0 { lower = 0xA0 }
          if first == 0xED { upper = 0x9F }
        case 0xF0...0xF4:
          length = 4
          if first == 0xF0 { lower = 0x90 }
          if first == 0xF4 { upper = 0x8F }
        default: return index
        }
        guard index + length <= count, buffer[index + 1] >= lower, buffer[index + 1] <= upper else {
          return index
        }
        for offset in 2..<max(2, length) where buffer[index + offset] & 0xC0 != 0x80 {
          return index
        }
        index += length
      }
      return nil
    }
  }
}
