/// Finds what a file imports and which contracts it declares, without parsing it.
///
/// One pass over the bytes that knows comments, strings and braces and reads words only outside of
/// braces. It serves to draw the graph of files; what counts in the end are the parser's import directives.
package struct ImportScanner {
  /// The paths of import directives in order, escapes resolved.
  package private(set) var imports: [String] = []
  /// The names of contracts, interfaces and libraries in order.
  package private(set) var contracts: [String] = []

  package init(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { buffer in
      var scan = Scan(bytes: buffer)
      scan.run()
      imports = scan.imports
      contracts = scan.contracts
    }
  }

  private struct Scan {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    var imports: [String] = []
    var contracts: [String] = []

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func run() {
      var depth = 0
      var inImport = false
      var namesContract = false
      while position < bytes.count {
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "/"):
          skipSlash()
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
          let text = string(keeping: inImport && depth == 0)
          if inImport, depth == 0, let text { imports.append(text) }
        case UInt8(ascii: "{"):
          depth += 1
          position += 1
        case UInt8(ascii: "}"):
          depth = max(0, depth - 1)
          position += 1
        case UInt8(ascii: ";"):
          if depth == 0 { inImport = false }
          position += 1
        default:
          guard depth == 0, Self.startsWord(byte) else {
            position += 1
            // Digits and letters inside braces need no look each: run over the whole word.
            if Self.startsWord(byte) {
              while position < bytes.count, Self.continuesWord(bytes[position]) { position += 1 }
            }
            continue
          }
          let start = position
          while position < bytes.count, Self.continuesWord(bytes[position]) { position += 1 }
          let word = UnsafeBufferPointer(rebasing: bytes[start..<position])
          if namesContract {
            contracts.append(String(decoding: word, as: UTF8.self))
            namesContract = false
          } else if Self.equals(word, "import") {
            inImport = true
          } else if Self.equals(word, "contract") || Self.equals(word, "interface")
            || Self.equals(word, "library")
          {
            namesContract = !inImport
          }
        }
      }
    }

    private mutating func skipSlash() {
      position += 1
      guard position < bytes.count else { return }
      if bytes[position] == UInt8(ascii: "/") {
        while position < bytes.count, bytes[position] != 0x0A, bytes[position] != 0x0D {
          position += 1
        }
      } else if bytes[position] == UInt8(ascii: "*") {
        position += 1
        while position < bytes.count {
          if bytes[position] == UInt8(ascii: "*"), position + 1 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "/")
          {
            position += 2
            return
          }
          position += 1
        }
      }
    }

    /// Runs over a string; gives its text if asked for. An unclosed string ends with its line.
    private mutating func string(keeping: Bool) -> String? {
      let quote = bytes[position]
      position += 1
      let start = position
      var escapes = false
      while position < bytes.count {
        let byte = bytes[position]
        if byte == quote {
          let end = position
          position += 1
          guard keeping else { return nil }
          let raw = bytes[start..<end]
          return String(decoding: escapes ? Self.unescaped(raw) : Array(raw), as: UTF8.self)
        }
        if byte == 0x0A || byte == 0x0D { return nil }
        if byte == UInt8(ascii: "\\") {
          escapes = true
          position += 1
        }
        position += 1
      }
      return nil
    }

    private static func unescaped(_ raw: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
      var result: [UInt8] = []
      var index = raw.startIndex
      while index < raw.endIndex {
        let byte = raw[index]
        index += 1
        guard byte == UInt8(ascii: "\\"), index < raw.endIndex else {
          result.append(byte)
          continue
        }
        let kind = raw[index]
        index += 1
        switch kind {
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "x"), UInt8(ascii: "u"):
          let length = kind == UInt8(ascii: "x") ? 2 : 4
          let digits = raw[index..<min(index + length, raw.endIndex)]
          guard let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            continue
          }
          index += digits.count
          if length == 2 {
            result.append(UInt8(truncatingIfNeeded: value))
          } else if let scalar = Unicode.Scalar(value) {
            result.append(contentsOf: String(Character(scalar)).utf8)
          }
        default: result.append(kind)
        }
      }
      return result
    }

    private static func equals(_ word: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
      word.count == text.utf8CodeUnitCount
        && text.withUTF8Buffer { $0.elementsEqual(word) }
    }

    private static func startsWord(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "_"), UInt8(ascii: "$"):
        true
      default: false
      }
    }

    private static func continuesWord(_ byte: UInt8) -> Bool {
      startsWord(byte) || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
    }
  }
}
