import DurableFiles
import GGUF
import JSON
import TensorFormats

/// Converts a model directory in Hugging Face's form (config.json, safetensors, tokenizer.json) to a GGUF file.
///
/// Names, shapes, the order of rows and the metadata are those of llama.cpp's converter, so files of either open in
/// both.
public enum HuggingFaceConversion {
  /// What a conversion made.
  public struct Report: Hashable, Sendable {
    /// The architecture's name in the file.
    public let architecture: String
    /// The number of tensors.
    public let tensorCount: Int
    /// The size of the file.
    public let byteCount: Int
    /// What was left out or decided, one sentence each.
    public let notes: [String]
  }

  /// The kinds of models that can be converted, by the names in config.json.
  public static let supportedModels = ["llama", "qwen3", "qwen3_moe", "qwen3_5_moe", "deepseek_v4"]

  /// The types that weights can be converted to.
  public static let supportedTypes: [TensorType] = [.f32, .f16, .bf16, .q8_0]

  private enum Family: String {
    case llama
    case qwen3
    case qwen3moe
    case qwen35moe
    case deepseek4
  }

  /// Converts a directory to one file.
  ///
  /// - Parameters:
  ///   - outputType: of the weights; nil keeps the checkpoint's precision. Norms, routers and other small tensors are
  ///     F32 in any case, 4-bit experts stay as they are (MXFP4).
  ///   - threads: how many threads encode.
  ///   - progress: told the bytes of tensors written and their total.
  /// - Throws: `ModelFileError`; the target is untouched then.
  @discardableResult
  public static func convert(
    directory: String, to path: String, outputType: TensorType? = nil, threads: Int = 1,
    using files: any DurableFileOperations = SystemFiles(),
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ModelFileError) -> Report {
    if let outputType, !supportedTypes.contains(outputType) {
      throw .request(
        "weights can be converted to \(supportedTypes.map(\.name).joined(separator: ", ")); "
          + "quantise the file for \(outputType.name)")
    }
    let configuration = try HuggingFaceConfiguration(directory: directory)
    let family = try family(of: configuration)
    let source = try SafetensorsFile(directory: directory)

    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string(family.rawValue)
    metadata["general.type"] = .string("model")
    metadata["general.name"] = .string(name(of: configuration, directory: directory))
    var plan = ConversionPlan()
    var checkpoint: Checkpoint
    switch family {
    case .llama, .qwen3, .qwen3moe, .qwen35moe:
      checkpoint = try Checkpoint(source, rename: TransformerCheckpoint.textName)
      var reader = try TransformerCheckpoint(family.rawValue, configuration, checkpoint)
      try reader.addMetadata(to: &metadata)
      try reader.addTensors(to: &plan)
      checkpoint = reader.checkpoint
    case .deepseek4:
      checkpoint = try Checkpoint(source, rename: DeepSeek4Checkpoint.textName)
      var reader = try DeepSeek4Checkpoint(configuration, checkpoint)
      try reader.addMetadata(to: &metadata)
      try reader.addTensors(to: &plan)
      checkpoint = reader.checkpoint
    }
    try checkpoint.checkAllUsed(architecture: family.rawValue)
    guard let embedding = plan.tensors.first(where: { $0.name == "token_embd.weight" }),
      embedding.shape.count == 2
    else { throw .tensor(name: "token_embd.weight", problem: "is no matrix") }
    metadata["general.file_type"] = .uint32(fileType(plan, outputType))
    metadata["general.quantization_version"] = .uint32(2)
    var tokenizer = try HuggingFaceTokenizer(directory: directory)
    try tokenizer.add(
      to: &metadata, tokenCount: embedding.shape[1], configuration: configuration)

    let byteCount = try write(
      plan, metadata: metadata, to: path, outputType: outputType, threads: threads, files: files,
      source: source, progress: progress)
    return Report(
      architecture: family.rawValue, tensorCount: plan.tensors.count, byteCount: byteCount,
      notes: checkpoint.notes)
  }

  private static func write(
    _ plan: ConversionPlan, metadata: GGUFMetadata, to path: String, outputType: TensorType?,
    threads: Int, files: any DurableFileOperations, source: SafetensorsFile,
    progress: (Int, Int) -> Void
  ) throws(ModelFileError) -> Int {
    var descriptions: [GGUFWriter.Tensor] = []
    for tensor in plan.tensors {
      descriptions.append(
        try gguf { () throws(GGUFError) in
          try GGUFWriter.Tensor(
            name: tensor.name, type: tensor.type(requested: outputType), shape: tensor.shape)
        })
    }
    let writer = try gguf { () throws(GGUFError) in
      try GGUFWriter(metadata: metadata, tensors: descriptions)
    }
    let output = try gguf { () throws(GGUFError) in try writer.begin(path, using: files) }
    let total = descriptions.reduce(0) { $0 + $1.byteCount }
    var done = 0
    for (tensor, description) in zip(plan.tensors, descriptions) {
      try tensor.write(to: output, as: description.type, threads: threads)
      done += description.byteCount
      progress(done, total)
    }
    try source.checkUnchanged()
    try gguf { () throws(GGUFError) in try output.finish() }
    return writer.fileByteCount
  }

  private static func family(
    of configuration: HuggingFaceConfiguration
  ) throws(ModelFileError) -> Family {
    let families: [String: Family] = [
      "llama": .llama, "LlamaForCausalLM": .llama,
      "qwen3": .qwen3, "Qwen3ForCausalLM": .qwen3,
      "qwen3_moe": .qwen3moe, "Qwen3MoeForCausalLM": .qwen3moe,
      "qwen3_5_moe": .qwen35moe, "qwen3_5_moe_text": .qwen35moe,
      "Qwen3_5MoeForCausalLM": .qwen35moe, "Qwen3_5MoeForConditionalGeneration": .qwen35moe,
      "deepseek_v4": .deepseek4, "DeepseekV4ForCausalLM": .deepseek4,
    ]
    let kinds = configuration.kinds
    guard let family = kinds.lazy.compactMap({ families[$0] }).first else {
      throw .unsupportedModel(name: kinds.first ?? "not stated", supported: supportedModels)
    }
    return family
  }

  private static func name(
    of configuration: HuggingFaceConfiguration, directory: String
  ) -> String {
    let stated = configuration["_name_or_path"]?.stringValue ?? ""
    let path = stated.isEmpty ? directory : stated
    return path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The number of the recipe (`general.file_type`, numbered as in llama.cpp) that says most of the weights.
  private static func fileType(_ plan: ConversionPlan, _ outputType: TensorType?) -> UInt32 {
    var bytes: [TensorType: Int] = [:]
    for tensor in plan.tensors where tensor.shape.count > 1 {
      let type = tensor.type(requested: outputType)
      bytes[type, default: 0] += type.byteCount(values: tensor.shape.reduce(1, *)) ?? 0
    }
    if bytes[.mxfp4] != nil { return 38 }
    let order: [(TensorType, UInt32)] = [(.f32, 0), (.f16, 1), (.q8_0, 7), (.bf16, 32)]
    return order.max { (bytes[$0.0] ?? 0) < (bytes[$1.0] ?? 0) }?.1 ?? 0
  }
}
