import ArgumentParser
import Foundation
import Inference
import JSON
import Tokenization

/// `maslin complete`
struct CompleteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete",
    abstract: "Continues a text as it is, without a conversation around it.",
    discussion: """
      The text is an argument or standard input. The continuation goes to standard output as it is made; figures \
      go to standard error. The token that begins texts is put in front where the model asks for it; special tokens \
      written in the text count as such only with --special.

      Examples:
        maslin complete model.gguf "The quick brown" --max-tokens 20 --temperature 0
        maslin complete model.gguf < prompt.txt
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Argument(help: "The text; standard input when left out.")
  var prompt: String?

  @Flag(help: "Special tokens written in the text become those tokens.")
  var special = false

  @Flag(help: "Go on after the token that ends answers.")
  var ignoreEnd = false

  @Flag(help: "Print one JSON object at the end instead of text.")
  var json = false

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var speculation: SpeculationOptions
  @OptionGroup var options: EngineOptions

  mutating func run() throws {
    let text = try prompt ?? StandardInput.readText(limit: 256 << 20)
    let local = try options.open(model)
    let vocabulary = local.tokenizer.vocabulary
    var tokens = local.tokenizer.encode(text, specialTokens: special ? .parsed : .asText)
    if vocabulary.special.addsBeginning, let beginning = vocabulary.special.beginning,
      tokens.first != beginning
    {
      tokens.insert(beginning, at: 0)
    }
    guard !tokens.isEmpty else {
      throw CommandFailure(.usage, "the text is empty and this model needs something to continue")
    }
    let session = local.makeSession()
    let interruption = Interruption()
    let meter = ProgressMeter("reading the prompt", unit: "tokens", total: tokens.count)
    var timing = AnswerTiming(promptTokens: tokens.count)
    try session.append(tokens) { done in
      meter.update(done)
      return !interruption.isRequested
    }
    meter.finish()
    timing.promptDone()
    guard session.logits != nil else { throw CommandFailure(.environment, "interrupted") }

    let generation = Generation(
      sampler: try Sampler(sampling.settings(seed: .random(in: 0...(.max)))),
      stopTokens: ignoreEnd ? [] : vocabulary.stopTokens,
      tokenLimit: sampling.maximumTokens ?? .max,
      drafter: try speculation.drafter(for: session),
      draftLength: speculation.speculate)
    var detokenizer = StreamingDetokenizer(vocabulary)
    let stream = TextStream(isSilent: json)
    let outcome = try generation.run(session) { token in
      stream.write(detokenizer.append(token))
      return !interruption.isRequested && !stream.isClosed
    }
    stream.write(detokenizer.finish())
    timing.answerDone(tokens: outcome.tokens.count)
    if json {
      try StandardOutput().finish(
        with: JSONText.line([
          "text": .string(stream.text), "tokens": .array(outcome.tokens.map { .integer(Int($0)) }),
          "end": .string(outcome.end.name), "promptTokens": .integer(tokens.count),
          "drafted": .integer(outcome.drafted), "accepted": .integer(outcome.accepted),
          "promptSeconds": .number(timing.promptSeconds),
          "answerSeconds": .number(timing.answerSeconds),
        ]))
    } else {
      stream.write("\n")
      StandardError.write(timing.line(outcome) + "\n")
    }
    try stream.finish()
  }
}

extension Generation.End {
  /// The reason in a word, for JSON.
  var name: String {
    switch self {
    case .stopToken: "stop"
    case .tokenLimit: "length"
    case .contextFull: "context"
    case .cancelled: "cancelled"
    }
  }
}
