/// Reads a file's image from front to back. Every length is compared with the bytes that remain before it is used.
struct ByteCursor {
  let image: UnsafeRawBufferPointer
  /// The file, for errors.
  let path: String
  private(set) var offset = 0

  init(_ image: UnsafeRawBufferPointer, path: String) {
    self.image = image
    self.path = path
  }

  var remaining: Int { image.count - offset }

  /// The next little-endian integer. `what` names it in errors.
  mutating func integer<Value: FixedWidthInteger>(
    _: Value.Type, _ what: @autoclosure () -> String
  ) throws(GGUFError) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else { throw truncated(needed: UInt64(size), what()) }
    let value = image.loadUnaligned(fromByteOffset: offset, as: Value.self)
    offset += size
    return Value(littleEndian: value)
  }

  /// The next `count` bytes.
  mutating func bytes(
    _ count: Int, _ what: @autoclosure () -> String
  ) throws(GGUFError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw truncated(needed: UInt64(clamping: count), what())
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: image[offset..<offset + count])
  }

  /// The bytes of the next string: a 64-bit length and as many bytes.
  mutating func string(_ what: @autoclosure () -> String) throws(GGUFError)
    -> UnsafeRawBufferPointer
  {
    let length = try integer(UInt64.self, "the length of \(what())")
    guard let count = Int(exactly: length), count <= remaining else {
      throw truncated(needed: length, what())
    }
    return try bytes(count, what())
  }

  /// The next string, which has to be UTF-8.
  mutating func name(_ what: @autoclosure () -> String) throws(GGUFError) -> String {
    let start = offset
    let bytes = try string(what())
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw malformed(at: start, what(), "the name is not UTF-8")
    }
    return text
  }

  func truncated(needed: UInt64, _ what: String) -> GGUFError {
    .truncated(path: path, offset: offset, reading: what, needed: needed, remaining: remaining)
  }

  func malformed(at offset: Int, _ what: String, _ problem: String) -> GGUFError {
    .malformed(path: path, offset: offset, reading: what, problem: problem)
  }
}
