import JSON

/// Takes the text of a model's answer apart as it comes: reasoning, content, tool calls.
///
/// Text that may still turn out to be a marker is held back. Malformed calls never stop the parser: what cannot be
/// read is reported as it stands. All of the text comes out as events but for markers, and line breaks (two at
/// most) before a call. Linear in the text.
public struct ChatOutputParser: Sendable {
  /// How calls are written.
  public enum Syntax: Hashable, Sendable {
    /// DeepSeek's blocks.
    case dsml
    /// `<tool_call>` around a JSON object (Qwen 2.5, Qwen 3).
    case json
    /// `<tool_call>` around `<function=...>` (Qwen 3.5).
    case function
    /// There are no calls.
    case none
  }

  /// A piece of the answer.
  public enum Event: Hashable, Sendable {
    /// A piece of what the model thinks.
    case reasoning(String)
    /// A piece of what it says.
    case content(String)
    /// A call, complete.
    case toolCall(ToolCall)
    /// Text that stands where a call should be and cannot be read as one.
    case malformed(String)
  }

  private enum Stage { case start, reasoning, content, calls }

  private let syntax: Syntax
  private var stage: Stage
  /// Text that is not decided yet, in UTF-8.
  private var held: [UInt8] = []
  /// How much of `held` has been searched for markers in the stage `calls`.
  private var searched = 0
  /// Whether only white space has been said since the last marker.
  private var skipsLineBreaks = false

  private static let think = Array("<think>".utf8)
  private static let endThink = Array("</think>".utf8)

  /// Makes a parser; `startsThinking` says whether the prompt ends inside a thought.
  public init(syntax: Syntax, startsThinking: Bool) {
    self.syntax = syntax
    stage = startsThinking ? .reasoning : .start
    skipsLineBreaks = startsThinking && syntax != .dsml
  }

  /// Takes the next piece of the answer; returns what has become certain.
  public mutating func append(_ text: String) -> [Event] {
    // In small portions, so that what is held stays short and taking from its front cheap.
    var events: [Event] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      var end =
        rest.index(rest.startIndex, offsetBy: 4096, limitedBy: rest.endIndex) ?? rest.endIndex
      while end < rest.endIndex, rest[end] & 0xC0 == 0x80 { end += 1 }
      held.append(contentsOf: rest[..<end])
      rest = rest[end...]
      events += advance(isFinal: false)
    }
    return events
  }

  /// Ends the answer; returns what was held back.
  public mutating func finish() -> [Event] { advance(isFinal: true) }

  /// A whole answer at once: neighbouring pieces joined.
  public static func parse(
    _ text: String, syntax: Syntax, startsThinking: Bool
  ) -> (reasoning: String, content: String, toolCalls: [ToolCall], malformed: [String]) {
    var parser = ChatOutputParser(syntax: syntax, startsThinking: startsThinking)
    var result = (reasoning: "", content: "", toolCalls: [ToolCall](), malformed: [String]())
    for event in parser.append(text) + parser.finish() {
      switch event {
      case .reasoning(let text): result.reasoning += text
      case .content(let text): result.content += text
      case .toolCall(let call): result.toolCalls.append(call)
      case .malformed(let text): result.malformed.append(text)
      }
    }
    return result
  }

  private mutating func advance(isFinal: Bool) -> [Event] {
    var events: [Event] = []
    var goesOn = true
    while goesOn {
      switch stage {
      case .start: goesOn = start(isFinal)
      case .reasoning: goesOn = speak(isFinal, isReasoning: true, &events)
      case .content: goesOn = speak(isFinal, isReasoning: false, &events)
      case .calls: goesOn = call(isFinal, &events)
      }
    }
    return events
  }

  /// An answer may begin with a thought although the prompt did not open one.
  private mutating func start(_ isFinal: Bool) -> Bool {
    let text = held.drop { $0 == 0x0A || $0 == 0x20 }
    if text.starts(with: Self.think) {
      held.removeFirst(held.count - text.count + Self.think.count)
      stage = .reasoning
      skipsLineBreaks = syntax != .dsml
      return true
    }
    if !isFinal, text.isEmpty || Self.think.starts(with: text) { return false }
    stage = .content
    return true
  }

  private var callStarts: [[UInt8]] {
    switch syntax {
    case .dsml: DSML.blockStarts.map { Array($0.utf8) }
    case .json, .function: [Array("<tool_call>".utf8)]
    case .none: []
    }
  }

  /// Gives out text up to the next marker. Returns whether there is more to do.
  private mutating func speak(
    _ isFinal: Bool, isReasoning: Bool, _ events: inout [Event]
  ) -> Bool {
    if skipsLineBreaks {
      held.removeFirst(held.prefix { $0 == 0x0A }.count)
      if held.isEmpty { return false }
      skipsLineBreaks = false
    }
    let markers = (isReasoning ? [Self.endThink] : []) + callStarts
    var index = 0
    while index < held.count {
      guard held[index] == UInt8(ascii: "<") else {
        index += 1
        continue
      }
      let rest = held[index...]
      if let marker = markers.first(where: { rest.starts(with: $0) }) {
        let isCall = marker != Self.endThink
        emit(isCall || syntax != .dsml ? trimmed(index) : index, isReasoning, &events)
        held.removeFirst(index + marker.count)
        stage = isCall ? .calls : .content
        searched = 0
        skipsLineBreaks = !isCall && syntax != .dsml
        return true
      }
      if !isFinal, markers.contains(where: { $0.starts(with: rest) }) { break }
      index += 1
    }
    // Line breaks before a marker belong to it, so they wait for what follows.
    let certain = isFinal ? held.count : trimmed(index)
    emit(certain, isReasoning, &events)
    held.removeFirst(certain)
    return false
  }

  /// `end` less the line breaks before it, two at most.
  private func trimmed(_ end: Int) -> Int {
    var end = end
    for _ in 0..<2 where end > 0 && held[end - 1] == 0x0A { end -= 1 }
    return end
  }

  private func emit(_ end: Int, _ isReasoning: Bool, _ events: inout [Event]) {
    guard end > 0 else { return }
    let text = String(decoding: held[..<end], as: UTF8.self)
    events.append(isReasoning ? .reasoning(text) : .content(text))
  }

  private mutating func call(_ isFinal: Bool, _ events: inout [Event]) -> Bool {
    syntax == .dsml ? blockCall(isFinal, &events) : taggedCall(isFinal, &events)
  }

  /// The next call of a DSML block, or its end.
  private mutating func blockCall(_ isFinal: Bool, _ events: inout [Event]) -> Bool {
    let start = Array(DSML.callStart.utf8)
    let ends = DSML.blockEnds.map { Array($0.utf8) }
    let isInCall = held.starts(with: start)
    // A call ends at its closer, and also where the next begins or the block ends.
    let closer = Array(DSML.callEnd.utf8)
    let markers = (isInCall ? [closer] : []) + [start] + ends
    guard let (place, marker) = next(markers, from: max(searched, isInCall ? start.count : 0))
    else {
      searched = max(0, held.count - 64)
      return isFinal && endBlock(isInCall, &events)
    }
    searched = 0
    if isInCall {
      report(held[..<place], closed: marker == closer, &events)
    } else if held[..<place].contains(where: { $0 > 0x20 }) {
      events.append(.malformed(String(decoding: held[..<place], as: UTF8.self)))
    }
    held.removeFirst(place)
    if marker == start { return true }
    held.removeFirst(marker.count)
    if marker != closer { stage = .content }
    return true
  }

  private func report(_ text: ArraySlice<UInt8>, closed: Bool, _ events: inout [Event]) {
    let text = String(decoding: text, as: UTF8.self)
    guard var call = DSML.call(text, isCut: false) else {
      events.append(.malformed(text))
      return
    }
    if !closed { call.verbatim = nil }
    events.append(.toolCall(call))
  }

  /// The answer ends inside a block.
  private mutating func endBlock(_ isInCall: Bool, _ events: inout [Event]) -> Bool {
    let text = String(decoding: held, as: UTF8.self)
    held = []
    if isInCall, let call = DSML.call(text, isCut: true) {
      events.append(.toolCall(call))
    } else if isInCall {
      events.append(.malformed(text))
    } else if text.utf8.contains(where: { $0 > 0x20 }) {
      events.append(.content(text))
    }
    return false
  }

  /// The call between `<tool_call>` and `</tool_call>`.
  private mutating func taggedCall(_ isFinal: Bool, _ events: inout [Event]) -> Bool {
    let closer = Array("</tool_call>".utf8)
    let opener = Array("<tool_call>".utf8)
    let found = next([closer, opener], from: searched)
    guard found != nil || isFinal else {
      searched = max(0, held.count - closer.count)
      return false
    }
    let (place, marker) = found ?? (held.count, [])
    let text = String(decoding: held[..<place], as: UTF8.self)
    let call = syntax == .json ? TaggedCall.json(text) : TaggedCall.function(text)
    events.append(call.map { .toolCall($0) } ?? .malformed(text))
    held.removeFirst(place + marker.count)
    searched = 0
    stage = marker == opener ? .calls : .content
    skipsLineBreaks = stage == .content
    return found != nil
  }

  /// The first of `markers` at or after `from`.
  private func next(_ markers: [[UInt8]], from: Int) -> (place: Int, marker: [UInt8])? {
    var index = min(from, held.count)
    while let start = held[index...].firstIndex(of: UInt8(ascii: "<")) {
      let rest = held[start...]
      if let marker = markers.first(where: { rest.starts(with: $0) }) { return (start, marker) }
      index = start + 1
    }
    return nil
  }
}
