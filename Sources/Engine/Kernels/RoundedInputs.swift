import CKernels

/// Memory that grows and is used again.
final class GrowingMemory {
  private(set) var base: UnsafeMutableRawPointer
  private var capacity: Int

  init() {
    capacity = 64
    base = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { base.deallocate() }

  /// Room for `count` values of a type, aligned to 64 bytes; the former contents are lost when it grows.
  func reserve<Value: BitwiseCopyable>(_: Value.Type, _ count: Int) -> UnsafeMutablePointer<Value> {
    let bytes = max(count, 1) * MemoryLayout<Value>.stride
    if bytes > capacity {
      base.deallocate()
      capacity = bytes + bytes / 4
      base = .allocate(byteCount: capacity, alignment: 64)
    }
    return base.bindMemory(to: Value.self, capacity: count)
  }
}

/// Columns of activations as kernels take them: floats, and what they were rounded to.
struct ProductInput {
  var values: UnsafePointer<Float>
  /// The number of floats from column to column.
  var stride: Int
  /// In blocks of 256.
  var rounded256 = maslin_activations()
  /// In blocks of 32.
  var rounded32 = maslin_activations()

  /// The columns from `column` on, `step` apart.
  func columns(from column: Int, step: Int = 1) -> ProductInput {
    var result = self
    result.values += column * stride
    result.stride *= step
    result.rounded256.advance(by: column, step: step)
    result.rounded32.advance(by: column, step: step)
    return result
  }
}

extension maslin_activations {
  /// Copies a column to a place of another memory of the same strides.
  func copyColumn(_ column: Int, to place: Int, of target: maslin_activations) {
    func copy<Value>(_ from: UnsafePointer<Value>?, _ to: UnsafePointer<Value>?, _ stride: Int) {
      guard let from, let to = UnsafeMutablePointer(mutating: to) else { return }
      (to + place * stride).update(from: from + column * stride, count: stride)
    }
    copy(quants, target.quants, quants_stride)
    copy(scales, target.scales, scales_stride)
    copy(sums, target.sums, sums_stride)
  }

  fileprivate mutating func advance(by column: Int, step: Int) {
    guard let quants, let scales, let sums else { return }
    self.quants = quants + column * quants_stride
    self.scales = scales + column * scales_stride
    self.sums = sums + column * sums_stride
    quants_stride *= step
    scales_stride *= step
    sums_stride *= step
  }
}

/// Room for columns of activations, rounded to 8 bits in blocks of 256 and of 32.
final class RoundedInputs {
  /// One of the two forms.
  final class Form {
    let block: Int
    private let quants = GrowingMemory()
    private let scales = GrowingMemory()
    private let sums = GrowingMemory()
    /// What the content was made of: stamp of the buffer, width, number of columns.
    var stamp: UInt64?
    var width = 0
    var columns = 0

    init(block: Int) { self.block = block }

    var quantsStride: Int { (width + 63) / 64 * 64 }
    var scalesStride: Int { width / block }
    var sumsStride: Int { block == 256 ? width / 16 : width / 32 }

    /// Makes room, and forgets the content.
    func reserve(width: Int, columns: Int) -> maslin_activations {
      stamp = nil
      self.width = width
      self.columns = columns
      return view
    }

    var view: maslin_activations {
      maslin_activations(
        quants: quants.reserve(Int8.self, columns * quantsStride),
        scales: scales.reserve(Float.self, columns * scalesStride),
        sums: sums.reserve(Int16.self, columns * sumsStride),
        quants_stride: quantsStride, scales_stride: scalesStride, sums_stride: sumsStride)
    }
  }

  let blocks256 = Form(block: 256)
  let blocks32 = Form(block: 32)
}
