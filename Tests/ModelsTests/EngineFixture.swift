import Foundation
import GGUF
import JSON
import Kernels
import Models
import TensorFormats
import Testing

/// A tiny model with the outputs that a reference implementation computed for it (`Fixtures/README.md`).
struct EngineFixture {
  /// How far logits may be from the reference.
  struct Tolerance {
    var largestDifference: Double
    var meanDivergence: Double
    var largestDivergence: Double
  }

  /// A text with its outputs.
  struct Case {
    var name: String
    var tokens: [Int32]
    /// The positions whose logits are known.
    var positions: [Int]
    /// Those logits.
    var logits: [[Float]]
    /// The continuation by the most probable token.
    var greedyTokens: [Int32]
    /// The distance between the first and the second logit at each of its steps.
    var greedyMargins: [Double]
    /// The steps of the continuation whose logits are known, and the logits.
    var greedySteps: [Int]
    var greedyLogits: [[Float]]
  }

  var name: String
  var modelPath: String
  var vocabularyCount: Int
  /// For activations rounded to 8 bits where weights are quantised.
  var tolerance: Tolerance
  /// For float activations.
  var floatTolerance: Tolerance
  var cases: [Case]

  /// Reads a fixture of this test target by name: `deepseek4-q2`.
  static func named(_ name: String) throws -> EngineFixture {
    try EngineFixture(folder: try folder(), name: name)
  }

  /// The folder of this target's fixtures.
  static func folder() throws -> URL {
    try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
  }

  /// Reads `NAME.json` and names the model beside it.
  init(folder: URL, name: String) throws {
    let path = folder.appendingPathComponent("\(name).json")
    let json = try JSONParser.parse(Array(try Data(contentsOf: path)))
    self.name = name
    modelPath = folder.appendingPathComponent(try #require(json["model"]?.stringValue)).path
    let vocabularyCount = try #require(json["n_vocab"]?.integerValue)
    self.vocabularyCount = vocabularyCount
    let tolerance = try #require(json["tolerance"])
    self.tolerance = try Self.tolerance(tolerance)
    floatTolerance = try Self.tolerance(tolerance["float_activations"] ?? tolerance)
    cases = try #require(json["cases"]?.arrayValue).map { value in
      let logits = try #require(value["logits"])
      let greedy = try #require(value["greedy"])
      return Case(
        name: try #require(value["name"]?.stringValue),
        tokens: try Self.integers(value["tokens"]).map(Int32.init),
        positions: try Self.integers(logits["positions"]),
        logits: try Self.rows(logits["rows"], width: vocabularyCount),
        greedyTokens: try Self.integers(greedy["tokens"]).map(Int32.init),
        greedyMargins: try #require(greedy["margins"]?.arrayValue).map { try Self.number($0) },
        greedySteps: try Self.integers(greedy["logits"]?["steps"]),
        greedyLogits: try Self.rows(greedy["logits"]?["rows"], width: vocabularyCount))
    }
  }

  /// Opens the model.
  func open() throws -> GGUFFile { try GGUFFile.open(modelPath) }

  private static func tolerance(_ json: JSONValue) throws -> Tolerance {
    Tolerance(
      largestDifference: try number(json["logits_max_abs"]),
      meanDivergence: try number(json["kl_mean"]),
      largestDivergence: try number(json["kl_max"]))
  }

  static func integers(_ json: JSONValue?) throws -> [Int] {
    try #require(json?.arrayValue).map { try #require($0.integerValue) }
  }

  private static func number(_ json: JSONValue?) throws -> Double {
    switch try #require(json) {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: throw FixtureProblem(message: "a number is missing")
    }
  }

  static func rows(_ json: JSONValue?, width: Int) throws -> [[Float]] {
    let values = try floats(json)
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
  }

  fileprivate static func floats(_ json: JSONValue?) throws -> [Float] {
    let text = try #require(json?.stringValue)
    let data = try #require(Data(base64Encoded: text))
    return data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
  }
}

/// The values inside the layers of a reference implementation (`NAME.trace.json`).
struct EngineTrace {
  var tokens: [Int32]
  var values: [(name: String, shape: [Int], values: [Float])]

  init(folder: URL, name: String) throws {
    let path = folder.appendingPathComponent("\(name).trace.json")
    let json = try JSONParser.parse(Array(try Data(contentsOf: path)))
    tokens = try #require(json["tokens"]?.arrayValue).map {
      Int32(try #require($0.integerValue))
    }
    values = try #require(json["values"]?.objectValue).map { member in
      let shape = try #require(member.value["shape"]?.arrayValue)
      return (
        name: member.name, shape: try shape.map { try #require($0.integerValue) },
        values: try EngineFixture.floats(member.value["data"])
      )
    }
  }
}

/// What is wrong with a fixture file.
struct FixtureProblem: Error {
  var message: String
}

/// Keeps what a forward pass tells.
final class RecordingObserver: ForwardObserver {
  private(set) var names: [String] = []
  private(set) var shapes: [String: [Int]] = [:]
  private(set) var values: [String: [Float]] = [:]

  func observe(_ name: String, shape: [Int], values: [Float]) {
    names.append(name)
    shapes[name] = shape
    self.values[name] = values
  }
}

/// How far rows of logits are from reference rows.
struct LogitComparison: CustomStringConvertible {
  var largestDifference = 0.0
  var meanDivergence = 0.0
  var largestDivergence = 0.0
  private var count = 0

  /// Adds a row. Divergences are Kullback-Leibler, reference against row, in nats.
  mutating func add(reference: [Float], row: [Float]) {
    precondition(reference.count == row.count, "rows of one width")
    for (one, other) in zip(reference, row) {
      let difference = abs(Double(one) - Double(other))
      largestDifference = max(largestDifference, difference.isNaN ? .infinity : difference)
    }
    let (one, other) = (Self.logarithms(reference), Self.logarithms(row))
    let divergence = zip(one, other).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    largestDivergence = max(largestDivergence, divergence)
    meanDivergence = (meanDivergence * Double(count) + divergence) / Double(count + 1)
    count += 1
  }

  /// Records an issue for whatever is above a tolerance.
  func expect(within tolerance: EngineFixture.Tolerance, _ what: String) {
    #expect(largestDifference <= tolerance.largestDifference, "\(what): \(self)")
    #expect(meanDivergence <= tolerance.meanDivergence, "\(what): \(self)")
    #expect(largestDivergence <= tolerance.largestDivergence, "\(what): \(self)")
  }

  var description: String {
    "largest difference \(largestDifference), divergence \(meanDivergence) in the mean, "
      + "\(largestDivergence) at most, over \(count) rows"
  }

  private static func logarithms(_ logits: [Float]) -> [Double] {
    let top = Double(logits.max() ?? 0)
    let total = logits.reduce(0.0) { $0 + exp(Double($1) - top) }
    return logits.map { Double($0) - top - log(total) }
  }
}

/// A generator of numbers whose seed can be printed (SplitMix64, Steele et al.).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

extension [Float] {
  /// The index of the largest value; of equal ones the first.
  var indexOfLargest: Int {
    var best = 0
    for index in indices where self[index] > self[best] { best = index }
    return best
  }

  /// The bits of the values: equal exactly when nothing at all differs.
  var bits: [UInt32] { map(\.bitPattern) }
}

extension LanguageModel {
  /// Appends tokens in pieces of the sizes given (the last one repeats) and returns the logits after every token.
  func logits(
    _ state: any SequenceState, _ tokens: [Int32], pieces: [Int] = [Int.max]
  ) throws(ModelError) -> [Float] {
    var result: [Float] = []
    var done = 0
    var piece = 0
    while done < tokens.count {
      let size = Swift.min(
        pieces[Swift.min(piece, pieces.count - 1)], tokens.count - done, maximumBatch)
      let part = Array(tokens[done..<done + size])
      result += try evaluate(
        [SequenceInput(state: state, tokens: part, logits: .all)], observer: nil)[0]
      done += size
      piece += 1
    }
    return result
  }

  /// Appends tokens without asking for logits.
  func take(_ state: any SequenceState, _ tokens: [Int32]) throws(ModelError) {
    var done = 0
    while done < tokens.count {
      let part = Array(tokens[done..<Swift.min(done + maximumBatch, tokens.count)])
      _ = try evaluate(
        [SequenceInput(state: state, tokens: part, logits: .none)], observer: nil)
      done += part.count
    }
  }
}
