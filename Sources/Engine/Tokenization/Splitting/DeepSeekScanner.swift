/// `\p{N}{1,3}`, then `[一-龥぀-ゟ゠-ヿ]+`, then the ordered alternatives a to f of section 8 of the specification, each
/// splitting what the one before left over.
struct DeepSeekScanner: PieceScanner {
  /// Scalars that the first two splits take: the third sees the text end before them.
  private static let taken = ScalarClass.number | ScalarClass.ideographic
  private static let word = ScalarClass.letter | ScalarClass.mark
  private static let sign = ScalarClass.punctuation | ScalarClass.symbol

  @inline(__always)
  func pieceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    let (mask, length) = reader.scalar(start, end)
    if mask & ScalarClass.number != 0 { return numberEnd(reader, start, end) }
    if mask & ScalarClass.ideographic != 0 {
      return reader.run(ScalarClass.ideographic, from: start, end)
    }
    if let matched = match(reader, start, end, mask, length) { return matched }
    // What no alternative matches stays together up to the next match.
    var index = start + length
    while true {
      let (mask, length) = reader.scalar(index, end)
      if length == 0 || mask & Self.taken != 0 { return index }
      if match(reader, index, end, mask, length) != nil { return index }
      index += length
    }
  }

  private func numberEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    for _ in 0..<3 {
      let (mask, length) = reader.scalar(index, end)
      if mask & ScalarClass.number == 0 { break }
      index += length
    }
    return index
  }

  /// The end of what the third split matches at `start`, where a scalar of class `mask` stands that is not `taken`.
  @inline(__always)
  private func match(
    _ reader: ScalarReader, _ start: Int, _ end: Int, _ mask: UInt8, _ length: Int
  ) -> Int? {
    if mask & Self.word != 0 { return wordEnd(reader, start, end) }
    let next = start + length
    let (nextMask, nextLength) = reader.scalar(next, end)
    let isNextTaken = nextLength == 0 || nextMask & Self.taken != 0
    if mask & Self.sign != 0 {
      if length == 1, nextLength == 1, isASCIILetter(reader.text[next]) {
        return asciiWordEnd(reader, next + 1, end)
      }
      return signEnd(reader, start, end)
    }
    if mask & ScalarClass.newline == 0, !isNextTaken {
      if nextMask & Self.word != 0 { return wordEnd(reader, next, end) }
      if nextMask & Self.sign != 0, reader.text[start] == 0x20 {
        return signEnd(reader, next, end)
      }
    }
    return mask & ScalarClass.anySpace != 0 ? spaceEnd(reader, start, end) : nil
  }

  private func isASCIILetter(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
  }

  private func asciiWordEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    while index < end, isASCIILetter(reader.text[index]) { index += 1 }
    return index
  }

  /// `[\p{L}\p{M}]+`, up to what the earlier splits took.
  @inline(__always)
  private func wordEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    while true {
      let (mask, length) = reader.scalar(index, end)
      if mask & Self.word == 0 || mask & ScalarClass.ideographic != 0 { return index }
      index += length
    }
  }

  /// `[\p{P}\p{S}]+[\r\n]*`, up to what the earlier splits took.
  private func signEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    while true {
      let (mask, length) = reader.scalar(index, end)
      if mask & Self.sign == 0 || mask & ScalarClass.ideographic != 0 { break }
      index += length
    }
    return reader.run(ScalarClass.newline, from: index, end)
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`
  private func spaceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    var last = start
    var newlineEnd: Int?
    while true {
      let (mask, length) = reader.scalar(index, end)
      if mask & ScalarClass.anySpace == 0 {
        if let newlineEnd { return newlineEnd }
        let isAtEnd = length == 0 || mask & Self.taken != 0
        return reader.spaceEnd(start, last: last, runEnd: index, isAtEnd: isAtEnd)
      }
      last = index
      index += length
      if mask & ScalarClass.newline != 0 { newlineEnd = index }
    }
  }
}
