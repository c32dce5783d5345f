import CKernels
import TensorFormats

/// Memory that kernels read and write, aligned to 64 bytes.
final class Memory: @unchecked Sendable {
  // Sendable: threads write disjoint parts, and `kept` is only there so that results count as used.
  let start: UnsafeMutableRawPointer
  let count: Int

  /// `bytes` bytes of pseudo-random content.
  init(bytes: Int) {
    count = bytes
    start = .allocate(byteCount: max(64, bytes), alignment: 64)
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let words = start.bindMemory(to: UInt64.self, capacity: bytes / 8)
    for i in 0..<bytes / 8 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      words[i] = state
    }
  }

  deinit { start.deallocate() }

  /// Uses a value, so that computing it is not left out.
  @inline(never) func keep(_ value: UInt64) { _ = value }

  /// Gives the first `count` blocks scales of moderate size; what is random else is valid in every format.
  func fillBlocks(_ type: TensorType, count: Int) {
    let places: [Int] =
      switch type {
      case .q2_K: [80, 82]
      case .q3_K: [108]
      case .q6_K: [208]
      case .q4_K, .q5_K, .q4_1, .q5_1: [0, 2]
      default: [0]
      }
    for block in 0..<count {
      for place in places {
        let at = block * type.bytesPerBlock + place
        if type == .mxfp4 {
          start.storeBytes(of: UInt8(120 + block % 8), toByteOffset: at, as: UInt8.self)
        } else {
          let half = UInt16(0x2000 + block % 0x800)
          start.storeBytes(of: half, toByteOffset: at, as: UInt16.self)
        }
      }
    }
  }
}

/// Columns of activations, rounded.
final class Activations: @unchecked Sendable {
  // Sendable: written before threads start, only read afterwards.
  private let length: Int
  private let columns: Int
  private let quants: Memory
  private let scales: Memory
  private let sums: Memory

  init(length: Int, columns: Int) {
    self.length = length
    self.columns = columns
    quants = Memory(bytes: length * columns)
    scales = Memory(bytes: length / 32 * 4 * columns)
    sums = Memory(bytes: length / 16 * 2 * columns)
  }

  /// Rounds columns of values between -1 and 1.
  func round(with quantize: maslin_quantize_function) {
    var state: UInt32 = 1
    for column in 0..<columns {
      let values = (0..<length).map { _ -> Float in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(bitPattern: state)) / Float(1 << 31)
      }
      quantize(
        values, length, (quants.start + column * length).assumingMemoryBound(to: Int8.self),
        scales.start.assumingMemoryBound(to: Float.self) + column * (length / 32),
        sums.start.assumingMemoryBound(to: Int16.self) + column * (length / 16))
    }
  }

  var structure: maslin_activations {
    maslin_activations(
      quants: quants.start.assumingMemoryBound(to: Int8.self),
      scales: scales.start.assumingMemoryBound(to: Float.self),
      sums: sums.start.assumingMemoryBound(to: Int16.self), quants_stride: length,
      scales_stride: length / 32, sums_stride: length / 16)
  }
}
