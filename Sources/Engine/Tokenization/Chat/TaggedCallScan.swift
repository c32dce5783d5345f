/// Finds where a tagged call ends, piece by piece, without being misled by markers inside JSON strings.
///
/// JSON that turns out not to be any counts as plain text, so that a broken call still ends at its closer. Linear in the
/// text.
struct TaggedCallScan: Sendable {
  /// Begins the next call.
  static let opener = Array("<tool_call>".utf8)
  /// Ends a call.
  static let closer = Array("</tool_call>".utf8)
  private static let parameter = Array("<parameter=".utf8)

  /// Follows JSON that is an object or an array.
  private struct JSON {
    var start: Int
    var depth = 0
    var isInString = false
    var isEscaped = false
  }

  private var index = 0
  private var json: JSON?
  /// Where JSON was looked for in vain.
  private var brokenStart = -1
  /// Whether other text than white space has passed.
  private var isInText = false

  /// The place of the marker that ends the call at the start of `text`, or nil when there is none yet.
  ///
  /// To be asked again with the same text and more behind it.
  mutating func end(
    in text: [UInt8], syntax: ChatOutputParser.Syntax, isFinal: Bool
  ) -> Range<Int>? {
    while true {
      if json != nil, !follow(text) {
        guard isFinal, let start = json?.start else { return nil }
        giveUp(start)
      }
      guard index < text.count else { return nil }
      if beginsJSON(text, syntax) { continue }
      guard text[index] == UInt8(ascii: "<") else {
        if text[index] > 0x20 { isInText = true }
        index += 1
        continue
      }
      isInText = true
      let rest = text[index...]
      for marker in [Self.closer, Self.opener] {
        if rest.starts(with: marker) { return index..<index + marker.count }
        if !isFinal, marker.starts(with: rest) { return nil }
      }
      if !isFinal, syntax == .function, isCutParameter(rest) { return nil }
      index += 1
    }
  }

  /// Whether `rest` may become the opening of a parameter with its value's first characters.
  private func isCutParameter(_ rest: ArraySlice<UInt8>) -> Bool {
    if Self.parameter.starts(with: rest) { return true }
    // Longer names than this are none.
    guard rest.starts(with: Self.parameter), rest.count < 1024 else { return false }
    guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return true }
    return rest[(end + 1)...].count < 2
  }

  /// Begins to follow JSON where a call's or a parameter's value is an object or an array.
  private mutating func beginsJSON(
    _ text: [UInt8], _ syntax: ChatOutputParser.Syntax
  ) -> Bool {
    var start = index
    if syntax == .json {
      guard !isInText else { return false }
    } else {
      let rest = text[index...]
      guard rest.starts(with: Self.parameter), let end = rest.firstIndex(of: UInt8(ascii: ">"))
      else { return false }
      start = end + 1
      if start < text.count, text[start] == 0x0A { start += 1 }
    }
    guard start < text.count, start != brokenStart,
      text[start] == UInt8(ascii: "{") || syntax == .function && text[start] == UInt8(ascii: "[")
    else { return false }
    json = JSON(start: start)
    index = start
    return true
  }

  private mutating func giveUp(_ start: Int) {
    json = nil
    brokenStart = start
    index = start
    isInText = true
  }

  /// Follows JSON as far as the text goes. Returns false while it goes on.
  private mutating func follow(_ text: [UInt8]) -> Bool {
    guard var state = json else { return true }
    while index < text.count {
      switch Self.step(&state, text[index]) {
      case .inside: index += 1
      case .end:
        index += 1
        json = nil
        return true
      case .broken:
        giveUp(state.start)
        return true
      }
    }
    json = state
    return false
  }

  private enum Step { case inside, end, broken }

  private static func step(_ state: inout JSON, _ byte: UInt8) -> Step {
    if state.isInString {
      if byte < 0x20 { return .broken }
      if state.isEscaped {
        state.isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        state.isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        state.isInString = false
      }
      return .inside
    }
    switch byte {
    case UInt8(ascii: "\""): state.isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): state.depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      state.depth -= 1
      return state.depth == 0 ? .end : .inside
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "E"), 0x20, 0x09, 0x0A, 0x0D:
      break
    default: return .broken
    }
    return .inside
  }

  /// Where the object or array that `text` begins with ends, or nil.
  static func jsonEnd(in text: ArraySlice<UInt8>) -> Int? {
    guard let first = text.first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
      return nil
    }
    var state = JSON(start: text.startIndex)
    for (place, byte) in zip(text.indices, text) {
      switch step(&state, byte) {
      case .inside: break
      case .end: return place + 1
      case .broken: return nil
      }
    }
    return nil
  }
}
