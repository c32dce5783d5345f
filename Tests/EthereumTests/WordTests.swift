import Ethereum
import Testing

@Suite("Word")
struct WordTests {
  @Test("Arithmetic agrees with Python", arguments: WordVector.all.indices)
  func arithmetic(index: Int) throws {
    let vector = WordVector.all[index]
    let a = try Word(hex: vector.a)
    let b = try Word(hex: vector.b)
    #expect((a &+ b) == (try Word(hex: vector.sum)))
    #expect((a &- b) == (try Word(hex: vector.difference)))
    #expect((a &* b) == (try Word(hex: vector.product)))
    let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
    #expect(quotient == (try Word(hex: vector.quotient)))
    #expect(remainder == (try Word(hex: vector.remainder)))
    #expect((a << vector.shift) == (try Word(hex: vector.left)))
    #expect((a >> vector.shift) == (try Word(hex: vector.right)))
    #expect((a >> -vector.shift) == (a << vector.shift))
    #expect(a.description == vector.decimal)
    #expect((try Word(decimal: vector.decimal)) == a)
    #expect(a.hexString == "0x" + vector.a)
    #expect((try Word(hex: a.paddedHexString)) == a)
    #expect(Word(bigEndian: a.bigEndianBytes) == a)
  }

  @Test("Bitwise laws", arguments: 0..<64 as Range<UInt64>)
  func bitwiseLaws(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let a = Word(random.next(), random.next(), random.next(), random.next())
    let b = Word(random.next(), 0, random.next(), random.next())
    #expect((a ^ b) == ((a | b) & ~(a & b)), "seed \(seed)")
    #expect((a &- b) &+ b == a, "seed \(seed)")
    let count = Int(random.next() % 256)
    #expect((a >> count) << count == a & ~Word.lowBits(count), "seed \(seed)")
    #expect(
      a.nonzeroBitCount + (~a).nonzeroBitCount == 256, "seed \(seed)")
    #expect((a < b) != (b <= a), "seed \(seed)")
    for index in 0..<32 {
      #expect(a.byte(index) == a.bigEndianBytes[index], "seed \(seed)")
    }
  }

  @Test("Signed operations follow the EVM")
  func signed() {
    let minusOne = Word(twosComplement: -1)
    #expect(minusOne == .max)
    #expect(Word(0xff).signExtended(fromByte: 0) == .max)
    #expect(Word(0x7f).signExtended(fromByte: 0) == 0x7f)
    #expect(Word(0x1_80).signExtended(fromByte: 0) == Word(twosComplement: -128))
    #expect(Word(twosComplement: -8).arithmeticShiftedRight(by: 1) == Word(twosComplement: -4))
    #expect(Word(twosComplement: -8).arithmeticShiftedRight(by: 300) == .max)
    #expect(Word(8).arithmeticShiftedRight(by: 300) == .zero)
    #expect(Word.isSigned(minusOne, below: 0))
    #expect(!Word.isSigned(0, below: minusOne))
    #expect(Word(3).power(5) == 243)
    #expect(Word(2).power(256) == .zero)
    #expect(Word.zero.power(0) == .one)
  }

  @Test("Counting zeros")
  func zeros() {
    #expect(Word.zero.leadingZeroBitCount == 256)
    #expect(Word.zero.trailingZeroBitCount == 256)
    for exponent in 0..<256 {
      #expect((Word.one << exponent).leadingZeroBitCount == 255 - exponent)
      #expect((Word.one << exponent).trailingZeroBitCount == exponent)
    }
  }

  @Test("Numbers that do not fit are refused with a reason")
  func refusals() {
    #expect(throws: DecimalError.tooLarge) {
      try Word(
        decimal: "115792089237316195423570985008687907853269984665640564039457584007913129639936")
    }
    #expect(throws: DecimalError.notADigit(character: "x", offset: 1)) { try Word(decimal: "1x") }
    #expect(throws: DecimalError.empty) { try Word(decimal: "") }
    #expect(throws: HexError.empty) { try Word(hex: "0x") }
    #expect(throws: HexError.tooLarge(digits: 65)) {
      try Word(hex: "0x01" + String(repeating: "0", count: 64))
    }
    #expect(Word(bigEndian: [UInt8](repeating: 0, count: 33)) == nil)
  }
}
