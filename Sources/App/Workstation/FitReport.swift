import GGUF
import Inference
import JSON
import Kernels
import ModelFiles
import Models
import TensorFormats

/// Whether a model fits on this machine, at which context, and how fast it should be: sizes from the file, speeds from
/// measurements made now with the kernels that would run.
public struct FitReport: Sendable {
  /// What of memory the model takes; nil when models of its kind cannot be run here.
  public let plan: MemoryPlan?
  /// Why there is no plan.
  public let obstacle: String?
  /// The measured speeds; nil when nothing was measured.
  public let speed: Speed?

  /// Measured speeds and what follows from them.
  public struct Speed: Sendable {
    /// The machine's read bandwidth.
    public let bandwidth: MemoryBandwidth
    /// The kernels' rates, one for each type of weights that decoding reads.
    public let rates: [KernelRate]
    /// Bytes of weights read for one token.
    public let bytesPerToken: Int
    /// Seconds for one token by the measured rates of the products alone.
    public let decodeSeconds: Double
    /// Seconds for one token of a long prompt by the measured rates of the products alone.
    public let prefillSeconds: Double
    /// The instruction set measured.
    public let instructionSet: InstructionSet

    /// Tokens a second if reading weights at full bandwidth were all there is to do.
    public var bandwidthBound: Double { bandwidth.bytesPerSecond / Double(max(1, bytesPerToken)) }
  }

  /// Makes the report for a file.
  ///
  /// - Parameters:
  ///   - contextLength: nil for what the model was made for, at most `LocalModelOptions.defaultContextLimit`.
  ///   - measures: whether speeds are measured, which takes some seconds.
  /// - Throws: `InferenceError` when the machine cannot be measured.
  public init(
    _ file: GGUFFile, contextLength: Int?, threads: Int?, measures: Bool
  ) throws(InferenceError) {
    let operations: ProcessorOperations
    do {
      operations = try ProcessorOperations(
        threads: threads, instructionSet: nil, activations: .rounded)
    } catch {
      throw .kernels(error)
    }
    do throws(InferenceError) {
      plan = try LocalModel.plan(file, on: operations, contextLength: contextLength)
      obstacle = nil
    } catch {
      plan = nil
      obstacle = error.description
    }
    speed = measures ? try Speed(ModelInspection(file), on: operations) : nil
  }

  /// The report as JSON; sizes in bytes, speeds a second.
  public var json: JSONValue {
    var members: [JSONMember] = []
    func add(_ name: String, _ value: JSONValue) {
      members.append(JSONMember(name: name, value: value))
    }
    if let plan {
      add("fits", .bool(plan.verdict == .fits))
      add(
        "verdict",
        .string(
          plan.verdict == .fits ? "fits" : plan.verdict == .streams ? "streams" : "doesNotFit"))
      add("contextLength", .integer(plan.contextLength))
      add("needed", .integer(plan.total))
      add("weights", .integer(plan.weights))
      add("denseWeights", .integer(plan.denseWeights))
      add("cache", .integer(plan.cache))
      add("buffers", .integer(plan.buffers))
      add("available", .integer(plan.memory.available))
      add("total", .integer(plan.memory.total))
      add("longestContext", plan.longestContext.map { .integer($0) } ?? .null)
    }
    if let obstacle { add("obstacle", .string(obstacle)) }
    if let speed {
      add("bytesPerToken", .integer(speed.bytesPerToken))
      add("measuredBandwidth", .number(speed.bandwidth.bytesPerSecond))
      add("threads", .integer(speed.bandwidth.threads))
      add("instructionSet", .string(speed.instructionSet.rawValue))
      add("boundTokensPerSecond", .number(speed.bandwidthBound))
      add("estimatedDecodeTokensPerSecond", .number(1 / speed.decodeSeconds))
      add("estimatedPrefillTokensPerSecond", .number(1 / speed.prefillSeconds))
      add(
        "kernels",
        .array(
          speed.rates.map {
            .members([
              "type": .string($0.type.name),
              "decodeBytesPerSecond": .number($0.decodeBytesPerSecond),
              "prefillMultiplicationsPerSecond": .number($0.prefillMultiplicationsPerSecond),
            ])
          }))
    }
    return .object(members)
  }

  /// The report as lines for people.
  public var text: String {
    var lines: [String] = []
    if let plan {
      lines.append("memory          \(plan.explanation)")
      switch plan.verdict {
      case .fits: lines.append("verdict         fits")
      case .streams:
        lines.append(
          "verdict         runs only with --stream: experts are read from the file as needed")
      case .doesNotFit: lines.append("verdict         does not fit")
      }
      if let longest = plan.longestContext {
        lines.append("longest context \(longest) tokens with all weights in memory")
      }
    }
    if let obstacle { lines.append("cannot be run   \(obstacle)") }
    if let speed {
      let gigabytes = speed.bandwidth.bytesPerSecond / 1e9
      lines.append(
        "bandwidth       \(Self.tenths(gigabytes)) GB/s measured with \(speed.bandwidth.threads) threads"
      )
      for rate in speed.rates {
        lines.append(
          "  \(rate.type.name) products: \(Self.tenths(rate.decodeBytesPerSecond / 1e9)) GB/s with one vector, "
            + "\(Self.tenths(rate.prefillMultiplicationsPerSecond / 1e9)) G multiplications/s with many"
        )
      }
      lines.append(
        "decode          about \(Self.tenths(1 / speed.decodeSeconds)) tokens/s by these products alone "
          + "(\(Self.tenths(speed.bandwidthBound)) if reading were all), short context")
      lines.append(
        "prefill         about \(Self.tenths(1 / speed.prefillSeconds)) tokens/s by these products alone"
      )
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func tenths(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let scaled = Int((value * 10).rounded())
    return "\(scaled / 10).\(scaled % 10)"
  }
}

extension FitReport.Speed {
  fileprivate init(
    _ inspection: ModelInspection, on operations: ProcessorOperations
  ) throws(InferenceError) {
    bandwidth = operations.measureBandwidth()
    instructionSet = operations.instructionSet
    bytesPerToken = inspection.traffic.total
    var rates: [KernelRate] = []
    var decode = 0.0
    var prefill = 0.0
    for use in inspection.traffic.types where !use.type.isInteger {
      // A type read for less than a thousandth of the bytes would cost more time to measure than it tells.
      guard use.byteCount * 1000 >= bytesPerToken,
        let rate = try KernelRate.measure(use.type, on: operations)
      else {
        decode += Double(use.byteCount) / bandwidth.bytesPerSecond
        continue
      }
      rates.append(rate)
      decode += Double(use.byteCount) / rate.decodeBytesPerSecond
      prefill += Double(use.valueCount) / rate.prefillMultiplicationsPerSecond
    }
    self.rates = rates
    decodeSeconds = decode
    prefillSeconds = prefill
  }
}
