import TensorFormats

/// A recipe: which tensor of a model gets which type.
///
/// The K and IQ mixes follow the choices of llama.cpp's quantiser, so files are of the size and quality that their names
/// promise elsewhere. Where that one takes IQ3_S or IQ2_S, tensors become Q3_K or Q2_K, which are as large.
public enum QuantizationMix: String, CaseIterable, Hashable, Sendable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q8_0 = "Q8_0"
  case q4_0 = "Q4_0"
  case q4_K_S = "Q4_K_S"
  case q4_K_M = "Q4_K_M"
  case q5_K_M = "Q5_K_M"
  case q6_K = "Q6_K"
  case q3_K_M = "Q3_K_M"
  case q2_K = "Q2_K"
  case iq4_XS = "IQ4_XS"
  case iq3_XXS = "IQ3_XXS"
  case iq2_XS = "IQ2_XS"
  case iq2_XXS = "IQ2_XXS"
  /// Experts MXFP4, everything else Q8_0.
  case mxfp4MoE = "MXFP4_MOE"
  /// The recipe of the 2-bit DeepSeek V4 files (specification 10.3): gate and up experts IQ2_XXS, down experts Q2_K,
  /// attention, shared experts and output Q8_0, everything else F16.
  case deepseek2Bit = "deepseek-2bit"

  /// The name as people write it.
  public var name: String { rawValue }

  /// The mix of that name, in any case; `2bit` is short for `deepseek-2bit`.
  public init(name: String) throws(QuantizationError) {
    let lower = name.lowercased() == "2bit" ? "deepseek-2bit" : name.lowercased()
    guard let mix = QuantizationMix.allCases.first(where: { $0.name.lowercased() == lower }) else {
      throw .unknownMix(name)
    }
    self = mix
  }

  /// The number that `general.file_type` states (llama.cpp's list).
  public var fileType: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q8_0: 7
    case .q2_K: 10
    case .q3_K_M: 12
    case .q4_K_S: 14
    case .q4_K_M: 15
    case .q5_K_M: 17
    case .q6_K: 18
    case .iq2_XXS, .deepseek2Bit: 19
    case .iq2_XS: 20
    case .iq3_XXS: 23
    case .iq4_XS: 30
    case .bf16: 32
    case .mxfp4MoE: 38
    }
  }

  /// The type of tensors for which nothing else is said.
  public var defaultType: TensorType {
    switch self {
    case .f32: .f32
    case .f16, .deepseek2Bit: .f16
    case .bf16: .bf16
    case .q8_0: .q8_0
    case .q4_0: .q4_0
    case .q4_K_S, .q4_K_M: .q4_K
    case .q5_K_M: .q5_K
    case .q6_K: .q6_K
    case .q3_K_M: .q3_K
    case .q2_K: .q2_K
    case .iq4_XS: .iq4_XS
    case .iq3_XXS: .iq3_XXS
    case .iq2_XS: .iq2_XS
    case .iq2_XXS: .iq2_XXS
    case .mxfp4MoE: .mxfp4
    }
  }
}
