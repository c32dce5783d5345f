import DurableFiles
import Foundation
import GGUF
import Testing

@Suite struct FailingDiskTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: FailingFiles.Step.allCases) func everyStep(step: FailingFiles.Step) throws {
    let old = try directory.write([1, 2, 3], "x.gguf")
    var image = FileImage()
    image.addTensor("big", type: 24, axes: [3 << 20], offset: 0)
    image.data = [UInt8](repeating: 9, count: 3 << 20)
    let source = try TemporaryDirectory()
    let file = try GGUFFile.open(source.write(image.bytes, "source.gguf"))
    let error = #expect(throws: GGUFError.self) {
      try GGUFWriter.write(
        old, metadata: file.metadata, tensors: file.tensors, using: FailingFiles(step: step))
    }
    let text = error?.description ?? ""
    #expect(text.contains(step.reason), "\(text)")
    #expect(text.contains("x.gguf'"), "\(text)")
    #expect(try directory.files == ["x.gguf"])
    let content = try Data(contentsOf: URL(fileURLWithPath: old))
    // When only the directory could not be flushed the new file is in place already.
    #expect(content.count == (step == .flushDirectory ? file.fileByteCount : 3))
  }
}

/// The system's files, one step of which fails.
struct FailingFiles: DurableFileOperations {
  enum Step: CaseIterable, Sendable {
    case create, write, flush, close, rename, flushDirectory

    var reason: String { self == .write ? "No space left on device" : "Input/output error" }
  }

  let step: Step
  let system = SystemFiles()

  private func fail(_ step: Step, _ path: String) throws(FileFailure) {
    if step == self.step {
      throw FileFailure(operation: "\(step)", path: path, reason: step.reason)
    }
  }

  func read(_ path: String, limit: Int) throws(FileFailure) -> [UInt8] {
    try system.read(path, limit: limit)
  }

  func create(_ path: String) throws(FileFailure) -> Int32 {
    try fail(.create, path)
    return try system.create(path)
  }

  func write(
    _ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String
  ) throws(FileFailure) -> Int {
    // A disk takes the first bytes before it is full.
    guard step == .write else { return try system.write(bytes, to: descriptor, path: path) }
    guard bytes.count > 4096 else {
      throw FileFailure(operation: "write", path: path, reason: step.reason)
    }
    return try system.write(bytes.dropLast(4096), to: descriptor, path: path)
  }

  func flush(_ descriptor: Int32, path: String) throws(FileFailure) {
    try fail(.flush, path)
    try system.flush(descriptor, path: path)
  }

  func close(_ descriptor: Int32, path: String) throws(FileFailure) {
    try system.close(descriptor, path: path)
    try fail(.close, path)
  }

  func rename(_ path: String, to target: String) throws(FileFailure) {
    try fail(.rename, target)
    try system.rename(path, to: target)
  }

  func flushDirectory(_ path: String) throws(FileFailure) {
    try fail(.flushDirectory, path)
    try system.flushDirectory(path)
  }

  func remove(_ path: String) { system.remove(path) }
}
