/// How often the tokens of the penalties' window were seen, kept up to date token by token.
struct PenaltyCounts {
  private let settings: SamplingSettings
  private var counts: [Int32: Int] = [:]
  /// The tokens of the window, in a ring; empty when the window is the whole sequence.
  private var ring: [Int32] = []
  private var oldest = 0

  /// Counts the tokens of `history`; does nothing, also later, when the settings have no penalties.
  init(_ settings: SamplingSettings, history: some Sequence<Int32>) {
    self.settings = settings
    guard settings.hasPenalties else { return }
    for token in history { append(token) }
  }

  /// Takes the next token of the sequence.
  mutating func append(_ token: Int32) {
    guard settings.hasPenalties else { return }
    counts[token, default: 0] += 1
    let window = settings.penaltyWindow
    guard window > 0 else { return }
    guard ring.count == window else { return ring.append(token) }
    let gone = ring[oldest]
    ring[oldest] = token
    oldest = (oldest + 1) % window
    if let count = counts[gone] { counts[gone] = count > 1 ? count - 1 : nil }
  }

  /// Changes the logits of the tokens seen.
  func apply(to logits: UnsafeMutableBufferPointer<Float>) {
    for (token, count) in counts where logits.indices.contains(Int(token)) {
      var value = logits[Int(token)]
      value = value > 0 ? value / settings.repetitionPenalty : value * settings.repetitionPenalty
      value -= settings.presencePenalty + settings.frequencyPenalty * Float(count)
      logits[Int(token)] = value
    }
  }

  /// Whether a token's logit is changed.
  func affects(_ token: Int32) -> Bool { counts[token] != nil }
}
