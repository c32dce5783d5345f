import CKernels

extension ProcessorOperations {
  /// Row by row, from the history and the rows before.
  public func shortConvolution(
    _ input: ProcessorBuffer, span: RowSpan, weights: ProcessorWeights, kernel: Int,
    history: ProcessorBuffer, into output: ProcessorBuffer
  ) {
    let width = input.columns
    precondition((1...16).contains(kernel), "a convolution of width \(kernel)")
    let taps = weights.values
    precondition(taps.rows * taps.columns == width * kernel && output.columns == width)
    precondition(history.columns == width && history.rows >= kernel - 1)
    precondition(span.first >= 0 && span.range.upperBound <= min(input.rows, output.rows))
    let past = kernel - 1
    let out = output.change()
    // Row `index` of history and span together.
    func row(_ index: Int) -> UnsafePointer<Float> {
      index < past ? history.row(index) : input.row(span.first + index - past)
    }
    spread(span.count, cost: (kernel + 4) * width) { rows, _ in
      withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: kernel) { pointers in
        guard let base = pointers.baseAddress else { return }
        for index in rows {
          for tap in 0..<kernel { base[tap] = row(index + tap) }
          vector.convolve(base, taps.values, kernel, width, out + (span.first + index) * width)
        }
      }
    }
    let target = history.change()
    for index in 0..<past {
      target.advanced(by: index * width).update(from: row(span.count + index), count: width)
    }
  }

  /// One pass over the rows.
  public func deltaDecay(
    _ buffer: ProcessorBuffer, rows: Int, bias: ProcessorWeights, scale: ProcessorWeights
  ) {
    let width = buffer.columns
    let (terms, factors) = (bias.values, scale.values)
    precondition(terms.columns == width && factors.columns == width && rows <= buffer.rows)
    let out = buffer.change()
    spread(rows, cost: 32 * width) { rows, _ in
      for row in rows {
        let values = out + row * width
        vector.add(terms.row(0), width, values)
        vector.softplus(values, width, values)
        vector.multiply(factors.row(0), width, values)
      }
    }
  }

  /// Heads and blocks of columns of the state in parallel, tokens in order.
  public func gatedDelta(
    _ inputs: DeltaInputs<ProcessorOperations>, span: RowSpan, state: ProcessorBuffer,
    into output: ProcessorBuffer
  ) {
    let (keyHeads, valueHeads) = (inputs.keyHeads, inputs.valueHeads)
    let (keyWidth, valueWidth) = (inputs.keyWidth, inputs.valueWidth)
    precondition(keyHeads > 0 && valueHeads % keyHeads == 0)
    precondition(inputs.queries.columns == keyHeads * keyWidth)
    precondition(inputs.keys.columns == keyHeads * keyWidth)
    precondition(inputs.values.columns == valueHeads * valueWidth)
    precondition(inputs.decay.columns == valueHeads && inputs.beta.columns == valueHeads)
    precondition(output.columns == valueHeads * valueWidth)
    precondition(state.rows * state.columns >= valueHeads * keyWidth * valueWidth)
    let last = span.range.upperBound
    precondition(span.first >= 0 && last <= min(inputs.queries.rows, inputs.keys.rows))
    precondition(last <= min(inputs.values.rows, inputs.decay.rows, inputs.beta.rows, output.rows))

    let scale = 1 / Float(keyWidth).squareRoot()
    let states = state.change()
    let out = output.change()
    // Columns of a state do not meet, so that a head can be shared.
    let part = 64
    let parts = (valueWidth + part - 1) / part
    pool.parallel(valueHeads * parts) { item, _ in
      let (head, index) = item.quotientAndRemainder(dividingBy: parts)
      let keyHead = inputs.interleaved ? head % keyHeads : head / (valueHeads / keyHeads)
      let first = index * part
      let columns = min(part, valueWidth - first)
      let column = head * valueWidth + first
      for row in span.range {
        vector.delta_step(
          states + head * keyWidth * valueWidth + first, valueWidth, keyWidth, columns,
          inputs.queries.row(row) + keyHead * keyWidth, inputs.keys.row(row) + keyHead * keyWidth,
          inputs.values.row(row) + column, inputs.decay.row(row)[head], inputs.beta.row(row)[head],
          scale, out + row * output.columns + column)
      }
    }
  }
}
