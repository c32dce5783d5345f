import DurableFiles
import Foundation
import GGUF
import ModelFiles
import Testing

@Suite struct ModelRegistryTests {
  let directory: TemporaryDirectory
  let registryPath: String

  init() throws {
    directory = try TemporaryDirectory()
    registryPath = "\(directory.path)/models.json"
  }

  private func addModel(_ name: String) throws -> String {
    let path = "\(directory.path)/\(name).gguf"
    try writeModel(path, [("t", .f32, [8])])
    return path
  }

  @Test func addWriteReadRemove() throws {
    var registry = try ModelRegistry(readingFrom: registryPath)
    #expect(registry.entries.isEmpty)
    let path = try addModel("Qwen3-4B-Q4_K_M")
    var steps: [Int] = []
    let entry = try registry.add(
      path, added: 1_790_000_000, progress: { done, _ in steps.append(done) })
    #expect(entry.name == "Qwen3-4B-Q4_K_M")
    #expect(entry.path == path)
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(entry.byteCount == bytes.count)
    #expect(steps == [bytes.count])
    #expect(entry.files[0].sha256 == SHA256.hexadecimal(SHA256.hash(bytes)))
    try registry.add(addModel("b"), name: "another", added: 5)
    try registry.write(to: registryPath)
    let read = try ModelRegistry(readingFrom: registryPath)
    #expect(read == registry)
    #expect(read.entries.map(\.name) == ["Qwen3-4B-Q4_K_M", "another"])
    registry = read
    #expect(try registry.remove("another").added == 5)
    #expect(registry.entries.count == 1)
    #expect(throws: ModelFileError.self) { try registry.remove("another") }
  }

  @Test func names() throws {
    var registry = ModelRegistry()
    let path = try addModel("x")
    for name in ["qwen3-4b", "Qwen3-8b", "llama"] { try registry.add(path, name: name, added: 0) }
    #expect(try registry.find("LLA")?.name == "llama")
    #expect(try registry.find("Qwen3-8")?.name == "Qwen3-8b")
    #expect(try registry.find("none") == nil)
    let error = #expect(throws: ModelFileError.self) { try registry.find("qwen3") }
    #expect(error?.description.contains("Qwen3-8b, qwen3-4b") == true)
    #expect(throws: ModelFileError.self) { try registry.add(path, name: "llama", added: 0) }
    #expect(throws: ModelFileError.self) { try registry.add(path, name: "", added: 0) }
    #expect(throws: ModelFileError.self) { try registry.add(registryPath, added: 0) }
    // A name of one model that begins another's.
    try registry.add(path, name: "qwen3", added: 0)
    #expect(try registry.find("qwen3")?.name == "qwen3")
  }

  @Test func changes() throws {
    var registry = ModelRegistry()
    let path = try addModel("x")
    let entry = try registry.add(path, added: 0)
    #expect(ModelRegistry.state(of: entry) == .unchanged)
    #expect(utimes(path, [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]) == 0)
    #expect(ModelRegistry.state(of: entry) == .changed(path: path))
    #expect(unlink(path) == 0)
    #expect(ModelRegistry.state(of: entry) == .missing(path: path))
  }

  @Test func modelsInParts() throws {
    let model = try writeModel(
      "\(directory.path)/whole.gguf", [("a", .f32, [8]), ("b", .f32, [8])])
    let paths = try SplitFiles.split(model, base: "\(directory.path)/deep", limit: .tensors(1))
    var registry = ModelRegistry()
    let entry = try registry.add(paths[1], added: 0)
    #expect(entry.name == "deep")
    #expect(entry.files.map(\.path) == paths)
    #expect(unlink(paths[1]) == 0)
    #expect(ModelRegistry.state(of: entry) == .missing(path: paths[1]))
  }

  @Test(arguments: [
    "", "{", "[]", "{}", #"{"version":2,"models":[]}"#, #"{"version":1}"#,
    #"{"version":1,"models":[{}]}"#, #"{"version":1,"models":[{"name":"a","added":0,"files":[]}]}"#,
    #"{"version":1,"models":[{"name":"a","added":0,"files":[{"path":"/a","bytes":-1,"modified_ns":0,"sha256":""}]}]}"#,
  ]) func damagedRegistries(text: String) throws {
    try directory.write(Array(text.utf8), "models.json")
    let error = #expect(throws: ModelFileError.self) {
      try ModelRegistry(readingFrom: registryPath)
    }
    #expect(error?.description.contains("models.json") == true)
  }
}
