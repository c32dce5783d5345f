import Foundation
import Inference
import Testing

@Suite("Perplexity")
struct PerplexityTests {
  @Test("The score is the mean negative log-likelihood of the tokens asked for")
  func score() throws {
    let model = HashModel()
    let tokens = (0..<64).map { Int32($0 * 13 % 50) }
    for (all, first) in [(true, 1), (false, 16)] {
      var scorer = PerplexityScorer(
        vocabularyCount: 50, window: 32, scoresAll: all, beginning: nil)
      let windows = scorer.windows(of: tokens, limit: nil)
      #expect(windows.count == 2)
      var expected: [Double] = []
      for window in windows {
        try scorer.score(window, session: InferenceSession(model: model, chunk: 7))
        for index in first..<32 {
          let logits = model.logits(after: Array(window[..<index])).map(Double.init)
          let total = logits.map(exp).reduce(0, +)
          expected.append(log(total) - logits[Int(window[index])])
        }
      }
      let result = scorer.result
      #expect(result.count == expected.count)
      let mean = expected.reduce(0, +) / Double(expected.count)
      #expect(abs(result.mean - mean) < 1e-9)
      #expect(abs(result.perplexity - exp(mean)) < 1e-6)
      #expect(result.standardError > 0)
    }
  }

  @Test("Windows are whole, limited, and begin with the beginning token where there is one")
  func windows() {
    let scorer = PerplexityScorer(vocabularyCount: 50, window: 10, scoresAll: true, beginning: 3)
    let tokens = (0..<45).map { Int32($0) }
    #expect(scorer.windows(of: tokens, limit: nil).count == 4)
    #expect(scorer.windows(of: tokens, limit: 2).count == 2)
    #expect(scorer.windows(of: Array(tokens.prefix(9)), limit: nil).isEmpty)
    #expect(scorer.windows(of: tokens, limit: 1) == [[3] + (1..<10).map { Int32($0) }])
  }
}
