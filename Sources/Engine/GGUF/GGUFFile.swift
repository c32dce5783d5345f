import TensorFormats

/// A model file, or all files of a model in several parts, mapped for reading.
///
/// Everything that the header says is checked when the file is opened. The views of tensors stay valid for as long as
/// this object lives.
public final class GGUFFile: Sendable {
  /// The path given to `open`.
  public let path: String
  /// The version of the format (2 or 3).
  public let version: Int
  /// The metadata of the whole model: of the first part, without the keys that number parts.
  public let metadata: GGUFMetadata
  /// All tensors in the order of the file; parts in their order.
  public let tensors: [TensorView]
  /// The number of files the model lies in.
  public var partCount: Int { files.count }
  /// The paths of those files, in their order.
  public var partPaths: [String] { files.map(\.path) }
  /// The bytes of all files together.
  public var fileByteCount: Int { files.reduce(0) { $0 + $1.bytes.count } }

  private let files: [MappedFile]
  private let positions: [String: Int]

  /// Opens and maps a file. When it is one part of several, the others are found by their names and opened too.
  ///
  /// - Throws: `GGUFError` naming the file, the place, and the problem.
  public static func open(_ path: String) throws(GGUFError) -> GGUFFile {
    let file = try MappedFile(path)
    let header = try GGUFHeader(file.bytes, path: path)
    return try GGUFFile(path: path, parts: Self.parts(of: file, header))
  }

  private typealias Part = (file: MappedFile, header: GGUFHeader)

  private init(path: String, parts: [Part]) throws(GGUFError) {
    var metadata = parts[0].header.metadata
    for key in ShardKey.all { metadata[key] = nil }
    var tensors: [TensorView] = []
    var positions: [String: Int] = [:]
    for part in parts {
      for tensor in part.header.tensors {
        guard positions.updateValue(tensors.count, forKey: tensor.name) == nil else {
          throw .tensor(path: part.file.path, name: tensor.name, problem: "is in another part too")
        }
        let bytes = UnsafeRawBufferPointer(rebasing: part.file.bytes[tensor.range])
        tensors.append(
          TensorView(name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: bytes))
      }
    }
    self.path = path
    version = Int(parts[0].header.version)
    self.metadata = metadata
    self.tensors = tensors
    self.positions = positions
    files = parts.map(\.file)
  }

  /// What comes before the first tensor's bytes in each file, as it lies there: metadata and tensor table.
  package var headers: [UnsafeRawBufferPointer] {
    files.map { file in
      let whole = file.bytes
      guard let start = whole.baseAddress else { return whole }
      let offsets = tensors.compactMap { tensor in
        tensor.bytes.baseAddress.map { UnsafeRawPointer($0) - UnsafeRawPointer(start) }
      }
      let first = offsets.filter { (0..<whole.count).contains($0) }.min() ?? whole.count
      return UnsafeRawBufferPointer(rebasing: whole[..<first])
    }
  }

  /// The tensor of a name.
  public func tensor(_ name: String) -> TensorView? { positions[name].map { tensors[$0] } }

  /// Makes sure that the files still are what they were when opened: same size, same time of change, not replaced or
  /// removed, and no page was missing when it was read.
  ///
  /// A truncated file does not end the process: missing pages read as zeros, and this call reports them. Call it after
  /// work whose result must be right.
  public func checkUnchanged() throws(GGUFError) {
    for file in files { try file.checkUnchanged() }
  }

  /// Tells the system how a part of the file will be used. Bytes that are not of this file are ignored.
  public func advise(_ bytes: UnsafeRawBufferPointer, _ advice: MemoryAdvice) {
    guard let address = bytes.baseAddress else { return }
    let file = files.first { file in
      guard let start = file.bytes.baseAddress else { return false }
      return address >= start && address < start + file.bytes.count
    }
    file?.advise(bytes, advice)
  }
}

/// The metadata keys that number the parts of a model (written by llama.cpp's gguf-split).
package enum ShardKey {
  package static let number = "split.no"
  package static let count = "split.count"
  package static let tensorCount = "split.tensors.count"
  package static let all = [number, count, tensorCount]
}

extension GGUFFile {
  /// All parts of the model that `file` belongs to, in order.
  private static func parts(
    of file: MappedFile, _ header: GGUFHeader
  ) throws(GGUFError) -> [Part] {
    guard let numbering = try PartNumbering(header.metadata, path: file.path), numbering.count > 1
    else { return [(file, header)] }
    guard let name = ShardName(path: file.path) else {
      throw .shards(
        path: file.path,
        problem: "is part \(numbering.number + 1) of \(numbering.count), so it has to be named "
          + "NAME-\(ShardName(base: "", number: numbering.number + 1, count: numbering.count).path.dropFirst()) "
          + "beside the others")
    }
    guard name.number == numbering.number + 1, name.count == numbering.count else {
      throw .shards(
        path: file.path,
        problem: "the name says part \(name.number) of \(name.count), the file itself says part "
          + "\(numbering.number + 1) of \(numbering.count)")
    }
    let paths = (1...name.count).map {
      ShardName(base: name.base, number: $0, count: name.count).path
    }
    let missing = paths.filter { FileState(path: $0) == nil }
    guard missing.isEmpty else {
      let shownPaths = missing.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
      throw .shards(
        path: file.path,
        problem: "\(missing.count) of the model's \(name.count) parts are missing: \(shownPaths)"
          + (missing.count > 3 ? " and others" : ""))
    }
    var parts: [Part] = []
    for (index, path) in paths.enumerated() {
      if index == numbering.number {
        parts.append((file, header))
        continue
      }
      let other = try MappedFile(path)
      let otherHeader = try GGUFHeader(other.bytes, path: path)
      let expected = PartNumbering(
        number: index, count: numbering.count, tensorCount: numbering.tensorCount)
      let found = try PartNumbering(otherHeader.metadata, path: path)
      guard found == expected else {
        throw .shards(
          path: path,
          problem: "does not belong to '\(file.path)': expected \(expected), found "
            + (found?.description ?? "a file that is no part of a model"))
      }
      parts.append((other, otherHeader))
    }
    let tensorCount = parts.reduce(0) { $0 + $1.header.tensors.count }
    if let announced = numbering.tensorCount, announced != tensorCount {
      throw .shards(
        path: file.path,
        problem: "the model's parts announce \(announced) tensors together but hold \(tensorCount)")
    }
    return parts
  }
}

/// Which part of how many a file says it is.
private struct PartNumbering: Equatable, CustomStringConvertible {
  /// Counted from 0.
  let number: Int
  let count: Int
  /// Of all parts together.
  let tensorCount: Int?

  init(number: Int, count: Int, tensorCount: Int?) {
    self.number = number
    self.count = count
    self.tensorCount = tensorCount
  }

  /// Reads the keys; nil when the file is no part of several.
  init?(_ metadata: GGUFMetadata, path: String) throws(GGUFError) {
    guard metadata[ShardKey.count] != nil else { return nil }
    guard let count = metadata.integer(ShardKey.count), (0...99_999).contains(count) else {
      throw .metadata(path: path, key: ShardKey.count, problem: "is no count of parts")
    }
    guard count > 1 else { return nil }
    guard let number = metadata.integer(ShardKey.number), (0..<count).contains(number) else {
      throw .metadata(
        path: path, key: ShardKey.number, problem: "is missing or no number from 0 to \(count - 1)")
    }
    self.init(
      number: number, count: count, tensorCount: metadata.integer(ShardKey.tensorCount))
  }

  var description: String {
    "part \(number + 1) of \(count)"
      + (tensorCount.map { " with \($0) tensors in all parts" } ?? "")
  }
}
