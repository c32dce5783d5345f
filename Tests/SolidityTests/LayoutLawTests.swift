import BigInt
import Solidity
import SoliditySyntax
import Testing

/// Laws of packing, on random lists of types.
@Suite struct LayoutLawTests {
  /// A small generator with a state that can be printed and set again.
  struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }

  /// A random type: how it is written, its bytes if it can share a slot, else its whole slots.
  struct RandomType {
    let text: String
    let bytes: Int
    let slots: Int

    var isShared: Bool { bytes < 32 || slots == 0 }
  }

  static func value(_ generator: inout Generator) -> RandomType {
    let size = Int.random(in: 1...32, using: &generator)
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: return RandomType(text: "bool", bytes: 1, slots: 0)
    case 1: return RandomType(text: "address", bytes: 20, slots: 0)
    case 2: return RandomType(text: "bytes\(size)", bytes: size, slots: 0)
    case 3: return RandomType(text: "int\(size * 8)", bytes: size, slots: 0)
    case 4: return RandomType(text: "E", bytes: 1, slots: 0)
    case 5: return RandomType(text: "V", bytes: 7, slots: 0)
    case 6: return RandomType(text: "function() external", bytes: 24, slots: 0)
    default: return RandomType(text: "uint\(size * 8)", bytes: size, slots: 0)
    }
  }

  static func type(_ generator: inout Generator) -> RandomType {
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: return RandomType(text: "mapping(address => uint8)", bytes: 32, slots: 1)
    case 1: return RandomType(text: "string", bytes: 32, slots: 1)
    case 2:
      let element = value(&generator)
      return RandomType(text: "\(element.text)[]", bytes: 32, slots: 1)
    case 3:
      let element = value(&generator)
      let count = Int.random(in: 1...70, using: &generator)
      let perSlot = 32 / element.bytes
      return RandomType(
        text: "\(element.text)[\(count)]", bytes: 32, slots: (count + perSlot - 1) / perSlot)
    case 4: return RandomType(text: "S", bytes: 32, slots: 2)
    default: return value(&generator)
    }
  }

  @Test(arguments: 0..<150) func packing(seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    let types = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
      LayoutLawTests.type(&generator)
    }
    let variables = types.enumerated().map { "  \($0.element.text) v\($0.offset);" }
    let source =
      "enum E { a, b }\ntype V is uint56;\nstruct S { uint8 a; uint256 b; }\n"
      + "contract C {\n\(variables.joined(separator: "\n"))\n}"
    let layout = try LayoutPrograms.storage(source).layout
    #expect(layout.problems.isEmpty, "seed \(seed)")
    try #require(layout.storage.count == types.count, "seed \(seed)")
    var end = BigUInt(0)
    var mustStartSlot = true
    for (entry, type) in zip(layout.storage, types) {
      let label = "seed \(seed), \(entry.label): \(type.text)"
      #expect(entry.start >= end, "no two share a byte, and order is kept: \(label)")
      if type.isShared {
        #expect(entry.numberOfBytes == BigUInt(type.bytes), "\(label)")
        #expect(entry.offset + type.bytes <= 32, "no value straddles two slots: \(label)")
        let fits = !mustStartSlot && Int(end % 32) + type.bytes <= 32 && end % 32 != 0
        #expect((entry.start == end) == (fits || end % 32 == 0), "no byte is wasted: \(label)")
        mustStartSlot = false
      } else {
        #expect(entry.offset == 0, "whole slots start one: \(label)")
        #expect(entry.numberOfBytes == BigUInt(type.slots * 32), "\(label)")
        mustStartSlot = true
      }
      #expect(entry.start - end < 32, "at most the rest of a slot is left free: \(label)")
      end = entry.end
    }
  }

  /// A struct's members lie as variables of a contract would, and a following variable starts a slot.
  @Test(arguments: 200..<260) func structs(seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    let types = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
      LayoutLawTests.type(&generator)
    }
    let members = types.enumerated().map { "\($0.element.text) v\($0.offset);" }
      .joined(separator: " ")
    let declarations =
      "enum E { a, b }\ntype V is uint56;\nstruct S { uint8 a; uint256 b; }\n"
    let flat = try LayoutPrograms.storage(declarations + "contract C { \(members) }").layout
    let nested = try LayoutPrograms.storage(
      declarations + "contract C { struct T { \(members) } uint8 before; T t; uint8 behind; }"
    )
    .layout
    let entry = try #require(nested.storage.first { $0.label == "t" })
    let program = LayoutPrograms.make(
      declarations + "contract C { struct T { \(members) } T t; }")
    let contract = try LayoutPrograms.contract("C", in: program)
    let inner = program.storageMembers(of: try #require(contract.structs.first))
    #expect(inner.map(\.slot) == flat.storage.map(\.slot), "seed \(seed)")
    #expect(inner.map(\.offset) == flat.storage.map(\.offset), "seed \(seed)")
    let last = try #require(flat.storage.last)
    #expect(entry.slot == 1 && entry.offset == 0, "seed \(seed)")
    #expect(entry.numberOfBytes == (last.end + 31) / 32 * 32, "seed \(seed)")
    #expect(nested.storage.last?.start == entry.end, "seed \(seed)")
  }

  /// Variables of bases come first, in the order of the linearisation, and pack with what follows.
  @Test(arguments: 300..<340) func inheritance(seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    let types = (0..<12).map { _ in LayoutLawTests.type(&generator) }
    func variables(_ range: Range<Int>) -> String {
      range.map { "\(types[$0].text) v\($0);" }.joined(separator: " ")
    }
    let declarations =
      "enum E { a, b }\ntype V is uint56;\nstruct S { uint8 a; uint256 b; }\n"
    let split = try LayoutPrograms.storage(
      declarations + "contract A { \(variables(0..<4)) uint8 constant k = 1; }"
        + " contract B is A { \(variables(4..<8)) } contract D is A { \(variables(8..<10)) }"
        + " contract C is B, D { \(variables(10..<12)) }"
    ).layout
    let whole = try LayoutPrograms.storage(
      declarations + "contract C { \(variables(0..<12)) }"
    ).layout
    #expect(split.storage.map(\.label) == whole.storage.map(\.label), "seed \(seed)")
    #expect(split.storage.map(\.start) == whole.storage.map(\.start), "seed \(seed)")
  }
}
