import Dispatch

/// Writes rows of floats as blocks of one tensor type, choosing scales and codes that keep the weighted squared error
/// small.
///
/// The error that is minimised is the sum of `importance * (value - decoded)^2`. With the mean squared activation of
/// each column as importance (an importance matrix), that is the expected squared error of the product. Rows are
/// independent of one another, so the result does not depend on the number of threads.
public struct TensorEncoder: Sendable {
  /// What blocks are written.
  public let type: TensorType
  /// The length of a row.
  public let columns: Int
  /// One positive weight per column, about 1 on average; nil when all columns count alike.
  private let columnWeights: [Float]?

  /// The types that can be written.
  public static let supportedTypes: [TensorType] = TensorType.allCases.filter {
    switch $0 {
    case .iq2_S, .iq3_S, .i8, .i16, .i32, .i64, .f64: false
    default: true
    }
  }

  /// Whether a type is only worth writing with importance weights.
  public static func needsImportance(_ type: TensorType) -> Bool {
    type == .iq2_XXS || type == .iq2_XS
  }

  /// Prepares to write rows.
  ///
  /// - Parameters:
  ///   - type: one of `supportedTypes`.
  ///   - columns: the length of a row: a whole number of blocks.
  ///   - importance: one weight per column, finite and not negative; only their ratios matter. A floor of a
  ///     ten-thousandth of the mean keeps columns that were never active from being lost altogether.
  /// - Throws: when the type cannot be written, needs importance weights, or sizes or weights are invalid.
  public init(
    type: TensorType, columns: Int, importance: [Float]? = nil
  ) throws(TensorFormatError) {
    guard TensorEncoder.supportedTypes.contains(type) else { throw .notEncodable(type) }
    guard type.byteCount(values: columns) != nil else {
      throw .partialBlock(type, values: columns)
    }
    if TensorEncoder.needsImportance(type), importance == nil { throw .importanceNeeded(type) }
    self.type = type
    self.columns = columns
    columnWeights = try importance.flatMap { importance throws(TensorFormatError) in
      try TensorEncoder.normalized(importance, columns: columns)
    }
  }

  private static func normalized(
    _ importance: [Float], columns: Int
  ) throws(TensorFormatError) -> [Float]? {
    guard importance.count == columns else {
      throw .importanceCount(expected: columns, actual: importance.count)
    }
    for (column, weight) in importance.enumerated() where !(weight >= 0 && weight.isFinite) {
      throw .invalidImportance(value: weight, column: column)
    }
    let mean = importance.reduce(0.0) { $0 + Double($1) } / Double(max(columns, 1))
    guard mean > 0 else { return nil }
    return importance.map { Float(Double($0) / mean + 1e-4) }
  }

  /// The number of bytes one row takes.
  public var bytesPerRow: Int { columns / type.valuesPerBlock * type.bytesPerBlock }

  /// Encodes rows.
  ///
  /// - Parameters:
  ///   - values: whole rows, one after another.
  ///   - blocks: receives `bytesPerRow` bytes for each row.
  ///   - firstRow: the number that errors give the first row.
  ///   - threads: how many threads work; 1 or more.
  /// - Throws: when sizes disagree, or a value is not finite or too large for the type; of several, the first.
  public func encode(
    _ values: UnsafeBufferPointer<Float>, into blocks: UnsafeMutableRawBufferPointer,
    firstRow: Int = 0, threads: Int = 1
  ) throws(TensorFormatError) {
    guard columns > 0, let source = values.baseAddress, let target = blocks.baseAddress else {
      guard values.isEmpty, blocks.isEmpty else {
        throw .valueCount(expected: 0, actual: values.count)
      }
      return
    }
    let rows = values.count / columns
    guard rows * columns == values.count else {
      throw .valueCount(expected: rows * columns, actual: values.count)
    }
    guard blocks.count == rows * bytesPerRow else {
      throw .byteCount(
        type, values: values.count, expected: rows * bytesPerRow, actual: blocks.count)
    }
    let workers = max(1, min(threads, rows))
    var failures = [TensorFormatError?](repeating: nil, count: workers)
    failures.withUnsafeMutableBufferPointer { failures in
      let work = RowWork(
        encoder: self, rows: rows, workers: workers, firstRow: firstRow, values: source,
        blocks: target, failures: failures)
      if workers == 1 {
        work.perform(0)
      } else {
        DispatchQueue.concurrentPerform(iterations: workers) { work.perform($0) }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }

  /// The rows of one call, divided among workers.
  private struct RowWork: @unchecked Sendable {
    // Sendable: each worker reads shared constants and writes only the blocks of its own rows and its own failure.
    let encoder: TensorEncoder
    let rows: Int
    let workers: Int
    let firstRow: Int
    let values: UnsafePointer<Float>
    let blocks: UnsafeMutableRawPointer
    let failures: UnsafeMutableBufferPointer<TensorFormatError?>

    func perform(_ worker: Int) {
      let range = rows * worker / workers..<rows * (worker + 1) / workers
      do throws(TensorFormatError) {
        try encoder.encodeRows(range, from: values, to: blocks, firstRow: firstRow)
      } catch {
        failures[worker] = error
      }
    }
  }

  /// Encodes rows held in an array.
  public func encode(_ values: [Float], threads: Int = 1) throws(TensorFormatError) -> [UInt8] {
    var blocks = [UInt8](
      repeating: 0, count: columns > 0 ? values.count / columns * bytesPerRow : 0)
    let result = blocks.withUnsafeMutableBytes { target in
      values.withUnsafeBufferPointer { source in
        Result { () throws(TensorFormatError) in
          try encode(source, into: target, threads: threads)
        }
      }
    }
    try result.get()
    return blocks
  }

  private func encodeRows(
    _ rows: Range<Int>, from values: UnsafePointer<Float>, to blocks: UnsafeMutableRawPointer,
    firstRow: Int
  ) throws(TensorFormatError) {
    for row in rows {
      try check(values + row * columns, row: firstRow + row)
    }
    let source = values + rows.lowerBound * columns
    let target = blocks + rows.lowerBound * bytesPerRow
    let count = rows.count * columns
    switch type {
    case .f32: target.copyMemory(from: source, byteCount: 4 * count)
    case .f16:
      for i in 0..<count {
        target.storeBytes(of: halfFromFloat(source[i]), toByteOffset: 2 * i, as: UInt16.self)
      }
    case .bf16:
      for i in 0..<count {
        target.storeBytes(of: brainFromFloat(source[i]), toByteOffset: 2 * i, as: UInt16.self)
      }
    case .q8_0: encode(count, source, target, with: Q8Encoder())
    case .q4_0: encode(count, source, target, with: SignedNibbleEncoder(bits: 4))
    case .q5_0: encode(count, source, target, with: SignedNibbleEncoder(bits: 5))
    case .q4_1: encode(count, source, target, with: OffsetNibbleEncoder(bits: 4))
    case .q5_1: encode(count, source, target, with: OffsetNibbleEncoder(bits: 5))
    case .iq4_NL: encode(count, source, target, with: NonlinearNibbleEncoder())
    case .mxfp4: encode(count, source, target, with: MicroscalingEncoder())
    case .q2_K: encode(count, source, target, with: Q2KEncoder())
    case .q4_K: encode(count, source, target, with: Q4KEncoder())
    case .q5_K: encode(count, source, target, with: Q5KEncoder())
    case .q3_K: encode(count, source, target, with: Q3KEncoder())
    case .q6_K: encode(count, source, target, with: Q6KEncoder())
    case .iq4_XS: encode(count, source, target, with: IQ4XSEncoder())
    case .iq2_XXS: encode(count, source, target, with: IQ2XXSEncoder())
    case .iq2_XS: encode(count, source, target, with: IQ2XSEncoder())
    case .iq3_XXS: encode(count, source, target, with: IQ3XXSEncoder())
    case .iq2_S, .iq3_S, .i8, .i16, .i32, .i64, .f64: throw .notEncodable(type)
    }
  }

  /// The largest magnitude the type holds without overflow of its half-precision scales.
  private var limit: Float {
    switch type {
    case .f32, .mxfp4: .greatestFiniteMagnitude
    case .bf16: Float(bitPattern: 0x7f7f_0000)
    case .q8_0: 127 * 65504
    default: 65504
    }
  }

  private func check(_ row: UnsafePointer<Float>, row number: Int) throws(TensorFormatError) {
    let limit = limit
    var outside = 0
    for column in 0..<columns {
      // Also true of numbers that are none.
      outside &+= row[column].magnitude <= limit ? 0 : 1
    }
    guard outside > 0 else { return }
    for column in 0..<columns where !(row[column].magnitude <= limit) {
      let value = row[column]
      guard value.isFinite else { throw .notFinite(value: value, row: number, column: column) }
      throw .outOfRange(type, value: value, row: number, column: column)
    }
  }

  private func encode<Encoder: BlockEncoder>(
    _ count: Int, _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer,
    with encoder: Encoder
  ) {
    let size = type.valuesPerBlock
    let vectors = size / 16
    withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 3 * vectors) { memory in
      guard let base = memory.baseAddress else { return }
      memory.initialize(repeating: Lanes(repeating: 1))
      let block = WeightedBlock(
        x: base, weights: base + vectors, codes: base + 2 * vectors, count: vectors)
      let bytes = UnsafeMutableRawPointer(base)
      for index in 0..<count / size {
        bytes.copyMemory(from: values + index * size, byteCount: 4 * size)
        if let columnWeights {
          columnWeights.withUnsafeBytes { weights in
            guard let weights = weights.baseAddress else { return }
            UnsafeMutableRawPointer(base + vectors).copyMemory(
              from: weights + 4 * (index * size % columns), byteCount: 4 * size)
          }
        }
        encoder.encode(block, to: blocks + index * type.bytesPerBlock)
      }
    }
  }
}
