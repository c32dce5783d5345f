import GGUF
import Inference
import ModelServing
import Tokenization

/// How tokens are chosen where a request does not say.
///
/// Taken from the file where it carries its author's advice (`general.sampling.temp`, `.top_k`, `.top_p`, `.min_p`,
/// `.penalty_repeat`, `.penalty_last_n`, as converters write them). Else temperature 1 and top-p 1, which is DeepSeek's
/// published advice. DeepSeek files of mostly 2- and 3-bit weights also get min-p 0.05: quantisation lifts the tail of
/// unlikely tokens, and a share of the best token cuts exactly that tail without making likely text more likely to repeat
/// (specification of DeepSeek V4, 9.2).
struct SamplingAdvice: Hashable, Sendable {
  /// The settings; their seed has no meaning.
  let settings: SamplingSettings

  /// Reads the advice for a file. Values out of range are left out.
  ///
  /// - Parameter hasFewBits: whether most weights have 2 or 3 bits.
  init(_ metadata: GGUFMetadata, hasFewBits: Bool) {
    var settings = SamplingSettings()
    if metadata.string("general.architecture") == "deepseek4", hasFewBits { settings.minP = 0.05 }
    func take(_ name: String, _ change: (inout SamplingSettings, Double) -> Void) {
      guard let value = metadata.number("general.sampling.\(name)"), value.isFinite else { return }
      var changed = settings
      change(&changed, value)
      if (try? changed.validate()) != nil { settings = changed }
    }
    take("temp") { $0.temperature = Float($1) }
    take("top_k") { $0.topK = Int(exactly: $1).map { max(0, $0) } ?? 0 }
    take("top_p") { $0.topP = Float($1) }
    take("min_p") { $0.minP = Float($1) }
    take("penalty_repeat") { $0.repetitionPenalty = Float($1) }
    take("penalty_last_n") { settings, value in
      // -1 stands for the whole context there, 0 for no penalty at all.
      let count = Int(exactly: value) ?? settings.penaltyWindow
      settings.penaltyWindow = max(0, count)
      if count == 0 { settings.repetitionPenalty = 1 }
    }
    self.settings = settings
  }

  /// The settings for a request.
  ///
  /// - Throws: `ServiceError.invalid` naming the field that is out of range.
  func settings(for request: GenerationRequest.Sampling) throws(ServiceError) -> SamplingSettings {
    var result = settings
    if let value = request.temperature { result.temperature = Float(value) }
    if let value = request.topK { result.topK = value }
    if let value = request.topP { result.topP = Float(value) }
    if let value = request.minP { result.minP = Float(value) }
    if let value = request.repetitionPenalty { result.repetitionPenalty = Float(value) }
    if let value = request.presencePenalty { result.presencePenalty = Float(value) }
    if let value = request.frequencyPenalty { result.frequencyPenalty = Float(value) }
    if let value = request.penaltyWindow { result.penaltyWindow = value }
    result.seed = request.seed ?? UInt64.random(in: 0...(.max))
    do throws(InferenceError) {
      try result.validate()
    } catch {
      guard case .setting(let name, let value, let allowed) = error else {
        throw .invalid(message: error.description, parameter: nil)
      }
      let field = String(name.map { $0 == "-" || $0 == " " ? "_" : $0 })
      throw .invalid(message: "is \(value); it must be \(allowed)", parameter: field)
    }
    return result
  }

  /// The biases of a request, checked.
  ///
  /// - Throws: `ServiceError.invalid` for tokens outside the vocabulary and values outside -100...100.
  static func biases(
    _ biases: [Int32: Double], vocabularyCount: Int
  ) throws(ServiceError) -> [Int32: Float] {
    var result: [Int32: Float] = [:]
    for (token, value) in biases.sorted(by: { $0.key < $1.key }) {
      guard token >= 0, token < vocabularyCount else {
        throw .invalid(
          message: "token \(token) does not exist; the vocabulary has the tokens 0 to "
            + "\(vocabularyCount - 1)",
          parameter: "logit_bias")
      }
      guard value >= -100, value <= 100 else {
        throw .invalid(
          message: "the bias of token \(token) is \(value); it must be -100 to 100",
          parameter: "logit_bias")
      }
      result[token] = Float(value)
    }
    return result
  }
}
