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

  /// A piece of the answer and where it begins.
  public struct LocatedEvent: Hashable, Sendable {
    /// The piece.
    public var event: Event
    /// The bytes of the answer's text before it.
    public var offset: Int
  }

  private enum Stage { case start, reasoning, content, calls }

  /// How calls are written.
  public let syntax: Syntax
  private var stage: Stage
  /// Whether a call that is still open at the end counts if it can be read.
  private var trustsOpenCalls = true
  /// Text that is not decided yet, in UTF-8.
  private var held: [UInt8] = []
  /// The bytes of the answer before `held`.
  private var base = 0
  /// How much of `held` has been searched for markers in the stage `calls`.
  private var searched = 0
  /// Where the search for the end of a tagged call has got to.
  private var scan = TaggedCallScan()
  /// The line breaks before the marker of the present tagged call.
  private var lineBreaks = 0
  /// Whether only white space has been said since the last marker.
  private var skipsLineBreaks = false
  /// Line breaks left out since the last call, while nothing else came.
  private var skippedLineBreaks = 0
  private var followsCall = false

  /// Where calls are looked for.
  public enum CallPlaces: Hashable, Sendable {
    /// Everywhere.
    case everywhere
    /// Where nothing has been said yet.
    case beforeContent
    /// Nowhere: what looks like a call is text.
    case nowhere
  }

  /// Where calls are looked for.
  public var callPlaces = CallPlaces.everywhere
  /// The kinds of values that parameters may have, by tool and parameter, where they are known: text that looks like JSON
  /// of another kind stays text.
  public var parameterKinds: [String: [String: JSONKinds]] = [:]
  private var hasContent = false

  /// Whether the model is thinking at this point of the answer.
  public var isReasoning: Bool { stage == .reasoning }

  private static let think = Array("<think>".utf8)
  private static let endThink = Array("</think>".utf8)

  /// Makes a parser; `startsThinking` says whether the prompt ends inside a thought.
  public init(syntax: Syntax, startsThinking: Bool) {
    self.syntax = syntax
    stage = startsThinking ? .reasoning : .start
    skipsLineBreaks = startsThinking && syntax != .dsml
  }

  /// Takes the next piece of the answer; returns what has become certain.
  public mutating func append(_ text: String) -> [Event] { appendLocated(text).map(\.event) }

  /// Ends the answer; returns what was held back.
  public mutating func finish() -> [Event] { finishLocated().map(\.event) }

  /// As `append`, with the places of the pieces in the answer's text.
  public mutating func appendLocated(_ text: String) -> [LocatedEvent] {
    // In small portions, so that what is held stays short and taking from its front cheap.
    var events: [LocatedEvent] = []
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

  /// As `finish`, with the places of the pieces in the answer's text.
  ///
  /// - Parameter isCutOff: Whether the answer ended against the model's will, at a limit. A call without its closer is
  ///   then never taken for complete.
  public mutating func finishLocated(isCutOff: Bool = false) -> [LocatedEvent] {
    trustsOpenCalls = !isCutOff
    return advance(isFinal: true)
  }

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

  private mutating func advance(isFinal: Bool) -> [LocatedEvent] {
    var events: [LocatedEvent] = []
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

  /// Takes bytes from the front of what is held.
  private mutating func drop(_ count: Int) {
    held.removeFirst(count)
    base += count
  }

  /// An answer may begin with a thought although the prompt did not open one.
  private mutating func start(_ isFinal: Bool) -> Bool {
    let text = held.drop { $0 == 0x0A || $0 == 0x20 }
    if text.starts(with: Self.think) {
      drop(held.count - text.count + Self.think.count)
      stage = .reasoning
      skipsLineBreaks = syntax != .dsml
      return true
    }
    if !isFinal, text.isEmpty || Self.think.starts(with: text) { return false }
    stage = .content
    return true
  }

  private var callStarts: [[UInt8]] {
    switch callPlaces {
    case .everywhere: break
    case .beforeContent: if hasContent { return [] }
    case .nowhere: return []
    }
    switch syntax {
    case .dsml: return DSML.blockStarts.map { Array($0.utf8) }
    case .json, .function: return [TaggedCallScan.opener]
    case .none: return []
    }
  }

  /// Gives out text up to the next marker. Returns whether there is more to do.
  private mutating func speak(
    _ isFinal: Bool, isReasoning: Bool, _ events: inout [LocatedEvent]
  ) -> Bool {
    if skipsLineBreaks {
      let count = held.prefix { $0 == 0x0A }.count
      if followsCall { skippedLineBreaks += count }
      drop(count)
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
        let end = isCall || syntax != .dsml ? trimmed(index) : index
        emit(end, isReasoning, &events)
        drop(index + marker.count)
        stage = isCall ? .calls : .content
        searched = 0
        scan = TaggedCallScan()
        lineBreaks = index == 0 ? skippedLineBreaks : index - end
        skippedLineBreaks = 0
        followsCall = false
        skipsLineBreaks = !isCall && syntax != .dsml
        return true
      }
      if !isFinal, markers.contains(where: { $0.starts(with: rest) }) { break }
      index += 1
    }
    // Line breaks before a marker belong to it, so they wait for what follows.
    let certain = isFinal ? held.count : trimmed(index)
    emit(certain, isReasoning, &events)
    drop(certain)
    if certain > 0 { skippedLineBreaks = 0 }
    return false
  }

  /// `end` less the line breaks before it, two at most.
  private func trimmed(_ end: Int) -> Int {
    var end = end
    for _ in 0..<2 where end > 0 && held[end - 1] == 0x0A { end -= 1 }
    return end
  }

  private mutating func emit(_ end: Int, _ isReasoning: Bool, _ events: inout [LocatedEvent]) {
    guard end > 0 else { return }
    let text = String(decoding: held[..<end], as: UTF8.self)
    if !isReasoning { hasContent = true }
    events.append(
      LocatedEvent(event: isReasoning ? .reasoning(text) : .content(text), offset: base))
  }

  private mutating func call(_ isFinal: Bool, _ events: inout [LocatedEvent]) -> Bool {
    syntax == .dsml ? blockCall(isFinal, &events) : taggedCall(isFinal, &events)
  }

  /// The next call of a DSML block, or its end.
  private mutating func blockCall(_ isFinal: Bool, _ events: inout [LocatedEvent]) -> Bool {
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
      add(.malformed(String(decoding: held[..<place], as: UTF8.self)), &events)
    }
    drop(place)
    if marker == start { return true }
    drop(marker.count)
    if marker != closer { stage = .content }
    return true
  }

  private func report(_ text: ArraySlice<UInt8>, closed: Bool, _ events: inout [LocatedEvent]) {
    let text = String(decoding: text, as: UTF8.self)
    guard var call = DSML.call(text, isCut: false, kinds: parameterKinds) else {
      add(.malformed(text), &events)
      return
    }
    if !closed { call.verbatim = nil }
    add(.toolCall(call), &events)
  }

  private func add(_ event: Event, _ events: inout [LocatedEvent]) {
    events.append(LocatedEvent(event: event, offset: base))
  }

  /// The answer ends inside a block.
  private mutating func endBlock(_ isInCall: Bool, _ events: inout [LocatedEvent]) -> Bool {
    let text = String(decoding: held, as: UTF8.self)
    if isInCall, trustsOpenCalls,
      let call = DSML.call(text, isCut: true, kinds: parameterKinds)
    {
      add(.toolCall(call), &events)
    } else if isInCall {
      add(.malformed(text), &events)
    } else if text.utf8.contains(where: { $0 > 0x20 }) {
      add(.content(text), &events)
    }
    drop(held.count)
    return false
  }

  /// The call between `<tool_call>` and `</tool_call>`.
  private mutating func taggedCall(_ isFinal: Bool, _ events: inout [LocatedEvent]) -> Bool {
    let found = scan.end(in: held, syntax: syntax, isFinal: isFinal)
    guard found != nil || isFinal else { return false }
    let place = found?.lowerBound ?? held.count
    let text = String(decoding: held[..<place], as: UTF8.self)
    let isNext = found.map { held[$0].starts(with: TaggedCallScan.opener) } ?? false
    var call: ToolCall?
    if found != nil || trustsOpenCalls {
      call =
        syntax == .json
        ? TaggedCall.json(text) : TaggedCall.function(text, kinds: parameterKinds)
    }
    if let found, !isNext {
      call?.verbatim =
        String(repeating: "\n", count: lineBreaks) + "<tool_call>" + text
        + String(decoding: held[found], as: UTF8.self)
    }
    add(call.map { .toolCall($0) } ?? .malformed(text), &events)
    drop(found?.upperBound ?? place)
    scan = TaggedCallScan()
    lineBreaks = 0
    stage = isNext ? .calls : .content
    skipsLineBreaks = stage == .content
    followsCall = true
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
