import Kernels

/// What follows attention in a layer of a decoder.
enum FeedForward<Operations: TensorOperations> {
  case dense(GatedFeedForward<Operations>)
  case mixture(MixtureOfExperts<Operations>)

  /// - Returns: the experts chosen, for observers; nil for a dense layer.
  func forward(
    _ input: Operations.Buffer, _ batch: TransformerBatch<Operations>,
    scratch: DecoderScratch<Operations>, on operations: Operations, into result: Operations.Buffer
  ) -> ExpertChoice? {
    switch self {
    case .dense(let block):
      block.forward(input, rows: batch.rows, scratch: scratch, on: operations, into: result)
      return nil
    case .mixture(let block):
      return block.forward(input, batch, scratch: scratch, on: operations, into: result)
    }
  }
}

/// `down(silu(gate x) * up x)` (Shazeer, GLU variants).
struct GatedFeedForward<Operations: TensorOperations> {
  let gate: Projection<Operations>
  let up: Projection<Operations>
  let down: Projection<Operations>

  /// Reads `prefix.ffn_gate`, `ffn_up` and `ffn_down`, each with `suffix` ("_shexp" for shared experts).
  init(
    _ table: TensorTable<Operations>, prefix: String, suffix: String = "", width: Int, inner: Int
  ) throws(ModelError) {
    gate = try Projection(table, "\(prefix).ffn_gate\(suffix)", inputs: width, outputs: inner)
    up = try Projection(table, "\(prefix).ffn_up\(suffix)", inputs: width, outputs: inner)
    down = try Projection(table, "\(prefix).ffn_down\(suffix)", inputs: inner, outputs: width)
  }

  func forward(
    _ input: Operations.Buffer, rows: Int, scratch: DecoderScratch<Operations>,
    on operations: Operations, into result: Operations.Buffer
  ) {
    operations.multiply(
      input, rows: rows,
      by: [gate.product(into: scratch.innerGate), up.product(into: scratch.innerUp)])
    gate.addBias(to: scratch.innerGate, rows: rows, on: operations)
    up.addBias(to: scratch.innerUp, rows: rows, on: operations)
    operations.gatedActivation(
      scratch.innerGate, scratch.innerUp, rows: rows, limit: nil, into: scratch.innerGate)
    operations.multiply(scratch.innerGate, rows: rows, by: [down.product(into: result)])
    down.addBias(to: result, rows: rows, on: operations)
  }
}

/// Routed experts, with a shared expert in some families.
struct MixtureOfExperts<Operations: TensorOperations> {
  /// The sizes all layers of a model have in common.
  struct Shape: Hashable {
    var experts: Int
    var chosen: Int
    /// The inner width of an expert.
    var inner: Int
    /// The inner width of the shared expert; nil where there is none.
    var sharedInner: Int?
    /// Whether the weights of the chosen experts are made to sum to 1.
    var normalizes: Bool
    /// What the weights are multiplied with.
    var scale: Float
  }

  /// An expert every token goes to, scaled by a gate of its own.
  struct Shared {
    let expert: GatedFeedForward<Operations>
    let gate: Operations.Weights
  }

  let router: Operations.Weights
  let rule: RoutingRule<Operations>
  let experts: ExpertWeights<Operations>
  let shared: Shared?

  /// Reads the tensors of layer `prefix`.
  init(
    _ table: TensorTable<Operations>, prefix: String, width: Int, shape: Shape
  ) throws(ModelError) {
    router = try table.matrix(
      "\(prefix).ffn_gate_inp.weight", inputs: width, outputs: shape.experts)
    rule = RoutingRule(
      score: .softmax, chosen: shape.chosen, normalizes: shape.normalizes, scale: shape.scale)
    let fused = "\(prefix).ffn_gate_up_exps.weight"
    guard !table.contains(fused) else {
      throw .tensor(
        name: fused,
        problem: "gate and up matrices in one tensor are not supported; convert them to two")
    }
    experts = ExpertWeights(
      gate: try table.matrix(
        "\(prefix).ffn_gate_exps.weight", inputs: width, outputs: shape.inner,
        stacked: shape.experts),
      up: try table.matrix(
        "\(prefix).ffn_up_exps.weight", inputs: width, outputs: shape.inner,
        stacked: shape.experts),
      down: try table.matrix(
        "\(prefix).ffn_down_exps.weight", inputs: shape.inner, outputs: width,
        stacked: shape.experts),
      innerWidth: shape.inner)
    if let inner = shape.sharedInner {
      shared = Shared(
        expert: try GatedFeedForward(
          table, prefix: prefix, suffix: "_shexp", width: width, inner: inner),
        gate: try table.matrix("\(prefix).ffn_gate_inp_shexp.weight", inputs: width, outputs: 1))
    } else {
      shared = nil
    }
  }

  func forward(
    _ input: Operations.Buffer, _ batch: TransformerBatch<Operations>,
    scratch: DecoderScratch<Operations>, on operations: Operations, into result: Operations.Buffer
  ) -> ExpertChoice {
    let rows = batch.rows
    operations.multiply(
      input, rows: rows, by: [MatrixProduct(router, into: scratch.routerLogits)])
    let choice = operations.route(
      scratch.routerLogits, rows: rows, rule: rule, tokens: batch.ids)
    let distinct = Set(choice.ids).sorted()
    for weights in [experts.gate, experts.up, experts.down] {
      operations.prefetch(weights, experts: distinct)
    }
    operations.routedExperts(
      input, rows: rows, choice: choice, experts: experts, limit: nil, into: result)
    if let shared {
      shared.expert.forward(
        input, rows: rows, scratch: scratch, on: operations, into: scratch.shared)
      operations.multiply(
        input, rows: rows, by: [MatrixProduct(shared.gate, into: scratch.sharedGate)])
      operations.sigmoid(scratch.sharedGate, rows: rows)
      operations.add(scratch.shared, rows: rows, scale: scratch.sharedGate, to: result)
    }
    return choice
  }
}
