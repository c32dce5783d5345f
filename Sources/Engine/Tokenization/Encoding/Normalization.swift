import Foundation

/// Normalisation form C (Unicode Standard Annex 15).
enum Normalization {
  /// `text` in normalisation form C. Linear; texts that cannot change are only looked at.
  static func formC(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard mayChange(text) else { return nil }
    let string = String(decoding: text, as: UTF8.self)
    return Array(string.precomposedStringWithCanonicalMapping.utf8)
  }

  /// Whether a scalar outside a few large ranges occurs whose members neither compose with what stands before them
  /// nor decompose: below U+0300, Cyrillic letters, general punctuation, kana without voiced marks, unified
  /// ideographs, Hangul syllables, full-width forms.
  private static func mayChange(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < text.count {
      let lead = text[index]
      if lead < 0xCC {
        index += 1
        continue
      }
      guard lead >= 0xE0 else {
        let value = UInt32(lead & 0x1F) << 6 | UInt32(text[index + 1] & 0x3F)
        guard (0x400...0x482).contains(value) else { return true }
        index += 2
        continue
      }
      guard lead < 0xF0 else { return true }
      let value =
        UInt32(lead & 0x0F) << 12 | UInt32(text[index + 1] & 0x3F) << 6
        | UInt32(text[index + 2] & 0x3F)
      switch value {
      case 0x2010...0x203F, 0x2190...0x21FF, 0x3001...0x3020, 0x3041...0x3096, 0x30A0...0x30FA,
        0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7A3, 0xFF01...0xFFEE:
        index += 3
      default: return true
      }
    }
    return false
  }
}
