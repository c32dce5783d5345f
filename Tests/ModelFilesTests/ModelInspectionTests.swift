import GGUF
import JSON
import ModelFiles
import TensorFormats
import Testing

@Suite struct ModelInspectionTests {
  /// The trunk of DeepSeek V4 Flash in the 2-bit mix (specification 10.2 and 10.3): names, shapes and types.
  private func flash() throws -> (GGUFMetadata, [GGUFWriter.Tensor]) {
    var tensors: [GGUFWriter.Tensor] = []
    func add(_ name: String, _ type: TensorType, _ shape: Int...) throws {
      tensors.append(try GGUFWriter.Tensor(name: name, type: type, shape: shape))
    }
    try add("token_embd.weight", .f16, 4096, 129_280)
    for layer in 0..<43 {
      let b = "blk.\(layer)."
      let ratio = layer < 2 ? 0 : layer % 2 == 0 ? 4 : 128
      for part in ["attn", "ffn"] {
        try add("\(b)hc_\(part)_fn.weight", .f16, 16_384, 24)
        try add("\(b)hc_\(part)_base.weight", .f32, 24)
        try add("\(b)hc_\(part)_scale.weight", .f32, 3)
        try add("\(b)\(part)_norm.weight", .f32, 4096)
      }
      try add("\(b)attn_q_a.weight", .q8_0, 4096, 1024)
      try add("\(b)attn_q_a_norm.weight", .f32, 1024)
      try add("\(b)attn_q_b.weight", .q8_0, 1024, 32_768)
      try add("\(b)attn_kv.weight", .q8_0, 4096, 512)
      try add("\(b)attn_kv_a_norm.weight", .f32, 512)
      try add("\(b)attn_sinks.weight", .f32, 64)
      try add("\(b)attn_output_a.weight", .q8_0, 4096, 8192)
      try add("\(b)attn_output_b.weight", .q8_0, 8192, 4096)
      if ratio > 0 {
        let width = ratio == 4 ? 1024 : 512
        try add("\(b)attn_compressor_kv.weight", .f16, 4096, width)
        try add("\(b)attn_compressor_gate.weight", .f16, 4096, width)
        try add("\(b)attn_compressor_ape.weight", .f16, width, ratio)
        try add("\(b)attn_compressor_norm.weight", .f32, 512)
      }
      if ratio == 4 {
        try add("\(b)indexer.attn_q_b.weight", .f16, 1024, 8192)
        try add("\(b)indexer.proj.weight", .f16, 4096, 64)
        try add("\(b)indexer_compressor_kv.weight", .f16, 4096, 256)
        try add("\(b)indexer_compressor_gate.weight", .f16, 4096, 256)
        try add("\(b)indexer_compressor_ape.weight", .f16, 256, 4)
        try add("\(b)indexer_compressor_norm.weight", .f32, 128)
      }
      try add("\(b)ffn_gate_inp.weight", .f16, 4096, 256)
      if layer < 3 {
        try add("\(b)ffn_gate_tid2eid.weight", .i32, 6, 129_280)
      } else {
        try add("\(b)exp_probs_b.bias", .f32, 256)
      }
      try add("\(b)ffn_gate_exps.weight", .iq2_XXS, 4096, 2048, 256)
      try add("\(b)ffn_up_exps.weight", .iq2_XXS, 4096, 2048, 256)
      try add("\(b)ffn_down_exps.weight", .q2_K, 2048, 4096, 256)
      try add("\(b)ffn_gate_shexp.weight", .q8_0, 4096, 2048)
      try add("\(b)ffn_up_shexp.weight", .q8_0, 4096, 2048)
      try add("\(b)ffn_down_shexp.weight", .q8_0, 2048, 4096)
    }
    try add("output_hc_fn.weight", .f16, 16_384, 4)
    try add("output_hc_base.weight", .f32, 4)
    try add("output_hc_scale.weight", .f32, 1)
    try add("output_norm.weight", .f32, 4096)
    try add("output.weight", .q8_0, 4096, 129_280)
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("deepseek4")
    metadata["deepseek4.block_count"] = .uint32(43)
    metadata["deepseek4.expert_count"] = .uint32(256)
    metadata["deepseek4.expert_used_count"] = .uint32(6)
    metadata["deepseek4.context_length"] = .uint32(1_048_576)
    return (metadata, tensors)
  }

  private func inspect(
    _ metadata: GGUFMetadata, _ tensors: [GGUFWriter.Tensor]
  ) -> ModelInspection {
    ModelInspection(
      path: "m.gguf", partCount: 1, fileByteCount: 1, version: 3, metadata: metadata,
      tensors: tensors)
  }

  /// Figures of the specification, sections 1, 10.2, 10.3 and 12.1.
  @Test func figuresOfDeepSeekV4Flash() throws {
    let (metadata, tensors) = try flash()
    let inspection = inspect(metadata, tensors)
    #expect(inspection.tensorCount == 1328)
    #expect(inspection.parameterCount / 10_000_000 == 28_433)
    #expect(inspection.types.reduce(0) { $0 + $1.byteCount } == 86_714_775_900)
    #expect(inspection.types.map(\.type) == [.iq2_XXS, .q2_K, .q8_0, .f16, .i32, .f32])
    #expect(inspection.types[1].byteCount == 30_299_652_096)
    #expect(inspection.types[4].byteCount == 9_308_160)
    let traffic = inspection.traffic
    #expect(traffic.experts == 6 * 43 * 7_077_888)
    #expect(traffic.rows == 8192 + 3 * 24)
    // 9.56 GB, rounded.
    #expect((traffic.total + 5_000_000) / 10_000_000 == 956)
    let experts = try #require(
      inspection.kinds.first { $0.name == "blk.*.ffn_gate_exps.weight" })
    #expect(experts.layers == Array(0..<43))
    #expect(experts.byteCount == 23_806_869_504)
    let bias = try #require(inspection.kinds.first { $0.name == "blk.*.exp_probs_b.bias" })
    #expect(bias.layers == Array(3..<43))
    let line = inspection.text.split(separator: "\n").first {
      $0.hasPrefix("blk.*.exp_probs_b.bias")
    }
    #expect(line?.split(separator: " ").prefix(3) == ["blk.*.exp_probs_b.bias", "3-42", "F32"])
    #expect(inspection.text.contains("6 of 256 per token"))
    #expect(!inspection.limits.isEmpty)
  }

  @Test func layersForDraftingAreNotRead() throws {
    var (metadata, tensors) = try flash()
    let before = inspect(metadata, tensors).traffic
    metadata["deepseek4.block_count"] = .uint32(44)
    metadata["deepseek4.nextn_predict_layers"] = .uint32(1)
    for name in ["blk.43.nextn.eh_proj.weight", "blk.43.attn_kv.weight", "mtp.0.e_proj.weight"] {
      tensors.append(try GGUFWriter.Tensor(name: name, type: .f32, shape: [4096, 100]))
    }
    #expect(inspect(metadata, tensors).traffic == before)
  }

  @Test func tiedEmbeddingsAreReadInFull() throws {
    let embedding = try GGUFWriter.Tensor(name: "token_embd.weight", type: .q8_0, shape: [64, 100])
    let output = try GGUFWriter.Tensor(name: "output.weight", type: .f16, shape: [64, 100])
    let tied = inspect(GGUFMetadata(), [embedding]).traffic
    #expect(tied.dense == 6800 && tied.rows == 68)
    let untied = inspect(GGUFMetadata(), [embedding, output]).traffic
    #expect(untied.dense == 12_800 && untied.rows == 68)
  }

  @Test func tokenizerAndTemplate() throws {
    let directory = try TemporaryDirectory()
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("qwen3")
    metadata["general.name"] = .string("Tiny \u{1B}[31m")
    metadata["general.file_type"] = .uint32(15)
    metadata["tokenizer.ggml.model"] = .string("gpt2")
    metadata["tokenizer.ggml.pre"] = .string("qwen2")
    metadata["tokenizer.ggml.tokens"] = .array(MetadataArray(["a", "b", "<end>"]))
    metadata["tokenizer.ggml.merges"] = .array(MetadataArray(["a b"]))
    metadata["tokenizer.ggml.eos_token_id"] = .uint32(2)
    metadata["tokenizer.ggml.padding_token_id"] = .uint32(9)
    metadata["tokenizer.chat_template"] = .string("abc")
    let file = try writeModel(
      "\(directory.path)/m.gguf", metadata: metadata, [("token_embd.weight", .f32, [8, 3])])
    let inspection = ModelInspection(file)
    let tokenizer = try #require(inspection.tokenizer)
    #expect(tokenizer.tokenCount == 3 && tokenizer.mergeCount == 1)
    #expect(tokenizer.specialTokens.map(\.role) == ["eos", "padding"])
    #expect(tokenizer.specialTokens.map(\.text) == ["<end>", nil])
    #expect(
      inspection.chatTemplate?.sha256
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(inspection.fileType == "Q4_K_M")
    #expect(inspection.fileByteCount == file.fileByteCount)
    let json = inspection.json
    #expect(json["architecture"] == "qwen3")
    #expect(json["tokenizer"]?["special"]?.arrayValue?.count == 2)
    #expect(json["parameters"] == 24)
    #expect(json["decodeBytesPerToken"]?["total"] == 128)
    #expect(json["experts"] == .null)
    let text = inspection.text
    #expect(!text.contains("\u{1B}"))
    #expect(text.contains("2 <end>"))
    #expect(text.contains("(outside the vocabulary)"))
  }

  @Test func nothingStated() {
    let inspection = inspect(GGUFMetadata(), [])
    #expect(inspection.architecture == nil)
    #expect(inspection.traffic.total == 0)
    #expect(inspection.text.contains("(not stated)"))
    #expect(inspection.json["chatTemplate"] == .null)
  }
}
