import GGUF
import Kernels

/// Makes models of files.
public enum ModelLoader {
  /// Makes the model that a file holds; the family is that of `general.architecture`.
  ///
  /// Weights stay in the mapped file. The model keeps the file open.
  ///
  /// - Throws: `ModelError` when the family is unknown, or the file lacks or contradicts what the family needs.
  public static func load<Operations: TensorOperations>(
    _ file: GGUFFile, on operations: Operations, options: ModelOptions = ModelOptions()
  ) throws(ModelError) -> any LanguageModel {
    let architecture = try ArchitectureMetadata.architecture(of: file.metadata)
    switch architecture {
    case "deepseek4":
      return try DeepSeek4Model(file, on: operations, options: options)
    case "qwen3", "qwen3moe":
      return try Qwen3.load(
        file, on: operations, options: options, hasExperts: architecture == "qwen3moe")
    case "qwen35moe":
      return try Qwen35.load(file, on: operations, options: options)
    case "llama":
      return try Llama.load(file, on: operations, options: options)
    default:
      throw .unsupportedArchitecture(architecture)
    }
  }
}
