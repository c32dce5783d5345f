import GGUF
import Kernels
import TensorFormats

/// The tensors of a model file, loaded by name into a back end and checked against the shape the model gives them.
package struct TensorTable<Operations: TensorOperations> {
  /// The file.
  package let file: GGUFFile
  /// The back end that tensors are loaded into.
  package let operations: Operations

  /// Makes a table.
  package init(_ file: GGUFFile, operations: Operations) {
    self.file = file
    self.operations = operations
  }

  /// Whether the file has the tensor.
  package func contains(_ name: String) -> Bool { file.tensor(name) != nil }

  /// A matrix of `outputs` rows of `inputs` values, `stacked` times (experts).
  ///
  /// - Throws: `ModelError.tensor` when it is missing, has another shape, or is stored as integers.
  package func matrix(
    _ name: String, inputs: Int, outputs: Int, stacked: Int = 1
  ) throws(ModelError) -> Operations.Weights {
    try load(try required(name), expected: [inputs, outputs, stacked])
  }

  /// A matrix that the file may lack.
  package func optionalMatrix(
    _ name: String, inputs: Int, outputs: Int, stacked: Int = 1
  ) throws(ModelError) -> Operations.Weights? {
    guard let view = file.tensor(name) else { return nil }
    return try load(view, expected: [inputs, outputs, stacked])
  }

  /// A vector of `count` values.
  ///
  /// - Throws: `ModelError.tensor` when it is missing, has another shape, or is stored as integers.
  package func vector(_ name: String, count: Int) throws(ModelError) -> Operations.Weights {
    try load(try required(name), expected: [count])
  }

  /// A vector that the file may lack.
  package func optionalVector(_ name: String, count: Int) throws(ModelError) -> Operations.Weights?
  {
    guard let view = file.tensor(name) else { return nil }
    return try load(view, expected: [count])
  }

  /// A table of `rows` rows of `columns` 32-bit integers, each within `range`; also as the view its values are read from.
  package func integerTable(
    _ name: String, columns: Int, rows: Int, range: Range<Int32>
  ) throws(ModelError) -> (weights: Operations.Weights, view: TensorView) {
    let view = try required(name)
    try check(view, expected: [columns, rows])
    guard view.type == .i32 else {
      throw .tensor(name: name, problem: "holds \(view.type.name) values where I32 is expected")
    }
    for index in 0..<columns * rows {
      let value = view.bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
      guard range.contains(Int32(littleEndian: value)) else {
        throw .tensor(
          name: name,
          problem: "row \(index / columns) names \(Int32(littleEndian: value)), "
            + "which is not between \(range.lowerBound) and \(range.upperBound - 1)")
      }
    }
    return (try load(view), view)
  }

  /// The size of an axis of a tensor; nil when the tensor is missing. Missing trailing axes have size 1.
  package func size(of name: String, axis: Int) -> Int? {
    guard let view = file.tensor(name) else { return nil }
    return axis < view.shape.count ? view.shape[axis] : 1
  }

  private func required(_ name: String) throws(ModelError) -> TensorView {
    guard let view = file.tensor(name) else {
      throw .tensor(name: name, problem: "is missing; the file is incomplete or of another model")
    }
    return view
  }

  private func check(_ view: TensorView, expected: [Int]) throws(ModelError) {
    guard Self.trimmed(view.shape) == Self.trimmed(expected) else {
      throw .tensor(
        name: view.name,
        problem: "has the shape \(Self.text(view.shape)); the model's metadata ask for "
          + Self.text(expected))
    }
  }

  private func load(
    _ view: TensorView, expected: [Int]
  ) throws(ModelError) -> Operations.Weights {
    try check(view, expected: expected)
    guard !view.type.isInteger else {
      throw .tensor(
        name: view.name, problem: "holds \(view.type.name) values, which are no weights")
    }
    return try load(view)
  }

  private func load(_ view: TensorView) throws(ModelError) -> Operations.Weights {
    do throws(KernelError) {
      return try operations.load(view)
    } catch {
      throw .tensor(name: view.name, problem: error.description)
    }
  }

  // Files may leave out trailing axes of size 1, or write them.
  private static func trimmed(_ shape: [Int]) -> [Int] {
    var shape = shape
    while shape.count > 1, shape.last == 1 { shape.removeLast() }
    return shape
  }

  private static func text(_ shape: [Int]) -> String {
    trimmed(shape).map(String.init).joined(separator: " x ")
  }
}
