import Foundation

/// Builds the bytes of GGUF files by hand, right or wrong, independently of the library's writer.
struct FileImage {
  var magic = Array("GGUF".utf8)
  var version: UInt32 = 3
  /// Replace the counts to lie about them.
  var tensorCount: UInt64?
  var entryCount: UInt64?
  var entries: [[UInt8]] = []
  var tensors: [[UInt8]] = []
  var alignment = 32
  var data: [UInt8] = []

  static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

  static func string(_ text: [UInt8]) -> [UInt8] { bytes(UInt64(text.count)) + text }

  /// Adds an entry of that type number.
  mutating func add(_ key: String, type: UInt32, _ value: [UInt8]) {
    entries.append(Self.string(key) + Self.bytes(type) + value)
  }

  /// Adds an array.
  mutating func addArray(_ key: String, of type: UInt32, count: UInt64, _ elements: [UInt8]) {
    add(key, type: 9, Self.bytes(type) + Self.bytes(count) + elements)
  }

  /// Adds a tensor's description.
  mutating func addTensor(_ name: String, type: UInt32, axes: [UInt64], offset: UInt64) {
    tensors.append(
      Self.string(name) + Self.bytes(UInt32(axes.count)) + axes.flatMap { Self.bytes($0) }
        + Self.bytes(type) + Self.bytes(offset))
  }

  /// The header without padding.
  var header: [UInt8] {
    magic + Self.bytes(version) + Self.bytes(tensorCount ?? UInt64(tensors.count))
      + Self.bytes(entryCount ?? UInt64(entries.count)) + entries.flatMap { $0 }
      + tensors.flatMap { $0 }
  }

  /// The file: header, padding, data.
  var bytes: [UInt8] {
    let header = self.header
    let padding = (alignment - header.count % alignment) % alignment
    return header + [UInt8](repeating: 0, count: padding) + data
  }

  /// A small file with every type of metadata and a few tensors.
  static var sample: FileImage {
    var image = FileImage()
    image.add("general.architecture", type: 8, string("sample"))
    image.add("a.uint8", type: 0, [200])
    image.add("a.int8", type: 1, [0x80])
    image.add("a.uint16", type: 2, bytes(UInt16(65_535)))
    image.add("a.int16", type: 3, bytes(Int16(-2)))
    image.add("a.uint32", type: 4, bytes(UInt32.max))
    image.add("a.int32", type: 5, bytes(Int32.min))
    image.add("a.float32", type: 6, bytes(Float(1.5).bitPattern))
    image.add("a.bool", type: 7, [1])
    image.add("a.uint64", type: 10, bytes(UInt64.max))
    image.add("a.int64", type: 11, bytes(Int64.min))
    image.add("a.float64", type: 12, bytes((-0.1).bitPattern))
    image.addArray("b.strings", of: 8, count: 3, string("one") + string("") + string([0xFF, 0x20]))
    image.addArray("b.int32", of: 5, count: 2, bytes(Int32(-1)) + bytes(Int32(7)))
    image.addArray("b.bools", of: 7, count: 3, [0, 1, 0])
    image.addArray("b.empty", of: 6, count: 0, [])
    image.addArray(
      "b.nested", of: 9, count: 2,
      bytes(UInt32(0)) + bytes(UInt64(2)) + [1, 2] + bytes(UInt32(8)) + bytes(UInt64(1))
        + string("x"))
    image.addTensor("first", type: 0, axes: [2, 3], offset: 0)
    image.addTensor("second", type: 8, axes: [32, 1, 2], offset: 32)
    image.addTensor("third", type: 26, axes: [], offset: 128)
    image.data = (0..<132).map { UInt8($0) }
    for gap in [24..<32, 100..<128] { for index in gap { image.data[index] = 0 } }
    return image
  }
}

/// A directory that disappears with the test.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("maslin-gguf-\(UInt64.random(in: 0 ... .max))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}
