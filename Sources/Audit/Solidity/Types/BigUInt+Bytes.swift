import BigInt

extension BigUInt {
  /// The number that bytes spell, the most significant first.
  init(bigEndian bytes: some Collection<UInt8>) {
    var words: [UInt] = []
    var word: UInt = 0
    var shift: UInt = 0
    for byte in bytes.reversed() {
      word |= UInt(byte) << shift
      shift += 8
      if shift == UInt(UInt.bitWidth) {
        words.append(word)
        (word, shift) = (0, 0)
      }
    }
    words.append(word)
    self.init(words: words)
  }

  /// The bytes that spell the number, the most significant first, without leading zeros.
  var bigEndianBytes: [UInt8] {
    var bytes: [UInt8] = []
    for word in words {
      for shift in stride(from: 0, to: UInt.bitWidth, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt(shift)))
      }
    }
    while bytes.last == 0 { bytes.removeLast() }
    return bytes.reversed()
  }
}
