/// GPT-2's rules: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct GPT2Scanner: PieceScanner {
  /// Scalars before which the text counts as ended.
  var stop: UInt8 = 0

  @inline(__always)
  func pieceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    let first = reader.scalar(start, end)
    if reader.text[start] == UInt8(ascii: "'") {
      let contraction = reader.contractionEnd(start + 1, end, ignoresCase: false)
      if contraction > start + 1 { return contraction }
    }
    var (mask, index) = (first.mask, start)
    if reader.text[start] == 0x20 {
      let next = reader.scalar(start + 1, end)
      if next.length > 0, next.mask & stop == 0 { (mask, index) = (next.mask, start + 1) }
    }
    if mask & ScalarClass.letter != 0 { return reader.run(ScalarClass.letter, from: index, end) }
    if mask & ScalarClass.number != 0 { return reader.run(ScalarClass.number, from: index, end) }
    if mask & ScalarClass.anySpace == 0 {
      let notSign = ScalarClass.anySpace | ScalarClass.letter | ScalarClass.number
      return reader.run(without: notSign, from: index, end)
    }
    return spaceEnd(reader, start, end)
  }

  /// `\s+(?!\S)|\s+`
  private func spaceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    var last = start
    while true {
      let (mask, length) = reader.scalar(index, end)
      if mask & ScalarClass.anySpace == 0 {
        let isAtEnd = length == 0 || mask & stop != 0
        return reader.spaceEnd(start, last: last, runEnd: index, isAtEnd: isAtEnd)
      }
      last = index
      index += length
    }
  }
}

/// Every number scalar alone, then GPT-2's rules on what lies between.
struct DigitsScanner: PieceScanner {
  @inline(__always)
  func pieceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    let (mask, length) = reader.scalar(start, end)
    if mask & ScalarClass.number != 0 { return start + length }
    return GPT2Scanner(stop: ScalarClass.number).pieceEnd(reader, start, end)
  }
}
