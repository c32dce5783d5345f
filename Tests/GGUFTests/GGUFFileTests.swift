import Foundation
import GGUF
import TensorFormats
import Testing

@Suite struct GGUFFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [UInt32(2), 3]) func everyMetadataType(version: UInt32) throws {
    var image = FileImage.sample
    image.version = version
    let file = try GGUFFile.open(directory.write(image.bytes, "a.gguf"))
    let metadata = file.metadata
    #expect(file.version == Int(version))
    #expect(metadata.string("general.architecture") == "sample")
    #expect(metadata["a.uint8"] == .uint8(200))
    #expect(metadata["a.int8"] == .int8(-128))
    #expect(metadata["a.uint16"] == .uint16(65_535))
    #expect(metadata["a.int16"] == .int16(-2))
    #expect(metadata.integer("a.uint32") == 4_294_967_295)
    #expect(metadata.integer("a.int32") == -2_147_483_648)
    #expect(metadata.number("a.float32") == 1.5)
    #expect(metadata.bool("a.bool") == true)
    #expect(metadata["a.uint64"] == .uint64(.max))
    #expect(metadata.integer("a.uint64") == nil)
    #expect(metadata.integer("a.int64") == .min)
    #expect(metadata.number("a.float64") == -0.1)
    #expect(metadata.byteStrings("b.strings") == [Array("one".utf8), [], [0xFF, 0x20]])
    #expect(metadata.strings("b.strings") == ["one", "", "\u{FFFD} "])
    #expect(metadata.integers("b.int32") == [-1, 7])
    #expect(metadata.numbers("b.int32") == [-1, 7])
    #expect(metadata.bools("b.bools") == [false, true, false])
    #expect(metadata["b.empty"]?.arrayValue?.elementType == .float32)
    #expect(metadata["b.empty"]?.arrayValue?.count == 0)
    let nested = try #require(metadata["b.nested"]?.arrayValue?.arrays)
    #expect(nested.map(\.count) == [2, 1])
    #expect(nested[0].integers == [1, 2])
    #expect(nested[1].strings == ["x"])
    #expect(metadata.integer("absent") == nil)
    #expect(metadata.entries.map(\.key).prefix(3) == ["general.architecture", "a.uint8", "a.int8"])
    #expect(metadata.count == 17)
  }

  @Test func tensors() throws {
    let file = try GGUFFile.open(directory.write(FileImage.sample.bytes, "a.gguf"))
    #expect(file.tensors.map(\.name) == ["first", "second", "third"])
    let second = try #require(file.tensor("second"))
    #expect(second.type == .q8_0)
    #expect(second.shape == [32, 1, 2])
    #expect(Array(second.bytes) == Array(32..<100))
    let third = try #require(file.tensor("third"))
    #expect(third.shape == [])
    #expect(Array(third.bytes) == [128, 129, 130, 131])
    #expect(file.tensor("fourth") == nil)
    try file.checkUnchanged()
    for advice in [MemoryAdvice.willNeed, .sequential, .random, .dontNeed] {
      file.advise(second.bytes, advice)
    }
    #expect(Array(second.bytes) == Array(32..<100))
  }

  @Test func metadataKeepsItsOrder() {
    var metadata = GGUFMetadata()
    for key in ["z", "y", "x", "w"] { metadata[key] = .string(key) }
    metadata["y"] = .bool(true)
    metadata["x"] = nil
    metadata["absent"] = nil
    #expect(metadata.entries.map(\.key) == ["z", "y", "w"])
    #expect(metadata["w"] == .string("w"))
    #expect(metadata.bool("y") == true)
    metadata["x"] = .int8(1)
    #expect(metadata.entries.map(\.key) == ["z", "y", "w", "x"])
  }

  @Test func missingAndStrangeFiles() throws {
    for (path, words) in [
      ("\(directory.path)/none.gguf", "No such file"), (directory.path, "no regular file"),
      (try directory.write([], "empty.gguf"), "is empty"),
      (try directory.write([1], "one.gguf"), "only 1 bytes"),
      (try directory.write(Array("PK\u{3}\u{4}....".utf8), "zip.gguf"), "50 4b 3 4"),
    ] {
      let error = #expect(throws: GGUFError.self) { try GGUFFile.open(path) }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }
}

@Suite struct ChangedFileTests {
  let directory: TemporaryDirectory
  let path: String
  let file: GGUFFile

  init() throws {
    directory = try TemporaryDirectory()
    var image = FileImage()
    image.addTensor("big", type: 24, axes: [1 << 20], offset: 0)
    image.data = [UInt8](repeating: 7, count: 1 << 20)
    path = try directory.write(image.bytes, "a.gguf")
    file = try GGUFFile.open(path)
  }

  private func problem() -> String {
    #expect(throws: GGUFError.self) { try file.checkUnchanged() }?.description ?? ""
  }

  @Test func truncatedWhileMapped() throws {
    let bytes = try #require(file.tensor("big")).bytes
    #expect(bytes[1 << 19] == 7)
    #expect(truncate(path, 100_000) == 0)
    var sum = 0
    for byte in bytes { sum += Int(byte) }
    #expect(sum < 7 << 20)
    #expect(bytes.last == 0)
    #expect(problem().contains("truncated while it was in use"))
  }

  @Test func truncatedFromSeveralThreads() async throws {
    let tensor = try #require(file.tensor("big"))
    #expect(truncate(path, 4096) == 0)
    let sums = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask { tensor.bytes.reduce(0) { $0 + Int($1) } }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(sums).count == 1)
    #expect(problem().contains("pages were gone"))
  }

  @Test func truncatedBeforeAnyRead() {
    #expect(truncate(path, 100) == 0)
    #expect(problem().contains("changed its size from"))
  }

  @Test func written() throws {
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data([0]))
    try handle.close()
    #expect(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
    #expect(problem().contains("was written to"))
  }

  @Test func replacedAndRemoved() throws {
    let copy = try directory.write([1], "b")
    #expect(rename(copy, path) == 0)
    #expect(problem().contains("was replaced"))
    #expect(unlink(path) == 0)
    #expect(problem().contains("was removed"))
  }

  @Test func manyMappingsComeAndGo() throws {
    for _ in 0..<300 { _ = try GGUFFile.open(path) }
    let second = try GGUFFile.open(path)
    #expect(truncate(path, 4096) == 0)
    // Only the mapping whose pages were read has lost any.
    #expect(try #require(second.tensor("big")).bytes.last == 0)
    let error = #expect(throws: GGUFError.self) { try second.checkUnchanged() }
    #expect(error?.description.contains("pages were gone") == true)
    #expect(problem().contains("changed its size"))
  }
}
