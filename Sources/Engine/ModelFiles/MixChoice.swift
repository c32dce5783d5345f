import GGUF
import TensorFormats

/// What types are chosen by: a tensor without its values.
struct TensorOutline: Hashable, Sendable {
  let name: String
  /// The type in the source.
  let type: TensorType
  let shape: [Int]

  var columns: Int { shape.first ?? 1 }
  var rows: Int { shape.count > 1 ? shape[1] : 1 }
  var matrices: Int { shape.dropFirst(2).reduce(1, *) }

  init(name: String, type: TensorType = .f32, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  init(_ view: TensorView) { self.init(name: view.name, type: view.type, shape: view.shape) }
}

/// The choices of one mix for the tensors of one model. The rules are those of llama.cpp's quantiser.
struct MixChoice {
  let mix: QuantizationMix
  let hasImportance: Bool
  private let layers: Int
  private let experts: Int
  /// Query heads per key head.
  private let headsPerKey: Int
  private let hasOutput: Bool
  /// The layers that have a value projection, ascending: hybrid models have some without.
  private let valueLayers: [Int]

  init(
    metadata: GGUFMetadata, tensors: [TensorOutline], mix: QuantizationMix, hasImportance: Bool
  ) {
    self.mix = mix
    self.hasImportance = hasImportance
    let family = metadata.string("general.architecture") ?? ""
    func number(_ key: String) -> Int? {
      let key = "\(family).\(key)"
      return metadata.integer(key) ?? metadata.integers(key)?.max()
    }
    layers = max(number("block_count") ?? 0, 1)
    experts = number("expert_count") ?? 0
    let heads = number("attention.head_count") ?? 1
    headsPerKey = heads / max(number("attention.head_count_kv") ?? heads, 1)
    hasOutput = tensors.contains { $0.name == "output.weight" }
    valueLayers = Set(
      tensors.lazy.filter {
        Role($0.name) == .attentionValue || Role($0.name) == .attentionAll
      }
      .compactMap { Self.layer($0.name) }
    ).sorted()
  }

  /// What a tensor does, as far as recipes care.
  enum Role {
    case embedding, output, attentionQuery, attentionKey, attentionValue, attentionAll
    case attentionOutput, down, other

    init(_ name: String) {
      if name == "token_embd.weight" {
        self = .embedding
      } else if name == "output.weight" {
        self = .output
      } else if name.contains("attn_qkv.weight") || name.contains("attn_kv_b.weight") {
        self = .attentionAll
      } else if name.contains("attn_v.weight") {
        self = .attentionValue
      } else if name.contains("attn_k.weight") {
        self = .attentionKey
      } else if name.contains("attn_q.weight") {
        self = .attentionQuery
      } else if name.contains("attn_output.weight") {
        self = .attentionOutput
      } else if name.contains("ffn_down") {
        self = .down
      } else {
        self = .other
      }
    }
  }

  /// N of `blk.N.`.
  static func layer(_ name: String) -> Int? {
    guard name.hasPrefix("blk.") else { return nil }
    return Int(name.dropFirst(4).prefix { $0 != "." })
  }

  /// The type of a tensor that is not quantised; nil for others.
  func keptType(_ tensor: TensorOutline) -> TensorType? {
    let name = tensor.name
    if tensor.type.isInteger { return tensor.type }
    if tensor.shape.count < 2 || tensor.rows * tensor.matrices == 1 || !name.hasSuffix("weight")
      || name.hasSuffix("_norm.weight")
    {
      return .f32
    }
    // Engines read these four-tap filters as floats only.
    if name.contains("ssm_conv1d") { return .f32 }
    if mix == .deepseek2Bit { return nil }
    if name.contains("ffn_gate_inp") { return .f32 }
    // Small tensors on which much depends: hyper-connections, position tables of compressors.
    let small = ["hc_attn_fn", "hc_ffn_fn", "hc_head_fn", "output_hc_fn", "_ape."]
    if small.contains(where: { name.contains($0) }) {
      return tensor.type.isFloatingPoint && tensor.type != .f64 ? tensor.type : .f32
    }
    return nil
  }

  /// The type the mix gives a tensor that is quantised.
  func type(_ tensor: TensorOutline) -> TensorType {
    let role = Role(tensor.name)
    switch mix {
    case .f32, .f16, .bf16, .q8_0: return mix.defaultType
    case .deepseek2Bit: return deepseekType(tensor.name)
    case .mxfp4MoE:
      return tensor.matrices > 1 ? .mxfp4 : .q8_0
    case .iq2_XXS, .iq2_XS:
      return twoBitType(tensor, role)
    default: break
    }
    switch role {
    case .output: return outputType(tensor)
    case .embedding:
      if !hasOutput { return outputType(tensor) }
      return mix == .iq3_XXS ? .q3_K : mix.defaultType
    case .attentionValue, .attentionAll: return valueType(tensor, role)
    case .attentionKey:
      if experts == 8 { return .q8_0 }
      return mix == .iq3_XXS ? .q2_K : mix.defaultType
    case .attentionQuery: return mix == .iq3_XXS ? .q2_K : mix.defaultType
    case .attentionOutput: return attentionOutputType()
    case .down: return downType(tensor)
    case .other: return mix.defaultType
    }
  }

  private func deepseekType(_ name: String) -> TensorType {
    let last = name.split(separator: ".").dropLast().last.map(String.init) ?? name
    switch last {
    case "ffn_gate_exps", "ffn_up_exps": return .iq2_XXS
    case "ffn_down_exps": return .q2_K
    case "output": return .q8_0
    default: break
    }
    if name.contains("indexer") || last.contains("compressor") { return .f16 }
    return last.hasPrefix("attn_") || last.hasSuffix("_shexp") ? .q8_0 : .f16
  }

  private func outputType(_ tensor: TensorOutline) -> TensorType {
    if tensor.columns % mix.defaultType.valuesPerBlock != 0 { return .q8_0 }
    switch mix {
    case .iq2_XXS, .iq2_XS, .iq3_XXS: return .q5_K
    default: return .q6_K
    }
  }

  private func twoBitType(_ tensor: TensorOutline, _ role: Role) -> TensorType {
    switch role {
    case .output: return outputType(tensor)
    case .embedding: return hasOutput ? .q2_K : outputType(tensor)
    case .attentionValue, .attentionAll:
      return headsPerKey >= 4 || experts >= 4 ? .q4_K : .q2_K
    case .attentionKey: return experts == 8 ? .q4_K : mix.defaultType
    case .attentionOutput: return experts == 8 ? .q5_K : mix.defaultType
    case .down:
      return isAmongFirst(tensor, eighths: 1) ? .q2_K : mix.defaultType
    case .attentionQuery, .other: return mix.defaultType
    }
  }

  /// Layers that get more bits in the M mixes: the first and last eighth, and every third between.
  private static func isFavoured(_ layer: Int, of count: Int) -> Bool {
    layer < count / 8 || layer >= 7 * count / 8 || (layer - count / 8) % 3 == 2
  }

  private func isAmongFirst(_ tensor: TensorOutline, eighths: Int) -> Bool {
    (Self.layer(tensor.name) ?? 0) < layers * eighths / 8
  }

  private func valueType(_ tensor: TensorOutline, _ role: Role) -> TensorType {
    let layer = Self.layer(tensor.name) ?? 0
    let position = valueLayers.firstIndex(of: layer) ?? 0
    if experts == 8 { return .q8_0 }
    let type: TensorType
    switch mix {
    case .q2_K: type = headsPerKey >= 4 ? .q4_K : .q3_K
    case .iq3_XXS: type = headsPerKey >= 4 ? .q4_K : hasImportance ? .iq3_XXS : .q3_K
    case .q3_K_M: type = position < 2 ? .q5_K : .q4_K
    case .iq4_XS: type = headsPerKey >= 4 ? .q5_K : .iq4_XS
    case .q4_K_M, .q5_K_M:
      type = Self.isFavoured(position, of: valueLayers.count) ? .q6_K : mix.defaultType
    case .q4_K_S: type = position < 4 ? .q5_K : .q4_K
    default: type = mix.defaultType
    }
    // Llama 70B: eight query heads share a value head, so more bits cost little.
    let isLarge = layers == 80 && headsPerKey == 8
    return isLarge && (type == .q3_K || type == .q4_K) ? .q5_K : type
  }

  private func attentionOutputType() -> TensorType {
    switch mix {
    case .q2_K, .q3_K_M, .iq3_XXS, .iq4_XS, .q4_K_S, .q4_K_M:
      if experts == 8 { return .q5_K }
      if mix == .q2_K || mix == .iq3_XXS { return .q3_K }
      return mix == .q3_K_M ? .q4_K : mix.defaultType
    default: return mix.defaultType
    }
  }

  private func downType(_ tensor: TensorOutline) -> TensorType {
    let layer = Self.layer(tensor.name) ?? 0
    let isEarly = isAmongFirst(tensor, eighths: 1)
    switch mix {
    case .q2_K: return .q3_K
    case .iq3_XXS:
      if hasImportance { return .iq3_XXS }
      return isEarly ? .q4_K : .q3_K
    case .q3_K_M: return layer < layers / 16 ? .q5_K : .q4_K
    case .q4_K_M, .q5_K_M:
      return Self.isFavoured(layer, of: layers) ? .q6_K : mix.defaultType
    case .iq4_XS: return isEarly && !hasImportance ? .q5_K : .iq4_XS
    case .q4_K_S: return isEarly ? .q5_K : .q4_K
    case .q4_0: return isEarly && hasImportance ? .q4_1 : .q4_0
    default: return mix.defaultType
    }
  }
}
