import DurableFiles
import GGUF
import JSON
import TensorFormats

/// What `maslin model inspect` shows of a model file: what it is, what it is made of, and what decoding reads of it.
public struct ModelInspection: Hashable, Sendable {
  /// The tensors of one type.
  public struct TypeUse: Hashable, Sendable {
    /// The type.
    public let type: TensorType
    /// How many tensors have it.
    public let tensorCount: Int
    /// The values in them.
    public let valueCount: Int
    /// Their bytes.
    public let byteCount: Int
  }

  /// Tensors that have the same place in different layers, and the same type and shape.
  public struct Kind: Hashable, Sendable {
    /// The name with `*` for the layer: `blk.*.attn_q.weight`.
    public let name: String
    /// The layers, ascending; empty for tensors outside layers.
    public let layers: [Int]
    /// How values are stored.
    public let type: TensorType
    /// The sizes of the axes of one tensor.
    public let shape: [Int]
    /// The bytes of all of them.
    public let byteCount: Int
  }

  /// What the file says of its tokenizer.
  public struct Tokenizer: Hashable, Sendable {
    /// `gpt2` for byte-level BPE.
    public let model: String
    /// The name of the pre-tokenizer.
    public let preTokenizer: String?
    /// The number of tokens.
    public let tokenCount: Int
    /// The number of merges.
    public let mergeCount: Int
    /// Special tokens by the name of their key (`bos`, `eos`, `padding`), in the order of the file.
    public let specialTokens: [SpecialToken]
  }

  /// A token with a role.
  public struct SpecialToken: Hashable, Sendable {
    /// `bos`, `eos`, `padding` and others.
    public let role: String
    /// The id.
    public let id: Int
    /// The token's text; nil when the id is outside the vocabulary.
    public let text: String?
  }

  /// The template that turns conversations into prompts.
  public struct ChatTemplate: Hashable, Sendable {
    /// Its length.
    public let byteCount: Int
    /// Its SHA-256 in hexadecimal: equal templates have equal ones.
    public let sha256: String
  }

  /// The bytes that decoding one token reads at a short context.
  public struct DecodeTraffic: Hashable, Sendable {
    /// Tensors that every token reads in full.
    public let dense: Int
    /// The share of routed experts that one token chooses.
    public let experts: Int
    /// The rows that a token picks of tables (embedding, table of hash-routed experts).
    public let rows: Int
    /// The same bytes by the type of the weights, without the rows; by type number.
    public let types: [TypeBytes]
    /// All of that.
    public var total: Int { dense + experts + rows }
  }

  /// Bytes of weights of one type.
  public struct TypeBytes: Hashable, Sendable {
    /// The type.
    public let type: TensorType
    /// The bytes.
    public let byteCount: Int
    /// How many weights they hold.
    public var valueCount: Int { byteCount / type.bytesPerBlock * type.valuesPerBlock }
  }

  /// The file, or the part that was opened.
  public let path: String
  /// The number of files the model lies in.
  public let partCount: Int
  /// The bytes of all files.
  public let fileByteCount: Int
  /// The version of the GGUF format.
  public let version: Int
  /// The architecture (`deepseek4`), if stated.
  public let architecture: String?
  /// The model's name, if stated.
  public let name: String?
  /// The recipe of the quantisation as the file states it (`Q4_K_M`), if stated.
  public let fileType: String?
  /// The longest sequence the model was made for, if stated.
  public let contextLength: Int?
  /// The number of layers, if stated.
  public let layerCount: Int?
  /// Routed experts of a layer, and how many of them a token uses; nil for dense models.
  public let experts: Experts?
  /// All weights.
  public let parameterCount: Int
  /// The number of tensors.
  public let tensorCount: Int
  /// The types used, most bytes first.
  public let types: [TypeUse]
  /// The table of tensors with layers folded, in the order of the file.
  public let kinds: [Kind]
  /// The tokenizer, if there is one.
  public let tokenizer: Tokenizer?
  /// The chat template, if there is one.
  public let chatTemplate: ChatTemplate?
  /// What decoding reads.
  public let traffic: DecodeTraffic
  /// What has been verified with synthetic weights only, one sentence each.
  public let limits: [String]

  /// The experts of a layer.
  public struct Experts: Hashable, Sendable {
    /// How many there are.
    public let count: Int
    /// How many a token uses.
    public let used: Int
  }

  /// Inspects an open model.
  public init(_ file: GGUFFile) {
    self.init(
      path: file.path, partCount: file.partCount, fileByteCount: file.fileByteCount,
      version: file.version, metadata: file.metadata,
      tensors: file.tensors.map(GGUFWriter.Tensor.init))
  }

  /// Inspects a description.
  package init(
    path: String, partCount: Int, fileByteCount: Int, version: Int, metadata: GGUFMetadata,
    tensors: [GGUFWriter.Tensor]
  ) {
    self.path = path
    self.partCount = partCount
    self.fileByteCount = fileByteCount
    self.version = version
    let architecture = metadata.string("general.architecture")
    self.architecture = architecture
    let prefix = architecture ?? ""
    name = metadata.string("general.name")
    fileType = metadata.integer("general.file_type").map(Self.fileTypeName)
    contextLength = metadata.integer("\(prefix).context_length")
    layerCount = metadata.integer("\(prefix).block_count")
    if let count = metadata.integer("\(prefix).expert_count"), count > 0 {
      experts = Experts(
        count: count, used: metadata.integer("\(prefix).expert_used_count") ?? count)
    } else {
      experts = nil
    }
    parameterCount = tensors.lazy.filter { !$0.type.isInteger }.reduce(0) { $0 + $1.valueCount }
    tensorCount = tensors.count
    types = Self.types(of: tensors)
    kinds = Self.kinds(of: tensors)
    tokenizer = Self.tokenizer(of: metadata)
    if case .string(let template)? = metadata["tokenizer.chat_template"] {
      chatTemplate = ChatTemplate(
        byteCount: template.count, sha256: SHA256.hexadecimal(SHA256.hash(template)))
    } else {
      chatTemplate = nil
    }
    traffic = Self.traffic(of: tensors, metadata: metadata, experts: experts, prefix: prefix)
    limits = Self.limits(architecture: architecture)
  }
}

extension ModelInspection {
  private static func types(of tensors: [GGUFWriter.Tensor]) -> [TypeUse] {
    TensorType.allCases.compactMap { type in
      let users = tensors.filter { $0.type == type }
      guard !users.isEmpty else { return nil }
      return TypeUse(
        type: type, tensorCount: users.count,
        valueCount: users.reduce(0) { $0 + $1.valueCount },
        byteCount: users.reduce(0) { $0 + $1.byteCount })
    }.sorted { ($1.byteCount, $0.type.rawValue) < ($0.byteCount, $1.type.rawValue) }
  }

  private struct KindKey: Hashable {
    let name: String
    let type: TensorType
    let shape: [Int]
  }

  private static func kinds(of tensors: [GGUFWriter.Tensor]) -> [Kind] {
    var order: [KindKey] = []
    var members: [KindKey: (layers: [Int], bytes: Int)] = [:]
    for tensor in tensors {
      let (name, layer) = folded(tensor.name)
      let key = KindKey(name: name, type: tensor.type, shape: tensor.shape)
      if members[key] == nil { order.append(key) }
      var entry = members[key] ?? ([], 0)
      if let layer { entry.layers.append(layer) }
      entry.bytes += tensor.byteCount
      members[key] = entry
    }
    return order.map { key in
      let entry = members[key] ?? ([], 0)
      return Kind(
        name: key.name, layers: entry.layers.sorted(), type: key.type, shape: key.shape,
        byteCount: entry.bytes)
    }
  }

  /// `blk.7.attn_q.weight` as `blk.*.attn_q.weight` and 7; other names as they are.
  static func folded(_ name: String) -> (name: String, layer: Int?) {
    let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "blk" || parts[0] == "mtp", let layer = Int(parts[1]),
      layer >= 0
    else { return (name, nil) }
    return ("\(parts[0]).*.\(parts[2])", layer)
  }

  private static func tokenizer(of metadata: GGUFMetadata) -> Tokenizer? {
    let prefix = "tokenizer.ggml."
    guard let model = metadata.string(prefix + "model") else { return nil }
    let tokens = metadata.byteStrings(prefix + "tokens") ?? []
    let suffix = "_token_id"
    let special = metadata.entries.compactMap { entry -> SpecialToken? in
      guard entry.key.hasPrefix(prefix), entry.key.hasSuffix(suffix),
        let id = entry.value.integerValue
      else { return nil }
      return SpecialToken(
        role: String(entry.key.dropFirst(prefix.count).dropLast(suffix.count)), id: id,
        text: tokens.indices.contains(id) ? String(decoding: tokens[id], as: UTF8.self) : nil)
    }
    return Tokenizer(
      model: model, preTokenizer: metadata.string(prefix + "pre"), tokenCount: tokens.count,
      mergeCount: metadata[prefix + "merges"]?.arrayValue?.count ?? 0, specialTokens: special)
  }

  private static func traffic(
    of tensors: [GGUFWriter.Tensor], metadata: GGUFMetadata, experts: Experts?, prefix: String
  ) -> DecodeTraffic {
    // Layers that only predict further tokens are not read by plain decoding.
    let drafting = metadata.integer("\(prefix).nextn_predict_layers") ?? 0
    let layers = metadata.integer("\(prefix).block_count").map { $0 - max(0, drafting) } ?? Int.max
    let hasOutput = tensors.contains { $0.name == "output.weight" }
    var (dense, chosen, rows) = (0, 0, 0)
    var types: [TensorType: Int] = [:]
    for tensor in tensors {
      let (name, layer) = folded(tensor.name)
      if name.hasPrefix("mtp.") || name.contains(".nextn.") || (layer ?? 0) >= layers { continue }
      let row = tensor.type.byteCount(values: tensor.shape.first ?? 1) ?? tensor.byteCount
      if name.contains("_exps."), let experts, experts.count > 0 {
        let bytes = tensor.byteCount / experts.count * min(experts.used, experts.count)
        chosen += bytes
        types[tensor.type, default: 0] += bytes
      } else if name.hasPrefix("blk.*.ffn_gate_tid2eid")
        || (name == "token_embd.weight" && hasOutput)
      {
        rows += row
      } else if name == "token_embd.weight" {
        // The embedding is the output matrix as well.
        dense += tensor.byteCount
        rows += row
        types[tensor.type, default: 0] += tensor.byteCount
      } else {
        dense += tensor.byteCount
        types[tensor.type, default: 0] += tensor.byteCount
      }
    }
    return DecodeTraffic(
      dense: dense, experts: chosen, rows: rows,
      types: types.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { TypeBytes(type: $0.key, byteCount: $0.value) })
  }

  private static func limits(architecture: String?) -> [String] {
    let families = ["deepseek4", "qwen3", "qwen3moe", "qwen35moe", "llama"]
    guard let architecture, families.contains(architecture) else {
      return ["models of this architecture cannot be run"]
    }
    return [
      "the forward pass of \(architecture) has been verified with synthetic weights only, "
        + "against independent implementations; no real weights were available",
      "speed has been measured on synthetic files of true shape only",
    ]
  }

  /// The name of a recipe by its number (`general.file_type`, numbered as in llama.cpp).
  static func fileTypeName(_ number: Int) -> String {
    let names = [
      0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
      11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
      17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
      23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
      29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
      38: "MXFP4_MOE",
    ]
    return names[number] ?? "number \(number)"
  }
}

extension GGUFWriter.Tensor {
  /// The number of values.
  var valueCount: Int { shape.reduce(1, *) }
}
