import Foundation
import GGUF
import ModelFiles
import TensorFormats
import Testing

/// Builds model directories in Hugging Face's form and converts them.
@Suite struct HuggingFaceConversionTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private struct Tensor {
    let name: String
    let format: SafetensorsFile.Format
    let shape: [Int]
    let bytes: [UInt8]
  }

  private func floats(_ name: String, _ shape: [Int], _ values: [Float]) -> Tensor {
    Tensor(
      name: name, format: .f32, shape: shape,
      bytes: values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) })
  }

  /// Values that tell their place: `first`, `first` + 1, ...
  private func counting(_ name: String, _ shape: [Int], from first: Int = 0) -> Tensor {
    floats(name, shape, (0..<shape.reduce(1, *)).map { Float(first + $0) })
  }

  private func write(_ tensors: [Tensor], config: String) throws {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
      entries.append(
        "\"\(tensor.name)\":{\"dtype\":\"\(tensor.format.rawValue)\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(data.count),\(data.count + tensor.bytes.count)]}")
      data += tensor.bytes
    }
    let header = Array("{\(entries.joined(separator: ","))}".utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
    try directory.write(length + header + data, "model.safetensors")
    try directory.write(Array(config.utf8), "config.json")
  }

  private func writeTokenizer(
    pattern: String = #"\\p{N}{1,3}"#, settings: String = "{}"
  ) throws {
    let llama =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"# + pattern
      + #"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"#
    let text = """
      {"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"\\u00e9":3},
      "merges":[["a","b"],"b a",["a b","b"]]},
      "pre_tokenizer":{"type":"Sequence","pretokenizers":[
      {"type":"Split","pattern":{"Regex":"\(llama)"},"behavior":"Isolated","invert":false},
      {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]},
      "added_tokens":[{"id":4,"content":"<s>","special":true},
      {"id":5,"content":"<|end|>","special":false},{"id":6,"content":"<tool>","special":false}],
      "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},
      {"Sequence":{"id":"A"}}]}}
      """
    try directory.write(Array(text.utf8), "tokenizer.json")
    try directory.write(Array(settings.utf8), "tokenizer_config.json")
  }

  private let llamaConfig = """
    {"architectures":["LlamaForCausalLM"],"model_type":"llama","num_hidden_layers":1,
    "num_attention_heads":2,"num_key_value_heads":1,"hidden_size":8,"vocab_size":8,
    "intermediate_size":4,"max_position_embeddings":64,"rms_norm_eps":1e-5,
    "rope_theta":500000.0,"tie_word_embeddings":true,"rope_scaling":{"rope_type":"llama3",
    "factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
    "original_max_position_embeddings":16}}
    """

  private var llamaTensors: [Tensor] {
    let layer = "model.layers.0."
    return [
      counting("model.embed_tokens.weight", [8, 8]), counting("model.norm.weight", [8]),
      counting("\(layer)input_layernorm.weight", [8]),
      counting("\(layer)post_attention_layernorm.weight", [8]),
      counting("\(layer)self_attn.q_proj.weight", [8, 8]),
      counting("\(layer)self_attn.k_proj.weight", [4, 8]),
      counting("\(layer)self_attn.v_proj.weight", [4, 8]),
      counting("\(layer)self_attn.o_proj.weight", [8, 8]),
      counting("\(layer)mlp.gate_proj.weight", [4, 8]),
      counting("\(layer)mlp.up_proj.weight", [4, 8]),
      counting("\(layer)mlp.down_proj.weight", [8, 4]),
    ]
  }

  private func convert(_ type: TensorType? = nil) throws -> GGUFFile {
    let path = "\(directory.path)/out.gguf"
    try HuggingFaceConversion.convert(directory: directory.path, to: path, outputType: type)
    return try GGUFFile.open(path)
  }

  private func values(_ file: GGUFFile, _ name: String) throws -> [Float] {
    let tensor = try #require(file.tensor(name), "\(name)")
    return try tensor.type.decode(Array(tensor.bytes))
  }

  private func problem(_ type: TensorType? = nil) -> String {
    let error = #expect(throws: ModelFileError.self) {
      try HuggingFaceConversion.convert(
        directory: directory.path, to: "\(directory.path)/out.gguf", outputType: type)
    }
    return error?.description ?? ""
  }

  @Test func llama() throws {
    try write(llamaTensors, config: llamaConfig)
    try writeTokenizer()
    let file = try convert()
    let metadata = file.metadata
    #expect(metadata.string("general.architecture") == "llama")
    #expect(metadata.integer("llama.attention.head_count_kv") == 1)
    #expect(metadata.integer("llama.rope.dimension_count") == 4)
    #expect(metadata.number("llama.rope.freq_base") == 500_000)
    #expect(metadata["llama.attention.layer_norm_rms_epsilon"] == .float32(1e-5))
    #expect(metadata.integer("general.file_type") == 0)
    #expect(file.tensor("output.weight") == nil)
    #expect(file.tensor("token_embd.weight")?.shape == [8, 8])
    #expect(file.tensor("blk.0.ffn_down.weight")?.shape == [4, 8])
    // Two heads of 4 rows: halves 0 1 and 2 3 become pairs 0 2 and 1 3.
    let queries = try values(file, "blk.0.attn_q.weight")
    #expect(stride(from: 0, to: 64, by: 8).map { queries[$0] / 8 } == [0, 2, 1, 3, 4, 6, 5, 7])
    let keys = try values(file, "blk.0.attn_k.weight")
    #expect(stride(from: 0, to: 32, by: 8).map { keys[$0] / 8 } == [0, 2, 1, 3])
    #expect(try values(file, "blk.0.attn_v.weight") == (0..<32).map(Float.init))
    // Wavelengths 2 pi and 2 pi sqrt(500000) against 16 / 4 and 16 / 1: between, and above.
    let factors = try values(file, "rope_freqs.weight")
    let smooth = (16 / (2 * Double.pi) - 1) / 3
    #expect(factors == [Float(1 / ((1 - smooth) / 8 + smooth)), 8])
  }

  @Test(arguments: [TensorType.f16, .bf16, .f32]) func outputTypes(type: TensorType) throws {
    try write(llamaTensors, config: llamaConfig)
    try writeTokenizer()
    let file = try convert(type)
    #expect(file.tensor("blk.0.attn_v.weight")?.type == type)
    #expect(file.tensor("blk.0.attn_norm.weight")?.type == .f32)
    // Small whole numbers are exact in every type.
    #expect(try values(file, "blk.0.attn_v.weight") == (0..<32).map(Float.init))
  }

  @Test func rowsThatAreNoWholeBlocksStayPlain() throws {
    try write(llamaTensors, config: llamaConfig)
    try writeTokenizer()
    #expect(try convert(.q8_0).tensor("blk.0.attn_v.weight")?.type == .bf16)
    #expect(problem(.q4_K).contains("quantise the file for Q4_K"))
  }

  @Test func tokenizer() throws {
    try write(llamaTensors, config: llamaConfig)
    try writeTokenizer(
      settings: #"{"bos_token":{"content":"<s>"},"eos_token":"<|end|>","chat_template":"hi"}"#)
    let metadata = try convert().metadata
    let prefix = "tokenizer.ggml."
    #expect(metadata.string(prefix + "model") == "gpt2")
    #expect(metadata.string(prefix + "pre") == "llama-bpe")
    #expect(
      metadata.strings(prefix + "tokens")
        == ["a", "b", "ab", "\u{e9}", "<s>", "<|end|>", "<tool>", "[PAD7]"])
    #expect(metadata.integers(prefix + "token_type") == [1, 1, 1, 1, 3, 3, 4, 5])
    #expect(metadata.strings(prefix + "merges") == ["a b", "b a", "a\u{120}b b"])
    #expect(metadata.integer(prefix + "bos_token_id") == 4)
    #expect(metadata.integer(prefix + "eos_token_id") == 5)
    #expect(metadata.bool(prefix + "add_bos_token") == true)
    #expect(metadata.bool(prefix + "add_eos_token") == false)
    #expect(metadata.string("tokenizer.chat_template") == "hi")
    try writeTokenizer(pattern: #"\\p{N}"#)
    #expect(try convert().metadata.string(prefix + "pre") == "qwen2")
    try writeTokenizer(pattern: #"\\p{N}{1,2}"#)
    #expect(problem().contains("the pre-tokenizer is none of gpt-2, llama-bpe"))
  }

  @Test func whatCannotBeConverted() throws {
    try writeTokenizer()
    try write(llamaTensors, config: #"{"model_type":"gemma3"}"#)
    #expect(problem().contains("'gemma3' cannot be converted; supported are llama, qwen3"))
    try write(llamaTensors + [counting("model.extra", [2])], config: llamaConfig)
    #expect(problem().contains("'model.extra': has no place"))
    try write(llamaTensors.filter { !$0.name.contains("k_proj") }, config: llamaConfig)
    #expect(problem().contains("self_attn.k_proj.weight': is missing"))
    try write(
      llamaTensors.filter { !$0.name.contains("v_proj") }
        + [
          floats(
            "model.layers.0.self_attn.v_proj.weight", [4, 8],
            [.nan] + [Float](repeating: 0, count: 31))
        ],
      config: llamaConfig)
    #expect(problem(.f16).contains("row 0, column 0 is nan"))
    try write(llamaTensors, config: llamaConfig.replacingOccurrences(of: "llama3", with: "su"))
    #expect(problem().contains("type 'su' are not supported"))
    #expect(try directory.files.contains { $0.hasPrefix("out.gguf") } == false)
  }

  @Test(arguments: [false, true]) func experts(isFused: Bool) throws {
    let config = """
      {"model_type":"qwen3_moe","num_hidden_layers":1,"num_attention_heads":2,"hidden_size":8,
      "head_dim":4,"vocab_size":8,"max_position_embeddings":64,"rms_norm_eps":1e-6,
      "num_experts":3,"num_experts_per_tok":2,"moe_intermediate_size":2,
      "rope_parameters":{"rope_theta":1000000,"rope_type":"default"}}
      """
    let layer = "model.layers.0."
    var tensors = llamaTensors.filter {
      !$0.name.contains(".mlp.") && !$0.name.contains("k_proj") && !$0.name.contains("v_proj")
    }
    tensors += [
      counting("lm_head.weight", [8, 8]), counting("\(layer)self_attn.k_proj.weight", [8, 8]),
      counting("\(layer)self_attn.v_proj.weight", [8, 8]),
      counting("\(layer)self_attn.q_norm.weight", [4]),
      counting("\(layer)self_attn.k_norm.weight", [4]),
      counting("\(layer)mlp.gate.weight", [3, 8]),
    ]
    // Gate, up and down of expert e begin at 1000 e, 1000 e + 16 and 1000 e + 500.
    if isFused {
      let gateUp = (0..<3).flatMap { e in (0..<32).map { Float(1000 * e + $0) } }
      let down = (0..<3).flatMap { e in (0..<16).map { Float(1000 * e + 500 + $0) } }
      tensors.append(floats("\(layer)mlp.experts.gate_up_proj", [3, 4, 8], gateUp))
      tensors.append(floats("\(layer)mlp.experts.down_proj", [3, 8, 2], down))
    } else {
      for e in 0..<3 {
        let expert = "\(layer)mlp.experts.\(e)."
        tensors.append(counting("\(expert)gate_proj.weight", [2, 8], from: 1000 * e))
        tensors.append(counting("\(expert)up_proj.weight", [2, 8], from: 1000 * e + 16))
        tensors.append(counting("\(expert)down_proj.weight", [8, 2], from: 1000 * e + 500))
      }
    }
    try write(tensors, config: config)
    try writeTokenizer(pattern: #"\\p{N}"#)
    let file = try convert()
    #expect(file.metadata.integer("qwen3moe.expert_count") == 3)
    #expect(file.tensor("blk.0.ffn_up_exps.weight")?.shape == [8, 2, 3])
    #expect(file.tensor("blk.0.ffn_down_exps.weight")?.shape == [2, 8, 3])
    for (name, first) in [("gate", 0), ("up", 16), ("down", 500)] {
      let expected = (0..<3).flatMap { e in (0..<16).map { Float(1000 * e + first + $0) } }
      #expect(try values(file, "blk.0.ffn_\(name)_exps.weight") == expected, "\(name)")
    }
  }
}

@Suite struct MicroscalingTests {
  /// Values of OCP's 8-bit Floating Point Specification, table 1.
  @Test(arguments: [
    (0x00, Float(0)), (0x01, 0x1p-9), (0x07, 0x1.cp-7), (0x08, 0x1p-6), (0x38, 1), (0x39, 1.125),
    (0x7E, 448), (0xFE, -448), (0xB8, -1),
  ]) func eightBits(code: Int, value: Float) {
    #expect(Microscaling.e4m3[code] == value)
    #expect(Microscaling.e4m3[0x7F].isNaN && Microscaling.e4m3[0xFF].isNaN)
  }

  @Test func powers() {
    #expect(Microscaling.power(127) == 1)
    #expect(Microscaling.power(0) == 0x1p-127)
    #expect(Microscaling.power(254) == 0x1p127)
    #expect(Microscaling.power(255).isNaN)
  }

  @Test func fourBitsKeepTheirValues() throws {
    // Every code at every place: value v of group g has code (5 v + g) mod 16.
    let magnitudes: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    var codes: [UInt8] = []
    var expected: [Float] = []
    let scales: [UInt8] = (0..<16).map { UInt8(120 + $0) }
    for group in 0..<16 {
      let values = (0..<32).map { UInt8((5 * $0 + group) % 16) }
      for index in 0..<16 { codes.append(values[2 * index] | values[2 * index + 1] << 4) }
      expected += values.map { code in
        let magnitude = magnitudes[Int(code & 7)] * Microscaling.power(scales[group])
        return code & 8 == 0 ? magnitude : -magnitude
      }
    }
    let blocks = codes.withUnsafeBytes { codes in
      scales.withUnsafeBytes { Microscaling.blocks(codes: codes, scales: $0) }
    }
    #expect(try TensorType.mxfp4.decode(blocks) == expected)
  }
}
