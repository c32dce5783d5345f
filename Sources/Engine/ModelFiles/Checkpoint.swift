import GGUF

/// The tensors of a checkpoint by their names in the text model, and which of them have found their place.
struct Checkpoint {
  private let tensors: [String: SafetensorsFile.Tensor]
  private var used: Set<String> = []
  /// What was left out on purpose, one sentence each.
  private(set) var notes: [String] = []

  /// - Parameters:
  ///   - rename: the name in the text model; nil for tensors of other parts (vision, drafting).
  init(_ file: SafetensorsFile, rename: (String) -> String?) throws(ModelFileError) {
    var tensors: [String: SafetensorsFile.Tensor] = [:]
    var skipped: [String: Int] = [:]
    for tensor in file.tensors {
      guard let name = rename(tensor.name) else {
        skipped[String(tensor.name.prefix { $0 != "." }), default: 0] += 1
        continue
      }
      guard tensors.updateValue(tensor, forKey: name) == nil else {
        throw .tensor(name: tensor.name, problem: "two tensors have this place in the model")
      }
    }
    self.tensors = tensors
    for (prefix, count) in skipped.sorted(by: { $0.key < $1.key }) {
      notes.append(
        "\(count) tensors '\(prefix).*' are not part of the text model and were left out")
    }
  }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  /// Takes a tensor if it exists.
  mutating func take(_ name: String) -> SafetensorsFile.Tensor? {
    guard let tensor = tensors[name] else { return nil }
    used.insert(name)
    return tensor
  }

  /// Takes a tensor that the model needs, with that number of axes.
  mutating func need(_ name: String, axes: Int? = nil) throws(ModelFileError)
    -> SafetensorsFile.Tensor
  {
    guard let tensor = take(name) else {
      throw .tensor(name: name, problem: "is missing from the checkpoint")
    }
    if let axes, tensor.shape.count != axes {
      throw .tensor(name: name, problem: "has \(tensor.shape.count) axes instead of \(axes)")
    }
    return tensor
  }

  /// Leaves a tensor out.
  mutating func drop(_ name: String) { used.insert(name) }

  mutating func note(_ sentence: String) { notes.append(sentence) }

  /// Makes sure that everything has found its place.
  func checkAllUsed(architecture: String) throws(ModelFileError) {
    let rest = tensors.keys.filter { !used.contains($0) }.sorted()
    guard let first = rest.first else { return }
    throw .tensor(
      name: first,
      problem: "has no place in a model of architecture \(architecture)"
        + (rest.count > 1 ? " (and \(rest.count - 1) more tensors)" : ""))
  }
}

/// Collects the tensors of a GGUF file in their order.
struct ConversionPlan {
  private(set) var tensors: [ConvertedTensor] = []

  /// A tensor with all its values as they are.
  mutating func add(
    _ name: String, _ tensor: SafetensorsFile.Tensor, scales: SafetensorsFile.Tensor? = nil,
    shape: [Int]? = nil, _ transform: ConvertedTensor.Transform = .none
  ) throws(ModelFileError) {
    let rows = tensor.shape.dropLast().reduce(1, *)
    try add(
      name, [ConvertedTensor.Source(weight: tensor, tileScales: scales)],
      [ConvertedTensor.Segment(source: 0, rows: 0..<rows)],
      shape: shape ?? tensor.shape.reversed(), transform)
  }

  /// A tensor made of rows of others.
  mutating func add(
    _ name: String, _ sources: [ConvertedTensor.Source], _ segments: [ConvertedTensor.Segment],
    shape: [Int], columns: [Range<Int>]? = nil, _ transform: ConvertedTensor.Transform = .none
  ) throws(ModelFileError) {
    for source in sources { try Self.check(source) }
    let values = segments.reduce(0) { $0 + $1.rows.count * sources[$1.source].columns }
    guard shape.allSatisfy({ $0 > 0 }), values == shape.reduce(1, *) else {
      throw .tensor(
        name: sources.first?.weight.name ?? name,
        problem: "its shape \(sources.first?.weight.shape ?? []) does not fit '\(name)'")
    }
    guard sources.allSatisfy({ $0.columns == shape.first ?? 1 }) else {
      throw .tensor(name: name, problem: "its parts have rows of different lengths")
    }
    tensors.append(
      ConvertedTensor(
        name: name, shape: shape, content: .rows(sources, segments, columns: columns, transform)))
  }

  mutating func add(_ name: String, shape: [Int], _ content: ConvertedTensor.Content) {
    tensors.append(ConvertedTensor(name: name, shape: shape, content: content))
  }

  private static func check(_ source: ConvertedTensor.Source) throws(ModelFileError) {
    guard let scales = source.tileScales else { return }
    let shape = source.weight.shape
    let tile = Microscaling.tileWidth
    let expected = shape.map { ($0 + tile - 1) / tile }
    guard shape.count == 2, scales.shape == expected else {
      throw .tensor(
        name: scales.name,
        problem: "has the shape \(scales.shape); \(expected) is needed for "
          + "weights of the shape \(shape)")
    }
  }
}
