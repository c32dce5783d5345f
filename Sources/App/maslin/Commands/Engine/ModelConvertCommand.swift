import ArgumentParser
import Foundation
import ModelFiles
import TensorFormats

/// `maslin model convert`
struct ModelConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Makes a GGUF file of a model as published on Hugging Face.",
    discussion: """
      DIRECTORY holds config.json, tokenizer.json and the weights in safetensors files. Models: \
      \(HuggingFaceConversion.supportedModels.joined(separator: ", ")). Weights keep their precision unless --type \
      names another; `maslin model quantize` makes smaller ones.

      Example:
        maslin model convert Qwen3-8B qwen3-8b-bf16.gguf
      """)

  @Argument(help: "The directory.", completion: .directory)
  var directory: String

  @Argument(help: "The new file.", completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "Store matrices as "
        + "\(HuggingFaceConversion.supportedTypes.map(\.name).joined(separator: ", ")).",
      valueName: "type"))
  var type: String?

  mutating func run() throws {
    let chosen = try type.map { name in
      guard let type = TensorType(name: name), HuggingFaceConversion.supportedTypes.contains(type)
      else {
        throw CommandFailure(.usage, "--type \(name): matrices cannot be stored so here")
      }
      return type
    }
    let meter = ProgressMeter("converting", unit: "MB")
    let report = try HuggingFaceConversion.convert(
      directory: directory, to: output, outputType: chosen,
      threads: ProcessInfo.processInfo.activeProcessorCount
    ) { done, _ in
      meter.update(done / 1_000_000)
    }
    meter.finish()
    for note in report.notes { StandardError.write("maslin: \(note)\n") }
    try StandardOutput().finish(
      with:
        "\(output): \(report.architecture), \(report.tensorCount) tensors, \(report.byteCount) bytes\n"
    )
  }
}
