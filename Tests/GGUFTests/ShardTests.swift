import Foundation
import Testing

import GGUF

@Suite struct ShardTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func part(
    _ number: UInt16, of count: UInt16, tensors: UInt32 = 3, names: [String]? = nil
  ) -> FileImage {
    var image = FileImage()
    if number == 0 { image.add("general.name", type: 8, FileImage.string("whole")) }
    image.add("split.no", type: 2, FileImage.bytes(number))
    image.add("split.count", type: 2, FileImage.bytes(count))
    image.add("split.tensors.count", type: 5, FileImage.bytes(tensors))
    for (index, name) in (names ?? ["tensor\(number)"]).enumerated() {
      image.addTensor(name, type: 24, axes: [32], offset: UInt64(32 * index))
      image.data += [UInt8](repeating: UInt8(number), count: 32)
    }
    return image
  }

  private func write(_ image: FileImage, _ name: String) throws -> String {
    try directory.write(image.bytes, name)
  }

  private func problem(_ path: String) -> String {
    #expect(throws: GGUFError.self) { try GGUFFile.open(path) }?.description ?? ""
  }

  @Test func openFromAnyPart() throws {
    let paths = try (0..<3).map {
      try write(part(UInt16($0), of: 3), "m-0000\($0 + 1)-of-00003.gguf")
    }
    for path in paths {
      let file = try GGUFFile.open(path)
      #expect(file.path == path)
      #expect(file.partPaths == paths)
      #expect(file.metadata.string("general.name") == "whole")
      #expect(file.metadata.entries.map(\.key) == ["general.name"])
      #expect(file.tensors.map(\.name) == ["tensor0", "tensor1", "tensor2"])
      #expect(file.tensors.map { $0.bytes[0] } == [0, 1, 2])
      file.advise(file.tensors[2].bytes, .willNeed)
      try file.checkUnchanged()
    }
    let file = try GGUFFile.open(paths[0])
    try FileManager.default.removeItem(atPath: paths[2])
    let error = #expect(throws: GGUFError.self) { try file.checkUnchanged() }
    #expect(error?.description.contains(paths[2]) == true)
  }

  @Test func partsThatAreMissing() throws {
    let path = try write(part(1, of: 3), "m-00002-of-00003.gguf")
    let problem = problem(path)
    #expect(problem.contains("2 of the model's 3 parts are missing"))
    #expect(problem.contains("m-00001-of-00003.gguf"))
    #expect(problem.contains("m-00003-of-00003.gguf"))
  }

  @Test func partsThatContradict() throws {
    let first = try write(part(0, of: 2, tensors: 2), "m-00001-of-00002.gguf")
    _ = try write(part(1, of: 2, tensors: 5), "m-00002-of-00002.gguf")
    #expect(
      problem(first).contains(
        "expected part 2 of 2 with 2 tensors in all parts, "
          + "found part 2 of 2 with 5 tensors in all parts"))
    _ = try write(part(0, of: 2, tensors: 2), "m-00002-of-00002.gguf")
    #expect(problem(first).contains("found part 1 of 2"))
    _ = try write(FileImage.sample, "m-00002-of-00002.gguf")
    #expect(problem(first).contains("found a file that is no part of a model"))
    _ = try write(part(1, of: 2, tensors: 2, names: ["tensor0"]), "m-00002-of-00002.gguf")
    #expect(problem(first).contains("tensor 'tensor0': is in another part too"))
    _ = try write(part(1, of: 2, tensors: 2, names: ["a", "b"]), "m-00002-of-00002.gguf")
    #expect(problem(first).contains("announce 2 tensors together but hold 3"))
    _ = try write(part(1, of: 2, tensors: 2), "m-00002-of-00002.gguf")
    #expect(try GGUFFile.open(first).tensors.count == 2)
  }

  @Test func namesThatContradict() throws {
    #expect(
      problem(try write(part(0, of: 2), "model.gguf"))
        .contains("has to be named NAME-00001-of-00002.gguf"))
    #expect(
      problem(try write(part(1, of: 2), "m-00001-of-00002.gguf"))
        .contains("the name says part 1 of 2, the file itself says part 2 of 2"))
    #expect(
      problem(try write(part(4, of: 2), "m-00002-of-00002.gguf")).contains("no number from 0 to 1"))
    // One part of one is a whole model, and a name alone makes no part.
    #expect(try GGUFFile.open(write(part(0, of: 1, tensors: 1), "m.gguf")).tensors.count == 1)
    #expect(try GGUFFile.open(write(FileImage.sample, "m-00001-of-00009.gguf")).partCount == 1)
  }

  @Test(arguments: [
    ("a/b-00002-of-00003.gguf", 2, 3), ("-00001-of-00001.gguf", 1, 1),
    ("é-12345-of-99999.gguf", 12345, 99999),
  ]) func names(path: String, number: Int, count: Int) throws {
    let name = try #require(ShardName(path: path))
    #expect(name.number == number)
    #expect(name.count == count)
    #expect(name.path == path)
  }

  @Test(arguments: [
    "", ".gguf", "a.gguf", "a-00000-of-00003.gguf", "a-00004-of-00003.gguf", "a-0001-of-0003.gguf",
    "a-00001-of-00003.bin", "a-00001of-00003.gguf", "a-٠٠٠٠١-of-00003.gguf",
    "a00001-of-00003.gguf", "a-+0001-of-00003.gguf",
  ]) func otherNames(path: String) {
    #expect(ShardName(path: path) == nil)
  }
}
