import GGUF
import JSON

/// The tensors of a safetensors file, or of a directory with one or several (Hugging Face's format for weights).
///
/// A file is a 64-bit little-endian length, as many bytes of JSON (name -> type, shape, place), and the values. All
/// places are checked against the file's size, against the tensors' sizes, and against each other.
public final class SafetensorsFile: Sendable {
  /// How values are stored.
  public enum Format: String, CaseIterable, Hashable, Sendable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    /// 8 bits: sign, 4 of exponent, 3 of mantissa; no infinities.
    case f8e4m3 = "F8_E4M3"
    /// 8 bits of exponent: a power of two.
    case f8e8m0 = "F8_E8M0"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u8 = "U8"

    /// The bytes of one value.
    public var byteCount: Int {
      switch self {
      case .f64, .i64: 8
      case .f32, .i32: 4
      case .f16, .bf16, .i16: 2
      case .f8e4m3, .f8e8m0, .i8, .u8: 1
      }
    }
  }

  /// A tensor; the file has to be kept for as long as its bytes are used.
  public struct Tensor: @unchecked Sendable {
    // Sendable: the bytes lie in a mapping that is never written.

    /// The name, for example `model.layers.0.mlp.up_proj.weight`.
    public let name: String
    /// How values are stored.
    public let format: Format
    /// The sizes of the axes, the contiguous one last.
    public let shape: [Int]
    /// The values.
    public let bytes: UnsafeRawBufferPointer

    /// The number of values.
    public var count: Int { bytes.count / format.byteCount }
  }

  /// All tensors, by name.
  public let tensors: [Tensor]
  private let positions: [String: Int]
  private let files: [MappedFile]

  /// The largest header that is read; the format's own implementation has the same limit.
  static let headerLimit = 100_000_000

  /// Opens a file.
  ///
  /// - Throws: `ModelFileError` saying what is wrong where.
  public convenience init(path: String) throws(ModelFileError) {
    try self.init(paths: [path])
  }

  /// Opens the weights in a directory: `model.safetensors`, or the files that `model.safetensors.index.json` names.
  ///
  /// - Throws: `ModelFileError` saying what is missing or wrong.
  public convenience init(directory: String) throws(ModelFileError) {
    let single = "\(directory)/model.safetensors"
    let index = "\(single).index.json"
    guard FileState(path: index) != nil else {
      guard FileState(path: single) != nil else {
        throw .content(
          path: directory,
          problem: "holds neither model.safetensors nor model.safetensors.index.json")
      }
      try self.init(paths: [single])
      return
    }
    let names = try Self.fileNames(index)
    try self.init(paths: Set(names.map(\.file)).sorted().map { "\(directory)/\($0)" })
    for (name, file) in names where tensor(name) == nil {
      throw .content(
        path: index, problem: "names tensor '\(name)', which '\(file)' does not hold")
    }
  }

  private init(paths: [String]) throws(ModelFileError) {
    var files: [MappedFile] = []
    var tensors: [Tensor] = []
    for path in paths {
      let file = try gguf { () throws(GGUFError) in try MappedFile(path) }
      tensors += try SafetensorsHeader.tensors(in: file.bytes, path: path)
      files.append(file)
    }
    tensors.sort { $0.name.unicodeScalars.lexicographicallyPrecedes($1.name.unicodeScalars) }
    var positions: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      guard positions.updateValue(index, forKey: tensor.name) == nil else {
        throw .tensor(name: tensor.name, problem: "is in two of the model's files")
      }
    }
    self.files = files
    self.tensors = tensors
    self.positions = positions
  }

  /// The tensor of a name.
  public func tensor(_ name: String) -> Tensor? { positions[name].map { tensors[$0] } }

  /// Makes sure that the files still are what they were when opened.
  ///
  /// - Throws: `ModelFileError.gguf` with `GGUFError.changed`.
  public func checkUnchanged() throws(ModelFileError) {
    for file in files {
      try gguf { () throws(GGUFError) in try file.checkUnchanged() }
    }
  }

  /// The index's tensors and the files they lie in.
  private static func fileNames(
    _ path: String
  ) throws(ModelFileError) -> [(tensor: String, file: String)] {
    let value = try ModelDirectory.readJSON(path)
    guard let members = value["weight_map"]?.objectValue, !members.isEmpty else {
      throw .content(path: path, problem: "has no 'weight_map'")
    }
    var names: [(String, String)] = []
    for member in members {
      // Files lie beside the index; anything else would let an index read files elsewhere.
      guard let file = member.value.stringValue, !file.isEmpty, !file.contains("/"),
        !file.contains("\0"), file != ".", file != ".."
      else {
        throw .content(path: path, problem: "tensor '\(member.name)' lies in no file beside it")
      }
      names.append((member.name, file))
    }
    return names
  }
}

/// Reads the header of one file.
enum SafetensorsHeader {
  static func tensors(
    in image: UnsafeRawBufferPointer, path: String
  ) throws(ModelFileError) -> [SafetensorsFile.Tensor] {
    guard image.count >= 8 else {
      throw .content(
        path: path, problem: "is no safetensors file: it has only \(image.count) bytes")
    }
    let length = UInt64(littleEndian: image.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(min(image.count - 8, SafetensorsFile.headerLimit)) else {
      throw .content(
        path: path,
        problem: "is no safetensors file, or cut off: a header of \(length) bytes is announced, "
          + "\(image.count - 8) bytes follow, \(SafetensorsFile.headerLimit) are allowed")
    }
    let header: JSONValue
    do throws(JSONError) {
      header = try JSONParser.parse([UInt8](image[8..<8 + Int(length)]))
    } catch {
      throw .json(path: path, error)
    }
    guard let members = header.objectValue else {
      throw .content(path: path, problem: "the header is no JSON object")
    }
    let data = UnsafeRawBufferPointer(rebasing: image[(8 + Int(length))...])
    var places: [(range: Range<Int>, tensor: SafetensorsFile.Tensor)] = []
    for member in members where member.name != "__metadata__" {
      places.append(try place(member, data: data))
    }
    places.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for (first, second) in zip(places, places.dropFirst())
    where first.range.upperBound > second.range.lowerBound {
      throw .tensor(
        name: second.tensor.name, problem: "its bytes overlap those of '\(first.tensor.name)'")
    }
    return places.map(\.tensor)
  }

  private static func place(
    _ member: JSONMember, data: UnsafeRawBufferPointer
  ) throws(ModelFileError) -> (range: Range<Int>, tensor: SafetensorsFile.Tensor) {
    let name = member.name
    guard let typeName = member.value["dtype"]?.stringValue,
      let list = member.value["shape"]?.arrayValue,
      let offsets = member.value["data_offsets"]?.arrayValue, offsets.count == 2,
      let start = offsets[0].integerValue, let end = offsets[1].integerValue
    else {
      throw .tensor(name: name, problem: "its description lacks dtype, shape or data_offsets")
    }
    guard let format = SafetensorsFile.Format(rawValue: typeName) else {
      throw .tensor(
        name: name,
        problem: "its type '\(typeName)' is not supported; supported are "
          + SafetensorsFile.Format.allCases.map(\.rawValue).joined(separator: ", "))
    }
    var shape: [Int] = []
    var size = format.byteCount
    for value in list {
      guard let length = value.integerValue, length >= 0 else {
        throw .tensor(name: name, problem: "its shape is no list of counts")
      }
      let (product, overflow) = size.multipliedReportingOverflow(by: length)
      guard !overflow else {
        throw .tensor(name: name, problem: "it has more bytes than 63 bits count")
      }
      size = product
      shape.append(length)
    }
    guard start >= 0, start <= end, end <= data.count else {
      throw .tensor(
        name: name,
        problem: "its bytes \(start) to \(end) are not within the \(data.count) bytes of the file")
    }
    guard end - start == size else {
      throw .tensor(
        name: name, problem: "its shape takes \(size) bytes, but \(end - start) are reserved")
    }
    let bytes = UnsafeRawBufferPointer(rebasing: data[start..<end])
    return (
      start..<end, SafetensorsFile.Tensor(name: name, format: format, shape: shape, bytes: bytes)
    )
  }
}
