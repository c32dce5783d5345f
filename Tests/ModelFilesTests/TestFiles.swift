import Foundation
import GGUF
import TensorFormats

/// A directory that disappears with the test.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("maslin-models-\(UInt64.random(in: 0 ... .max))").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

/// Writes a small GGUF file whose tensors hold counting bytes.
@discardableResult
func writeModel(
  _ path: String, metadata: GGUFMetadata = GGUFMetadata(),
  _ tensors: [(name: String, type: TensorType, shape: [Int])]
) throws -> GGUFFile {
  let descriptions = try tensors.map {
    try GGUFWriter.Tensor(name: $0.name, type: $0.type, shape: $0.shape)
  }
  let output = try GGUFWriter(metadata: metadata, tensors: descriptions).begin(path)
  for (index, tensor) in descriptions.enumerated() {
    let bytes = (0..<tensor.byteCount).map { UInt8(truncatingIfNeeded: $0 + index) }
    try bytes.withUnsafeBytes { try output.append($0, to: tensor.name) }
  }
  try output.finish()
  return try GGUFFile.open(path)
}
