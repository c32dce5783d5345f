import GGUF
import Kernels
import TensorFormats

/// The tensors of a DeepSeek V4 model in a back end (specification, 10.2).
struct DeepSeek4Weights<Operations: TensorOperations> {
  typealias Weights = Operations.Weights

  /// Pools tokens into compressed rows (5.4).
  struct Compressor {
    /// `Wkv`
    var keys: Weights
    /// `Wgate`
    var gates: Weights
    /// `ape`: a row for each place in a group.
    var placeTerms: Weights
    var norm: Weights
    /// The width of a compressed row.
    var width: Int
    var ratio: Int
    var overlaps: Bool

    /// The width of raw keys and gates.
    var rawWidth: Int { overlaps ? 2 * width : width }
  }

  /// Chooses compressed rows (5.5).
  struct Indexer {
    /// From the low-rank query to the indexer's queries.
    var queries: Weights
    /// From the layer's input to a weight for each head.
    var headWeights: Weights
    var compressor: Compressor
  }

  /// The attention of one block (5).
  struct Attention {
    var connection: HyperConnection<Operations>
    var norm: Weights
    var queryDown: Weights
    var queryNorm: Weights
    var queryUp: Weights
    var row: Weights
    var rowNorm: Weights
    var sinks: Weights
    /// Block-diagonal: each group's rows act on that group's heads only (5.8).
    var groupOutput: Weights
    var output: Weights
    var compressor: Compressor?
    var indexer: Indexer?
  }

  /// The experts of one block (6).
  struct Experts {
    var connection: HyperConnection<Operations>
    var norm: Weights
    var router: Weights
    var rule: RoutingRule<Operations>
    /// The table of a hash layer as it lies in the file: expert numbers by token.
    var table: TensorView?
    var routed: ExpertWeights<Operations>
    var routedLimit: Float?
    var sharedGate: Weights
    var sharedUp: Weights
    var sharedDown: Weights
    var sharedWidth: Int
    var sharedLimit: Float?
  }

  /// One block of the trunk, or the prediction block.
  struct Block {
    var attention: Attention
    var experts: Experts
  }

  /// How embedding and state become the input of the prediction block (7).
  enum PredictionInput {
    /// A matrix for each.
    case separate(embedding: Weights, state: Weights)
    /// One matrix over both, the embedding first.
    case joined(Weights)
  }

  /// Multi-token prediction (7).
  struct Prediction {
    var input: PredictionInput
    var embeddingNorm: Weights
    var stateNorm: Weights
    var block: Block
    var head: HyperConnection<Operations>
    var norm: Weights
    var embedding: Weights
    var output: Weights
  }

  var embedding: Weights
  var blocks: [Block]
  var head: HyperConnection<Operations>
  var norm: Weights
  var output: Weights
  var prediction: Prediction?

  /// Loads all tensors and checks their shapes.
  init(_ table: TensorTable<Operations>, shape: DeepSeek4Shape) throws(ModelError) {
    let (width, vocabulary) = (shape.common.width, shape.common.vocabularyCount)
    let embedding = try table.matrix("token_embd.weight", inputs: width, outputs: vocabulary)
    let output = try table.matrix("output.weight", inputs: width, outputs: vocabulary)
    let norm = try table.vector("output_norm.weight", count: width)
    let head = try Self.connection(table, "output_hc", shape: shape, outputs: shape.streams)
    var blocks: [Block] = []
    for (index, layer) in shape.layers.enumerated() {
      blocks.append(try Self.block(table, "blk.\(index)", layer, shape))
    }
    self.embedding = embedding
    self.blocks = blocks
    self.head = head
    self.norm = norm
    self.output = output
    if let layer = shape.prediction, let dialect = shape.predictionDialect {
      prediction = try Self.prediction(
        table, layer, dialect, shape,
        trunk: (embedding: embedding, norm: norm, head: head, output: output))
    }
  }

  /// The hyper-connection named `name`; `outputs` is the number of streams for a head, which has but one scale.
  private static func connection(
    _ table: TensorTable<Operations>, _ name: String, shape: DeepSeek4Shape, outputs: Int
  ) throws(ModelError) -> HyperConnection<Operations> {
    HyperConnection(
      mixing: try table.matrix(
        "\(name)_fn.weight", inputs: shape.streams * shape.common.width, outputs: outputs),
      base: try table.vector("\(name)_base.weight", count: outputs),
      scale: try table.vector(
        "\(name)_scale.weight", count: outputs == shape.connectionOutputs ? 3 : 1),
      count: shape.streams, iterations: shape.sinkhornIterations, epsilon: shape.streamEpsilon,
      normEpsilon: shape.epsilon)
  }

  private static func block(
    _ table: TensorTable<Operations>, _ prefix: String, _ layer: DeepSeek4Shape.Layer,
    _ shape: DeepSeek4Shape
  ) throws(ModelError) -> Block {
    Block(
      attention: try attention(table, prefix, layer, shape),
      experts: try experts(table, prefix, layer, shape))
  }

  private static func attention(
    _ table: TensorTable<Operations>, _ prefix: String, _ layer: DeepSeek4Shape.Layer,
    _ shape: DeepSeek4Shape
  ) throws(ModelError) -> Attention {
    let (width, heads) = (shape.common.width, shape.headCount * shape.headWidth)
    let (rank, groups) = (shape.queryRank, shape.outputGroups)
    let ranks = groups * shape.outputRank
    return Attention(
      connection: try connection(
        table, "\(prefix).hc_attn", shape: shape, outputs: shape.connectionOutputs),
      norm: try table.vector("\(prefix).attn_norm.weight", count: width),
      queryDown: try table.matrix("\(prefix).attn_q_a.weight", inputs: width, outputs: rank),
      queryNorm: try table.vector("\(prefix).attn_q_a_norm.weight", count: rank),
      queryUp: try table.matrix("\(prefix).attn_q_b.weight", inputs: rank, outputs: heads),
      row: try table.matrix("\(prefix).attn_kv.weight", inputs: width, outputs: shape.headWidth),
      rowNorm: try table.vector("\(prefix).attn_kv_a_norm.weight", count: shape.headWidth),
      sinks: try table.vector("\(prefix).attn_sinks.weight", count: shape.headCount),
      groupOutput: try table.matrix(
        "\(prefix).attn_output_a.weight", inputs: heads / groups, outputs: ranks),
      output: try table.matrix("\(prefix).attn_output_b.weight", inputs: ranks, outputs: width),
      compressor: layer.ratio == 0
        ? nil
        : try compressor(
          table, "\(prefix).attn_compressor", layer, rowWidth: shape.headWidth, inputs: width),
      indexer: layer.hasIndexer ? try indexer(table, prefix, layer, shape) : nil)
  }

  private static func compressor(
    _ table: TensorTable<Operations>, _ name: String, _ layer: DeepSeek4Shape.Layer, rowWidth: Int,
    inputs: Int
  ) throws(ModelError) -> Compressor {
    let raw = layer.overlaps ? 2 * rowWidth : rowWidth
    return Compressor(
      keys: try table.matrix("\(name)_kv.weight", inputs: inputs, outputs: raw),
      gates: try table.matrix("\(name)_gate.weight", inputs: inputs, outputs: raw),
      placeTerms: try table.matrix("\(name)_ape.weight", inputs: raw, outputs: layer.ratio),
      norm: try table.vector("\(name)_norm.weight", count: rowWidth),
      width: rowWidth, ratio: layer.ratio, overlaps: layer.overlaps)
  }

  private static func indexer(
    _ table: TensorTable<Operations>, _ prefix: String, _ layer: DeepSeek4Shape.Layer,
    _ shape: DeepSeek4Shape
  ) throws(ModelError) -> Indexer {
    Indexer(
      queries: try table.matrix(
        "\(prefix).indexer.attn_q_b.weight", inputs: shape.queryRank,
        outputs: shape.indexHeads * shape.indexWidth),
      headWeights: try table.matrix(
        "\(prefix).indexer.proj.weight", inputs: shape.common.width, outputs: shape.indexHeads),
      compressor: try compressor(
        table, "\(prefix).indexer_compressor", layer, rowWidth: shape.indexWidth,
        inputs: shape.common.width))
  }

  private static func experts(
    _ table: TensorTable<Operations>, _ prefix: String, _ layer: DeepSeek4Shape.Layer,
    _ shape: DeepSeek4Shape
  ) throws(ModelError) -> Experts {
    let (width, count) = (shape.common.width, shape.common.expertCount)
    let (inner, chosen) = (layer.expertWidth, shape.common.expertsPerToken)
    let shared = inner * shape.sharedExperts
    let hashTable: (weights: Weights, view: TensorView)? =
      layer.hasHashRouting
      ? try table.integerTable(
        "\(prefix).ffn_gate_tid2eid.weight", columns: chosen, rows: shape.common.vocabularyCount,
        range: 0..<Int32(count)) : nil
    return Experts(
      connection: try connection(
        table, "\(prefix).hc_ffn", shape: shape, outputs: shape.connectionOutputs),
      norm: try table.vector("\(prefix).ffn_norm.weight", count: width),
      router: try table.matrix("\(prefix).ffn_gate_inp.weight", inputs: width, outputs: count),
      rule: RoutingRule(
        score: shape.score(Operations.self), chosen: chosen,
        bias: layer.hasHashRouting
          ? nil : try table.vector("\(prefix).exp_probs_b.bias", count: count),
        table: hashTable?.weights, normalizes: shape.normalizesExperts, scale: shape.expertScale),
      table: hashTable?.view,
      routed: ExpertWeights(
        gate: try table.matrix(
          "\(prefix).ffn_gate_exps.weight", inputs: width, outputs: inner, stacked: count),
        up: try table.matrix(
          "\(prefix).ffn_up_exps.weight", inputs: width, outputs: inner, stacked: count),
        down: try table.matrix(
          "\(prefix).ffn_down_exps.weight", inputs: inner, outputs: width, stacked: count),
        innerWidth: inner),
      routedLimit: layer.expertLimit,
      sharedGate: try table.matrix(
        "\(prefix).ffn_gate_shexp.weight", inputs: width, outputs: shared),
      sharedUp: try table.matrix("\(prefix).ffn_up_shexp.weight", inputs: width, outputs: shared),
      sharedDown: try table.matrix(
        "\(prefix).ffn_down_shexp.weight", inputs: shared, outputs: width),
      sharedWidth: shared, sharedLimit: layer.sharedLimit)
  }

  /// The prediction block in either dialect; the joined one shares what it does not have with the trunk.
  private static func prediction(
    _ table: TensorTable<Operations>, _ layer: DeepSeek4Shape.Layer,
    _ dialect: DeepSeek4Shape.PredictionDialect, _ shape: DeepSeek4Shape,
    trunk: (embedding: Weights, norm: Weights, head: HyperConnection<Operations>, output: Weights)
  ) throws(ModelError) -> Prediction {
    let (width, vocabulary) = (shape.common.width, shape.common.vocabularyCount)
    let prefix = dialect.prefix
    let block = try block(table, prefix, layer, shape)
    switch dialect {
    case .separate:
      return Prediction(
        input: .separate(
          embedding: try table.matrix("\(prefix).e_proj.weight", inputs: width, outputs: width),
          state: try table.matrix("\(prefix).h_proj.weight", inputs: width, outputs: width)),
        embeddingNorm: try table.vector("\(prefix).enorm.weight", count: width),
        stateNorm: try table.vector("\(prefix).hnorm.weight", count: width),
        block: block,
        head: try connection(table, "\(prefix).hc_head", shape: shape, outputs: shape.streams),
        norm: try table.vector("\(prefix).norm.weight", count: width),
        embedding: trunk.embedding, output: trunk.output)
    case .joined:
      let name = "\(prefix).nextn"
      let (embedding, output) = (
        try table.optionalMatrix(
          "\(name).embed_tokens.weight", inputs: width, outputs: vocabulary),
        try table.optionalMatrix(
          "\(name).shared_head_head.weight", inputs: width, outputs: vocabulary)
      )
      return Prediction(
        input: .joined(
          try table.matrix("\(name).eh_proj.weight", inputs: 2 * width, outputs: width)),
        embeddingNorm: try table.vector("\(name).enorm.weight", count: width),
        stateNorm: try table.vector("\(name).hnorm.weight", count: width),
        block: block, head: trunk.head,
        norm: try table.optionalVector("\(name).shared_head_norm.weight", count: width)
          ?? trunk.norm,
        embedding: embedding ?? trunk.embedding, output: output ?? trunk.output)
    }
  }
}

extension DeepSeek4Shape {
  /// The values a hyper-connection of a block mixes: weights of the collapse, of the way back, and between streams.
  fileprivate var connectionOutputs: Int { (2 + streams) * streams }

  /// The router's score by its number in files.
  fileprivate func score<Operations>(
    _: Operations.Type
  ) -> RoutingRule<Operations>.Score {
    switch gatingFunction {
    case 1: .softmax
    case 2: .sigmoid
    default: .squareRootSoftplus
    }
  }
}
