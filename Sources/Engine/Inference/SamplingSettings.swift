/// How the next token is chosen from logits.
///
/// The steps run in this order: penalties, temperature, top-k, top-p, min-p, draw. With `temperature` 0 the largest
/// logit after penalties wins (ties: the lower id), and nothing random happens.
public struct SamplingSettings: Hashable, Sendable {
  /// Logits are divided by this; 0 means greedy. In 0...100.
  public var temperature: Float
  /// Only the `topK` most likely tokens stay; 0 keeps all.
  public var topK: Int
  /// Only the most likely tokens whose probabilities reach this sum stay; 1 keeps all. In 0...1.
  public var topP: Float
  /// Tokens less likely than this share of the most likely one go; 0 keeps all. In 0...1.
  public var minP: Float
  /// Logits of tokens seen in the window are divided by this when positive and multiplied when negative (Keskar et al.
  /// 2019); 1 does nothing. Above 0, at most 100.
  public var repetitionPenalty: Float
  /// Subtracted once from tokens seen in the window (OpenAI). In -100...100.
  public var presencePenalty: Float
  /// Subtracted for every time a token was seen in the window (OpenAI). In -100...100.
  public var frequencyPenalty: Float
  /// How many of the last tokens the penalties look at; 0 means all.
  public var penaltyWindow: Int
  /// The seed of all draws.
  public var seed: UInt64

  /// Makes settings; the defaults are the sampling advice of DeepSeek V4 (temperature 1, top-p 1).
  public init(
    temperature: Float = 1, topK: Int = 0, topP: Float = 1, minP: Float = 0,
    repetitionPenalty: Float = 1, presencePenalty: Float = 0, frequencyPenalty: Float = 0,
    penaltyWindow: Int = 64, seed: UInt64 = 0
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.repetitionPenalty = repetitionPenalty
    self.presencePenalty = presencePenalty
    self.frequencyPenalty = frequencyPenalty
    self.penaltyWindow = penaltyWindow
    self.seed = seed
  }

  /// Always the most likely token.
  public static let greedy = SamplingSettings(temperature: 0)

  /// Refuses values outside the ranges above.
  ///
  /// - Throws: `InferenceError.setting` naming the setting, its value and its range.
  public func validate() throws(InferenceError) {
    func check(
      _ name: String, _ value: Float, _ range: ClosedRange<Float>
    ) throws(InferenceError) {
      guard range.contains(value) else {
        throw .setting(
          name: name, value: String(value), allowed: "\(range.lowerBound) to \(range.upperBound)")
      }
    }
    try check("temperature", temperature, 0...100)
    try check("top-p", topP, 0...1)
    try check("min-p", minP, 0...1)
    try check("repetition penalty", repetitionPenalty, Float.leastNormalMagnitude...100)
    try check("presence penalty", presencePenalty, -100...100)
    try check("frequency penalty", frequencyPenalty, -100...100)
    guard topK >= 0 else {
      throw .setting(name: "top-k", value: String(topK), allowed: "0 or more")
    }
    guard penaltyWindow >= 0 else {
      throw .setting(name: "penalty window", value: String(penaltyWindow), allowed: "0 or more")
    }
  }

  /// Whether nothing random happens.
  var isGreedy: Bool { temperature == 0 || topK == 1 }

  /// Whether any penalty changes logits.
  var hasPenalties: Bool {
    repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
  }
}
