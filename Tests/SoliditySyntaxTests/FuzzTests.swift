import SoliditySyntax
import Testing

/// A small generator of pseudo-random numbers with a known seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite("Mutated inputs")
struct FuzzTests {
  static let seeds: [UInt64] = [1, 2, 3, 4]
  /// Files small enough that thousands of variants are read quickly.
  static let bases = Fixture.all.filter { $0.bytes.count < 6_000 && $0.bytes.count > 40 }
  static let snippets = [
    "{", "}", "(", ")", "[", "]", ";", ",", "function", "contract", "assembly {", "\"", "'", "/*",
    "*/", "//", "///", "=",
    "unchecked", "try", "catch", "for (", "if (", "else", "hex\"", "unicode\"", "0x", "1e", ".",
    "=>", ":=", "->", "let", "switch",
    "case", "default", "mapping(", "new", "delete", "emit", "revert", "modifier", "_",
    "pragma solidity ^0.4.0;",
    "pragma solidity 0.6.0;", "{x:", "!", "-", "++", "error", "type", "using {", "\u{202E}",
    "\u{20AC}", "\u{0}",
  ].map { Array($0.utf8) }

  /// One random change.
  static func mutate(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    guard !bytes.isEmpty else { return bytes }
    let position = Int.random(in: 0..<bytes.count, using: &generator)
    let length = min(bytes.count - position, Int.random(in: 1...30, using: &generator))
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
    case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 2: bytes.removeSubrange(position..<(position + length))
    case 3: bytes.insert(contentsOf: Array(bytes[position..<(position + length)]), at: position)
    case 4:
      let other = Int.random(in: 0..<bytes.count, using: &generator)
      bytes.swapAt(position, other)
    case 5: bytes.removeSubrange(position...)
    case 6: bytes.insert(contentsOf: snippets.randomElement(using: &generator)!, at: position)
    default:
      let snippet = snippets.randomElement(using: &generator)!
      for _ in 0..<Int.random(in: 1...300, using: &generator) {
        bytes.insert(contentsOf: snippet, at: position)
      }
    }
    return bytes
  }

  @Test("nothing breaks, and the laws of the tree hold", arguments: seeds)
  func mutations(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for round in 0..<1_500 {
      let base = Self.bases.randomElement(using: &generator)!
      var bytes = base.bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes = Self.mutate(bytes, &generator)
      }
      let unit = Parser.parse(SourceFile(path: base.path, bytes: bytes))
      let place = "seed \(seed) round \(round) \(base.path)"
      #expect(unit.diagnostics.count <= 110, "\(place)")
      var isLawful = true
      unit.walk { item in
        let range = item.node.range
        if range.start < 0 || Int(range.end) > bytes.count { isLawful = false }
        item.forEachChild { if !range.contains($0.node.range) { isLawful = false } }
        return .into
      }
      #expect(isLawful, "\(place)")
      let printed = Printer.print(unit)
      if unit.understood {
        let again = Parser.parse(SourceFile(path: base.path, text: printed))
        #expect(again.understood, "\(place): \(again.problems)\n\(printed)")
        #expect(Printer.print(again) == printed, "\(place)")
      } else {
        #expect(!unit.diagnostics.isEmpty)
      }
    }
  }
}
