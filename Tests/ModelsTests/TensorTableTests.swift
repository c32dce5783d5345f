import GGUF
import Kernels
import Models
import TensorFormats
import Testing

@Suite struct TensorTableTests {
  private static func table(
    _ tensors: [EditedModel.Tensor]
  ) throws -> (EditedModel, TensorTable<ProcessorOperations>) {
    let edited = EditedModel(["general.architecture": .string("test")])
    edited.tensors = tensors
    return (edited, TensorTable(try edited.open(), operations: try ProcessorOperations(threads: 1)))
  }

  private static func tensor(
    _ name: String, _ type: TensorType, _ shape: [Int]
  ) -> EditedModel.Tensor {
    let count = type.byteCount(values: shape.reduce(1, *)) ?? 0
    return .init(name: name, type: type, shape: shape, bytes: [UInt8](repeating: 0, count: count))
  }

  @Test func findsWhatFits() throws {
    let (edited, table) = try Self.table([
      Self.tensor("matrix", .q8_0, [64, 3]), Self.tensor("stack", .f16, [8, 3, 5]),
      Self.tensor("vector", .f32, [7]), Self.tensor("flat", .f32, [7, 1, 1]),
    ])
    defer { withExtendedLifetime(edited) {} }
    #expect(table.contains("matrix") && !table.contains("other"))
    _ = try table.matrix("matrix", inputs: 64, outputs: 3)
    _ = try table.matrix("stack", inputs: 8, outputs: 3, stacked: 5)
    _ = try table.vector("vector", count: 7)
    _ = try table.vector("flat", count: 7)
    #expect(try table.optionalMatrix("other", inputs: 1, outputs: 1) == nil)
    #expect(try table.optionalVector("other", count: 1) == nil)
    #expect(table.size(of: "stack", axis: 2) == 5)
    #expect(table.size(of: "matrix", axis: 2) == 1)
    #expect(table.size(of: "other", axis: 0) == nil)
  }

  @Test func saysWhatDoesNotFit() throws {
    let (edited, table) = try Self.table([
      Self.tensor("matrix", .q8_0, [64, 3]), Self.tensor("ids", .i32, [2, 3]),
    ])
    defer { withExtendedLifetime(edited) {} }
    func message(_ body: () throws -> Void) -> String {
      (#expect(throws: ModelError.self) { try body() })?.description ?? ""
    }
    let shape = message { _ = try table.matrix("matrix", inputs: 3, outputs: 64) }
    #expect(shape.contains("'matrix'") && shape.contains("64 x 3") && shape.contains("3 x 64"))
    let missing = message { _ = try table.vector("nothing", count: 3) }
    #expect(missing.contains("'nothing'") && missing.contains("missing"))
    #expect(message { _ = try table.optionalVector("matrix", count: 64) }.contains("64 x 3"))
    #expect(message { _ = try table.matrix("ids", inputs: 2, outputs: 3) }.contains("I32"))
    #expect(
      message { _ = try table.integerTable("matrix", columns: 64, rows: 3, range: 0..<1) }
        .contains("Q8_0"))
    let ids = try table.integerTable("ids", columns: 2, rows: 3, range: 0..<1)
    #expect(ids.view.count == 6)
    #expect(
      message { _ = try table.integerTable("ids", columns: 2, rows: 3, range: 1..<4) }
        .contains("row 0 names 0"))
  }
}
