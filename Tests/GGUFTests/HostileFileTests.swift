import TensorFormats
import Testing

import GGUF

/// Files whose headers are wrong: every one is refused with words that say what is wrong where.
@Suite struct HostileFileTests {
  private func problem(
    _ image: FileImage, sourceLocation: SourceLocation = #_sourceLocation
  ) -> String {
    problem(image.bytes, sourceLocation: sourceLocation)
  }

  private func problem(
    _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) -> String {
    let error = #expect(throws: GGUFError.self, sourceLocation: sourceLocation) {
      try header(bytes)
    }
    return error?.description ?? ""
  }

  @Test func magicAndVersion() {
    var image = FileImage.sample
    image.magic = Array("GGML".utf8)
    #expect(problem(image).contains("47 47 4d 4c instead of 'GGUF'"))
    image.magic = Array("FUGG".utf8)
    #expect(problem(image).contains("byte order"))
    image = .sample
    image.version = UInt32(3).byteSwapped
    #expect(problem(image).contains("byte order"))
    for version in [UInt32(0), 1, 4, 65_537] {
      image.version = version
      #expect(problem(image).contains("version \(version)"))
    }
    image.version = 1
    #expect(problem(image).contains("convert the original model again"))
  }

  @Test(arguments: [UInt64(18), 1000, 1 << 32, 1 << 62, .max]) func hugeCounts(count: UInt64) {
    var image = FileImage.sample
    image.entryCount = count
    #expect(!problem(image).isEmpty)
    image = .sample
    image.tensorCount = count
    #expect(!problem(image).isEmpty)
    for type in UInt32(0)...12 {
      image = FileImage()
      image.addArray("a", of: type, count: count, [1, 2, 3])
      #expect(!problem(image).isEmpty)
    }
    image = FileImage()
    image.add("a", type: 8, FileImage.bytes(count) + [1, 2, 3])
    #expect(problem(image.header).contains("needs \(count) bytes"))
    image = FileImage()
    image.entries = [FileImage.bytes(count) + [1, 2, 3, 4, 5]]
    #expect(problem(image.header).contains("needs \(count) bytes"))
  }

  @Test func countsAreComparedBeforeAnythingIsRead() {
    var image = FileImage.sample
    image.tensorCount = 1 << 40
    #expect(problem(image).contains("\(1 << 40) do not fit into the"))
    image.tensorCount = nil
    image.entryCount = 1 << 40
    #expect(problem(image).contains("the number of metadata entries at offset 16"))
  }

  @Test func metadataTypesAndValues() {
    for type in [UInt32(13), 100, .max] {
      var image = FileImage()
      image.add("key", type: type, [0, 0, 0, 0, 0, 0, 0, 0])
      #expect(problem(image).contains("there is no type \(type)"))
      image = FileImage()
      image.addArray("key", of: type, count: 0, [])
      #expect(problem(image).contains("there is no type \(type)"))
    }
    var image = FileImage()
    image.add("key", type: 7, [2])
    #expect(problem(image).contains("a bool is 0 or 1, not 2"))
    image = FileImage()
    image.addArray("key", of: 7, count: 3, [0, 1, 9])
    #expect(problem(image).contains("a bool is 0 or 1, not 9"))
    image = FileImage.sample
    image.add("a.int8", type: 1, [0])
    #expect(problem(image).contains("key 'a.int8' occurs twice"))
    image = FileImage()
    image.entries = [FileImage.string([0xC3, 0x28]) + FileImage.bytes(UInt32(0)) + [1]]
    #expect(problem(image).contains("the name is not UTF-8"))
  }

  @Test func stringsNeedNotBeUnicode() throws {
    var image = FileImage()
    image.add("key", type: 8, FileImage.string([0xFF, 0xC0, 0x80, 0x41]))
    let metadata = try header(image.bytes).metadata
    #expect(metadata["key"] == .string([0xFF, 0xC0, 0x80, 0x41]))
    #expect(metadata.string("key") == "\u{FFFD}\u{FFFD}\u{FFFD}A")
  }

  @Test func nestedArrays() throws {
    func nested(_ depth: Int) -> FileImage {
      var elements: [UInt8] = []
      for _ in 1..<depth { elements += FileImage.bytes(UInt32(9)) + FileImage.bytes(UInt64(1)) }
      elements += FileImage.bytes(UInt32(0)) + FileImage.bytes(UInt64(0))
      var image = FileImage()
      image.add("key", type: 9, elements)
      return image
    }
    #expect(try header(nested(8).bytes).metadata["key"]?.arrayValue?.count == 1)
    #expect(problem(nested(9)).contains("nested deeper than 8"))
    #expect(problem(nested(100_000)).contains("nested deeper than 8"))
  }

  @Test func alignment() throws {
    for value in [UInt64(0), 1, 4, 24, 33, 1 << 31, 1 << 63, .max] {
      var image = FileImage.sample
      image.add("general.alignment", type: 10, FileImage.bytes(value))
      #expect(problem(image).contains("general.alignment"), "\(value)")
    }
    for (type, value) in [
      (UInt32(8), FileImage.string("32")), (6, FileImage.bytes(Float(32).bitPattern)),
      (5, FileImage.bytes(Int32(-32))),
    ] {
      var image = FileImage.sample
      image.add("general.alignment", type: type, value)
      #expect(problem(image).contains("general.alignment"))
    }
    var image = FileImage.sample
    image.add("general.alignment", type: 4, FileImage.bytes(UInt32(1 << 30)))
    #expect(problem(image).contains("at offset \(1 << 30) needs"))
    image.tensors = []
    #expect(try header(image.bytes).tensors.isEmpty)
  }

  private func tensorProblem(
    type: UInt32 = 0, axes: [UInt64], offset: UInt64 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> String {
    var image = FileImage()
    image.addTensor("the.tensor", type: type, axes: axes, offset: offset)
    image.data = [UInt8](repeating: 0, count: 256)
    let problem = problem(image, sourceLocation: sourceLocation)
    #expect(problem.contains("the.tensor"), sourceLocation: sourceLocation)
    return problem
  }

  @Test func tensorShapes() {
    #expect(tensorProblem(axes: [1, 1, 1, 1, 1]).contains("5 axes; 4 are the most"))
    #expect(tensorProblem(axes: [0]).contains("axis 0 has length 0"))
    #expect(tensorProblem(axes: [4, 0]).contains("axis 1 has length 0"))
    #expect(tensorProblem(axes: [1 << 63]).contains("axis 0 has length"))
    #expect(tensorProblem(axes: [.max]).contains("axis 0 has length"))
    #expect(tensorProblem(axes: [1 << 32, 1 << 31]).contains("more values than 63 bits count"))
    #expect(tensorProblem(axes: [1 << 62]).contains("no whole number of F32 blocks"))
    #expect(tensorProblem(axes: [1 << 31, 1 << 31]).contains("more bytes than 63 bits count"))
    #expect(tensorProblem(type: 8, axes: [33]).contains("no whole number of Q8_0 blocks"))
    #expect(tensorProblem(type: 10, axes: [128, 2]).contains("(256 values each)"))
    #expect(tensorProblem(axes: [65]).contains("needs 260 bytes, but only 256 remain"))
  }

  @Test func tensorTypes() {
    #expect(tensorProblem(type: 4, axes: [32]).contains("number 4, which is unknown"))
    #expect(tensorProblem(type: .max, axes: [32]).contains("number 4294967295"))
    #expect(tensorProblem(type: 19, axes: [256]).contains("19 (IQ1_S), which is not supported"))
  }

  @Test func tensorOffsets() {
    #expect(tensorProblem(axes: [4], offset: 8).contains("no multiple of the alignment 32"))
    #expect(tensorProblem(axes: [4], offset: 256).contains("only 0 remain"))
    #expect(tensorProblem(axes: [64], offset: 32).contains("needs 256 bytes, but only 224"))
    #expect(tensorProblem(axes: [4], offset: 1 << 62).contains("needs 16 bytes, but only 0"))
    #expect(tensorProblem(axes: [4], offset: UInt64.max - 31).contains("only 0 remain"))
    var image = FileImage()
    image.addTensor("one", type: 0, axes: [16], offset: 0)
    image.addTensor("two", type: 0, axes: [4], offset: 32)
    image.data = [UInt8](repeating: 0, count: 64)
    #expect(problem(image).contains("tensor 'two': its bytes overlap those of 'one'"))
    image.tensors = []
    image.addTensor("one", type: 0, axes: [4], offset: 0)
    image.addTensor("one", type: 0, axes: [4], offset: 32)
    #expect(problem(image).contains("tensor 'one': occurs twice"))
  }

  @Test func namesCannotCommandTerminals() {
    var image = FileImage()
    image.addTensor("\u{1B}[2Jevil\u{202E}\n", type: 99, axes: [4], offset: 0)
    let problem = problem(image)
    #expect(problem.contains("[2Jevil"))
    #expect(
      problem.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
    image.tensors = []
    image.addTensor(String(repeating: "long", count: 10_000), type: 99, axes: [4], offset: 0)
    #expect(self.problem(image).count < 1000)
  }
}

/// Reads a header from memory.
func header(_ bytes: [UInt8]) throws -> GGUFHeader {
  try bytes.withUnsafeBytes { try GGUFHeader($0, path: "x.gguf") }
}

/// Files damaged at random: the reader says so or finds everything inside the file, and never crashes.
@Suite struct DamagedFileTests {
  private static let samples: [[UInt8]] = {
    var old = FileImage.sample
    old.version = 2
    var part = FileImage.sample
    part.add("split.count", type: 2, FileImage.bytes(UInt16(2)))
    part.add("general.alignment", type: 4, FileImage.bytes(UInt32(64)))
    part.alignment = 64
    part.tensors = []
    for index in 0..<12 {
      part.addTensor("blk.\(index)", type: 8, axes: [32, 1], offset: UInt64(64 * index))
    }
    part.data = [UInt8](repeating: 1, count: 64 * 11 + 34)
    var words = FileImage()
    words.addArray(
      "words", of: 8, count: 40, (0..<40).flatMap { FileImage.string("word\($0)") })
    return [FileImage.sample.bytes, old.bytes, part.bytes, words.header]
  }()

  /// Reads a header that may be damaged, checks what is promised about accepted ones, and says if it was accepted.
  private func isAccepted(_ bytes: [UInt8], _ note: @autoclosure () -> Comment) -> Bool {
    do throws(GGUFError) {
      let result = bytes.withUnsafeBytes { image in
        Result { () throws(GGUFError) in try GGUFHeader(image, path: "x.gguf") }
      }
      let header = try result.get()
      var end = 0
      for tensor in header.tensors.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        let size = tensor.type.byteCount(values: tensor.shape.reduce(1, *))
        if tensor.range.lowerBound < end || tensor.range.upperBound > bytes.count
          || tensor.range.count != size || tensor.shape.count > 4
        {
          Issue.record(note())
        }
        end = tensor.range.upperBound
      }
      var held = 0
      for entry in header.metadata.entries { held += 1 + (entry.value.arrayValue?.count ?? 0) }
      if held > bytes.count { Issue.record(note()) }
      return true
    } catch {
      if error.description.isEmpty { Issue.record(note()) }
      return false
    }
  }

  @Test(arguments: 0..<4) func cutAtEveryByte(sample: Int) {
    let bytes = Self.samples[sample]
    #expect(isAccepted(bytes, "whole"))
    // The last tensor's bytes are the end of the file, so no shorter one is whole.
    for count in 0..<bytes.count where isAccepted(Array(bytes[..<count]), "cut at \(count)") {
      Issue.record("accepted when cut at \(count)")
    }
  }

  @Test(arguments: 0..<8) func mutations(part: Int) {
    let seed = UInt64(part) + 1
    var random = SeededGenerator(seed)
    let interesting: [UInt64] = [
      0, 1, 2, 7, 8, 9, 12, 13, 31, 32, 33, 255, 256, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63,
      .max, .max - 1, .max - 31,
    ]
    var accepted = 0
    for round in 0..<15_000 {
      let original = Self.samples[Int.random(in: 0..<4, using: &random)]
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 8 {
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...7, using: &random) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 1: bytes[position] = .random(in: 0...255, using: &random)
        case 2, 3:
          let value = interesting[Int.random(in: 0..<interesting.count, using: &random)]
          let image = FileImage.bytes(value).prefix(Bool.random(using: &random) ? 4 : 8)
          for (offset, byte) in image.enumerated() where position + offset < bytes.count {
            bytes[position + offset] = byte
          }
        case 4: bytes.removeSubrange(position..<min(bytes.count, position + 8))
        case 5: bytes.insert(contentsOf: bytes[position...].prefix(16), at: position)
        case 6: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random) / 4)
        default: bytes.swapAt(position, Int.random(in: 0..<bytes.count, using: &random))
        }
      }
      if isAccepted(bytes, "seed \(seed), round \(round)") { accepted += 1 }
    }
    // Both outcomes occur, so the mutations reach deep into headers.
    #expect(accepted > 500 && accepted < 14_500, "seed \(seed): \(accepted)")
  }
}
