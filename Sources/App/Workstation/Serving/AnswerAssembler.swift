import Inference
import ModelServing
import Tokenization

/// Turns the tokens of one answer into events: text without half characters, thoughts apart from content, calls complete,
/// the content cut at the first stop text.
///
/// Stop texts count in what the model says, not in its thoughts nor in its calls; they are found across tokens.
package struct AnswerAssembler: Sendable {
  private let vocabulary: Vocabulary
  private var detokenizer: StreamingDetokenizer
  /// Takes chat answers apart; nil for plain text.
  private var parser: ChatOutputParser?
  private var stopTexts: StopTextMatcher
  private let makeCallID: @Sendable () -> String

  /// The stop text that was found; nothing comes after it.
  package private(set) var stopText: String?
  /// The calls so far, as they go back into prompts.
  package private(set) var calls: [ToolCall] = []
  /// The thoughts so far.
  package private(set) var reasoning = ""
  /// Tokens of thoughts, their end marker included.
  package private(set) var reasoningTokens = 0

  /// Bytes of the answer's text so far.
  private var textBytes = 0
  /// Bytes of content that went into the search for stop texts, and those that came out of it.
  private var contentBytes = (taken: 0, given: 0)
  /// Probabilities of tokens by the place in the answer's text where theirs begins.
  private var unplaced: [(offset: Int, entry: TokenProbability)] = []
  /// Probabilities of tokens by the place in the content where their text begins.
  private var placed: [(offset: Int, entry: TokenProbability)] = []

  /// Makes an assembler at the start of an answer.
  ///
  /// - Parameters:
  ///   - parser: takes chat answers apart; nil for plain text.
  ///   - stop: texts that end the content.
  ///   - makeCallID: makes a new id for each call.
  package init(
    vocabulary: Vocabulary, parser: ChatOutputParser?, stop: [String],
    makeCallID: @escaping @Sendable () -> String = CallIdentifier.make
  ) {
    self.vocabulary = vocabulary
    self.parser = parser
    self.makeCallID = makeCallID
    detokenizer = StreamingDetokenizer(vocabulary)
    stopTexts = StopTextMatcher(stop)
  }

  /// Takes the next token; returns what has become certain.
  package mutating func append(_ token: Int32, likelihoods: TokenLikelihoods? = nil)
    -> [GenerationEvent]
  {
    guard stopText == nil else { return [] }
    if let likelihoods {
      unplaced.append((textBytes, TokenProbability(likelihoods, vocabulary)))
    }
    let wasReasoning = parser?.isReasoning ?? false
    let text = detokenizer.append(token)
    textBytes += text.utf8.count
    let events = take(text, isFinal: false)
    if wasReasoning || parser?.isReasoning ?? false { reasoningTokens += 1 }
    return events
  }

  /// Ends the answer; returns what was held back.
  ///
  /// - Parameter isCutOff: Whether the answer ended at a limit: a call that is still open is none then.
  package mutating func finish(isCutOff: Bool = false) -> [GenerationEvent] {
    guard stopText == nil else { return [] }
    let text = detokenizer.finish()
    textBytes += text.utf8.count
    var events = take(text, isFinal: true, isCutOff: isCutOff)
    if stopText == nil { give(stopTexts.flush(), &events) }
    return events
  }

  private mutating func take(
    _ text: String, isFinal: Bool, isCutOff: Bool = false
  ) -> [GenerationEvent] {
    var events: [GenerationEvent] = []
    guard parser != nil else {
      if !text.isEmpty { say(text, at: textBytes - text.utf8.count, &events) }
      return events
    }
    var pieces = parser?.appendLocated(text) ?? []
    if isFinal { pieces += parser?.finishLocated(isCutOff: isCutOff) ?? [] }
    for piece in pieces {
      guard stopText == nil else { break }
      switch piece.event {
      case .reasoning(let text):
        give(stopTexts.flush(), &events)
        reasoning += text
        events.append(.reasoning(text))
      case .content(let text): say(text, at: piece.offset, &events)
      case .toolCall(var call):
        give(stopTexts.flush(), &events)
        let id = makeCallID()
        call.id = id
        events.append(
          .call(index: calls.count, Call(id: id, name: call.name, arguments: call.arguments)))
        calls.append(call)
      case .malformed(let text):
        give(stopTexts.flush(), &events)
        events.append(.malformedCall(text))
      }
    }
    return events
  }

  /// Takes a piece of content that begins at a place of the answer's text.
  private mutating func say(_ text: String, at offset: Int, _ events: inout [GenerationEvent]) {
    place(offset..<offset + text.utf8.count)
    contentBytes.taken += text.utf8.count
    let (certain, stop) = stopTexts.append(text)
    stopText = stop
    give(certain, &events)
  }

  /// Moves the probabilities of tokens that begin in a piece of content to it; those of tokens before it belong to markers
  /// and thoughts.
  private mutating func place(_ range: Range<Int>) {
    guard !unplaced.isEmpty else { return }
    let due = unplaced.prefix { $0.offset < range.upperBound }
    for (offset, entry) in due where offset >= range.lowerBound {
      placed.append((contentBytes.taken + offset - range.lowerBound, entry))
    }
    unplaced.removeFirst(due.count)
  }

  private mutating func give(_ text: String, _ events: inout [GenerationEvent]) {
    guard !text.isEmpty else { return }
    contentBytes.given += text.utf8.count
    let due = placed.prefix { $0.offset < contentBytes.given }.map(\.entry)
    placed.removeFirst(due.count)
    events.append(.content(text, due))
  }
}

extension TokenProbability {
  /// The engine's figures with the tokens' texts.
  package init(_ likelihoods: TokenLikelihoods, _ vocabulary: Vocabulary) {
    func choice(_ choice: TokenLikelihoods.Choice) -> Choice {
      let bytes = Array(vocabulary.bytes(of: choice.token))
      return Choice(
        text: String(decoding: bytes, as: UTF8.self), bytes: bytes, logarithm: choice.logarithm)
    }
    self.init(
      chosen: choice(likelihoods.chosen), alternatives: likelihoods.alternatives.map(choice))
  }
}

/// Names of calls.
package enum CallIdentifier {
  private static let digits = Array(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

  /// A new name: `call_` and 24 random letters and digits (143 bits).
  package static func make() -> String {
    "call_" + String((0..<24).map { _ in digits[Int.random(in: 0..<digits.count)] })
  }
}
