import ArgumentParser
import Foundation
import GGUF
import ModelFiles
import Workstation

/// `maslin fit`
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract:
      "Tells whether a model fits on this machine, at which context, and how fast it should be.",
    discussion: """
      MODEL is a file, a registered model, or a shape: \
      \(SynthesisShape.all.map(\.name).joined(separator: ", ")). Bandwidth and kernels are measured now, which takes \
      some seconds; the speeds are those of the matrix products alone. Leaves with 5 when the model does not fit.

      Examples:
        maslin fit model.gguf --context 65536
        maslin fit deepseek-v4-flash
      """)

  @Argument(help: "A GGUF file, a registered model, or a shape.", completion: .file())
  var model: String

  @Option(name: [.customShort("c"), .long], help: "The context to fit, in tokens.")
  var context: Int?

  @Option(name: [.customShort("t"), .long], help: "Compute threads.")
  var threads: Int?

  @Option(
    help:
      "How the weights of a shape are stored (default: deepseek-2bit for DeepSeek V4, Q4_K_M else)."
  )
  var mix: String?

  @Flag(help: "Tell sizes only; measure nothing.")
  var sizes = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var data: DataOptions

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be 1 to 1024")
    }
  }

  mutating func run() throws {
    let report = try withFile {
      try FitReport($0, contextLength: context, threads: threads, measures: !sizes)
    }
    var output = StandardOutput()
    try output.write(json ? JSONText.document(report.json) : report.text)
    try output.finish()
    if report.obstacle != nil { throw CommandFailure(.badInput) }
    if report.plan?.verdict != .fits { throw CommandFailure(.environment) }
  }

  /// The model's file; for a shape a file without weights, which takes no room on disk.
  private func withFile<Result>(_ body: (GGUFFile) throws -> Result) throws -> Result {
    guard !FileManager.default.fileExists(atPath: model),
      let shape = try? SynthesisShape(name: model)
    else {
      return try body(
        try GGUFFile.open(try ModelLocation(data: data.directory()).path(of: model)))
    }
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("maslin-\(UUID().uuidString).gguf").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ModelSynthesizer(shape, mix: try shape.mix(named: mix)).writeOutline(to: path)
    return try body(try GGUFFile.open(path))
  }
}
