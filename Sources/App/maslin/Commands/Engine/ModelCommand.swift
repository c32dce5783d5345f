import ArgumentParser
import Foundation
import GGUF
import Inference
import JSON
import ModelFiles
import TensorFormats
import Workstation

/// `maslin model`
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Looks at, makes and keeps model files.",
    subcommands: [
      ModelInspectCommand.self, ModelListCommand.self, ModelAddCommand.self,
      ModelRemoveCommand.self, ModelQuantizeCommand.self, ModelConvertCommand.self,
      ModelSplitCommand.self, ModelMergeCommand.self, ModelSynthesizeCommand.self,
    ])
}

/// `maslin model inspect`
struct ModelInspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract:
      "Tells what is in a model file: shape, tensors, types, tokenizer, bytes read per token.")

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Flag(help: "List every tensor.")
  var tensors = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var data: DataOptions

  mutating func run() throws {
    let path = try ModelLocation(data: data.directory()).path(of: model)
    let file = try GGUFFile.open(path)
    let inspection = ModelInspection(file)
    let fit = try FitReport(file, contextLength: nil, threads: nil, measures: false)
    var output = StandardOutput()
    if json {
      var members = inspection.json.objectValue ?? []
      members.append(JSONMember(name: "memory", value: fit.json))
      if tensors {
        members.append(
          JSONMember(
            name: "tensorList",
            value: .array(
              file.tensors.map {
                .members([
                  "name": .string($0.name), "type": .string($0.type.name),
                  "shape": .array($0.shape.map { .integer($0) }), "bytes": .integer($0.bytes.count),
                ])
              })))
      }
      try output.write(JSONText.document(.object(members)))
    } else {
      try output.write(inspection.text)
      try output.write(fit.text)
      if tensors {
        try output.write("\n")
        for tensor in file.tensors {
          let shape = tensor.shape.map(String.init).joined(separator: " x ")
          try output.write("\(tensor.name)\t\(tensor.type.name)\t\(shape)\t\(tensor.bytes.count)\n")
        }
      }
    }
    try output.finish()
  }
}

/// `maslin model list`
struct ModelListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the registered models.")

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var data: DataOptions

  mutating func run() throws {
    let entries = try ModelLocation(data: data.directory()).registry().entries
    var output = StandardOutput()
    if json {
      try output.write(
        JSONText.document(
          .array(
            entries.map { entry in
              .members([
                "name": .string(entry.name), "bytes": .integer(entry.byteCount),
                "state": .string(Self.text(ModelRegistry.state(of: entry))),
                "added": .integer(entry.added),
                "files": .array(
                  entry.files.map {
                    .members([
                      "path": .string($0.path), "bytes": .integer($0.byteCount),
                      "sha256": .string($0.sha256),
                    ])
                  }),
              ])
            })))
    } else {
      for entry in entries {
        try output.write(
          "\(entry.name)\t\(ByteText.gibibytes(entry.byteCount))\t"
            + "\(Self.text(ModelRegistry.state(of: entry)))\t\(entry.path)\n")
      }
      if entries.isEmpty {
        StandardError.write("maslin: no models are registered; `maslin model add FILE` adds one\n")
      }
    }
    try output.finish()
  }

  private static func text(_ state: ModelRegistry.State) -> String {
    switch state {
    case .unchanged: "unchanged"
    case .missing: "missing"
    case .changed: "changed"
    }
  }
}

/// `maslin model add`
struct ModelAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Registers a model file under a name, with its SHA-256.",
    discussion: "The file stays where it is.")

  @Argument(help: "A GGUF file.", completion: .file())
  var file: String

  @Option(help: "The name (default: the file's, without its ending).")
  var name: String?

  @OptionGroup var data: DataOptions

  mutating func run() throws {
    let directory = try data.directory()
    try directory.create()
    let location = ModelLocation(data: directory)
    var registry = try location.registry()
    let meter = ProgressMeter("hashing", unit: "MB")
    let entry = try registry.add(
      URL(fileURLWithPath: file).standardizedFileURL.path, name: name,
      added: Int(Date().timeIntervalSince1970)
    ) { done, _ in
      meter.update(done / 1_000_000)
    }
    meter.finish()
    try registry.write(to: location.registryPath)
    var output = StandardOutput()
    for file in entry.files { try output.write("\(file.sha256)  \(file.path)\n") }
    try output.finish()
    StandardError.write("maslin: registered as '\(entry.name)'\n")
  }
}

/// `maslin model remove`
struct ModelRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Forgets a registered model; its files stay.")

  @Argument(help: "The name.")
  var name: String

  @OptionGroup var data: DataOptions

  mutating func run() throws {
    let location = ModelLocation(data: try data.directory())
    var registry = try location.registry()
    try registry.remove(name)
    try registry.write(to: location.registryPath)
  }
}

/// `maslin model split`
struct ModelSplitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split",
    abstract: "Splits a model into several files.",
    discussion: "Writes BASE-00001-of-0000N.gguf and so on, and prints their names.")

  @Argument(help: "A GGUF file.", completion: .file())
  var file: String

  @Argument(help: "The beginning of the new files' names.")
  var base: String

  @Option(
    help: ArgumentHelp("At most so many bytes of tensors a file (4G, 512M).", valueName: "size"))
  var maximumSize: String = "2G"

  @Option(help: "At most so many tensors a file, whatever their size.")
  var maximumTensors: Int?

  mutating func run() throws {
    let limit: SplitFiles.Limit
    if let maximumTensors {
      guard maximumTensors > 0 else {
        throw CommandFailure(.usage, "--maximum-tensors must be 1 or more")
      }
      limit = .tensors(maximumTensors)
    } else {
      limit = .bytes(try ByteCount.parse(maximumSize, option: "--maximum-size"))
    }
    let meter = ProgressMeter("writing", unit: "MB")
    let paths = try SplitFiles.split(try GGUFFile.open(file), base: base, limit: limit) { done, _ in
      meter.update(done / 1_000_000)
    }
    meter.finish()
    try StandardOutput().finish(with: paths.map { $0 + "\n" }.joined())
  }
}

/// `maslin model merge`
struct ModelMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Writes a model of several files as one.")

  @Argument(help: "Any of the files.", completion: .file())
  var file: String

  @Argument(help: "The new file.", completion: .file())
  var output: String

  mutating func run() throws {
    let meter = ProgressMeter("writing", unit: "MB")
    try SplitFiles.merge(try GGUFFile.open(file), to: output) { done, _ in
      meter.update(done / 1_000_000)
    }
    meter.finish()
  }
}

/// `maslin model quantize`
struct ModelQuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Stores a model's weights in fewer bits.",
    discussion: """
      Prints for every tensor the types before and after, the bytes and the relative error. Types with two bits need \
      importance weights (--imatrix), as llama.cpp's imatrix tool writes them.

      Examples:
        maslin model quantize model-f16.gguf model-q4.gguf --type Q4_K_M
        maslin model quantize in.gguf out.gguf --type deepseek-2bit --imatrix im.gguf
        maslin model quantize in.gguf out.gguf --type Q8_0 --tensor-type 'ffn_down=Q6_K'
      """)

  @Argument(help: "A GGUF file.", completion: .file())
  var file: String

  @Argument(help: "The new file.", completion: .file())
  var output: String

  @Option(
    help: ArgumentHelp(
      "One of \(QuantizationMix.allCases.map(\.name).joined(separator: ", ")).", valueName: "mix"))
  var type: String

  @Option(help: "Importance weights: an imatrix file.", completion: .file())
  var imatrix: String?

  @Option(
    help: ArgumentHelp(
      "Tensors whose name matches REGEX get TYPE, whatever the mix says.", valueName: "regex=type"))
  var tensorType: [String] = []

  @Flag(help: "Quantise again what has fewer than eight bits already.")
  var allowRequantize = false

  @Option(name: [.customShort("t"), .long], help: "Threads; has no influence on the result.")
  var threads: Int?

  @Flag(help: "Say what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    let file = try GGUFFile.open(self.file)
    var options = ModelQuantizer.Options()
    options.overrides = try tensorType.map { try TypeOverride($0) }
    options.importance = try imatrix.map { try ImportanceMatrix($0) }
    options.allowsRequantizing = allowRequantize
    if let threads {
      guard threads > 0 else { throw CommandFailure(.usage, "--threads must be 1 or more") }
      options.threads = threads
    }
    let quantizer = try ModelQuantizer(
      file, mix: try QuantizationMix(name: type), options: options)
    var output = StandardOutput()
    if dryRun {
      for entry in quantizer.plan.entries {
        try output.write("\(entry.name)\t\(entry.before.name) -> \(entry.after.name)\n")
      }
      return try output.finish()
    }
    let meter = ProgressMeter("quantising", unit: "MB")
    let report = try quantizer.write(to: self.output) { meter.update($0.doneBytes / 1_000_000) }
    meter.finish()
    try output.finish(with: json ? JSONText.document(report.json) : report.text)
  }
}
