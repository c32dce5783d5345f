import ArgumentParser
import Foundation
import Inference
import JSON
import ModelFiles

/// `maslin bench`
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract:
      "Measures how fast a model runs here: taking in a prompt, and answering, at several context lengths.",
    discussion: """
      Every figure is the fastest of --repeat runs. Shares are those of the read bandwidth measured in the same run. \
      The tokens are arbitrary; speeds do not depend on them but for which experts they choose.

      Examples:
        maslin bench model.gguf
        maslin bench model.gguf --prompt 512 --generate 64 --depth 0,4096,16384 --json
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Option(name: [.customShort("p"), .long], help: "Tokens taken in; 0 leaves that out.")
  var prompt: Int = 512

  @Option(name: [.customShort("g"), .long], help: "Tokens answered; 0 leaves that out.")
  var generate: Int = 64

  @Option(
    name: [.customShort("d"), .long],
    help: ArgumentHelp("Tokens in the context before measuring.", valueName: "list"))
  var depth: String = "0"

  @Option(help: "Runs of each measurement.")
  var `repeat`: Int = 3

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var options: EngineOptions

  func validate() throws {
    guard prompt >= 0, generate >= 0, prompt + generate > 0, `repeat` > 0 else {
      throw ValidationError("--prompt, --generate and --repeat must be positive")
    }
  }

  private struct Measurement {
    var name: String
    var depth: Int
    var tokens: Int
    var seconds: Double
    var bytesPerToken: Int?
    var rate: Double { Double(tokens) / seconds }
  }

  mutating func run() throws {
    let depths = try TokenList.read(depth, from: "--depth").map(Int.init)
    let local = try options.open(model)
    guard let deepest = depths.max(), deepest + max(prompt, generate + 1) <= local.contextLength
    else {
      throw CommandFailure(
        .usage,
        "the context holds \(local.contextLength) tokens; the largest depth and what is measured there need more"
      )
    }
    let bandwidth = local.operations.measureBandwidth()
    let traffic = ModelInspection(local.file).traffic
    var results: [Measurement] = []
    for depth in depths {
      let session = local.makeSession()
      try session.append(tokens(depth, local))
      if prompt > 0 {
        results.append(
          Measurement(
            name: "prefill", depth: depth, tokens: prompt,
            seconds: try fastest {
              let fork = session.fork()
              let part = tokens(prompt, local)
              return { try fork.append(part) }
            }))
      }
      if generate > 0 {
        results.append(
          Measurement(
            name: "decode", depth: depth, tokens: generate,
            seconds: try fastest {
              let fork = session.fork()
              let part = tokens(generate, local)
              return { for token in part { try fork.append([token]) } }
            }, bytesPerToken: traffic.total))
      }
    }
    try show(results, local, bandwidth: bandwidth.bytesPerSecond)
  }

  /// Arbitrary tokens, the same in every run.
  private func tokens(_ count: Int, _ local: LocalModel) -> [Int32] {
    let vocabulary = local.model.shape.vocabularyCount
    return (0..<count).map { Int32(($0 &* 7919 &+ 13) % vocabulary) }
  }

  private func fastest(_ prepare: () throws -> () throws -> Void) throws -> Double {
    var best = Double.infinity
    for _ in 0..<`repeat` {
      let body = try prepare()
      let start = ContinuousClock.now
      try body()
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    return best
  }

  private func show(_ results: [Measurement], _ local: LocalModel, bandwidth: Double) throws {
    var output = StandardOutput()
    if json {
      try output.write(
        JSONText.document(
          .members([
            "model": .string(local.file.path),
            "architecture": .string(local.model.shape.architecture),
            "threads": .integer(local.operations.threads),
            "instructionSet": .string(local.operations.instructionSet.rawValue),
            "measuredBandwidth": .number(bandwidth),
            "results": .array(
              results.map { result in
                var members: [JSONMember] = [
                  JSONMember(name: "test", value: .string(result.name)),
                  JSONMember(name: "depth", value: .integer(result.depth)),
                  JSONMember(name: "tokens", value: .integer(result.tokens)),
                  JSONMember(name: "seconds", value: .number(result.seconds)),
                  JSONMember(name: "tokensPerSecond", value: .number(result.rate)),
                ]
                if let bytes = result.bytesPerToken {
                  let read = Double(bytes) * result.rate
                  members.append(JSONMember(name: "bytesPerSecond", value: .number(read)))
                  members.append(
                    JSONMember(name: "shareOfBandwidth", value: .number(read / bandwidth)))
                }
                return .object(members)
              }),
          ])))
    } else {
      try output.write(
        "\(local.operations.threads) threads, \(local.operations.instructionSet.rawValue), "
          + String(format: "%.1f GB/s measured\n", bandwidth / 1e9))
      for result in results {
        var line = result.name.padding(toLength: 8, withPad: " ", startingAt: 0)
        line += String(
          format: "depth %6d  %5d tokens  %9.2f tokens/s", result.depth, result.tokens, result.rate)
        if let bytes = result.bytesPerToken {
          let read = Double(bytes) * result.rate
          line += String(format: "  %6.1f GB/s  %3.0f %%", read / 1e9, 100 * read / bandwidth)
        }
        try output.write(line + "\n")
      }
    }
    try output.finish()
  }
}
