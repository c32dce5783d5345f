import Foundation
import Kernels
import Testing

@Suite struct ProcessorRoutingTests {
  typealias Score = RoutingRule<ProcessorOperations>.Score

  private func routed(
    _ logits: [Float], experts: Int, score: Score, chosen: Int, bias: [Float]? = nil,
    table: [Int32]? = nil, normalizes: Bool = true, scale: Float = 1, tokens: [Int32] = []
  ) throws -> ExpertChoice {
    let tensors = Tensors()
    var choices: Set<ExpertChoice> = []
    for operations in try everyBackEnd() {
      let rule = RoutingRule<ProcessorOperations>(
        score: score, chosen: chosen,
        bias: try bias.map { try operations.load(tensors.floats($0, [experts])) },
        table: try table.map {
          try operations.load(tensors.integers($0, [chosen, $0.count / chosen]))
        }, normalizes: normalizes, scale: scale)
      choices.insert(
        operations.route(
          operations.buffer(logits, columns: experts), rows: logits.count / experts, rule: rule,
          tokens: tokens))
    }
    #expect(choices.count == 1, "back ends disagree")
    return try #require(choices.first)
  }

  private func reference(_ logits: [Float], _ score: Score) -> [Double] {
    let x = doubles(logits)
    switch score {
    case .squareRootSoftplus:
      return x.map { (max($0, 0) + log1p(exp(-abs($0)))).squareRoot() }
    case .softmax:
      let sum = x.reduce(0) { $0 + exp($1) }
      return x.map { exp($0) / sum }
    case .sigmoid: return x.map { 1 / (1 + exp(-$0)) }
    }
  }

  @Test(arguments: [Score.squareRootSoftplus, .softmax, .sigmoid], [false, true])
  func choosesTheLargest(score: Score, biased: Bool) throws {
    var random = Randomness(seed: 51)
    let (rows, experts, chosen) = (30, 256, 6)
    let logits = random.values(rows * experts, scale: 6)
    let bias = biased ? random.values(experts) : nil
    let choice = try routed(
      logits, experts: experts, score: score, chosen: chosen, bias: bias, normalizes: biased,
      scale: 1.5)
    #expect(choice.perRow == chosen)
    for row in 0..<rows {
      let scores = reference(Array(logits[row * experts..<(row + 1) * experts]), score)
      let keys = scores.indices.map { scores[$0] + Double(bias?[$0] ?? 0) }
      let order = keys.indices.sorted { (keys[$1], $0) < (keys[$0], $1) }
      #expect(
        choice.ids[row * chosen..<(row + 1) * chosen].map(Int.init) == Array(order[..<chosen]))
      let sum = biased ? order[..<chosen].reduce(0) { $0 + scores[$1] } : 1
      expectClose(
        Array(choice.weights[row * chosen..<(row + 1) * chosen]),
        order[..<chosen].map { scores[$0] / sum * 1.5 })
    }
  }

  @Test func tiesGoToTheLowerNumber() throws {
    let choice = try routed(
      [0, 2, 1, 2, 1, 2, 0, 1], experts: 8, score: .sigmoid, chosen: 5, normalizes: false)
    #expect(choice.ids == [1, 3, 5, 2, 4])
  }

  @Test func whatIsNoNumberComesLast() throws {
    let choice = try routed(
      [.nan, 1, .nan, 2, -3, .nan], experts: 6, score: .sigmoid, chosen: 3, normalizes: false)
    #expect(choice.ids == [3, 1, 4])
    let logits: [Float] = [.nan, .nan]
    let operations = try ProcessorOperations(threads: 1)
    let rule = RoutingRule<ProcessorOperations>(score: .softmax, chosen: 1, normalizes: true)
    let none = operations.route(
      operations.buffer(logits, columns: 2), rows: 1, rule: rule, tokens: [])
    #expect(none.ids == [0])
  }

  @Test func tablesFixTheChoice() throws {
    var random = Randomness(seed: 52)
    let logits = random.values(3 * 4)
    let choice = try routed(
      logits, experts: 4, score: .squareRootSoftplus, chosen: 2, table: [0, 1, 3, 2, 1, 99, -7, 2],
      scale: 1.5, tokens: [1, 3, 2])
    #expect(choice.ids == [3, 2, 0, 2, 1, 3])
    for row in 0..<3 {
      let scores = reference(Array(logits[row * 4..<row * 4 + 4]), .squareRootSoftplus)
      let ids = choice.ids[row * 2..<row * 2 + 2].map { scores[Int($0)] }
      expectClose(
        Array(choice.weights[row * 2..<row * 2 + 2]), ids.map { $0 / (ids[0] + ids[1]) * 1.5 })
    }
  }

  @Test func tinySumsDoNotExplode() throws {
    let choice = try routed(
      [-200, -200, -200], experts: 3, score: .squareRootSoftplus, chosen: 2)
    #expect(choice.ids == [0, 1])
    #expect(choice.weights.allSatisfy { $0.isFinite })
  }
}
