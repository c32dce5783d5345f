import ArgumentParser
import Foundation
import Inference
import Models

/// `maslin logits`
struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Computes the logits after every one of the tokens given.",
    discussion: """
      Writes raw little-endian f32, one row a position, as many values a row as the vocabulary has tokens. With \
      --chosen-experts, also the routed experts of every position: raw little-endian i32, for each position the layers \
      with routed experts in order, for each the experts in the order of choice.

      Tokens are numbers separated by commas or blanks; @FILE reads them from a file, - from standard input.

      Examples:
        maslin logits model.gguf --tokens 0,19923,14 --out logits.f32
        maslin logits model.gguf --tokens @ids.txt --out logits.f32 --threads 1 --chunk 7
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Option(help: ArgumentHelp("Token ids, @FILE, or -.", valueName: "ids"))
  var tokens: String

  @Option(help: "Where to write the logits; - for standard output.", completion: .file())
  var out: String

  @Option(
    help: ArgumentHelp("Where to write the chosen experts.", valueName: "file"),
    completion: .file())
  var chosenExperts: String?

  @OptionGroup var options: EngineOptions

  mutating func run() throws {
    let ids = try TokenList.read(tokens)
    guard !ids.isEmpty else { throw CommandFailure(.usage, "--tokens: no tokens given") }
    let local = try options.open(model)
    let experts = chosenExperts.map { _ in ExpertObserver() }
    let session = local.makeSession()
    let sink = try ByteSink(path: out)
    var remaining = ids[...]
    while !remaining.isEmpty {
      let part = Array(remaining.prefix(session.chunk))
      remaining = remaining.dropFirst(part.count)
      try sink.append(try session.appendForAllLogits(part, observer: experts))
    }
    try sink.finish()
    if let experts, let path = chosenExperts {
      guard !experts.isEmpty else {
        throw CommandFailure(.badInput, "\(model) has no routed experts")
      }
      let sink = try ByteSink(path: path)
      try sink.append(experts.rows)
      try sink.finish()
    }
  }
}

/// Collects the experts chosen in every layer, position by position.
private final class ExpertObserver: ForwardObserver {
  /// For each call, per layer in order, the rows of ids.
  private var layers: [(count: Int, ids: [Int32])] = []
  /// The positions of earlier calls, complete.
  private var done: [Int32] = []
  private var lastLayer = -1

  var isEmpty: Bool { layers.isEmpty && done.isEmpty }

  func observe(_ name: String, shape: [Int], values: [Float]) {
    guard name.hasSuffix(".router.experts"), let layer = Int(name.prefix { $0 != "." }) else {
      return
    }
    // A layer number that does not grow starts the next chunk of tokens.
    if layer <= lastLayer { flush() }
    lastLayer = layer
    layers.append((count: shape.last ?? 1, ids: values.map { Int32($0) }))
  }

  private func flush() {
    let positions = layers.map { $0.ids.count / max(1, $0.count) }.min() ?? 0
    for position in 0..<positions {
      for layer in layers {
        done += layer.ids[position * layer.count..<(position + 1) * layer.count]
      }
    }
    layers = []
  }

  /// All positions in order.
  var rows: [Int32] {
    flush()
    return done
  }
}
