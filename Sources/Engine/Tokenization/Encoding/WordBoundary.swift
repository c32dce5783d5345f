/// What stands around an added token.
enum WordBoundary {
  /// The range that an added token found at `match` takes, with the white space it strips, or nil if it must be a
  /// word by itself and is not. Nothing before `start` is taken.
  static func place(
    of token: AddedToken, at match: Range<Int>, in text: UnsafeBufferPointer<UInt8>,
    after start: Int
  ) -> Range<Int>? {
    guard token.isSingleWord || token.stripsLeft || token.stripsRight else { return match }
    var (lower, upper) = (match.lowerBound, match.upperBound)
    if token.isSingleWord {
      if let before = scalarBefore(lower, in: text, from: 0), isWord(before.scalar) { return nil }
      if let after = scalar(at: upper, in: text), isWord(after.scalar) { return nil }
    }
    while token.stripsLeft, let before = scalarBefore(lower, in: text, from: start),
      before.scalar.properties.isWhitespace
    {
      lower -= before.length
    }
    while token.stripsRight, let after = scalar(at: upper, in: text),
      after.scalar.properties.isWhitespace
    {
      upper += after.length
    }
    return lower..<upper
  }

  /// `\w` of Unicode Technical Standard 18.
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }

  private static func scalarBefore(
    _ index: Int, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    var first = index - 1
    while first >= start, text[first] & 0xC0 == 0x80 { first -= 1 }
    guard first >= start else { return nil }
    return scalar(at: first, in: text)
  }

  private static func scalar(
    at index: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (scalar: Unicode.Scalar, length: Int)? {
    guard index < text.count, case .character(let length) = UTF8Repair.unit(text, at: index)
    else { return nil }
    let part = UnsafeBufferPointer(rebasing: text[index..<index + length])
    return String(decoding: part, as: UTF8.self).unicodeScalars.first.map { ($0, length) }
  }
}
