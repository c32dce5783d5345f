import Kernels

// The parts of a block that treat every token alone: hyper-connections around a sub-layer, and experts.
extension DeepSeek4Model {
  /// `streams = hc_post(sublayer(rms(hc_pre(streams))))` (specification, 3 and 4).
  ///
  /// - Parameters:
  ///   - name: what traces call the connection.
  ///   - sublayer: computes from the normed collapse (first argument) what goes back to the streams.
  func connect(
    _ connection: HyperConnection<Operations>, norm: Operations.Weights, name: String,
    rows: Int, streams: Operations.Buffer, _ observation: LayerObservation?,
    sublayer: (Operations.Buffer) -> Operations.Buffer
  ) {
    let (count, width) = (details.streams, shape.width)
    let collapsed = work[.collapsed, width]
    let post = work[.post, count]
    let comb = work[.comb, count * count]
    operations.collapseStreams(
      streams, rows: rows, connection: connection, collapsed: collapsed, post: post, comb: comb)
    if let observation {
      observation.tell("\(name).collapsed", read(collapsed, rows: rows), [rows, width])
      observation.tell("\(name).post", read(post, rows: rows), [rows, count])
      observation.tell("\(name).comb", read(comb, rows: rows), [rows, count, count])
    }
    let normed = work[.normed, width]
    operations.normalize(
      collapsed, rows: rows, groups: 1, weight: norm, epsilon: details.epsilon, into: normed)
    let output = sublayer(normed)
    operations.expandStreams(
      streams, rows: rows, count: count, output: output, post: post, comb: comb)
  }

  /// The second half of a block: routed and shared experts (specification, 6).
  func mix(
    _ experts: DeepSeek4Weights<Operations>.Experts, batch: DeepSeek4Batch<Operations>,
    streams: Operations.Buffer, _ observation: LayerObservation?
  ) {
    let rows = batch.rows
    connect(
      experts.connection, norm: experts.norm, name: "ffn_hc", rows: rows, streams: streams,
      observation
    ) { input in
      let logits = work[.routerLogits, shape.expertCount]
      operations.multiply(input, rows: rows, by: [MatrixProduct(experts.router, into: logits)])
      let choice = operations.route(
        logits, rows: rows, rule: experts.rule, tokens: batch.tokens)
      // Known to the back end before the shared expert is computed, so that fetching overlaps with it.
      prefetch(experts.routed, choice.ids)

      let gate = work[.expertGate, experts.sharedWidth]
      let up = work[.expertUp, experts.sharedWidth]
      let output = work[.output, shape.width]
      operations.multiply(
        input, rows: rows,
        by: [
          MatrixProduct(experts.sharedGate, into: gate), MatrixProduct(experts.sharedUp, into: up),
        ])
      operations.gatedActivation(gate, up, rows: rows, limit: experts.sharedLimit, into: gate)
      operations.multiply(gate, rows: rows, by: [MatrixProduct(experts.sharedDown, into: output)])

      let routed = work[.expertOutput, shape.width]
      operations.routedExperts(
        input, rows: rows, choice: choice, experts: experts.routed, limit: experts.routedLimit,
        into: routed)
      operations.add(routed, rows: rows, scale: nil, to: output)
      if let observation {
        observation.tell("router.experts", choice.ids.map(Float.init), [rows, choice.perRow])
        observation.tell("router.weights", choice.weights, [rows, choice.perRow])
        observation.tell("moe_out", read(output, rows: rows), [rows, shape.width])
      }
      return output
    }
  }

  /// Announces the experts of hash layers: they follow from the tokens alone (specification, 6).
  func prefetchHashExperts(_ tokens: [Int32]) {
    let distinct = Set(tokens).sorted()
    for block in weights.blocks {
      guard let table = block.experts.table else { continue }
      let chosen = shape.expertsPerToken
      var ids: [Int32] = []
      for token in distinct {
        for place in 0..<chosen {
          let offset = (Int(token) * chosen + place) * MemoryLayout<Int32>.size
          ids.append(
            Int32(littleEndian: table.bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        }
      }
      prefetch(block.experts.routed, ids)
    }
  }

  private func prefetch(_ experts: ExpertWeights<Operations>, _ ids: [Int32]) {
    let distinct = Set(ids).sorted()
    for weights in [experts.gate, experts.up, experts.down] {
      operations.prefetch(weights, experts: distinct)
    }
  }

  /// The values of the first rows of a buffer.
  func read(_ buffer: Operations.Buffer, rows: Int) -> [Float] {
    operations.read(buffer, rows: 0..<rows)
  }
}
