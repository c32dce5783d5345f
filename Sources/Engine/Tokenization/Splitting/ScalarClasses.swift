/// The classes of Unicode scalars that splitting rules speak of, as bits that can be combined.
///
/// They follow Unicode 16.0, the version of the regular-expression engine that defines the reference encodings;
/// scalars assigned later are unassigned here, whatever the Swift runtime knows about them.
enum ScalarClass {
  /// Category L.
  static let letter: UInt8 = 1
  /// Category M.
  static let mark: UInt8 = 2
  /// Category N.
  static let number: UInt8 = 4
  /// Category P.
  static let punctuation: UInt8 = 8
  /// Category S.
  static let symbol: UInt8 = 16
  /// White space (`\s`) other than CR and LF.
  static let space: UInt8 = 32
  /// CR and LF.
  static let newline: UInt8 = 64
  /// U+4E00 to U+9FA5 and U+3040 to U+30FF, next to one of the other classes.
  static let ideographic: UInt8 = 128

  static let anySpace = space | newline

  /// The class of a scalar by its properties.
  static func compute(_ scalar: Unicode.Scalar) -> UInt8 {
    let properties = scalar.properties
    var result: UInt8 = 0
    switch scalar.value {
    case 0x0A, 0x0D: return newline
    case 0x4E00...0x9FA5, 0x3040...0x30FF: result = ideographic
    default: break
    }
    guard let age = properties.age, age.major <= 16 else { return result }
    if properties.isWhitespace { return result | space }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      result |= letter
    case .nonspacingMark, .spacingMark, .enclosingMark:
      result |= mark
    case .decimalNumber, .letterNumber, .otherNumber:
      result |= number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      result |= punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
      result |= symbol
    default: break
    }
    return result
  }
}

/// The class of every scalar, in two levels: blocks of 256 scalars, equal blocks stored once.
struct ScalarClasses: Sendable {
  private let blocks: [UInt16]
  private let classes: [UInt8]

  /// The table, built when first asked for.
  static let shared = ScalarClasses()

  private init() {
    var blocks: [UInt16] = []
    var classes: [UInt8] = []
    var known: [[UInt8]: UInt16] = [:]
    blocks.reserveCapacity(0x1100)
    let unassigned = [UInt8](repeating: 0, count: 256)
    for first in stride(from: UInt32(0), to: 0x110000, by: 256) {
      // Planes 4 to 13 are unassigned and 15 and 16 private: class 0 without asking.
      let isEmpty = (0x40000..<0xE0000).contains(first) || first >= 0xF0000
      let block =
        isEmpty
        ? unassigned
        : (first..<first + 256).map { Unicode.Scalar($0).map(ScalarClass.compute) ?? 0 }
      if let index = known[block] {
        blocks.append(index)
      } else {
        let index = UInt16(classes.count / 256)
        known[block] = index
        blocks.append(index)
        classes.append(contentsOf: block)
      }
    }
    self.blocks = blocks
    self.classes = classes
  }

  /// Calls `body` with direct access to the table and to `text`, which must be valid UTF-8.
  func withReader<Result>(
    _ text: UnsafeBufferPointer<UInt8>, _ body: (ScalarReader) -> Result
  ) -> Result {
    blocks.withUnsafeBufferPointer { blocks in
      classes.withUnsafeBufferPointer { classes in
        body(ScalarReader(text: text, blocks: blocks, classes: classes))
      }
    }
  }
}

/// Reads scalars and their classes from valid UTF-8.
struct ScalarReader {
  let text: UnsafeBufferPointer<UInt8>
  fileprivate let blocks: UnsafeBufferPointer<UInt16>
  fileprivate let classes: UnsafeBufferPointer<UInt8>

  /// The class and the length in bytes of the scalar at `index`; length 0 at `end` and beyond.
  @inline(__always)
  func scalar(_ index: Int, _ end: Int) -> (mask: UInt8, length: Int) {
    guard index < end else { return (0, 0) }
    let lead = text[index]
    // The first block is that of U+0000 to U+00FF, so its classes come first.
    if lead < 0x80 { return (classes[Int(lead)], 1) }
    let value: UInt32
    let length: Int
    if lead < 0xE0 {
      value = UInt32(lead & 0x1F) << 6 | trail(index + 1)
      length = 2
    } else if lead < 0xF0 {
      value = UInt32(lead & 0x0F) << 12 | trail(index + 1) << 6 | trail(index + 2)
      length = 3
    } else {
      value =
        UInt32(lead & 0x07) << 18 | trail(index + 1) << 12 | trail(index + 2) << 6
        | trail(index + 3)
      length = 4
    }
    return (classes[Int(blocks[Int(value >> 8)]) << 8 | Int(value & 0xFF)], length)
  }

  /// Where the run of scalars of the classes `wanted` that begins at `index` ends.
  @inline(__always)
  func run(_ wanted: UInt8, from index: Int, _ end: Int) -> Int {
    var index = index
    while true {
      let (mask, length) = scalar(index, end)
      if mask & wanted == 0 { return index }
      index += length
    }
  }

  /// Where the run of scalars of none of the classes `unwanted` that begins at `index` ends.
  @inline(__always)
  func run(without unwanted: UInt8, from index: Int, _ end: Int) -> Int {
    var index = index
    while true {
      let (mask, length) = scalar(index, end)
      if length == 0 || mask & unwanted != 0 { return index }
      index += length
    }
  }

  @inline(__always)
  private func trail(_ index: Int) -> UInt32 { UInt32(text[index] & 0x3F) }
}
