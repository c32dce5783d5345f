import Foundation
import GGUF
import Inference
import JSON
import Kernels
import ModelFiles

/// Speed of whole models, as a share of the memory bandwidth measured in the same run, and next to llama.cpp's
/// `llama-bench` on the same file with the same threads where one is given.
///
/// Ours and the peer take turns, so that a disturbed machine disturbs both; the fastest turn of each counts.
enum ModelBenchmark {
  private struct Options {
    var models: [String] = []
    var peer: String?
    var prompt = 128
    var generate = 32
    var turns = 3
    var threads: Int?
    var json = false
  }

  private struct Figures {
    var prefill = 0.0
    var decode = 0.0
  }

  /// Runs the benchmark.
  ///
  /// - Parameter arguments: model files, and `--peer LLAMA-BENCH`, `--prompt N`, `--generate N`, `--turns N`, `--threads N`,
  ///   `--json`.
  static func run(_ arguments: [String]) throws {
    let options = try parse(arguments)
    var documents: [JSONValue] = []
    for path in options.models { documents.append(try measure(path, options)) }
    if options.json {
      var writer = JSONWriter()
      writer.value(.array(documents))
      print(writer.text)
    }
  }

  private static func parse(_ arguments: [String]) throws -> Options {
    var options = Options()
    var rest = arguments[...]
    func value(_ name: String) throws -> String {
      guard let value = rest.popFirst() else { throw BenchmarkUsage("\(name) needs a value") }
      return value
    }
    func number(_ name: String) throws -> Int {
      let text = try value(name)
      guard let number = Int(text), number > 0 else {
        throw BenchmarkUsage("\(name) '\(text)' is no positive number")
      }
      return number
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--peer": options.peer = try value(argument)
      case "--prompt": options.prompt = try number(argument)
      case "--generate": options.generate = try number(argument)
      case "--turns": options.turns = try number(argument)
      case "--threads": options.threads = try number(argument)
      case "--json": options.json = true
      default: options.models.append(argument)
      }
    }
    guard !options.models.isEmpty else {
      throw BenchmarkUsage(
        "usage: EngineBenchmarks model FILE... [--peer LLAMA-BENCH] [--prompt N] [--generate N] "
          + "[--turns N] [--threads N] [--json]")
    }
    return options
  }

  private static func measure(_ path: String, _ options: Options) throws -> JSONValue {
    var ours = Figures()
    var theirs = Figures()
    var bandwidth = 0.0
    var description = ""
    var traffic = 0
    for _ in 0..<options.turns {
      // Opened anew each turn: threads that spin must not disturb the peer.
      let local = try LocalModel.open(
        path,
        options: LocalModelOptions(
          threads: options.threads, contextLength: 4096, mayStream: true))
      bandwidth = max(bandwidth, local.operations.measureBandwidth(passes: 2).bytesPerSecond)
      traffic = ModelInspection(local.file).traffic.total
      description =
        "\(local.operations.threads) threads, \(local.operations.instructionSet.rawValue)"
      let figures = try turn(local, options)
      ours.prefill = max(ours.prefill, figures.prefill)
      ours.decode = max(ours.decode, figures.decode)
      if let peer = options.peer {
        let figures = try peerTurn(peer, path, options, threads: local.operations.threads)
        theirs.prefill = max(theirs.prefill, figures.prefill)
        theirs.decode = max(theirs.decode, figures.decode)
      }
    }
    let read = Double(traffic) * ours.decode
    if !options.json {
      print("\(path): \(description), \(decimal(bandwidth / 1e9, 1)) GB/s measured")
      print(
        "  prefill \(options.prompt) tokens: \(decimal(ours.prefill, 2)) tokens/s"
          + ratio(ours.prefill, theirs.prefill))
      print(
        "  decode \(options.generate) tokens: \(decimal(ours.decode, 2)) tokens/s"
          + ratio(ours.decode, theirs.decode)
          + ", reads \(decimal(read / 1e9, 1)) GB/s, \(decimal(100 * read / bandwidth, 0)) % of bandwidth"
      )
    }
    return .members([
      "model": .string(path), "machine": .string(description),
      "measuredBandwidth": .number(bandwidth), "bytesPerToken": .integer(traffic),
      "prefillTokensPerSecond": .number(ours.prefill),
      "decodeTokensPerSecond": .number(ours.decode),
      "shareOfBandwidth": .number(read / bandwidth),
      "peerPrefillTokensPerSecond": options.peer == nil ? .null : .number(theirs.prefill),
      "peerDecodeTokensPerSecond": options.peer == nil ? .null : .number(theirs.decode),
    ])
  }

  private static func turn(_ local: LocalModel, _ options: Options) throws -> Figures {
    let vocabulary = local.model.shape.vocabularyCount
    func tokens(_ count: Int) -> [Int32] {
      (0..<count).map { Int32(($0 &* 7919 &+ 13) % vocabulary) }
    }
    func seconds(_ body: () throws -> Void) rethrows -> Double {
      let start = ContinuousClock.now
      try body()
      return (ContinuousClock.now - start) / .seconds(1)
    }
    // One short pass first: page faults of the first touch are not what is measured.
    try local.makeSession().append(tokens(8))
    let prefill = local.makeSession()
    let prefillSeconds = try seconds { try prefill.append(tokens(options.prompt)) }
    let decode = local.makeSession()
    try decode.append(tokens(1))
    let decodeSeconds = try seconds {
      for token in tokens(options.generate) { try decode.append([token]) }
    }
    return Figures(
      prefill: Double(options.prompt) / prefillSeconds,
      decode: Double(options.generate) / decodeSeconds)
  }

  private static func peerTurn(
    _ peer: String, _ path: String, _ options: Options, threads: Int
  ) throws -> Figures {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: peer)
    process.arguments = [
      "-m", path, "-p", "\(options.prompt)", "-n", "\(options.generate)", "-t", "\(threads)",
      "-r", "1", "-o", "json",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard let results = try JSONParser.parse(Array(bytes)).arrayValue else {
      throw BenchmarkUsage("\(peer) printed no JSON list; is it llama-bench?")
    }
    var figures = Figures()
    for result in results {
      let rate: Double =
        switch result["avg_ts"] {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: 0
        }
      if result["n_gen"]?.integerValue == 0 {
        figures.prefill = rate
      } else {
        figures.decode = rate
      }
    }
    return figures
  }

  private static func ratio(_ ours: Double, _ theirs: Double) -> String {
    theirs > 0 ? " (llama.cpp \(decimal(theirs, 2)), ratio \(decimal(ours / theirs, 2)))" : ""
  }

  private static func decimal(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}

/// A command line that cannot be understood.
struct BenchmarkUsage: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
