/// Puts the parts of a header into bytes.
struct HeaderEncoder {
  private(set) var bytes: [UInt8] = []

  mutating func begin(tensorCount: Int, entryCount: Int) {
    bytes.append(contentsOf: Array("GGUF".utf8))
    append(UInt32(3))
    append(UInt64(tensorCount))
    append(UInt64(entryCount))
  }

  mutating func append(_ entry: GGUFMetadata.Entry) {
    append(string: Array(entry.key.utf8))
    append(entry.value.type.rawValue)
    switch entry.value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .float64(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): append(string: value)
    case .array(let value): append(value)
    }
  }

  mutating func append(_ tensor: GGUFWriter.Tensor, offset: Int) {
    append(string: Array(tensor.name.utf8))
    append(UInt32(tensor.shape.count))
    for length in tensor.shape { append(UInt64(length)) }
    append(tensor.type.rawValue)
    append(UInt64(offset))
  }

  mutating func pad(to alignment: Int) {
    let end = GGUFWriter.aligned(bytes.count, alignment)
    bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
  }

  private mutating func append(_ array: MetadataArray) {
    append(array.elementType.rawValue)
    append(UInt64(array.count))
    switch array.storage {
    case .numbers(_, let elements):
      bytes.append(contentsOf: elements)
    case .strings(let elements, let ends):
      var start = 0
      for end in ends {
        append(string: elements[start..<end])
        start = end
      }
    case .arrays(let arrays):
      for array in arrays { append(array) }
    }
  }

  private mutating func append(string: some Collection<UInt8>) {
    append(UInt64(string.count))
    bytes.append(contentsOf: string)
  }

  private mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
