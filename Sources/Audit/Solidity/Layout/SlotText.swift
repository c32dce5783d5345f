import BigInt
import Ethereum

/// Slots as numbers, words and text.
public enum SlotText {
  /// Small slots in decimal, hashed ones as `0x` and 64 digits.
  public static func short(_ slot: BigUInt) -> String {
    slot.bitWidth <= 64 ? String(slot) : hexadecimal(slot)
  }

  /// `0x` and at least 64 digits.
  public static func hexadecimal(_ slot: BigUInt) -> String {
    let digits = String(slot, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, 64 - digits.count)) + digits
  }

  /// A 256-bit word as a number.
  package static func number(_ word: Word) -> BigUInt {
    word.bigEndianBytes.reduce(BigUInt(0)) { $0 << 8 | BigUInt($1) }
  }

  /// A number as a 256-bit word; nil from 2^256 on.
  package static func word(_ number: BigUInt) -> Word? {
    Word(bigEndian: Array(number.serialize()))
  }

  /// A compile-time constant as a slot: a whole number from 0 to 2^256 - 1, or up to 32 bytes.
  package static func slot(of value: ConstantValue) -> BigUInt? {
    switch value {
    case .number(let rational):
      guard let integer = rational.integer, integer.sign == .plus || integer == 0 else {
        return nil
      }
      let magnitude = integer.magnitude
      return magnitude.bitWidth <= 256 ? magnitude : nil
    case .bytes(let bytes):
      guard !bytes.isEmpty, bytes.count <= 32 else { return nil }
      // bytesN values stand at the high end of the word when assembly reads them.
      let padded = bytes + [UInt8](repeating: 0, count: 32 - bytes.count)
      return padded.reduce(BigUInt(0)) { $0 << 8 | BigUInt($1) }
    case .bool: return nil
    }
  }
}
