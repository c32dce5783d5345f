import TensorFormats

/// The header of one GGUF file: metadata and the table of tensors, everything checked against the file's size.
package struct GGUFHeader: Sendable {
  /// One tensor of the table.
  package struct Tensor: Hashable, Sendable {
    package let name: String
    package let type: TensorType
    package let shape: [Int]
    /// Where its bytes lie in the file.
    package let range: Range<Int>
  }

  package var version: UInt32
  package var metadata: GGUFMetadata
  package var alignment: Int
  package var tensors: [Tensor]
  /// Where the tensors' bytes begin.
  package var dataOffset: Int

  /// The alignment of files that do not state one.
  package static let defaultAlignment = 32
  /// The most axes a tensor has.
  package static let maximumAxes = 4
  /// How deep arrays of arrays may be nested.
  static let maximumArrayDepth = 8

  /// Reads the header of a file's image.
  ///
  /// - Parameter path: the file, for errors.
  package init(_ image: UnsafeRawBufferPointer, path: String) throws(GGUFError) {
    var cursor = ByteCursor(image, path: path)
    version = try Self.readVersion(&cursor)
    let tensorCount = try Self.readCount(&cursor, "tensors", smallest: 24)
    let entryCount = try Self.readCount(&cursor, "metadata entries", smallest: 13)

    metadata = GGUFMetadata()
    for index in 0..<entryCount {
      let start = cursor.offset
      let key = try cursor.name("the key of metadata entry \(index)")
      let value = try Self.readValue(&cursor, key: key)
      guard metadata[key] == nil else {
        throw cursor.malformed(
          at: start, "metadata entry \(index)", "key '\(shown(key))' occurs twice")
      }
      metadata[key] = value
    }
    alignment = try Self.alignment(metadata, path: path)

    var table: [TensorDescription] = []
    table.reserveCapacity(tensorCount)
    for index in 0..<tensorCount {
      table.append(try TensorDescription(&cursor, index: index))
    }
    let (padded, overflow) = cursor.offset.addingReportingOverflow(alignment - 1)
    dataOffset = overflow ? Int.max : padded & ~(alignment - 1)
    tensors = []
    tensors.reserveCapacity(tensorCount)
    for description in table {
      tensors.append(
        try description.placed(
          dataOffset: dataOffset, alignment: alignment, fileSize: image.count, path: path))
    }
    try Self.checkDistinct(tensors, path: path)
  }

  private static func readVersion(_ cursor: inout ByteCursor) throws(GGUFError) -> UInt32 {
    guard cursor.remaining >= 4 else {
      throw .notGGUF(path: cursor.path, problem: "it has only \(cursor.remaining) bytes")
    }
    let magic = [UInt8](try cursor.bytes(4, "the magic number"))
    if magic == Array("FUGG".utf8) { throw .byteOrder(path: cursor.path) }
    guard magic == Array("GGUF".utf8) else {
      let found = magic.map { String($0, radix: 16) }.joined(separator: " ")
      throw .notGGUF(
        path: cursor.path, problem: "it begins with the bytes \(found) instead of 'GGUF'")
    }
    let version = try cursor.integer(UInt32.self, "the version")
    // Versions are small, so a number whose low half is empty is one in the other byte order.
    if version & 0xFFFF == 0, version != 0 { throw .byteOrder(path: cursor.path) }
    guard version == 2 || version == 3 else {
      throw .unsupportedVersion(path: cursor.path, version: version)
    }
    return version
  }

  /// Reads a count of things of which each takes at least `smallest` bytes.
  private static func readCount(
    _ cursor: inout ByteCursor, _ what: String, smallest: Int
  ) throws(GGUFError) -> Int {
    let start = cursor.offset
    let count = try cursor.integer(UInt64.self, "the number of \(what)")
    guard count <= UInt64(cursor.remaining / smallest) else {
      throw cursor.malformed(
        at: start, "the number of \(what)",
        "\(count) do not fit into the \(cursor.remaining) bytes that follow")
    }
    return Int(count)
  }

  private static func alignment(
    _ metadata: GGUFMetadata, path: String
  ) throws(GGUFError) -> Int {
    let key = "general.alignment"
    guard let value = metadata[key] else { return defaultAlignment }
    guard let alignment = value.integerValue else {
      throw .metadata(path: path, key: key, problem: "is no integer, or too large")
    }
    guard alignment >= 8, alignment & (alignment - 1) == 0, alignment <= 1 << 30 else {
      throw .metadata(
        path: path, key: key, problem: "\(alignment) is no power of two from 8 to \(1 << 30)")
    }
    return alignment
  }

  private static func checkDistinct(_ tensors: [Tensor], path: String) throws(GGUFError) {
    var names = Set<String>(minimumCapacity: tensors.count)
    for tensor in tensors where !names.insert(tensor.name).inserted {
      throw .tensor(path: path, name: tensor.name, problem: "occurs twice")
    }
    let ordered = tensors.indices.sorted {
      (tensors[$0].range.lowerBound, $0) < (tensors[$1].range.lowerBound, $1)
    }
    for (first, second) in zip(ordered, ordered.dropFirst())
    where tensors[first].range.upperBound > tensors[second].range.lowerBound {
      throw .tensor(
        path: path, name: tensors[second].name,
        problem: "its bytes overlap those of '\(shown(tensors[first].name))'")
    }
  }
}

extension GGUFHeader {
  /// Reads a type number and a value of that type.
  private static func readValue(
    _ cursor: inout ByteCursor, key: String
  ) throws(GGUFError) -> MetadataValue {
    let type = try readType(&cursor, key: key)
    switch type {
    case .uint8: return .uint8(try cursor.integer(UInt8.self, valueName(key)))
    case .int8: return .int8(try cursor.integer(Int8.self, valueName(key)))
    case .uint16: return .uint16(try cursor.integer(UInt16.self, valueName(key)))
    case .int16: return .int16(try cursor.integer(Int16.self, valueName(key)))
    case .uint32: return .uint32(try cursor.integer(UInt32.self, valueName(key)))
    case .int32: return .int32(try cursor.integer(Int32.self, valueName(key)))
    case .uint64: return .uint64(try cursor.integer(UInt64.self, valueName(key)))
    case .int64: return .int64(try cursor.integer(Int64.self, valueName(key)))
    case .float32:
      return .float32(Float(bitPattern: try cursor.integer(UInt32.self, valueName(key))))
    case .float64:
      return .float64(Double(bitPattern: try cursor.integer(UInt64.self, valueName(key))))
    case .bool:
      let start = cursor.offset
      let byte = try cursor.integer(UInt8.self, valueName(key))
      guard byte <= 1 else {
        throw cursor.malformed(at: start, valueName(key), "a bool is 0 or 1, not \(byte)")
      }
      return .bool(byte == 1)
    case .string: return .string([UInt8](try cursor.string(valueName(key))))
    case .array: return .array(try readArray(&cursor, key: key, depth: 1))
    }
  }

  private static func valueName(_ key: String) -> String { "the value of metadata '\(key)'" }

  private static func readType(
    _ cursor: inout ByteCursor, key: String
  ) throws(GGUFError) -> MetadataType {
    let start = cursor.offset
    let number = try cursor.integer(UInt32.self, "the type of metadata '\(key)'")
    guard let type = MetadataType(rawValue: number) else {
      throw cursor.malformed(
        at: start, "the type of metadata '\(key)'", "there is no type \(number) (0 to 12 exist)")
    }
    return type
  }

  private static func readArray(
    _ cursor: inout ByteCursor, key: String, depth: Int
  ) throws(GGUFError) -> MetadataArray {
    let type = try readType(&cursor, key: key)
    let count = try readCount(
      &cursor, "elements of metadata '\(key)'", smallest: type.smallestByteCount)
    switch type {
    case .string:
      return try readStrings(&cursor, count: count, key: key)
    case .array:
      guard depth < maximumArrayDepth else {
        throw cursor.malformed(
          at: cursor.offset, valueName(key),
          "arrays are nested deeper than \(maximumArrayDepth) levels")
      }
      var arrays: [MetadataArray] = []
      for _ in 0..<count { arrays.append(try readArray(&cursor, key: key, depth: depth + 1)) }
      return MetadataArray(arrays)
    default:
      let start = cursor.offset
      // readCount has checked that the product fits into the file.
      let bytes = [UInt8](try cursor.bytes(count * type.smallestByteCount, valueName(key)))
      if type == .bool, let position = bytes.firstIndex(where: { $0 > 1 }) {
        throw cursor.malformed(
          at: start + position, valueName(key), "a bool is 0 or 1, not \(bytes[position])")
      }
      return MetadataArray(storage: .numbers(type, bytes: bytes))
    }
  }

  private static func readStrings(
    _ cursor: inout ByteCursor, count: Int, key: String
  ) throws(GGUFError) -> MetadataArray {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    ends.reserveCapacity(count)
    for index in 0..<count {
      bytes.append(contentsOf: try cursor.string("element \(index) of metadata '\(key)'"))
      ends.append(bytes.count)
    }
    return MetadataArray(storage: .strings(bytes: bytes, ends: ends))
  }
}
