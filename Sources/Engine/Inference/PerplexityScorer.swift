import Foundation
import Models

/// Scores how well a model predicts tokens, window by window.
public struct PerplexityScorer {
  /// The score of all windows together.
  public struct Result: Hashable, Sendable {
    /// The mean negative log-likelihood of a token, in nats.
    public var mean: Double
    /// e to the mean.
    public var perplexity: Double
    /// One standard error of the perplexity, from that of the mean.
    public var standardError: Double
    /// The number of tokens scored.
    public var count: Int
  }

  private let vocabularyCount: Int
  private let window: Int
  private let scoresAll: Bool
  private let beginning: Int32?
  private var sum = 0.0
  private var squares = 0.0
  private var count = 0

  /// Makes a scorer.
  ///
  /// - Parameters:
  ///   - window: tokens of a window, 2 or more.
  ///   - scoresAll: whether every token but the first of a window is scored, not only those of the second half.
  ///   - beginning: a token to put in the place of each window's first, for models that expect one.
  public init(vocabularyCount: Int, window: Int, scoresAll: Bool, beginning: Int32?) {
    self.vocabularyCount = vocabularyCount
    self.window = window
    self.scoresAll = scoresAll
    self.beginning = beginning
  }

  /// The whole windows of a text, in order.
  public func windows(of tokens: [Int32], limit: Int?) -> [[Int32]] {
    let count = min(tokens.count / window, limit ?? .max)
    return (0..<max(0, count)).map { index in
      var part = Array(tokens[index * window..<(index + 1) * window])
      if let beginning { part[0] = beginning }
      return part
    }
  }

  /// Scores one window with an empty session.
  public mutating func score(
    _ window: [Int32], session: InferenceSession
  ) throws(InferenceError) {
    var position = 0
    while position < window.count {
      let end = min(window.count, position + session.chunk)
      let rows = try session.appendForAllLogits(Array(window[position..<end]))
      for index in position..<end where index + 1 < window.count {
        guard scoresAll || index + 1 >= window.count / 2 else { continue }
        let start = (index - position) * vocabularyCount
        add(
          try Self.negativeLogLikelihood(
            of: window[index + 1], in: rows[start..<start + vocabularyCount]))
      }
      position = end
    }
  }

  private mutating func add(_ value: Double) {
    sum += value
    squares += value * value
    count += 1
  }

  /// The score so far.
  public var result: Result {
    let mean = count > 0 ? sum / Double(count) : 0
    let variance = count > 1 ? max(0, squares / Double(count) - mean * mean) : 0
    let deviation = count > 1 ? (variance / Double(count - 1)).squareRoot() : 0
    let perplexity = exp(mean)
    return Result(
      mean: mean, perplexity: perplexity, standardError: perplexity * deviation, count: count)
  }

  /// `log(sum of e^logit) - logit of the token`, in f64.
  static func negativeLogLikelihood(
    of token: Int32, in logits: ArraySlice<Float>
  ) throws(InferenceError) -> Double {
    guard logits.indices.contains(logits.startIndex + Int(token)), token >= 0 else {
      throw .logits("token \(token) has no logit")
    }
    let largest = Double(logits.max() ?? 0)
    guard largest.isFinite else { throw .logits("a logit is not finite") }
    var total = 0.0
    for logit in logits { total += exp(Double(logit) - largest) }
    return log(total) + largest - Double(logits[logits.startIndex + Int(token)])
  }
}
