import GGUF
import Kernels
import Models
import Testing

/// The tiny decoders of this target: Qwen and Llama.
enum DecoderFixture {
  /// One model of every kind: heads normed, experts, gated delta nets, adjacent pairs and biases.
  static let kinds = ["qwen3-f32", "qwen3moe-f32", "qwen35moe-q4_k_m", "llama-factors"]

  static func load(
    _ name: String, activations: ProcessorOperations.Activations = .rounded, threads: Int = 2,
    instructionSet: InstructionSet? = nil, options: ModelOptions = ModelOptions(maximumBatch: 1024)
  ) throws -> any LanguageModel {
    try ModelLoader.load(
      try EngineFixture.named(name).open(),
      on: try ProcessorOperations(
        threads: threads, instructionSet: instructionSet, activations: activations),
      options: options)
  }

  /// Tokens of a sequence by chance.
  static func tokens(_ count: Int, of model: any LanguageModel, seed: UInt64) -> [Int32] {
    var numbers = SeededNumbers(seed)
    let vocabulary = Int32(model.shape.vocabularyCount)
    return (0..<count).map { _ in Int32.random(in: 0..<vocabulary, using: &numbers) }
  }

  /// The bits of rows of logits.
  static func bits(_ logits: [Float], _ rows: Range<Int>, of model: any LanguageModel) -> [UInt32] {
    let width = model.shape.vocabularyCount
    return Array(logits[rows.lowerBound * width..<rows.upperBound * width]).bits
  }
}
