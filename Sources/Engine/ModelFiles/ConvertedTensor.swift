import GGUF
import TensorFormats

/// A tensor of a GGUF file to be, and how its values come out of a checkpoint.
struct ConvertedTensor {
  /// A tensor of the checkpoint with what is needed to read it.
  struct Source {
    let weight: SafetensorsFile.Tensor
    /// One factor per tile of 128 x 128 values, for 8-bit weights.
    var tileScales: SafetensorsFile.Tensor?
  }

  /// Rows of a source that follow one another.
  struct Segment {
    let source: Int
    let rows: Range<Int>
  }

  /// What is done to each value.
  enum Transform {
    case none
    /// x + 1, for norms that checkpoints store as the difference from 1.
    case addOne
    /// -e^x, for decay rates that checkpoints store as logarithms.
    case negativeExponential
  }

  enum Content {
    /// Rows of floating-point values.
    /// - columns: the order in which pieces of each row are taken; nil for the row as it is.
    case rows([Source], [Segment], columns: [Range<Int>]?, Transform)
    /// 4-bit codes, two a byte, the first in the low half, and one power of two for 32 values; a matrix each.
    case microscaled([(codes: SafetensorsFile.Tensor, scales: SafetensorsFile.Tensor)])
    /// Integers that fit 32 bits.
    case integers(SafetensorsFile.Tensor)
    /// Values that no tensor of the checkpoint holds.
    case computed([Float])
  }

  /// The name in the GGUF file.
  let name: String
  /// The axes in GGUF order.
  let shape: [Int]
  let content: Content

  /// How the tensor is stored.
  ///
  /// - Parameter requested: for weights; nil keeps the checkpoint's precision (8-bit weights become BF16, which holds
  ///   them exactly).
  func type(requested: TensorType?) -> TensorType {
    switch content {
    case .microscaled: return .mxfp4
    case .integers: return .i32
    case .computed: return .f32
    case .rows(let sources, _, _, _):
      if shape.count < 2 || name.hasSuffix("_norm.weight") || isSensitive { return .f32 }
      if let requested {
        // Rows that are no whole number of blocks stay plain numbers.
        return requested.byteCount(values: shape[0]) == nil ? .bf16 : requested
      }
      switch sources.first?.weight.format {
      case .f16: return .f16
      case .bf16, .f8e4m3: return .bf16
      default: return .f32
      }
    }
  }

  /// Small matrices that decide a lot: routers, convolutions, hyper-connections, position tables.
  private var isSensitive: Bool {
    let parts = [
      "ffn_gate_inp.", "ffn_gate_inp_shexp.", "ssm_conv1d.", "hc_attn_", "hc_ffn_", "output_hc_",
      "compressor_ape.",
    ]
    return parts.contains { name.contains($0) }
  }

  /// Appends the values to the file.
  func write(
    to output: GGUFOutput, as type: TensorType, threads: Int
  ) throws(ModelFileError) {
    switch content {
    case .rows(let sources, let segments, let columns, let transform):
      if columns == nil, case .none = transform, sources.allSatisfy({ Self.isStored($0, as: type) })
      {
        try copy(sources, segments, type: type, to: output)
      } else {
        var writer = try RowWriter(self, type: type, output: output, threads: threads)
        for segment in segments {
          for row in segment.rows {
            try writer.append(sources[segment.source], row: row, columns: columns, transform)
          }
        }
        try writer.flush()
      }
    case .microscaled(let matrices):
      for matrix in matrices {
        let blocks = Microscaling.blocks(codes: matrix.codes.bytes, scales: matrix.scales.bytes)
        try append(blocks, to: output)
      }
    case .integers(let tensor):
      try append(try Self.integers(of: tensor), to: output)
    case .computed(let values):
      try append(
        values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }, to: output)
    }
  }

  private func append(_ bytes: [UInt8], to output: GGUFOutput) throws(ModelFileError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(GGUFError) in try output.append(bytes, to: name) }
    }
    do throws(GGUFError) { try result.get() } catch { throw .gguf(error) }
  }

  /// Whether a source's bytes are those of the type.
  private static func isStored(_ source: Source, as type: TensorType) -> Bool {
    switch (source.weight.format, type) {
    case (.f32, .f32), (.f16, .f16), (.bf16, .bf16): source.tileScales == nil
    default: false
    }
  }

  private func copy(
    _ sources: [Source], _ segments: [Segment], type: TensorType, to output: GGUFOutput
  ) throws(ModelFileError) {
    let size = (shape.first ?? 1) * type.bytesPerBlock
    for segment in segments {
      let bytes = sources[segment.source].weight.bytes
      let part = bytes[segment.rows.lowerBound * size..<segment.rows.upperBound * size]
      try gguf { () throws(GGUFError) in
        try output.append(UnsafeRawBufferPointer(rebasing: part), to: name)
      }
    }
  }

  private static func integers(
    of tensor: SafetensorsFile.Tensor
  ) throws(ModelFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * tensor.count)
    for index in 0..<tensor.count {
      let value: Int64
      switch tensor.format {
      case .i64:
        value = Int64(
          littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
      case .i32:
        value = Int64(
          Int32(littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
        )
      default:
        throw .tensor(
          name: tensor.name, problem: "holds \(tensor.format.rawValue) where integers are needed")
      }
      guard let small = Int32(exactly: value) else {
        throw .tensor(name: tensor.name, problem: "\(value) does not fit 32 bits")
      }
      withUnsafeBytes(of: small.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}

/// Collects rows as floats and encodes them some at a time.
private struct RowWriter {
  private let name: String
  private let encoder: TensorEncoder
  private let output: GGUFOutput
  private let threads: Int
  private let limit: Int
  private var values: [Float] = []
  private var row: [Float]
  private var firstRow = 0

  init(
    _ tensor: ConvertedTensor, type: TensorType, output: GGUFOutput, threads: Int
  ) throws(ModelFileError) {
    name = tensor.name
    let columns = tensor.shape.first ?? 1
    do throws(TensorFormatError) {
      encoder = try TensorEncoder(type: type, columns: columns)
    } catch {
      throw .tensor(name: tensor.name, problem: error.description)
    }
    self.output = output
    self.threads = threads
    limit = max(columns, (1 << 20) / columns * columns)
    row = [Float](repeating: 0, count: columns)
    values.reserveCapacity(limit)
  }

  mutating func append(
    _ source: ConvertedTensor.Source, row index: Int, columns: [Range<Int>]?,
    _ transform: ConvertedTensor.Transform
  ) throws(ModelFileError) {
    try source.decode(row: index, into: &row)
    switch transform {
    case .none: break
    case .addOne: for column in row.indices { row[column] += 1 }
    case .negativeExponential:
      for column in row.indices { row[column] = -exponential(row[column]) }
    }
    if let columns {
      for range in columns { values.append(contentsOf: row[range]) }
    } else {
      values.append(contentsOf: row)
    }
    if values.count >= limit { try flush() }
  }

  mutating func flush() throws(ModelFileError) {
    guard !values.isEmpty else { return }
    let blocks: [UInt8]
    do throws(TensorFormatError) {
      blocks = try encoder.encode(values, threads: threads)
    } catch {
      throw .tensor(name: name, problem: "from row \(firstRow) on: \(error.description)")
    }
    let result = blocks.withUnsafeBytes { blocks in
      Result { () throws(GGUFError) in try output.append(blocks, to: name) }
    }
    do throws(GGUFError) { try result.get() } catch { throw .gguf(error) }
    firstRow += values.count / row.count
    values.removeAll(keepingCapacity: true)
  }
}
