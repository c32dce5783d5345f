import Dispatch
import Foundation
import GGUF
import TensorFormats

/// Quantises a model file, tensor by tensor, with little memory beyond the mapped source.
public struct ModelQuantizer: Sendable {
  /// What to do besides the mix.
  public struct Options: Sendable {
    /// Patterns of tensor names with types, before the mix is asked.
    public var overrides: [TypeOverride] = []
    /// Importance weights.
    public var importance: ImportanceMatrix?
    /// How many threads work; the result does not depend on it.
    public var threads = ProcessInfo.processInfo.activeProcessorCount
    /// Whether tensors that are already quantised below eight bits may be quantised again, which adds their errors.
    public var allowsRequantizing = false

    /// Nothing special.
    public init() {}
  }

  /// How far the work is.
  public struct Progress: Hashable, Sendable {
    /// The tensor that is being written.
    public let tensor: String
    /// Its number, from 0.
    public let index: Int
    /// How many tensors there are.
    public let count: Int
    /// How many bytes of the source are done.
    public let doneBytes: Int
    /// How many bytes the source's tensors have.
    public let totalBytes: Int
  }

  /// The source.
  public let file: GGUFFile
  /// The recipe.
  public let mix: QuantizationMix
  /// What every tensor will become.
  public let plan: QuantizationPlan
  private let options: Options

  /// Chooses types and makes sure that every tensor can get its own.
  ///
  /// - Throws: for invalid overrides, tensors that need importance weights and have none, importance weights of the wrong
  ///   size, and tensors that are quantised already.
  public init(
    _ file: GGUFFile, mix: QuantizationMix, options: Options = Options()
  ) throws(QuantizationError) {
    self.file = file
    self.mix = mix
    self.options = options
    plan = try QuantizationPlan(
      for: file, mix: mix, overrides: options.overrides, hasImportance: options.importance != nil)
    for (tensor, entry) in zip(file.tensors, plan.entries) where entry.before != entry.after {
      if !options.allowsRequantizing, !tensor.type.isFloatingPoint, tensor.type != .q8_0 {
        throw .tensor(
          name: tensor.name,
          problem: "it is \(tensor.type.name) already; quantising again adds up errors. Start from "
            + "an F16, BF16 or F32 file, or allow requantising")
      }
      let weights = try options.importance?.weights(
        tensor.name, matrix: 0, columns: tensor.columns, matrices: tensor.matrices)
      if weights == nil, TensorEncoder.needsImportance(entry.after) {
        throw .tensor(
          name: tensor.name, problem: "\(TensorFormatError.importanceNeeded(entry.after))")
      }
    }
  }

  /// Writes the quantised model. The target appears when it is complete.
  ///
  /// - Parameters:
  ///   - path: where.
  ///   - progress: called before every tensor and between its parts.
  /// - Returns: what became of every tensor.
  public func write(
    to path: String, progress: (Progress) -> Void = { _ in }
  ) throws(QuantizationError) -> QuantizationReport {
    let target = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath()
    for part in file.partPaths {
      let source = URL(fileURLWithPath: part).standardizedFileURL.resolvingSymlinksInPath()
      guard source.path != target.path else { throw .sameFile(path) }
    }
    let output = try quantizing { () throws(GGUFError) in
      let tensors = try zip(file.tensors, plan.entries).map { tensor, entry throws(GGUFError) in
        try GGUFWriter.Tensor(name: tensor.name, type: entry.after, shape: tensor.shape)
      }
      return try GGUFWriter(metadata: metadata(), tensors: tensors).begin(path)
    }
    do throws(QuantizationError) {
      let report = try write(to: output, progress: progress)
      try quantizing { () throws(GGUFError) in
        try file.checkUnchanged()
        try output.finish()
      }
      return report
    } catch {
      output.discard()
      throw error
    }
  }

  private func metadata() -> GGUFMetadata {
    var metadata = file.metadata
    for key in ["split.no", "split.count", "split.tensors.count"] { metadata[key] = nil }
    metadata["general.quantization_version"] = .uint32(2)
    metadata["general.file_type"] = .uint32(mix.fileType)
    if let importance = options.importance {
      let name = URL(fileURLWithPath: importance.path).lastPathComponent
      metadata["quantize.imatrix.file"] = .string([UInt8](name.utf8))
      if let first = importance.dataSets.first {
        metadata["quantize.imatrix.dataset"] = .string([UInt8](first.utf8))
      }
      metadata["quantize.imatrix.entries_count"] = .uint32(UInt32(clamping: importance.count))
      if let chunks = importance.chunkCount {
        metadata["quantize.imatrix.chunks_count"] = .uint32(UInt32(clamping: chunks))
      }
    }
    return metadata
  }

  private func write(
    to output: GGUFOutput, progress: (Progress) -> Void
  ) throws(QuantizationError) -> QuantizationReport {
    var report = QuantizationReport(tensors: [])
    let totalBytes = file.tensors.reduce(0) { $0 + $1.bytes.count }
    var doneBytes = 0
    for (index, (tensor, entry)) in zip(file.tensors, plan.entries).enumerated() {
      func tell(_ done: Int) {
        progress(
          Progress(
            tensor: tensor.name, index: index, count: file.tensors.count,
            doneBytes: doneBytes + done, totalBytes: totalBytes))
      }
      tell(0)
      file.advise(tensor.bytes, .sequential)
      var error = (squares: 0.0, values: 0.0)
      if entry.before == entry.after {
        try copy(tensor, to: output, tell)
      } else {
        error = try convert(tensor, to: entry.after, output, tell)
      }
      file.advise(tensor.bytes, .dontNeed)
      doneBytes += tensor.bytes.count
      report.tensors.append(
        QuantizationReport.Tensor(
          entry: entry, shape: tensor.shape, bytesBefore: tensor.bytes.count,
          bytesAfter: entry.after.byteCount(values: tensor.count) ?? 0,
          rootMeanSquareError: (error.squares / Double(max(tensor.count, 1))).squareRoot(),
          relativeError: error.values > 0 ? (error.squares / error.values).squareRoot() : 0))
    }
    return report
  }

  /// How many floats are in memory at a time, of source and of result.
  private static let chunkValues = 4 << 20

  private func copy(
    _ tensor: TensorView, to output: GGUFOutput, _ tell: (Int) -> Void
  ) throws(QuantizationError) {
    var offset = 0
    while offset < tensor.bytes.count {
      let end = min(offset + 4 * Self.chunkValues, tensor.bytes.count)
      let part = UnsafeRawBufferPointer(rebasing: tensor.bytes[offset..<end])
      try quantizing { () throws(GGUFError) in try output.append(part, to: tensor.name) }
      offset = end
      tell(offset)
    }
  }

  private func convert(
    _ tensor: TensorView, to type: TensorType, _ output: GGUFOutput, _ tell: (Int) -> Void
  ) throws(QuantizationError) -> (squares: Double, values: Double) {
    guard tensor.columns > 0, let rowBytes = tensor.type.byteCount(values: tensor.columns),
      let size = type.byteCount(values: tensor.columns), rowBytes > 0
    else {
      throw .tensor(name: tensor.name, problem: "rows of \(tensor.columns) values cannot be read")
    }
    let rowsAtOnce = max(1, Self.chunkValues / tensor.columns)
    var result = [UInt8](repeating: 0, count: min(rowsAtOnce, tensor.rows) * size)
    var total = (squares: 0.0, values: 0.0)
    for matrix in 0..<tensor.matrices {
      let weights = try options.importance?.weights(
        tensor.name, matrix: matrix, columns: tensor.columns, matrices: tensor.matrices)
      let encoder = try encoder(type, tensor, weights)
      var row = 0
      while row < tensor.rows {
        let count = min(rowsAtOnce, tensor.rows - row)
        let first = matrix * tensor.rows + row
        let outcome = result.withUnsafeMutableBytes { blocks in
          RowConversion(
            tensor: tensor, encoder: encoder, first: first, count: count, rowBytes: rowBytes,
            blocks: UnsafeMutableRawBufferPointer(rebasing: blocks[..<(count * size)])
          ).run(threads: options.threads)
        }
        switch outcome {
        case .success(let sums):
          total.squares += sums.squares
          total.values += sums.values
        case .failure(let error):
          throw .tensor(name: tensor.name, problem: "\(error)")
        }
        try result.withUnsafeBytes { blocks in
          Result { () throws(QuantizationError) in
            try quantizing { () throws(GGUFError) in
              try output.append(
                UnsafeRawBufferPointer(rebasing: blocks[..<(count * size)]), to: tensor.name)
            }
          }
        }.get()
        row += count
        tell((first + count) * rowBytes)
      }
    }
    return total
  }

  private func encoder(
    _ type: TensorType, _ tensor: TensorView, _ weights: [Float]?
  ) throws(QuantizationError) -> TensorEncoder {
    do throws(TensorFormatError) {
      return try TensorEncoder(type: type, columns: tensor.columns, importance: weights)
    } catch {
      throw .tensor(name: tensor.name, problem: "\(error)")
    }
  }
}

/// Converts some rows of a tensor on several threads and measures the error.
private struct RowConversion: @unchecked Sendable {
  // Sendable: the source is read-only; each worker writes the blocks and sums of its own rows only.
  let tensor: TensorView
  let encoder: TensorEncoder
  let first: Int
  let count: Int
  let rowBytes: Int
  let blocks: UnsafeMutableRawBufferPointer

  func run(
    threads: Int
  ) -> Result<(squares: Double, values: Double), TensorFormatError> {
    let workers = max(1, min(threads, count))
    return withUnsafeTemporaryAllocation(
      of: (squares: Double, values: Double).self, capacity: count
    ) { sums in
      sums.initialize(repeating: (0, 0))
      return withUnsafeTemporaryAllocation(of: TensorFormatError?.self, capacity: workers) {
        failures in
        failures.initialize(repeating: nil)
        defer { failures.deinitialize() }
        let places = Places(sums: sums, failures: failures)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
          do throws(TensorFormatError) {
            try convert(count * worker / workers..<count * (worker + 1) / workers, places.sums)
          } catch {
            places.failures[worker] = error
          }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { return .failure(failure) }
        // Row by row, so that the sum does not depend on the number of threads.
        var total = (squares: 0.0, values: 0.0)
        for sum in sums {
          total.squares += sum.squares
          total.values += sum.values
        }
        return .success(total)
      }
    }
  }

  private struct Places: @unchecked Sendable {
    // Sendable: workers touch disjoint elements.
    let sums: UnsafeMutableBufferPointer<(squares: Double, values: Double)>
    let failures: UnsafeMutableBufferPointer<TensorFormatError?>
  }

  private func convert(
    _ rows: Range<Int>, _ sums: UnsafeMutableBufferPointer<(squares: Double, values: Double)>
  ) throws(TensorFormatError) {
    let columns = tensor.columns
    let size = encoder.bytesPerRow
    var values = [Float](repeating: 0, count: columns)
    var decoded = [Float](repeating: 0, count: columns)
    for row in rows {
      let source = UnsafeRawBufferPointer(
        rebasing: tensor.bytes[(first + row) * rowBytes..<(first + row + 1) * rowBytes])
      let target = UnsafeMutableRawBufferPointer(
        rebasing: blocks[row * size..<(row + 1) * size])
      sums[row] = try values.withUnsafeMutableBufferPointer { values in
        decoded.withUnsafeMutableBufferPointer { decoded in
          Result { () throws(TensorFormatError) in
            try tensor.type.decode(source, into: values)
            try encoder.encode(
              UnsafeBufferPointer(values), into: target, firstRow: first + row)
            try encoder.type.decode(UnsafeRawBufferPointer(target), into: decoded)
            var sum = (squares: 0.0, values: 0.0)
            for column in 0..<columns {
              let difference = Double(values[column]) - Double(decoded[column])
              sum.squares += difference * difference
              sum.values += Double(values[column]) * Double(values[column])
            }
            return sum
          }
        }
      }.get()
    }
  }
}
