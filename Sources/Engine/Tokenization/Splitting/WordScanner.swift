/// The rules of Qwen and Llama 3:
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?WORD+ | \p{N}{1,longest} | ?[^\s\p{N}WORD\p{L}]+[\r\n]* |
///     \s*[\r\n]+ | \s+(?!\S) | \s+
///
/// where WORD is `\p{L}`, or `[\p{L}\p{M}]` for Qwen 3.5.
struct WordScanner: PieceScanner {
  /// The classes that words are made of.
  var word: UInt8
  /// How many digits stay together.
  var longestNumber: Int

  @inline(__always)
  func pieceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    let (mask, length) = reader.scalar(start, end)
    if mask & word != 0 { return reader.run(word, from: start, end) }
    if mask & ScalarClass.number != 0 { return numberEnd(reader, start, end) }
    let next = start + length
    if reader.text[start] == UInt8(ascii: "'") {
      let contraction = reader.contractionEnd(next, end, ignoresCase: true)
      if contraction > next { return contraction }
    }
    let nextMask = reader.scalar(next, end).mask
    if mask & ScalarClass.newline == 0, nextMask & word != 0 {
      return reader.run(word, from: next, end)
    }
    let notSign = ScalarClass.anySpace | ScalarClass.letter | ScalarClass.number | word
    var signStart = start
    if reader.text[start] == 0x20, next < end, nextMask & notSign == 0 { signStart = next }
    if signStart == next || mask & notSign == 0 {
      let signEnd = reader.run(without: notSign, from: signStart, end)
      return reader.run(ScalarClass.newline, from: signEnd, end)
    }
    return spaceEnd(reader, start, end)
  }

  private func numberEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    for _ in 0..<longestNumber {
      let (mask, length) = reader.scalar(index, end)
      if mask & ScalarClass.number == 0 { break }
      index += length
    }
    return index
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`
  private func spaceEnd(_ reader: ScalarReader, _ start: Int, _ end: Int) -> Int {
    var index = start
    var last = start
    var newlineEnd: Int?
    while true {
      let (mask, length) = reader.scalar(index, end)
      if mask & ScalarClass.anySpace == 0 {
        return newlineEnd
          ?? reader.spaceEnd(start, last: last, runEnd: index, isAtEnd: length == 0)
      }
      last = index
      index += length
      if mask & ScalarClass.newline != 0 { newlineEnd = index }
    }
  }
}

extension ScalarReader {
  /// `s|t|re|ve|m|ll|d` at `index`, after an apostrophe; `index` itself where nothing matches.
  ///
  /// Ignoring case, U+017F (long s) matches s, as Unicode's case folding has it.
  @inline(__always)
  func contractionEnd(_ index: Int, _ end: Int, ignoresCase: Bool) -> Int {
    guard index < end else { return index }
    let fold: UInt8 = ignoresCase ? 0x20 : 0
    let second = index + 1 < end ? text[index + 1] | fold : 0
    switch text[index] | fold {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return index + 1
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return second == UInt8(ascii: "e") ? index + 2 : index
    case UInt8(ascii: "l"):
      return second == UInt8(ascii: "l") ? index + 2 : index
    default:
      let isLongS = ignoresCase && text[index] == 0xC5 && index + 1 < end && text[index + 1] == 0xBF
      return isLongS ? index + 2 : index
    }
  }
}
