/// Sixteen values at a time.
typealias Lanes = SIMD16<Float>

/// The values of one block with their weights (all positive), and room for the codes under trial.
struct WeightedBlock {
  let x: UnsafeMutablePointer<Lanes>
  let weights: UnsafeMutablePointer<Lanes>
  let codes: UnsafeMutablePointer<Lanes>
  /// The number of vectors of sixteen.
  let count: Int

  /// Some of the block's vectors.
  @inline(__always)
  subscript(range: Range<Int>) -> WeightedBlock {
    WeightedBlock(
      x: x + range.lowerBound, weights: weights + range.lowerBound,
      codes: codes + range.lowerBound, count: range.count)
  }

  /// The value of largest magnitude.
  var extreme: Float {
    var best: Float = 0
    for index in 0..<count {
      for lane in 0..<16 where x[index][lane].magnitude > best.magnitude { best = x[index][lane] }
    }
    return best
  }

  /// Code `index` as an integer.
  @inline(__always)
  func code(_ index: Int) -> Int { Int(codes[index >> 4][index & 15]) }
}

/// Turns one block of values into the bytes of a type.
protocol BlockEncoder {
  func encode(_ block: WeightedBlock, to bytes: UnsafeMutableRawPointer)
}

extension SIMD16<Float> {
  /// The sum, halves added to halves.
  @inline(__always)
  func treeSum() -> Float {
    let eight = lowHalf + highHalf
    let four = eight.lowHalf + eight.highHalf
    let two = four.lowHalf + four.highHalf
    return two.x + two.y
  }

  /// To the nearest integers, ties to even; for magnitudes below 2^22, which is where the trick of adding and
  /// subtracting 1.5 * 2^23 is exact.
  @inline(__always)
  func nearestIntegers() -> Self { (self + 12_582_912) - 12_582_912 }

  @inline(__always)
  func limited(_ low: Float, _ high: Float) -> Self {
    let raised = replacing(with: low, where: self .< low)
    return raised.replacing(with: high, where: raised .> high)
  }
}

/// Magnitudes below this become zeros: no half-precision scale is small enough for them.
let smallestMagnitude: Float = 1e-12

extension UnsafeMutableRawPointer {
  /// Stores a half-precision number; too large ones become the largest.
  func storeHalf(_ value: Float, at offset: Int) -> Float {
    let half = halfFromFloat(min(max(value, -65504), 65504))
    storeBytes(of: half.littleEndian, toByteOffset: offset, as: UInt16.self)
    return floatFromHalf(half)
  }

  func storeByte(_ value: Int, at offset: Int) {
    storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: offset, as: UInt8.self)
  }
}

/// A number as half precision holds it.
func roundedToHalf(_ value: Float) -> Float {
  floatFromHalf(halfFromFloat(min(max(value, -65504), 65504)))
}
