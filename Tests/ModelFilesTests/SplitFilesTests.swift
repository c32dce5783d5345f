import DurableFiles
import Foundation
import GGUF
import ModelFiles
import Testing

@Suite struct SplitFilesTests {
  let directory: TemporaryDirectory
  let model: GGUFFile

  init() throws {
    directory = try TemporaryDirectory()
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("sample")
    metadata["sample.words"] = .array(MetadataArray(["a", "b"]))
    model = try writeModel(
      "\(directory.path)/m.gguf", metadata: metadata,
      (0..<7).map { ("t\($0)", $0 % 2 == 0 ? .f32 : .q8_0, [32, $0 + 1]) })
  }

  private func expectSame(_ other: GGUFFile) {
    #expect(other.metadata == model.metadata)
    #expect(other.tensors.map(\.name) == model.tensors.map(\.name))
    for (one, two) in zip(model.tensors, other.tensors) {
      #expect(one.type == two.type && one.shape == two.shape)
      #expect(one.bytes.elementsEqual(two.bytes))
    }
  }

  @Test(arguments: [
    (SplitFiles.Limit.tensors(1), 7), (.tensors(3), 3), (.tensors(7), 1), (.tensors(100), 1),
    (.bytes(1), 7), (.bytes(1000), 3), (.bytes(1 << 40), 1),
  ]) func splitAndMerge(limit: SplitFiles.Limit, parts: Int) throws {
    var steps: [(Int, Int)] = []
    let paths = try SplitFiles.split(
      model, base: "\(directory.path)/s", limit: limit, progress: { steps.append(($0, $1)) })
    #expect(paths.count == parts)
    #expect(steps.count == 7)
    #expect(steps.last?.0 == steps.last?.1)
    for path in paths {
      let whole = try GGUFFile.open(path)
      #expect(whole.partCount == parts)
      expectSame(whole)
    }
    let merged = "\(directory.path)/merged.gguf"
    try SplitFiles.merge(GGUFFile.open(paths[parts - 1]), to: merged)
    // Merging gives back the very bytes.
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: merged))
        == Data(contentsOf: URL(fileURLWithPath: model.path)))
  }

  @Test func everyPartStaysWithinItsLimit() throws {
    let paths = try SplitFiles.split(model, base: "\(directory.path)/s", limit: .bytes(1000))
    let first = try GGUFFile.open(paths[0])
    #expect(first.tensors.reduce(0) { $0 + $1.bytes.count } > 2000)
    for path in paths {
      let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
      // The limit is on tensors; the header and padding come on top.
      #expect(size < 1000 + 600)
    }
  }

  @Test func impossibleRequests() throws {
    for limit in [SplitFiles.Limit.bytes(0), .tensors(0), .bytes(-5)] {
      #expect(throws: ModelFileError.self) {
        try SplitFiles.split(model, base: "\(directory.path)/s", limit: limit)
      }
    }
    let paths = try SplitFiles.split(model, base: "\(directory.path)/s", limit: .tensors(4))
    let whole = try GGUFFile.open(paths[0])
    let error = #expect(throws: ModelFileError.self) { try SplitFiles.merge(whole, to: paths[1]) }
    #expect(error?.description.contains("choose another name") == true)
    #expect(throws: ModelFileError.self) {
      try SplitFiles.split(whole, base: "\(directory.path)/s", limit: .tensors(4))
    }
    expectSame(whole)
  }

  @Test func fullDiskLeavesNothing() throws {
    let error = #expect(throws: ModelFileError.self) {
      try SplitFiles.split(
        model, base: "\(directory.path)/s", limit: .tensors(2), using: DiskOfSomeFiles(room: 2))
    }
    #expect(error?.description.contains("No space left on device") == true)
    #expect(try directory.files == ["m.gguf"])
  }

  @Test func sourceThatChangesMeanwhile() throws {
    let path = model.path
    let error = #expect(throws: ModelFileError.self) {
      try SplitFiles.split(
        model, base: "\(directory.path)/s", limit: .tensors(2),
        progress: { done, total in if done * 2 > total { truncate(path, 600) } })
    }
    #expect(error?.description.contains("m.gguf") == true)
    #expect(try directory.files == ["m.gguf"])
  }
}

/// The system's files on a disk that has room for a number of files.
private final class DiskOfSomeFiles: DurableFileOperations {
  private var room: Int
  private let system = SystemFiles()

  init(room: Int) { self.room = room }

  func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8] {
    try system.read(path, limit: limit)
  }

  func create(_ path: String) throws(FileFailure) -> Int32 {
    room -= 1
    return try system.create(path)
  }

  func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String
  ) throws(FileFailure) -> Int {
    guard room >= 0 else {
      throw FileFailure(operation: "write", path: path, reason: "No space left on device")
    }
    return try system.write(bytes, to: descriptor, path: path)
  }

  func flush(_ descriptor: Int32, path: String) throws(FileFailure) {
    try system.flush(descriptor, path: path)
  }

  func close(_ descriptor: Int32, path: String) throws(FileFailure) {
    try system.close(descriptor, path: path)
  }

  func rename(_ path: String, to target: String) throws(FileFailure) {
    try system.rename(path, to: target)
  }

  func flushDirectory(_ path: String) throws(FileFailure) { try system.flushDirectory(path) }

  func remove(_ path: String) { system.remove(path) }
}
