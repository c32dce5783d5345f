import Kernels
import TensorFormats

/// How fast this machine multiplies with weights of one type, measured on matrices of the machine's own making.
public struct KernelRate: Hashable, Sendable {
  /// The type of the weights.
  public var type: TensorType
  /// Bytes of weights a second that products with one vector read, from memory.
  public var decodeBytesPerSecond: Double
  /// Multiplications (with additions) a second in products with many vectors.
  public var prefillMultiplicationsPerSecond: Double

  /// Measures one type.
  ///
  /// - Parameters:
  ///   - byteCount: bytes of weights; several times the last cache, so that they come from memory.
  ///   - vectors: how many vectors a prefill product has.
  /// - Throws: `InferenceError.kernels` when the back end has no kernel for the type; nil types are those that no test data
  ///   can be made of.
  public static func measure(
    _ type: TensorType, on operations: ProcessorOperations, byteCount: Int = 128 << 20,
    vectors: Int = 256
  ) throws(InferenceError) -> KernelRate? {
    let columns = 4096
    guard TensorEncoder.supportedTypes.contains(type),
      let sample = try? sampleRows(type, columns: columns, rows: 64)
    else { return nil }
    let rowBytes = sample.count / 64
    let rows = max(64, byteCount / rowBytes / 64 * 64)
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: rows * rowBytes, alignment: 64)
    defer { memory.deallocate() }
    for start in stride(from: 0, to: memory.count, by: sample.count) {
      UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + sample.count])
        .copyBytes(from: sample)
    }
    let view = TensorView(
      name: "measured.weight", type: type, shape: [columns, rows],
      bytes: UnsafeRawBufferPointer(memory))
    let weights: ProcessorOperations.Weights
    do {
      weights = try operations.load(view)
    } catch {
      throw .kernels(error)
    }
    let input = operations.makeBuffer(rows: vectors, columns: columns)
    let random = CounterRandom(seed: 1)
    operations.write(
      (0..<vectors * columns).map { Float(random.unit(at: $0)) - 0.5 }, to: input, row: 0)
    let single = operations.makeBuffer(rows: 1, columns: rows)
    let decode = fastest(passes: 3) {
      operations.multiply(input, rows: 1, by: [MatrixProduct(weights, into: single)])
    }
    // Prefill is bound by arithmetic: a few rows say as much as many, and their output is small.
    let few = min(rows, 2048)
    let part = TensorView(
      name: view.name, type: type, shape: [columns, few],
      bytes: UnsafeRawBufferPointer(rebasing: view.bytes[..<(few * rowBytes)]))
    let fewWeights: ProcessorOperations.Weights
    do {
      fewWeights = try operations.load(part)
    } catch {
      throw .kernels(error)
    }
    let many = operations.makeBuffer(rows: vectors, columns: few)
    let prefill = fastest(passes: 2) {
      operations.multiply(input, rows: vectors, by: [MatrixProduct(fewWeights, into: many)])
    }
    return KernelRate(
      type: type, decodeBytesPerSecond: Double(rows * rowBytes) / decode,
      prefillMultiplicationsPerSecond: Double(few * columns) * Double(vectors) / prefill)
  }

  /// The seconds of the fastest of some passes, after one that warms up.
  private static func fastest(passes: Int, _ body: () -> Void) -> Double {
    body()
    var best = Double.infinity
    for _ in 0..<passes {
      let start = ContinuousClock.now
      body()
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    return best
  }

  private static func sampleRows(
    _ type: TensorType, columns: Int, rows: Int
  ) throws(TensorFormatError) -> [UInt8] {
    let random = CounterRandom(seed: 7)
    // The sum of three uniform numbers is near enough to the bell of real weights.
    let values = (0..<rows * columns).map { index in
      Float(
        random.unit(at: index * 3) + random.unit(at: index * 3 + 1)
          + random.unit(at: index * 3 + 2) - 1.5)
    }
    let importance: [Float]? =
      TensorEncoder.needsImportance(type) ? [Float](repeating: 1, count: columns) : nil
    let encoder = try TensorEncoder(type: type, columns: columns, importance: importance)
    return try encoder.encode(values)
  }
}
