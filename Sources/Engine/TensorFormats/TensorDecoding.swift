import CKernels

extension TensorType {
  /// Decodes blocks into floats.
  ///
  /// Values equal those of the format's reference decoder (gguf-py) bit for bit.
  ///
  /// - Parameters:
  ///   - bytes: whole blocks: `byteCount(values: values.count)` bytes; any alignment.
  ///   - values: receives the values in order.
  /// - Throws: when the type holds integers, the values are no whole number of blocks, or sizes disagree.
  public func decode(
    _ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>
  ) throws(TensorFormatError) {
    guard !isInteger else { throw .notDecodable(self) }
    guard let expected = byteCount(values: values.count) else {
      throw .partialBlock(self, values: values.count)
    }
    guard expected == bytes.count else {
      throw .byteCount(self, values: values.count, expected: expected, actual: bytes.count)
    }
    guard let source = bytes.baseAddress, let target = values.baseAddress else { return }
    guard maslin_decode(rawValue, source, values.count, target) == 1 else {
      throw .notDecodable(self)
    }
  }

  /// Decodes blocks that are held in an array.
  ///
  /// - Parameters:
  ///   - bytes: whole blocks.
  /// - Returns: all values in order.
  /// - Throws: as `decode(_:into:)`; also when the bytes are no whole number of blocks.
  public func decode(_ bytes: [UInt8]) throws(TensorFormatError) -> [Float] {
    let count = bytes.count / bytesPerBlock * valuesPerBlock
    var values = [Float](repeating: 0, count: count)
    let result = values.withUnsafeMutableBufferPointer { target in
      bytes.withUnsafeBytes { source in
        Result { () throws(TensorFormatError) in try decode(source, into: target) }
      }
    }
    try result.get()
    return values
  }
}

/// IEEE half precision to float, exactly.
public func floatFromHalf(_ half: UInt16) -> Float { maslin_float_from_half(half) }

/// Float to IEEE half precision, to nearest, ties to even; too large a value becomes infinite.
public func halfFromFloat(_ value: Float) -> UInt16 { maslin_half_from_float(value) }

/// Float to brain float (the upper half of its bits), to nearest, ties to even; a NaN stays one.
public func brainFromFloat(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  guard bits & 0x7fff_ffff <= 0x7f80_0000 else { return UInt16(bits >> 16) | 64 }
  return UInt16((bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
}
