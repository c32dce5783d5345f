import DurableFiles
import GGUF
import TensorFormats

/// How much each input of each weight matrix matters: mean squared activations of a calibration run.
///
/// Reads the files of llama.cpp's `imatrix` tool: GGUF files with tensors `NAME.in_sum2` and `NAME.counts`, and the older
/// binary files (count of entries; per entry a name, the number of calls, and the values).
public final class ImportanceMatrix: Sendable {
  /// The file.
  public let path: String
  /// The names of the texts it was measured with.
  public let dataSets: [String]
  /// The number of pieces of text, when stated.
  public let chunkCount: Int?
  private let entries: [String: Entry]
  private let source: Source

  /// What holds the numbers.
  private enum Source: Sendable {
    case gguf(GGUFFile)
    case bytes([UInt8])
  }

  private struct Entry: Sendable {
    /// The number of values.
    let count: Int
    /// Where they begin: in the bytes of an old file, or in the tensor of this name.
    let offset: Int
    let sums: String
    let counts: String?
    /// Whether anything was measured at all.
    let isMeasured: Bool
  }

  /// The number of matrices it knows.
  public var count: Int { entries.count }
  /// Their names, sorted.
  public var names: [String] { entries.keys.sorted() }

  /// Opens an importance matrix of either form.
  public init(_ path: String) throws(QuantizationError) {
    self.path = path
    var isGGUF = true
    var opened: GGUFFile?
    do throws(GGUFError) { opened = try GGUFFile.open(path) } catch {
      guard case .notGGUF = error else { throw .gguf(error) }
      isGGUF = false
    }
    if isGGUF, let file = opened {
      source = .gguf(file)
      entries = try Self.entries(of: file)
      dataSets = file.metadata.strings("imatrix.datasets") ?? []
      chunkCount = file.metadata.integer("imatrix.chunk_count")
    } else {
      let bytes: [UInt8]
      do throws(FileFailure) { bytes = try SystemFiles().read(path, limit: 4 << 30) } catch {
        throw .file(error)
      }
      var reader = OldImportanceReader(bytes: bytes, path: path)
      let content = try reader.read()
      source = .bytes(bytes)
      entries = content.entries.mapValues {
        Entry(
          count: $0.count, offset: $0.offset, sums: "", counts: nil, isMeasured: $0.calls > 0)
      }
      dataSets = content.dataSet.map { [$0] } ?? []
      chunkCount = content.chunkCount
    }
    guard !entries.isEmpty else { throw .importance(path: path, problem: "it has no entries") }
  }

  private static func entries(of file: GGUFFile) throws(QuantizationError) -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for tensor in file.tensors where tensor.name.hasSuffix(".in_sum2") {
      let name = String(tensor.name.dropLast(8))
      guard let counts = file.tensor(name + ".counts") else {
        throw .importance(path: file.path, problem: "'\(name)' has sums but no counts")
      }
      guard tensor.type == .f32, counts.type == .f32 else {
        throw .importance(path: file.path, problem: "the numbers of '\(name)' are not F32")
      }
      guard counts.count > 0, tensor.count % counts.count == 0 else {
        throw .importance(
          path: file.path,
          problem: "'\(name)' has \(tensor.count) sums for \(counts.count) counts")
      }
      entries[name] = Entry(
        count: tensor.count, offset: 0, sums: tensor.name, counts: counts.name, isMeasured: true)
    }
    return entries
  }

  /// Whether there are weights for a tensor.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The weights for one matrix of a tensor: one number per column.
  ///
  /// A matrix that the calibration never reached (an expert never chosen) gets equal weights.
  ///
  /// - Parameters:
  ///   - name: the tensor.
  ///   - matrix: which of the stacked matrices.
  ///   - columns: the length of a row.
  ///   - matrices: how many matrices are stacked.
  /// - Returns: nil when nothing is known about the tensor.
  /// - Throws: when there are numbers, but not as many as the tensor needs.
  public func weights(
    _ name: String, matrix: Int, columns: Int, matrices: Int
  ) throws(QuantizationError) -> [Float]? {
    guard let entry = entries[name] else { return nil }
    guard entry.count == columns || entry.count == columns * matrices else {
      throw .importance(
        path: path,
        problem: "'\(name)' has \(entry.count) values, but the model's tensor has "
          + "\(matrices) x \(columns)")
    }
    let index = entry.count == columns ? 0 : matrix
    let uniform = [Float](repeating: 1, count: columns)
    guard entry.isMeasured else { return uniform }
    let weights: [Float]
    switch source {
    case .bytes(let bytes):
      weights = bytes.withUnsafeBytes {
        Self.floats($0, at: entry.offset + 4 * index * columns, count: columns)
      }
    case .gguf(let file):
      guard let sums = file.tensor(entry.sums) else { return nil }
      if let name = entry.counts, let counts = file.tensor(name), index < counts.count,
        !(Self.floats(counts.bytes, at: 4 * index, count: 1)[0] > 0)
      {
        return uniform
      }
      weights = Self.floats(sums.bytes, at: 4 * index * columns, count: columns)
    }
    // Only ratios matter, so sums need not be divided by counts.
    for (column, weight) in weights.enumerated() where !(weight >= 0 && weight.isFinite) {
      throw .importance(
        path: path, problem: "'\(name)', matrix \(matrix), column \(column) is \(weight)")
    }
    return weights.contains { $0 > 0 } ? weights : uniform
  }

  private static func floats(_ bytes: UnsafeRawBufferPointer, at offset: Int, count: Int) -> [Float]
  {
    (0..<count).map {
      Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * $0, as: UInt32.self)))
    }
  }
}

/// Reads the binary form that llama.cpp wrote before it used GGUF files.
private struct OldImportanceReader {
  let bytes: [UInt8]
  let path: String
  private var offset = 0

  init(bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  struct Entry {
    let offset: Int
    let count: Int
    let calls: Int
  }

  mutating func read() throws(QuantizationError) -> (
    entries: [String: Entry], chunkCount: Int?, dataSet: String?
  ) {
    let count = try integer("the number of entries")
    // An entry takes at least its three numbers and one value.
    guard count >= 1, count <= bytes.count / 16 else {
      throw problem("it announces \(count) entries in \(bytes.count) bytes")
    }
    var entries: [String: Entry] = [:]
    for number in 0..<count {
      let name = try text("the name of entry \(number)")
      let calls = try integer("the calls of '\(name)'")
      let values = try integer("the size of '\(name)'")
      guard values >= 1, values <= (bytes.count - offset) / 4 else {
        throw problem("'\(name)' announces \(values) values, more than the file has")
      }
      guard entries[name] == nil else { throw problem("'\(name)' occurs twice") }
      entries[name] = Entry(offset: offset, count: values, calls: calls)
      offset += 4 * values
    }
    guard offset < bytes.count else { return (entries, nil, nil) }
    let chunks = try integer("the number of chunks")
    let dataSet = offset < bytes.count ? try text("the name of the data set") : nil
    return (entries, chunks, dataSet)
  }

  private mutating func integer(_ what: String) throws(QuantizationError) -> Int {
    guard bytes.count - offset >= 4 else { throw problem("it ends before \(what)") }
    var value: UInt32 = 0
    for index in 0..<4 { value |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
    offset += 4
    return Int(Int32(bitPattern: value))
  }

  private mutating func text(_ what: String) throws(QuantizationError) -> String {
    let length = try integer("the length of \(what)")
    guard length >= 0, length <= bytes.count - offset else {
      throw problem("\(what) would have \(length) bytes, more than the file has")
    }
    defer { offset += length }
    return String(decoding: bytes[offset..<offset + length], as: UTF8.self)
  }

  private func problem(_ text: String) -> QuantizationError {
    .importance(path: path, problem: text)
  }
}
