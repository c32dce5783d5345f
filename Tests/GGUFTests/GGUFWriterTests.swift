import Foundation
import GGUF
import TensorFormats
import Testing

@Suite struct GGUFWriterTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func expectSame(_ one: GGUFFile, _ other: GGUFFile) {
    #expect(one.metadata == other.metadata)
    #expect(one.tensors.map(\.name) == other.tensors.map(\.name))
    for (first, second) in zip(one.tensors, other.tensors) {
      #expect(first.type == second.type)
      #expect(first.shape == second.shape)
      #expect(first.bytes.elementsEqual(second.bytes), "\(first.name)")
    }
  }

  @Test func readWriteRead() throws {
    let original = try GGUFFile.open(directory.write(FileImage.sample.bytes, "a.gguf"))
    let path = "\(directory.path)/b.gguf"
    try GGUFWriter.write(path, metadata: original.metadata, tensors: original.tensors)
    let copy = try GGUFFile.open(path)
    expectSame(original, copy)
    // The sample was put together by hand, without a gap; apart from padding at the end the bytes are the same.
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(bytes.starts(with: FileImage.sample.bytes))
    #expect(bytes.count == copy.fileByteCount)
    #expect(try directory.files == ["a.gguf", "b.gguf"])
  }

  @Test(arguments: [8, 32, 64, 4096]) func alignments(alignment: Int) throws {
    let original = try GGUFFile.open(directory.write(FileImage.sample.bytes, "a.gguf"))
    let path = "\(directory.path)/b.gguf"
    try GGUFWriter.write(
      path, metadata: original.metadata, tensors: original.tensors, alignment: alignment)
    let copy = try GGUFFile.open(path)
    for (first, second) in zip(original.tensors, copy.tensors) {
      #expect(first.bytes.elementsEqual(second.bytes))
      let address = try #require(second.bytes.baseAddress)
      // A mapping begins at a page, so offsets in the file are aligned as addresses are.
      #expect(Int(bitPattern: address) % alignment == 0)
    }
    let key = "general.alignment"
    #expect(copy.metadata.integer(key) == (alignment == 32 ? nil : alignment))
    // And once more, with the alignment taken from the metadata.
    try GGUFWriter.write("\(path)2", metadata: copy.metadata, tensors: copy.tensors)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: "\(path)2"))
        == Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test(arguments: [UInt64(1), 2, 3]) func randomFiles(seed: UInt64) throws {
    var random = SeededGenerator(seed)
    for _ in 0..<20 {
      var metadata = GGUFMetadata()
      for index in 0..<Int.random(in: 0...30, using: &random) {
        metadata["key.\(index)"] = Self.value(using: &random, depth: 0)
      }
      let types = TensorType.allCases
      var contents: [[UInt8]] = []
      var tensors: [GGUFWriter.Tensor] = []
      for index in 0..<Int.random(in: 0...10, using: &random) {
        let type = types[Int.random(in: 0..<types.count, using: &random)]
        var shape = [type.valuesPerBlock * Int.random(in: 1...3, using: &random)]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          shape.append(Int.random(in: 1...4, using: &random))
        }
        let tensor = try GGUFWriter.Tensor(name: "t\(index).weight", type: type, shape: shape)
        tensors.append(tensor)
        contents.append(
          (0..<tensor.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
      }
      let path = "\(directory.path)/r.gguf"
      let output = try GGUFWriter(metadata: metadata, tensors: tensors).begin(path)
      for (tensor, content) in zip(tensors, contents) {
        // In two pieces.
        let middle = Int.random(in: 0...content.count, using: &random)
        try content[..<middle].withUnsafeBytes { try output.append($0, to: tensor.name) }
        if middle < content.count {
          try content[middle...].withUnsafeBytes { try output.append($0, to: tensor.name) }
        }
      }
      try output.finish()
      let file = try GGUFFile.open(path)
      #expect(file.metadata == metadata, "seed \(seed)")
      #expect(file.tensors.map { Array($0.bytes) } == contents, "seed \(seed)")
      #expect(file.tensors.map(\.shape) == tensors.map(\.shape))
      #expect(file.tensors.map(\.type) == tensors.map(\.type))
    }
  }

  private static func value(
    using random: inout SeededGenerator, depth: Int
  ) -> MetadataValue {
    func bits() -> UInt64 { random.next() }
    func text() -> [UInt8] {
      (0..<Int.random(in: 0...20, using: &random)).map { _ in .random(in: 0...255, using: &random) }
    }
    let count = Int.random(in: 0...5, using: &random)
    switch Int.random(in: 0...(depth < 3 ? 20 : 19), using: &random) {
    case 0: return .uint8(UInt8(truncatingIfNeeded: bits()))
    case 1: return .int8(Int8(truncatingIfNeeded: bits()))
    case 2: return .uint16(UInt16(truncatingIfNeeded: bits()))
    case 3: return .int16(Int16(truncatingIfNeeded: bits()))
    case 4: return .uint32(UInt32(truncatingIfNeeded: bits()))
    case 5: return .int32(Int32(truncatingIfNeeded: bits()))
    case 6: return .float32(Float.random(in: -1e30...1e30, using: &random))
    case 7: return .bool(Bool.random(using: &random))
    case 8: return .uint64(bits())
    case 9: return .int64(Int64(bitPattern: bits()))
    case 10: return .float64(Double.random(in: -1e300...1e300, using: &random))
    case 11: return .string(text())
    case 12: return .array(MetadataArray((0..<count).map { Int32($0) - 2 }))
    case 13: return .array(MetadataArray((0..<count).map { Float($0) / 3 }))
    case 14: return .array(MetadataArray((0..<count).map { $0 % 2 == 0 }))
    case 15: return .array(MetadataArray(byteStrings: (0..<count).map { _ in text() }))
    case 16: return .array(MetadataArray((0..<count).map { Int64($0) << 40 }))
    case 17: return .array(MetadataArray((0..<count).map { UInt32($0) }))
    case 18: return .array(MetadataArray((0..<count).map { UInt8($0) }))
    case 19: return .array(MetadataArray((0..<count).map { Double($0) / 7 }))
    default:
      return .array(
        MetadataArray(
          (0..<count).map { _ in
            value(using: &random, depth: depth + 1).arrayValue ?? MetadataArray(["leaf"])
          }))
    }
  }

  @Test func whatCannotBeWritten() throws {
    for (shape, words) in [
      ([1, 1, 1, 1, 1], "up to four"), ([0], "up to four"), ([-1], "up to four"),
      ([31], "no whole number of Q8_0 blocks"), ([1 << 40, 1 << 40], "too large"),
    ] {
      let error = #expect(throws: GGUFError.self) {
        try GGUFWriter.Tensor(name: "x", type: .q8_0, shape: shape)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    let tensor = try GGUFWriter.Tensor(name: "x", type: .f32, shape: [4])
    let large = try GGUFWriter.Tensor(name: "y", type: .f32, shape: [1 << 60])
    let larger = try GGUFWriter.Tensor(name: "z", type: .f32, shape: [1 << 60])
    #expect(throws: GGUFError.self) {
      try GGUFWriter(metadata: GGUFMetadata(), tensors: [tensor, tensor])
    }
    #expect(throws: GGUFError.self) {
      try GGUFWriter(metadata: GGUFMetadata(), tensors: [large, larger])
    }
    for alignment in [0, -8, 4, 24, 1 << 31] {
      #expect(throws: GGUFError.self) {
        try GGUFWriter(metadata: GGUFMetadata(), tensors: [], alignment: alignment)
      }
    }
  }

  @Test func bytesThatDoNotFit() throws {
    let tensor = try GGUFWriter.Tensor(name: "x", type: .f32, shape: [4])
    let writer = try GGUFWriter(metadata: GGUFMetadata(), tensors: [tensor])
    let path = "\(directory.path)/x.gguf"
    let output = try writer.begin(path)
    let bytes = [UInt8](repeating: 1, count: 17)
    #expect(throws: GGUFError.self) {
      try bytes[..<4].withUnsafeBytes { try output.append($0, to: "other") }
    }
    #expect(throws: GGUFError.self) {
      try bytes.withUnsafeBytes { try output.append($0, to: "x") }
    }
    try bytes[..<15].withUnsafeBytes { try output.append($0, to: "x") }
    let error = #expect(throws: GGUFError.self) { try output.finish() }
    #expect(error?.description.contains("only 15 of 16 bytes") == true)
    #expect(try directory.files == [])
  }

  @Test func nothingIsLeftWithoutFinish() throws {
    let tensor = try GGUFWriter.Tensor(name: "x", type: .f32, shape: [4])
    let path = try directory.write([1, 2, 3], "x.gguf")
    do {
      let output = try GGUFWriter(metadata: GGUFMetadata(), tensors: [tensor]).begin(path)
      try [UInt8](repeating: 1, count: 16).withUnsafeBytes { try output.append($0, to: "x") }
      #expect(try directory.files.count == 2)
    }
    #expect(try directory.files == ["x.gguf"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1, 2, 3]))
  }
}
