import Foundation
import GGUF
import Kernels
import Models
import TensorFormats
import Testing

/// The tiny DeepSeek V4 model of this target, as it is or changed.
enum DeepSeek4Fixture {
  static let name = "deepseek4-q2"
  /// The ratios of its layers are 0, 4, 128; its window is 48, its indexer chooses 20 rows.
  static let vocabularyCount = 651

  static func load(
    activations: ProcessorOperations.Activations = .rounded, threads: Int = 2,
    options: ModelOptions = ModelOptions(maximumBatch: 1024)
  ) throws -> any LanguageModel {
    try ModelLoader.load(
      try EngineFixture.named(name).open(),
      on: try ProcessorOperations(threads: threads, activations: activations), options: options)
  }

  /// Tokens of a sequence by chance.
  static func tokens(_ count: Int, seed: UInt64) -> [Int32] {
    var numbers = SeededNumbers(seed)
    return (0..<count).map { _ in Int32.random(in: 0..<Int32(vocabularyCount), using: &numbers) }
  }
}

/// A copy of a model file that can be changed; written to a temporary folder, which goes away with this object: keep it in a
/// constant for as long as a model of it is used.
final class EditedModel {
  struct Tensor {
    var name: String
    var type: TensorType
    var shape: [Int]
    var bytes: [UInt8]
  }

  var metadata: GGUFMetadata
  var tensors: [Tensor]
  private var folders: [URL] = []

  init(_ file: GGUFFile) {
    metadata = file.metadata
    tensors = file.tensors.map {
      Tensor(name: $0.name, type: $0.type, shape: $0.shape, bytes: Array($0.bytes))
    }
  }

  /// A file of metadata only.
  init(_ pairs: KeyValuePairs<String, MetadataValue>) {
    metadata = GGUFMetadata()
    tensors = []
    for (key, value) in pairs { metadata[key] = value }
  }

  deinit {
    for folder in folders { try? FileManager.default.removeItem(at: folder) }
  }

  /// A key of the architecture.
  subscript(key: String) -> MetadataValue? {
    get { metadata["deepseek4.\(key)"] }
    set { metadata["deepseek4.\(key)"] = newValue }
  }

  func tensor(_ name: String) throws -> Tensor {
    try #require(tensors.first { $0.name == name }, "no tensor \(name)")
  }

  /// The values of a tensor.
  func values(_ name: String) throws -> [Float] {
    let tensor = try tensor(name)
    return try tensor.type.decode(tensor.bytes)
  }

  func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  /// Adds or replaces a tensor of floats.
  func set(_ name: String, _ shape: [Int], _ values: [Float]) {
    remove(name)
    tensors.append(
      Tensor(
        name: name, type: .f32, shape: shape,
        bytes: values.withUnsafeBytes { Array($0) }))
  }

  /// Adds a copy of a tensor under another name.
  func copy(_ name: String, as other: String) throws {
    var tensor = try tensor(name)
    tensor.name = other
    remove(other)
    tensors.append(tensor)
  }

  /// Stores all weights as F32.
  func decodeAll() throws {
    for index in tensors.indices where !tensors[index].type.isInteger {
      let values = try tensors[index].type.decode(tensors[index].bytes)
      tensors[index].type = .f32
      tensors[index].bytes = values.withUnsafeBytes { Array($0) }
    }
  }

  /// Writes the file and opens it. Valid for as long as this object lives.
  func open() throws -> GGUFFile {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("maslin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    folders.append(folder)
    let path = folder.appendingPathComponent("model.gguf").path
    let output = try GGUFWriter(
      metadata: metadata,
      tensors: try tensors.map {
        try GGUFWriter.Tensor(name: $0.name, type: $0.type, shape: $0.shape)
      }
    ).begin(path)
    for tensor in tensors {
      try tensor.bytes.withUnsafeBytes { try output.append($0, to: tensor.name) }
    }
    try output.finish()
    return try GGUFFile.open(path)
  }

  /// Loads the model with float activations.
  func load(
    activations: ProcessorOperations.Activations = .float,
    options: ModelOptions = ModelOptions(maximumBatch: 1024)
  ) throws -> any LanguageModel {
    try ModelLoader.load(
      try open(), on: try ProcessorOperations(threads: 2, activations: activations),
      options: options)
  }
}
