import GGUF
import TensorFormats
import TerminalText

/// The dimensions of a model that can be synthesised.
public struct SynthesisShape: Hashable, Sendable {
  /// The families of models.
  public enum Family: String, Hashable, Sendable {
    case llama, qwen3, qwen3moe, qwen35moe, deepseek4
  }

  /// What only DeepSeek V4 has.
  struct Compressed: Hashable, Sendable {
    var queryRank: Int
    var outputGroups: Int
    var outputRank: Int
    var rotaryWidth = 64
    var window = 128
    /// Ratios of the first layers; after them 4 and 128 alternate.
    var firstRatios: [Int]
    var indexHeads = 64
    var indexWidth = 128
    var indexChosen: Int
    var streams = 4
    var hashLayers = 3
    var expertScale: Float
    var originalContext = 65536

    func ratios(_ layers: Int) -> [Int] {
      (0..<layers).map { layer in
        layer < firstRatios.count ? firstRatios[layer] : layer % 2 == 0 ? 4 : 128
      }
    }
  }

  /// What only models with recurrent layers have (Qwen3.5).
  struct Recurrent: Hashable, Sendable {
    var keyHeads: Int
    var valueHeads: Int
    var headWidth: Int
    /// Every layer whose number plus one is a multiple of this has full attention.
    var interval: Int
    var rotaryWidth: Int
    var sections: [Int32]

    var innerWidth: Int { valueHeads * headWidth }
    var convolutionWidth: Int { 2 * keyHeads * headWidth + innerWidth }
  }

  /// The name by which it is asked for.
  public let name: String
  /// The family.
  public let family: Family
  /// The number of layers of the real model.
  public let layers: Int
  let width: Int
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  let feedForward: Int
  let vocabulary: Int
  let context: Int
  let ropeBase: Float
  var epsilon: Float = 1e-6
  var isTied = false
  var experts = 0
  var chosenExperts = 0
  var expertWidth = 0
  var sharedWidth = 0
  var compressed: Compressed?
  var recurrent: Recurrent?

  /// The shape of that name.
  public init(name: String) throws(SynthesisError) {
    guard let shape = Self.all.first(where: { $0.name == name.lowercased() }) else {
      throw .unknownShape(name)
    }
    self = shape
  }

  private init(
    _ name: String, _ family: Family, layers: Int, width: Int, heads: Int, keyHeads: Int,
    headWidth: Int, feedForward: Int, vocabulary: Int, context: Int, ropeBase: Float,
    _ change: (inout SynthesisShape) -> Void = { _ in }
  ) {
    self.name = name
    self.family = family
    self.layers = layers
    self.width = width
    self.heads = heads
    self.keyHeads = keyHeads
    self.headWidth = headWidth
    self.feedForward = feedForward
    self.vocabulary = vocabulary
    self.context = context
    self.ropeBase = ropeBase
    change(&self)
  }

  /// All shapes. Sources: specification of DeepSeek V4, sections 1 and 2; the published configurations of the others.
  public static let all: [SynthesisShape] = deepseeks + qwens + llamas

  private static let deepseeks = [
    SynthesisShape(
      "deepseek-v4-flash", .deepseek4, layers: 43, width: 4096, heads: 64, keyHeads: 1,
      headWidth: 512, feedForward: 2048, vocabulary: 129_280, context: 1_048_576, ropeBase: 10000
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth, $0.sharedWidth) = (256, 6, 2048, 2048)
      $0.compressed = Compressed(
        queryRank: 1024, outputGroups: 8, outputRank: 1024, firstRatios: [0, 0], indexChosen: 512,
        expertScale: 1.5)
    },
    SynthesisShape(
      "deepseek-v4-pro", .deepseek4, layers: 61, width: 7168, heads: 128, keyHeads: 1,
      headWidth: 512, feedForward: 3072, vocabulary: 129_280, context: 1_048_576, ropeBase: 10000
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth, $0.sharedWidth) = (384, 6, 3072, 3072)
      $0.compressed = Compressed(
        queryRank: 1536, outputGroups: 16, outputRank: 1024, firstRatios: [128, 128],
        indexChosen: 1024, expertScale: 2.5)
    },
    SynthesisShape(
      "tiny-deepseek4", .deepseek4, layers: 4, width: 256, heads: 8, keyHeads: 1, headWidth: 64,
      feedForward: 256, vocabulary: 1100, context: 4096, ropeBase: 10000
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth, $0.sharedWidth) = (8, 2, 256, 256)
      $0.compressed = Compressed(
        queryRank: 96, outputGroups: 4, outputRank: 64, rotaryWidth: 16, window: 64,
        firstRatios: [0, 0], indexHeads: 8, indexWidth: 64, indexChosen: 32, hashLayers: 2,
        expertScale: 1.5, originalContext: 256)
    },
  ]

  private static let qwens = [
    SynthesisShape(
      "qwen3-8b", .qwen3, layers: 36, width: 4096, heads: 32, keyHeads: 8, headWidth: 128,
      feedForward: 12288, vocabulary: 151_936, context: 40960, ropeBase: 1e6),
    SynthesisShape(
      "qwen3-4b", .qwen3, layers: 36, width: 2560, heads: 32, keyHeads: 8, headWidth: 128,
      feedForward: 9728, vocabulary: 151_936, context: 40960, ropeBase: 1e6
    ) { $0.isTied = true },
    SynthesisShape(
      "qwen3-0.6b", .qwen3, layers: 28, width: 1024, heads: 16, keyHeads: 8, headWidth: 128,
      feedForward: 3072, vocabulary: 151_936, context: 40960, ropeBase: 1e6
    ) { $0.isTied = true },
    SynthesisShape(
      "tiny-qwen3", .qwen3, layers: 2, width: 256, heads: 4, keyHeads: 2, headWidth: 64,
      feedForward: 512, vocabulary: 1100, context: 4096, ropeBase: 1e6
    ) { $0.isTied = true },
    SynthesisShape(
      "qwen3-30b-a3b", .qwen3moe, layers: 48, width: 2048, heads: 32, keyHeads: 4,
      headWidth: 128, feedForward: 6144, vocabulary: 151_936, context: 40960, ropeBase: 1e6
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth) = (128, 8, 768)
    },
    SynthesisShape(
      "tiny-qwen3moe", .qwen3moe, layers: 2, width: 256, heads: 4, keyHeads: 2, headWidth: 64,
      feedForward: 512, vocabulary: 1100, context: 4096, ropeBase: 1e6
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth) = (8, 2, 256)
    },
    SynthesisShape(
      "qwen3.5-35b-a3b", .qwen35moe, layers: 40, width: 2048, heads: 16, keyHeads: 2,
      headWidth: 256, feedForward: 512, vocabulary: 248_320, context: 262_144, ropeBase: 1e7
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth, $0.sharedWidth) = (256, 8, 512, 512)
      $0.recurrent = Recurrent(
        keyHeads: 16, valueHeads: 32, headWidth: 128, interval: 4, rotaryWidth: 64,
        sections: [11, 11, 10, 0])
    },
    SynthesisShape(
      "tiny-qwen35moe", .qwen35moe, layers: 4, width: 256, heads: 4, keyHeads: 1, headWidth: 64,
      feedForward: 256, vocabulary: 1100, context: 4096, ropeBase: 1e7
    ) {
      ($0.experts, $0.chosenExperts, $0.expertWidth, $0.sharedWidth) = (8, 2, 256, 256)
      $0.recurrent = Recurrent(
        keyHeads: 1, valueHeads: 2, headWidth: 64, interval: 4, rotaryWidth: 16,
        sections: [3, 3, 2, 0])
    },
  ]

  private static let llamas = [
    SynthesisShape(
      "llama-3-8b", .llama, layers: 32, width: 4096, heads: 32, keyHeads: 8, headWidth: 128,
      feedForward: 14336, vocabulary: 128_256, context: 8192, ropeBase: 500_000
    ) { $0.epsilon = 1e-5 },
    SynthesisShape(
      "tiny-llama", .llama, layers: 2, width: 256, heads: 4, keyHeads: 2, headWidth: 64,
      feedForward: 512, vocabulary: 1100, context: 4096, ropeBase: 500_000
    ) { $0.epsilon = 1e-5 },
  ]
}

/// Why no model can be synthesised.
public enum SynthesisError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no shape of that name.
  case unknownShape(String)
  /// A model has at least one layer and at most ten thousand.
  case layers(Int)
  /// A GGUF file cannot be written.
  case gguf(GGUFError)
  /// The file without weights cannot be written.
  case outline(path: String, reason: String)
  /// A type cannot be filled.
  case format(TensorFormatError)

  /// What is wrong and what can be done about it.
  public var description: String {
    switch self {
    case .unknownShape(let name):
      "there is no shape '\(SafeText.line(name))'; there are "
        + SynthesisShape.all.map(\.name).joined(separator: ", ")
    case .layers(let count): "a model cannot have \(count) layers; 1 to 10000 are possible"
    case .gguf(let error): error.description
    case .outline(let path, let reason): "'\(path)' cannot be written: \(reason)"
    case .format(let error): error.description
    }
  }
}
