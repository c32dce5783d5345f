extension Tokenizer {
  /// The added tokens in `text[range]`, special ones included, as they are found in text that may hold them.
  func addedTokens(in text: [UInt8], _ range: Range<Int>) -> [(token: Int32, range: Range<Int>)] {
    var result: [(token: Int32, range: Range<Int>)] = []
    text.withUnsafeBufferPointer { text in
      let part = UnsafeBufferPointer(rebasing: text[range])
      var done = 0
      split(part, anyMatcher, .parsed) { section in
        switch section {
        case .text(let bytes): done += bytes.count
        case .token(let token, let bytes):
          let start = range.lowerBound + done
          result.append((token, start..<start + bytes.count))
          done += bytes.count
        }
      }
    }
    return result
  }

  /// The tokens of valid UTF-8 in which exactly the tokens given are set; they are in order and do not overlap.
  func encode(_ text: [UInt8], around tokens: [(token: Int32, range: Range<Int>)]) -> [Int32] {
    text.withUnsafeBufferPointer { text in
      collect(byteCount: text.count) { body in
        var done = 0
        for (token, range) in tokens {
          normalized(UnsafeBufferPointer(rebasing: text[done..<range.lowerBound]), body)
          body(.token(token, UnsafeBufferPointer(rebasing: text[range])))
          done = range.upperBound
        }
        normalized(UnsafeBufferPointer(rebasing: text[done...]), body)
      }
    }
  }

  private func normalized(_ text: UnsafeBufferPointer<UInt8>, _ body: (Section) -> Void) {
    guard !text.isEmpty else { return }
    if vocabulary.normalizes, let normalized = Normalization.formC(text) {
      normalized.withUnsafeBufferPointer { body(.text($0)) }
    } else {
      body(.text(text))
    }
  }

  /// A part of a text: an added token, or text to be split and merged.
  enum Section {
    case text(UnsafeBufferPointer<UInt8>)
    case token(Int32, UnsafeBufferPointer<UInt8>)
  }

  /// The tokens of the sections that `sections` passes on.
  func collect(byteCount: Int, _ sections: ((Section) -> Void) -> Void) -> [Int32] {
    precondition(byteCount < 1 << 31, "texts of 2 GiB and more must be encoded in parts")
    var result: [Int32] = []
    result.reserveCapacity(byteCount / 3)
    var merger = PieceMerger(vocabulary, byteCount: byteCount)
    sections { section in
      switch section {
      case .token(let token, _): result.append(token)
      case .text(let bytes):
        ScalarClasses.shared.withReader(bytes) { reader in
          vocabulary.preTokenizer.forEachPiece(of: reader, in: 0..<bytes.count) {
            merger.append(UnsafeBufferPointer(rebasing: bytes[$0]), to: &result)
          }
        }
      }
    }
    return result
  }

  /// Cuts a text at added tokens: first those matched in the text as given, then, in the normalised rest, the others.
  func forEachSection(
    of text: UnsafeBufferPointer<UInt8>, _ specialTokens: SpecialTokenUse,
    _ body: (Section) -> Void
  ) {
    split(text, rawMatcher, specialTokens) { section in
      guard case .text(let raw) = section else { return body(section) }
      if vocabulary.normalizes, let normalized = Normalization.formC(raw) {
        normalized.withUnsafeBufferPointer { split($0, normalizedMatcher, specialTokens, body) }
      } else {
        split(raw, normalizedMatcher, specialTokens, body)
      }
    }
  }

  private func split(
    _ text: UnsafeBufferPointer<UInt8>, _ matcher: AddedTokenMatcher,
    _ specialTokens: SpecialTokenUse, _ body: (Section) -> Void
  ) {
    func part(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
      UnsafeBufferPointer(rebasing: text[range])
    }
    var done = 0
    var searched = 0
    while !matcher.isEmpty, let match = matcher.next(in: text, searched..<text.count) {
      searched = match.range.upperBound
      // A special token read as text still hides what it contains and overlaps, as in the reference.
      guard let token = vocabulary.addedToken(match.token),
        !(token.isSpecial && specialTokens == .asText),
        let range = WordBoundary.place(of: token, at: match.range, in: text, after: done)
      else { continue }
      if done < range.lowerBound { body(.text(part(done..<range.lowerBound))) }
      body(.token(token.id, part(range)))
      done = range.upperBound
      searched = max(searched, done)
    }
    if done < text.count { body(.text(part(done..<text.count))) }
  }
}
