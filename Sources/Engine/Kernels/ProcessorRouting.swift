import CKernels

extension ProcessorOperations {
  /// Entries of the rule's table that are no expert's number count as the nearest one that is.
  public func route(
    _ logits: ProcessorBuffer, rows: Int, rule: RoutingRule<ProcessorOperations>, tokens: [Int32]
  ) -> ExpertChoice {
    let experts = logits.columns
    let chosen = rule.chosen
    precondition(rows <= logits.rows && (1...experts).contains(chosen))
    let bias = rule.bias?.values
    if let bias { precondition(bias.rows * bias.columns == experts) }
    if let table = rule.table {
      precondition(table.columns == chosen && tokens.count >= rows)
    }
    let scores = workspace.scores.reserve(Float.self, rows * experts)
    var choice = ExpertChoice(
      ids: [Int32](repeating: 0, count: rows * chosen),
      weights: [Float](repeating: 0, count: rows * chosen), perRow: chosen)
    choice.ids.withUnsafeMutableBufferPointer { ids in
      choice.weights.withUnsafeMutableBufferPointer { weights in
        guard let ids = ids.baseAddress, let weights = weights.baseAddress else { return }
        spread(rows, cost: experts * (chosen + 8)) { rows, _ in
          for row in rows {
            let score = scores + row * experts
            self.score(logits.row(row), count: experts, rule.score, into: score)
            let rowIDs = ids + row * chosen
            if let table = rule.table {
              let token = Int(tokens[row])
              precondition(token >= 0 && token < table.rows, "no token \(token) in \(table.name)")
              for index in 0..<chosen {
                let expert = table.integer(row: token, column: index)
                rowIDs[index] = Int32(min(max(expert, 0), experts - 1))
              }
            } else {
              choose(chosen, of: experts, score: score, bias: bias?.values, into: rowIDs)
            }
            weigh(rowIDs, score: score, rule: rule, into: weights + row * chosen)
          }
        }
      }
    }
    return choice
  }

  private func score(
    _ logits: UnsafePointer<Float>, count: Int, _ score: RoutingRule<ProcessorOperations>.Score,
    into scores: UnsafeMutablePointer<Float>
  ) {
    switch score {
    case .squareRootSoftplus:
      vector.softplus(logits, count, scores)
      for expert in 0..<count { scores[expert] = scores[expert].squareRoot() }
    case .softmax:
      scores.update(from: logits, count: count)
      vector.softmax(scores, count)
    case .sigmoid:
      vector.sigmoid(logits, count, scores)
    }
  }

  /// The experts with the largest biased scores, largest first; ties go to the lower number.
  private func choose(
    _ count: Int, of experts: Int, score: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    into ids: UnsafeMutablePointer<Int32>
  ) {
    func biased(_ expert: Int) -> Float { bias.map { score[expert] + $0[expert] } ?? score[expert] }
    var filled = 0
    for expert in 0..<experts {
      let value = biased(expert)
      var place = filled
      // Not a number is below everything.
      while place > 0 {
        let other = biased(Int(ids[place - 1]))
        guard value > other || (other.isNaN && !value.isNaN) else { break }
        place -= 1
      }
      if place >= count { continue }
      filled = min(filled + 1, count)
      for index in stride(from: filled - 1, to: place, by: -1) { ids[index] = ids[index - 1] }
      ids[place] = Int32(expert)
    }
  }

  private func weigh(
    _ ids: UnsafePointer<Int32>, score: UnsafePointer<Float>,
    rule: RoutingRule<ProcessorOperations>, into weights: UnsafeMutablePointer<Float>
  ) {
    var sum: Float = 0
    for index in 0..<rule.chosen {
      weights[index] = score[Int(ids[index])]
      sum += weights[index]
    }
    let divisor = rule.normalizes ? max(sum, 1e-20) : 1
    for index in 0..<rule.chosen { weights[index] = weights[index] / divisor * rule.scale }
  }
}
