import ArgumentParser
import Foundation
import Inference
import JSON
import Tokenization

/// `maslin perplexity`
struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measures how well a model predicts a text.",
    discussion: """
      The text is cut into windows; in each, the tokens of the second half are scored (with --all, every token but the \
      first). Perplexity is e to the mean of the negative logarithms of their probabilities; the range after ± is one \
      standard error.

      Examples:
        maslin perplexity model.gguf text.txt
        maslin perplexity model.gguf text.txt --window 2048 --json
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Argument(help: "The text, UTF-8.", completion: .file())
  var file: String

  @Option(help: "Tokens of a window.")
  var window: Int = 512

  @Option(help: "Score at most so many windows.")
  var windows: Int?

  @Flag(help: "Score every token of a window but the first.")
  var all = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var options: EngineOptions

  func validate() throws {
    guard window >= 2 else { throw ValidationError("--window is \(window); it must be 2 or more") }
  }

  mutating func run() throws {
    let bytes = try InputFile.read(file, limit: 1 << 30)
    let local = try options.open(model)
    guard window <= local.contextLength else {
      throw CommandFailure(
        .usage, "--window is \(window), the context holds \(local.contextLength) tokens")
    }
    let tokens = local.tokenizer.encode(bytes: bytes)
    var scorer = PerplexityScorer(
      vocabularyCount: local.model.shape.vocabularyCount, window: window, scoresAll: all,
      beginning: local.tokenizer.vocabulary.special.addsBeginning
        ? local.tokenizer.vocabulary.special.beginning : nil)
    let parts = scorer.windows(of: tokens, limit: windows)
    guard !parts.isEmpty else {
      throw CommandFailure(
        .badInput, "\(file) has \(tokens.count) tokens; a window of \(window) needs as many")
    }
    let meter = ProgressMeter("scoring", unit: "windows", total: parts.count)
    let session = local.makeSession()
    for (index, part) in parts.enumerated() {
      session.reset()
      try scorer.score(part, session: session)
      meter.update(index + 1)
    }
    meter.finish()
    let result = scorer.result
    var output = StandardOutput()
    if json {
      try output.write(
        JSONText.line([
          "perplexity": .number(result.perplexity),
          "standardError": .number(result.standardError),
          "meanNegativeLogLikelihood": .number(result.mean), "tokens": .integer(result.count),
          "windows": .integer(parts.count), "window": .integer(window),
        ]))
    } else {
      try output.write(
        String(format: "perplexity %.4f ± %.4f", result.perplexity, result.standardError)
          + " over \(result.count) tokens in \(parts.count) windows of \(window)\n")
    }
    try output.finish()
  }
}
