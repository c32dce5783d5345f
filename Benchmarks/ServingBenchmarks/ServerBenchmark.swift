import Foundation
import Inference
import JSON

/// `maslin serve` against decoding in this process, on one model, with the same threads:
/// the overhead of the server in decoding, the time to the first token of a prompt that is fully cached, and what several
/// clients get together. The two take turns; the best turn of each counts.
enum ServerBenchmark {
  private struct Options {
    var models: [String] = []
    var generate = 256
    var prompt = 4000
    var repeats = 20
    var turns = 3
    var clients = [1, 2, 4, 8]
    var threads: Int?
    var json = false
  }

  /// Runs the benchmark.
  ///
  /// - Parameter arguments: model files, and `--generate N`, `--prompt N`, `--repeats N`, `--turns N`, `--threads N`,
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
    func number(_ name: String) throws -> Int {
      guard let text = rest.popFirst(), let number = Int(text), number > 0 else {
        throw BenchmarkFailure("\(name) needs a positive number")
      }
      return number
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--generate": options.generate = try number(argument)
      case "--prompt": options.prompt = try number(argument)
      case "--repeats": options.repeats = try number(argument)
      case "--turns": options.turns = try number(argument)
      case "--threads": options.threads = try number(argument)
      case "--json": options.json = true
      default: options.models.append(argument)
      }
    }
    guard !options.models.isEmpty else {
      throw BenchmarkFailure(
        "usage: ServingBenchmarks server FILE... [--generate N] [--prompt N] [--repeats N] [--turns N] "
          + "[--threads N] [--json]")
    }
    return options
  }

  private static func measure(_ path: String, _ options: Options) throws -> JSONValue {
    var inProcess = 0.0
    var served = 0.0
    var ends: [Int32] = []
    for _ in 0..<options.turns {
      // One at a time: threads of the one that waits would disturb the other.
      let local = try decodeRate(path, options)
      inProcess = max(inProcess, local.rate)
      ends = local.ends
      let server = try serve(path, options)
      defer { server.stop() }
      _ = try server.client.complete(request(prompt: tokens(16, seed: 1), count: 8, ends: ends))
      let answer = try server.client.complete(
        request(prompt: tokens(16, seed: 2), count: options.generate, ends: ends))
      guard answer.answerTokens == options.generate else {
        throw BenchmarkFailure(
          "the answer has \(answer.answerTokens) tokens instead of \(options.generate)")
      }
      served = max(
        served, Double(answer.answerTokens - 1) / (answer.end - answer.firstToken))
    }
    let server = try serve(path, options)
    defer { server.stop() }
    let cached = try cachedPrompt(server, options, ends)
    let together = try options.clients.map { try aggregate(server, options, ends, clients: $0) }
    let overhead = 1 - served / inProcess
    if !options.json {
      print("\(path):")
      print(
        "  decode: \(decimal(inProcess, 2)) tokens/s in process, \(decimal(served, 2)) served, "
          + "overhead \(decimal(100 * overhead, 2)) % (aim: under 3 %)")
      print(
        "  \(cached.prompt) tokens of prompt: first token cold \(decimal(1000 * cached.cold, 1)) ms, "
          + "cached p50 \(decimal(1000 * cached.middle, 2)) ms, p99 \(decimal(1000 * cached.worst, 2)) ms "
          + "(\(cached.reused) tokens reused; one decode step takes \(decimal(1000 / inProcess, 2)) ms; "
          + "aim: under 50 ms more than that)")
      for (clients, rate) in zip(options.clients, together) {
        print(
          "  \(clients) at once: \(decimal(rate, 1)) tokens/s together, "
            + "\(decimal(rate / together[0], 2)) times one")
      }
    }
    return .members([
      "model": .string(path), "decodeInProcess": .number(inProcess),
      "decodeServed": .number(served), "overhead": .number(overhead),
      "promptTokens": .integer(cached.prompt), "reusedTokens": .integer(cached.reused),
      "firstTokenColdSeconds": .number(cached.cold),
      "firstTokenCachedP50Seconds": .number(cached.middle),
      "firstTokenCachedP99Seconds": .number(cached.worst),
      "clients": .array(options.clients.map { .integer($0) }),
      "tokensPerSecondTogether": .array(together.map { .number($0) }),
    ])
  }

  private static func serve(_ path: String, _ options: Options) throws -> ServedModel {
    try ServedModel(
      model: path, options: options.threads.map { ["--threads", "\($0)"] } ?? [])
  }

  /// Tokens a second of the same decoding without a server, and the tokens that would end an answer.
  private static func decodeRate(
    _ path: String, _ options: Options
  ) throws -> (rate: Double, ends: [Int32]) {
    let local = try LocalModel.open(
      path, options: LocalModelOptions(threads: options.threads))
    let session = local.makeSession()
    try session.append(tokens(16, seed: 2))
    let ends = local.tokenizer.vocabulary.stopTokens
    let generation = Generation(
      sampler: try Sampler(.greedy), stopTokens: [], tokenLimit: options.generate)
    var first: ContinuousClock.Instant?
    var last = ContinuousClock.now
    let outcome = try generation.run(session) { _ in
      last = ContinuousClock.now
      if first == nil { first = last }
      return true
    }
    let seconds = (last - (first ?? last)) / .seconds(1)
    return (Double(outcome.tokens.count - 1) / seconds, ends.sorted())
  }

  private static func cachedPrompt(
    _ server: ServedModel, _ options: Options, _ ends: [Int32]
  ) throws -> (cold: Double, middle: Double, worst: Double, prompt: Int, reused: Int) {
    let body = request(prompt: tokens(options.prompt, seed: 3), count: 1, ends: ends)
    let cold = try server.client.complete(body)
    var times: [Double] = []
    var reused = 0
    for _ in 0..<options.repeats {
      let answer = try server.client.complete(body)
      times.append(answer.firstToken)
      reused = answer.reusedTokens
    }
    times.sort()
    return (
      cold.firstToken, times[times.count / 2], times[times.count * 99 / 100], cold.promptTokens,
      reused
    )
  }

  /// Tokens a second of several clients together, each with a prompt of its own.
  private static func aggregate(
    _ server: ServedModel, _ options: Options, _ ends: [Int32], clients: Int
  ) throws -> Double {
    let start = ContinuousClock.now
    let failed = FailureBox()
    let client = server.client
    let count = options.generate
    DispatchQueue.concurrentPerform(iterations: clients) { number in
      do {
        _ = try client.complete(
          request(
            prompt: tokens(64, seed: 100 + clients * 10 + number), count: count, ends: ends))
      } catch {
        failed.set(error)
      }
    }
    if let error = failed.error { throw error }
    return Double(clients * options.generate) / ((ContinuousClock.now - start) / .seconds(1))
  }

  private static func tokens(_ count: Int, seed: Int) -> [Int32] {
    // Ids below 256 are ordinary in every vocabulary that a fixture or a real file has.
    (0..<count).map { Int32(($0 &* 7919 &+ seed &* 104_729) % 200 + 20) }
  }

  private static func request(prompt: [Int32], count: Int, ends: [Int32]) -> JSONValue {
    .members([
      "model": "", "prompt": .array(prompt.map { .integer(Int($0)) }), "temperature": 0,
      "max_tokens": .integer(count), "stream": true,
      "stream_options": .members(["include_usage": true]),
      "logit_bias": .object(ends.map { JSONMember(name: "\($0)", value: -100) }),
    ])
  }

  private static func decimal(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}

/// The first error of several threads.
private final class FailureBox: @unchecked Sendable {
  // All access is under the lock.
  private let lock = NSLock()
  private var first: (any Error)?

  var error: (any Error)? { lock.withLock { first } }

  func set(_ error: any Error) { lock.withLock { first = first ?? error } }
}
