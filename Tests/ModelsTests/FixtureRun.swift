import Kernels
import Models
import Testing

/// Runs all cases of a fixture and compares logits, and the tokens of the greedy continuation.
struct FixtureRun {
  /// All logits after tokens given.
  var whole = LogitComparison()
  /// Logits of single tokens after the prompt.
  var decoded = LogitComparison()
  /// The cases whose continuation was another one, and where they left it.
  var departures: [String] = []

  /// - Parameters:
  ///   - margin: a continuation may depart where the reference's two best tokens are closer than this.
  init(_ fixture: EngineFixture, model: any LanguageModel, margin: Double = 0) throws {
    for text in fixture.cases {
      let width = fixture.vocabularyCount
      let state = model.makeState()
      let logits = try model.logits(state, text.tokens)
      func row(_ index: Int) -> [Float] { Array(logits[index * width..<(index + 1) * width]) }
      for (position, reference) in zip(text.positions, text.logits) {
        whole.add(reference: reference, row: row(position))
      }
      var last = row(text.tokens.count - 1)
      for (step, token) in text.greedyTokens.enumerated() {
        if let known = text.greedySteps.firstIndex(of: step) {
          decoded.add(reference: text.greedyLogits[known], row: last)
        }
        if last.indexOfLargest != Int(token) {
          if text.greedyMargins[step] > margin {
            departures.append(
              "\(text.name): step \(step) chooses \(last.indexOfLargest), not \(token)")
          }
          break
        }
        last = try model.evaluate(
          [SequenceInput(state: state, tokens: [token], logits: .last)], observer: nil)[0]
      }
    }
  }
}
