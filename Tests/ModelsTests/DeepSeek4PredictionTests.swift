import Foundation
import GGUF
import Kernels
import Models
import Testing

/// Multi-token prediction (specification, 7). No published implementation serves as reference here: the block is compared
/// with the trunk's own code, to which it is equal for special weights, and with itself.
@Suite struct DeepSeek4PredictionTests {
  static let width = 256

  /// The fixture with a prediction block: attention of layer 0 (ratio 0), experts of layer 2 (no table).
  private static func withBlock(
    _ prefix: String, from edited: EditedModel
  ) throws {
    for name in edited.tensors.map(\.name) where name.hasPrefix("blk.0.") {
      let part = name.dropFirst("blk.0.".count)
      if part.hasPrefix("ffn_gate_tid2eid") { continue }
      let source = part.hasPrefix("ffn") || part.hasPrefix("hc_ffn") ? "blk.2." : "blk.0."
      try edited.copy("\(source)\(part)", as: "\(prefix).\(part)")
    }
    try edited.copy("blk.2.exp_probs_b.bias", as: "\(prefix).exp_probs_b.bias")
  }

  private static func decoded() throws -> EditedModel {
    let edited = EditedModel(try EngineFixture.named(DeepSeek4Fixture.name).open())
    try edited.decodeAll()
    return edited
  }

  /// A matrix (rows are outputs) with `value` on the diagonal.
  private static func diagonal(_ value: Float) -> [Float] {
    var matrix = [Float](repeating: 0, count: width * width)
    for index in 0..<width { matrix[index * width + index] = value }
    return matrix
  }

  private static func chance(_ count: Int, _ seed: UInt64, _ range: ClosedRange<Float>) -> [Float] {
    var numbers = SeededNumbers(seed)
    return (0..<count).map { _ in Float.random(in: range, using: &numbers) }
  }

  /// The separate dialect; the head is the trunk's.
  private static func separate(
    embedding: [Float], state: [Float], embeddingNorm: [Float]? = nil, stateNorm: [Float]? = nil,
    from edited: EditedModel
  ) throws {
    try withBlock("mtp.0", from: edited)
    let ones = [Float](repeating: 1, count: width)
    edited.set("mtp.0.e_proj.weight", [width, width], embedding)
    edited.set("mtp.0.h_proj.weight", [width, width], state)
    edited.set("mtp.0.enorm.weight", [width], embeddingNorm ?? ones)
    edited.set("mtp.0.hnorm.weight", [width], stateNorm ?? ones)
    for part in ["fn", "base", "scale"] {
      try edited.copy("output_hc_\(part).weight", as: "mtp.0.hc_head_\(part).weight")
    }
    try edited.copy("output_norm.weight", as: "mtp.0.norm.weight")
  }

  private static func drafting(_ edited: EditedModel) throws -> any DraftingModel {
    try #require(try edited.load() as? any DraftingModel)
  }

  /// A model of one layer, the prediction block, over the embedding rows given.
  private static func blockAlone(embedding: [Float]) throws -> EditedModel {
    let edited = try decoded()
    try withBlock("block", from: edited)
    let block = edited.tensors.filter { $0.name.hasPrefix("block.") }
    edited.tensors.removeAll { $0.name.hasPrefix("blk.") || $0.name.hasPrefix("block.") }
    for var tensor in block {
      tensor.name = "blk.0." + tensor.name.dropFirst("block.".count)
      edited.tensors.append(tensor)
    }
    edited.set(
      "token_embd.weight", [width, DeepSeek4Fixture.vocabularyCount], embedding)
    edited["block_count"] = .uint32(1)
    edited["hash_layer_count"] = .uint32(0)
    edited["attention.compress_ratios"] = .array(MetadataArray([0] as [Int32]))
    return edited
  }

  /// `rows` normed to a mean square of one, times `weight`.
  private static func normed(_ rows: [Float], weight: [Float]) -> [Float] {
    var result: [Float] = []
    for first in stride(from: 0, to: rows.count, by: width) {
      let row = rows[first..<first + width].map(Double.init)
      let scale = 1 / (row.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-6).squareRoot()
      result += zip(row, weight).map { Float($0 * scale * Double($1)) }
    }
    return result
  }

  private func difference(_ one: [Float], _ other: [Float]) -> Float {
    one.count == other.count ? zip(one, other).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  /// With H = 0 and E = 1 the block's input at p is the normed embedding of token p + 1: the block is a model of one
  /// layer over the tokens from the second on.
  @Test func embeddingPart() throws {
    let edited = try Self.decoded()
    let norm = Self.chance(Self.width, 60, 0.5...1.5)
    let rows = Self.normed(try edited.values("token_embd.weight"), weight: norm)
    try Self.separate(
      embedding: Self.diagonal(1), state: Self.diagonal(0), embeddingNorm: norm, from: edited)
    let model = try Self.drafting(edited)
    #expect(model.canDraft)
    let block = try Self.blockAlone(embedding: rows)
    let alone = try block.load()
    let tokens = DeepSeek4Fixture.tokens(150, seed: 61)
    let expected = try alone.logits(alone.makeState(), Array(tokens[1...]))
    let state = model.makeState()
    let count = DeepSeek4Fixture.vocabularyCount
    var done = 0
    for size in [1, 1, 3, 60, 1, 70, 1] {
      try model.take(state, Array(tokens[done..<done + size]))
      done += size
      let draft = try model.draft([(state: state, token: tokens[done])])[0]
      let row = Array(expected[(done - 1) * count..<done * count])
      #expect(difference(draft, row) < 1e-3, "after \(done) tokens")
    }
  }

  /// With E = 0, H = 1 and a trunk that leaves the streams alone, the block's input at p is the normed embedding of token p.
  @Test func statePart() throws {
    let edited = try Self.decoded()
    for block in 0..<3 {
      for name in ["attn_output_b", "ffn_down_shexp", "ffn_down_exps"] {
        let tensor = try edited.tensor("blk.\(block).\(name).weight")
        edited.set(
          tensor.name, tensor.shape, [Float](repeating: 0, count: tensor.shape.reduce(1, *)))
      }
    }
    let original = try Self.decoded()
    let norm = Self.chance(Self.width, 62, 0.5...1.5)
    let rows = Self.normed(try edited.values("token_embd.weight"), weight: norm)
    try Self.separate(
      embedding: Self.diagonal(0), state: Self.diagonal(1), stateNorm: norm, from: original)
    for tensor in original.tensors where tensor.name.hasPrefix("mtp.") {
      edited.tensors.append(tensor)
    }
    let model = try Self.drafting(edited)
    let block = try Self.blockAlone(embedding: rows)
    let alone = try block.load()
    let tokens = DeepSeek4Fixture.tokens(70, seed: 63)
    let expected = try alone.logits(alone.makeState(), tokens)
    let state = model.makeState()
    try model.take(state, Array(tokens[..<66]))
    let count = DeepSeek4Fixture.vocabularyCount
    let draft = try model.draft([(state: state, token: 5)])[0]
    #expect(difference(draft, Array(expected[65 * count..<66 * count])) < 2e-3)
    // Only the streams count here, not the token.
    #expect(try model.draft([(state: state, token: 6)])[0].bits == draft.bits)
  }

  private static func general() throws -> EditedModel {
    let edited = try decoded()
    try separate(
      embedding: chance(width * width, 64, -0.1...0.1),
      state: chance(width * width, 65, -0.1...0.1), embeddingNorm: chance(width, 66, 0.5...1.5),
      stateNorm: chance(width, 67, 0.5...1.5), from: edited)
    return edited
  }

  /// The joined dialect holds the same numbers under other names.
  @Test(arguments: [3, 4])
  func dialects(blockCount: UInt32) throws {
    let edited = try Self.general()
    let separate = try Self.drafting(edited)
    let (embedding, state) = (
      try edited.values("mtp.0.e_proj.weight"), try edited.values("mtp.0.h_proj.weight")
    )
    var both: [Float] = []
    for row in 0..<Self.width {
      both += embedding[row * Self.width..<(row + 1) * Self.width]
      both += state[row * Self.width..<(row + 1) * Self.width]
    }
    let joined = try Self.decoded()
    try Self.withBlock("blk.3", from: joined)
    joined.set("blk.3.nextn.eh_proj.weight", [2 * Self.width, Self.width], both)
    joined.set("blk.3.nextn.enorm.weight", [Self.width], try edited.values("mtp.0.enorm.weight"))
    joined.set("blk.3.nextn.hnorm.weight", [Self.width], try edited.values("mtp.0.hnorm.weight"))
    try joined.copy("output_norm.weight", as: "blk.3.nextn.shared_head_norm.weight")
    joined["block_count"] = .uint32(blockCount)
    joined["nextn_predict_layers"] = .uint32(blockCount - 3)
    joined["attention.compress_ratios"] = .array(MetadataArray([0, 4, 128, 0] as [Int32]))
    for key in ["swiglu_clamp_exp", "swiglu_clamp_shexp"] {
      joined[key] = .array(MetadataArray([Float](repeating: 1.75, count: 4)))
    }
    let other = try Self.drafting(joined)
    #expect(other.shape.layerCount == 3)
    let tokens = DeepSeek4Fixture.tokens(140, seed: 68)
    let states = [separate.makeState(), other.makeState()]
    #expect(
      try separate.logits(states[0], tokens).bits == other.logits(states[1], tokens).bits)
    let one = try separate.draft([(state: states[0], token: 9)])[0]
    #expect(difference(one, try other.draft([(state: states[1], token: 9)])[0]) < 1e-3)
  }

  /// A file without the block drafts nothing; one with it computes the same logits.
  @Test func trunkIsTheSame() throws {
    let (files, plain) = (try Self.general(), try Self.decoded())
    let with = try Self.drafting(files)
    let without = try Self.drafting(plain)
    #expect(!without.canDraft)
    let tokens = DeepSeek4Fixture.tokens(60, seed: 69)
    #expect(
      try with.logits(with.makeState(), tokens).bits
        == without.logits(without.makeState(), tokens).bits)
  }

  /// Drafts do not depend on how the state came about, nor on other sequences, nor do they change it.
  @Test(arguments: [1, 2, 17, 49, 127, 128, 129, 200])
  func draftsOfAnyHistory(count: Int) throws {
    let edited = try Self.general()
    let model = try Self.drafting(edited)
    let tokens = DeepSeek4Fixture.tokens(count, seed: 70)
    let state = model.makeState()
    try model.take(state, tokens)
    let bytes = state.serialized()
    let expected = try model.draft([(state: state, token: 3)])[0].bits
    let other = try model.draft([(state: state, token: 4)])[0].bits
    #expect(expected != other)
    #expect(state.serialized() == bytes)

    let pieces = model.makeState()
    _ = try model.logits(pieces, tokens, pieces: [1, 2, 1, 40, 3])
    let read = try model.makeState(serialized: bytes)
    let back = state.fork()
    try model.take(back, DeepSeek4Fixture.tokens(maximumRollback, seed: 71))
    try back.rollBack(to: count)
    let strange = model.makeState()
    try model.take(strange, DeepSeek4Fixture.tokens(33, seed: 72))
    let drafts = try model.draft([
      (state: strange, token: 8), (state: pieces, token: 3), (state: read, token: 3),
      (state: back, token: 3), (state: state.fork(), token: 3),
    ])
    for draft in drafts.dropFirst() { #expect(draft.bits == expected) }
    #expect(
      state.tailByteCount + state.pageByteCount == model.stateByteCount(tokens: count))
    #expect(throws: ModelError.self) { try model.draft([(state: state, token: 9999)]) }
  }
}
