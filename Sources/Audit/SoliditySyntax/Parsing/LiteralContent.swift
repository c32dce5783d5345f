extension Lexer {
  /// The bytes a string literal stands for; the token at the range was found well-formed.
  func stringContent(_ start: Int, _ end: Int) -> [UInt8] {
    var index = start
    while index < end, base[index] != UInt8(ascii: "\""), base[index] != UInt8(ascii: "'") {
      index += 1
    }
    index += 1
    let last = end - 1
    var content: [UInt8] = []
    content.reserveCapacity(max(0, last - index))
    while index < last {
      let byte = base[index]
      index += 1
      if byte != UInt8(ascii: "\\") {
        content.append(byte)
        continue
      }
      let mark = base[index]
      index += 1
      switch mark {
      case UInt8(ascii: "n"): content.append(0x0A)
      case UInt8(ascii: "r"): content.append(0x0D)
      case UInt8(ascii: "t"): content.append(0x09)
      case UInt8(ascii: "b") where version < 800: content.append(0x08)
      case UInt8(ascii: "f") where version < 800: content.append(0x0C)
      case UInt8(ascii: "v") where version < 800: content.append(0x0B)
      case 0x0A: break
      case 0x0D: if index < last, base[index] == 0x0A { index += 1 }
      case UInt8(ascii: "x"):
        content.append(UInt8(truncatingIfNeeded: hexValue(index, 2)))
        index += 2
      case UInt8(ascii: "u"):
        appendUTF8(hexValue(index, 4), to: &content)
        index += 4
      default: content.append(mark)
      }
    }
    return content
  }

  /// The bytes of a hex string.
  func hexContent(_ start: Int, _ end: Int) -> [UInt8] {
    var content: [UInt8] = []
    // Past `hex` and the quote, before the closing quote.
    var index = start + 4
    while index + 1 < end {
      if base[index] == UInt8(ascii: "_") {
        index += 1
      } else {
        content.append(UInt8(truncatingIfNeeded: hexValue(index, 2)))
        index += 2
      }
    }
    return content
  }

  private func hexValue(_ start: Int, _ length: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in start..<(start + length) {
      let byte = self.byte(index)
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: digit = 0
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// Appends a code unit as the compiler does: surrogates are not joined.
  private func appendUTF8(_ code: UInt32, to content: inout [UInt8]) {
    if code <= 0x7F {
      content.append(UInt8(code))
    } else if code <= 0x7FF {
      content.append(UInt8(0xC0 | code >> 6))
      content.append(UInt8(0x80 | code & 0x3F))
    } else {
      content.append(UInt8(0xE0 | code >> 12))
      content.append(UInt8(0x80 | code >> 6 & 0x3F))
      content.append(UInt8(0x80 | code & 0x3F))
    }
  }
}
