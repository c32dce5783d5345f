import TensorFormats

/// An entry of the table of tensors, before its place in the file is checked.
struct TensorDescription {
  let name: String
  let type: TensorType
  let shape: [Int]
  let byteCount: Int
  /// Counted from the beginning of the tensors' bytes.
  let offset: UInt64

  /// Reads the entry.
  init(_ cursor: inout ByteCursor, index: Int) throws(GGUFError) {
    let path = cursor.path
    let name = try cursor.name("the name of tensor \(index)")
    let axes = try cursor.integer(UInt32.self, "the number of axes of tensor '\(name)'")
    guard axes <= UInt32(GGUFHeader.maximumAxes) else {
      throw .tensor(
        path: path, name: name, problem: "\(axes) axes; \(GGUFHeader.maximumAxes) are the most")
    }
    var shape: [Int] = []
    var count = 1
    for axis in 0..<axes {
      let length = try cursor.integer(UInt64.self, "the length of axis \(axis) of tensor '\(name)'")
      guard let length = Int(exactly: length), length > 0 else {
        throw .tensor(path: path, name: name, problem: "axis \(axis) has length \(length)")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard !overflow else {
        throw .tensor(path: path, name: name, problem: "more values than 63 bits count")
      }
      count = product
      shape.append(length)
    }
    let number = try cursor.integer(UInt32.self, "the type of tensor '\(name)'")
    guard let type = TensorType(rawValue: number) else {
      throw .tensor(path: path, name: name, problem: Self.unknownType(number))
    }
    guard let columns = type.byteCount(values: shape.first ?? 1) else {
      throw .tensor(
        path: path, name: name,
        problem: "rows of \(shape.first ?? 1) values are no whole number of \(type.name) blocks "
          + "(\(type.valuesPerBlock) values each), or too long")
    }
    // `count` is a product of positive lengths, so the division is exact.
    let (bytes, overflow) = columns.multipliedReportingOverflow(by: count / (shape.first ?? 1))
    guard !overflow else {
      throw .tensor(path: path, name: name, problem: "more bytes than 63 bits count")
    }
    self.name = name
    self.type = type
    self.shape = shape
    byteCount = bytes
    offset = try cursor.integer(UInt64.self, "the offset of tensor '\(name)'")
  }

  /// The tensor with its place in the file, if that lies inside.
  func placed(
    dataOffset: Int, alignment: Int, fileSize: Int, path: String
  ) throws(GGUFError) -> GGUFHeader.Tensor {
    guard offset % UInt64(alignment) == 0 else {
      throw .tensor(
        path: path, name: name,
        problem: "offset \(offset) is no multiple of the alignment \(alignment)")
    }
    guard dataOffset <= fileSize, offset <= UInt64(fileSize - dataOffset),
      byteCount <= fileSize - dataOffset - Int(offset)
    else {
      let start = UInt64(dataOffset).addingReportingOverflow(offset)
      let remaining =
        start.overflow || start.partialValue > UInt64(fileSize)
        ? 0 : fileSize - Int(start.partialValue)
      throw .truncated(
        path: path, offset: Int(clamping: start.overflow ? .max : start.partialValue),
        reading: "tensor '\(name)'", needed: UInt64(byteCount), remaining: remaining)
    }
    let start = dataOffset + Int(offset)
    return GGUFHeader.Tensor(
      name: name, type: type, shape: shape, range: start..<start + byteCount)
  }

  private static func unknownType(_ number: UInt32) -> String {
    // Names of type numbers that exist in ggml but cannot be read here.
    let known: [UInt32: String] = [
      9: "Q8_1", 15: "Q8_K", 19: "IQ1_S", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 40: "NVFP4",
    ]
    if let name = known[number] {
      return "its type is number \(number) (\(name)), which is not supported; "
        + "use the model in another quantisation"
    }
    return "its type is number \(number), which is unknown"
  }
}
