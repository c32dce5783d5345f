import Foundation
import Kernels
import TensorFormats

extension DecoderMetadata {
  /// Reads how queries and keys are rotated: plain, or stretched to longer contexts by one factor (`linear`), by YaRN, or by
  /// a factor for each pair of columns (the tensor `rope_freqs.weight` of Llama 3).
  ///
  /// - Parameters:
  ///   - headWidth: the width of a head.
  ///   - usualWidth: how many columns of a head turn when the file does not say.
  mutating func rotation(
    headWidth: Int, usualWidth: Int, pairing: Rotation.Pairing
  ) throws(ModelError) -> Rotation {
    guard headWidth >= 2 else {
      throw .metadata(
        key: metadata.name("attention.key_length"),
        problem: "is \(headWidth); pairs need 2 at least")
    }
    let width = try integer("rope.dimension_count", in: 2...headWidth, default: usualWidth)
    guard width % 2 == 0 else {
      throw .metadata(
        key: metadata.name("rope.dimension_count"), problem: "is \(width), which is not even")
    }
    let base = try number("rope.freq_base", in: 1.0001...1e12, default: defaults.frequencyBase)
    var rotation = Rotation(
      offset: 0, width: width, pairing: pairing,
      frequencies: RotaryFrequencies.plain(width: width, base: base))
    try stretch(&rotation, base: base)
    if let factors = try pairFactors(count: width / 2) {
      rotation.frequencies = zip(rotation.frequencies, factors).map { $0 / $1 }
    }
    return rotation
  }

  /// Smaller divisors of frequencies are taken for damage: angles would grow beyond what sine and cosine can be told of.
  private static var smallestFactor: Double { 1e-3 }

  private func stretch(_ rotation: inout Rotation, base: Double) throws(ModelError) {
    let key = "rope.scaling.type"
    let magnitude = try metadata.optionalNumber("rope.scaling.attn_factor", in: 1e-6...1e6) ?? 1
    rotation.magnitude = Float(magnitude)
    // The older name of the factor is `rope.scale_linear`; 0 stands for none.
    let older = try metadata.optionalNumber("rope.scale_linear", in: 0...1e9)
    let given = try metadata.optionalNumber("rope.scaling.factor", in: 0...1e9) ?? older ?? 0
    let factor = given == 0 ? 1 : given
    guard factor >= Self.smallestFactor else {
      throw .metadata(
        key: metadata.name("rope.scaling.factor"),
        problem: "is \(factor), less than \(Self.smallestFactor)")
    }
    let type = try metadata.optionalString(key) ?? "linear"
    switch type {
    case "none":
      break
    case "linear":
      rotation.frequencies = rotation.frequencies.map { $0 / factor }
    case "yarn":
      let mixing = try metadata.optionalNumber("rope.scaling.yarn_ext_factor", in: -1e6...1e6) ?? 1
      guard mixing == 1 || mixing < 0 else {
        throw .metadata(
          key: metadata.name("rope.scaling.yarn_ext_factor"),
          problem: "is \(mixing); only 1 (all of YaRN) is supported")
      }
      let originalLength =
        try metadata.optionalInteger("rope.scaling.original_context_length", in: Limits.context)
        ?? contextLength
      let fast = try metadata.optionalNumber("rope.scaling.yarn_beta_fast", in: 1e-3...1e6) ?? 32
      let slow = try metadata.optionalNumber("rope.scaling.yarn_beta_slow", in: 1e-3...1e6) ?? 1
      rotation.frequencies = RotaryFrequencies.yarn(
        width: rotation.width, base: base,
        .init(
          factor: factor, originalLength: Double(originalLength), betaFast: fast, betaSlow: slow))
      let all = try metadata.optionalNumber("rope.scaling.yarn_log_multiplier", in: 0...1e3) ?? 0
      rotation.magnitude = Float(magnitude * Self.magnitude(factor: factor, overall: all))
    default:
      throw .metadata(
        key: metadata.name(key),
        problem: "'\(type)' is not supported; known are none, linear and yarn")
    }
  }

  /// By how much sine and cosine grow under YaRN: `0.1 ln(factor) + 1` (Peng et al., 3.4), divided by the same with the
  /// logarithm multiplied by `overall` where a model says so.
  private static func magnitude(factor: Double, overall: Double) -> Double {
    guard factor > 1 else { return 1 }
    return (0.1 * log(factor) + 1) / (0.1 * overall * log(factor) + 1)
  }

  /// The divisors of the frequencies, one a pair of columns; nil when the file has none.
  private func pairFactors(count: Int) throws(ModelError) -> [Double]? {
    let name = "rope_freqs.weight"
    guard let view = file.tensor(name) else { return nil }
    guard view.type == .f32, view.count == count, view.bytes.count >= 4 * count else {
      throw .tensor(
        name: name,
        problem: "holds \(view.count) \(view.type.name) values where \(count) F32 are expected")
    }
    var factors: [Double] = []
    for index in 0..<count {
      let bits = view.bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
      let factor = Double(Float(bitPattern: UInt32(littleEndian: bits)))
      guard factor.isFinite, factor >= Self.smallestFactor else {
        throw .tensor(
          name: name,
          problem: "value \(index) is \(factor), not a number from \(Self.smallestFactor) on")
      }
      factors.append(factor)
    }
    return factors
  }
}
