import ArgumentParser
import Foundation
import ModelFiles

/// `maslin model synthesize`
struct ModelSynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Writes a model of true shape with random weights, for measuring.",
    discussion: """
      The answers of such a model mean nothing; its size, speed and memory are those of a real one of the same shape, \
      layers and types. The same arguments give the same file.

      Shapes: \(SynthesisShape.all.map(\.name).joined(separator: ", ")).

      Examples:
        maslin model synthesize --shape deepseek-v4-flash --layers 4 flash4.gguf
        maslin model synthesize --shape qwen3-8b --mix Q8_0 qwen.gguf
      """)

  @Argument(help: "The new file.", completion: .file())
  var output: String

  @Option(help: "The shape.")
  var shape: String

  @Option(help: "The number of layers (default: all).")
  var layers: Int?

  @Option(
    help: ArgumentHelp(
      "How weights are stored (default: deepseek-2bit for DeepSeek V4, Q4_K_M else). One of "
        + "\(QuantizationMix.allCases.map(\.name).joined(separator: ", ")).", valueName: "mix"))
  var mix: String?

  @Option(help: "The seed of the weights.")
  var seed: UInt64 = 1

  @Option(name: [.customShort("t"), .long], help: "Threads; has no influence on the file.")
  var threads: Int?

  mutating func run() throws {
    let shape = try SynthesisShape(name: self.shape)
    let synthesizer = try ModelSynthesizer(
      shape, layers: layers, mix: try shape.mix(named: mix), seed: seed)
    let meter = ProgressMeter(
      "writing", unit: "MB", total: synthesizer.fileByteCount / 1_000_000)
    try synthesizer.write(
      to: output, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ) { done, _ in
      meter.update(done / 1_000_000)
    }
    meter.finish()
  }
}

extension SynthesisShape {
  /// The mix of that name; the shape's usual one when none is named.
  func mix(named name: String?) throws -> QuantizationMix {
    if let name { return try QuantizationMix(name: name) }
    return family == .deepseek4 ? .deepseek2Bit : .q4_K_M
  }
}
