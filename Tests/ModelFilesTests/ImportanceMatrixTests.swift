import Foundation
import GGUF
import ModelFiles
import Testing

@Suite struct ImportanceMatrixTests {
  /// A file as llama.cpp wrote before it used GGUF files.
  static func oldFile(
    _ entries: [(name: String, calls: Int32, values: [Float])], chunks: Int32? = 5,
    dataSet: String = "text.txt"
  ) -> Data {
    var data = Data()
    func append(_ value: Int32) {
      withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }
    append(Int32(entries.count))
    for entry in entries {
      append(Int32(entry.name.utf8.count))
      data.append(contentsOf: entry.name.utf8)
      append(entry.calls)
      append(Int32(entry.values.count))
      for value in entry.values { append(Int32(bitPattern: value.bitPattern)) }
    }
    if let chunks {
      append(chunks)
      append(Int32(dataSet.utf8.count))
      data.append(contentsOf: dataSet.utf8)
    }
    return data
  }

  private static let sample = oldFile([
    ("blk.0.attn_q.weight", 4, [1, 2, 3, 4]),
    ("blk.0.ffn_up_exps.weight", 4, [1, 2, 3, 4, 5, 6, 7, 8]),
    ("never", 0, [0, 0]),
  ])

  @Test func readsTheOldForm() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("old.dat")
    try Self.sample.write(to: URL(fileURLWithPath: path))
    let matrix = try ImportanceMatrix(path)
    #expect(matrix.names == ["blk.0.attn_q.weight", "blk.0.ffn_up_exps.weight", "never"])
    #expect(matrix.chunkCount == 5)
    #expect(matrix.dataSets == ["text.txt"])
    func weights(_ name: String, _ index: Int, _ columns: Int, _ matrices: Int) throws -> [Float]? {
      try matrix.weights(name, matrix: index, columns: columns, matrices: matrices)
    }
    #expect(try weights("blk.0.attn_q.weight", 0, 4, 1) == [1, 2, 3, 4])
    #expect(try weights("blk.0.ffn_up_exps.weight", 1, 4, 2) == [5, 6, 7, 8])
    #expect(try weights("never", 0, 2, 1) == [1, 1])
    #expect(try weights("unknown", 0, 2, 1) == nil)
    #expect(throws: QuantizationError.self) { try weights("blk.0.attn_q.weight", 0, 5, 1) }
  }

  @Test func readsTheGGUFForm() throws {
    let folder = try TemporaryFolder()
    let file = try QuantizationTests.source(folder, "tiny-qwen3moe")
    let matrix = try QuantizationTests.importance(
      for: file, folder.path("imatrix"), unmeasuredExpert: 2)
    let name = "blk.0.ffn_up_exps.weight"
    #expect(matrix.contains(name))
    #expect(matrix.chunkCount == 3)
    #expect(matrix.dataSets == ["some.txt"])
    let first = try matrix.weights(name, matrix: 0, columns: 256, matrices: 8)
    #expect(first?.prefix(8) == [1, 2, 3, 4, 5, 6, 7, 1])
    // Experts that were never chosen count all columns alike.
    let unmeasured = try matrix.weights(name, matrix: 2, columns: 256, matrices: 8)
    #expect(unmeasured == [Float](repeating: 1, count: 256))
  }

  @Test func refusesEveryTruncation() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("cut.dat")
    // Everything before the chunk count is needed; that and the name after it may be absent together.
    let needed = Self.sample.count - 4 - 4 - 8
    for length in 0..<Self.sample.count where length != needed && length != needed + 4 {
      try Self.sample.prefix(length).write(to: URL(fileURLWithPath: path))
      #expect(throws: QuantizationError.self, "\(length) bytes") { try ImportanceMatrix(path) }
    }
  }

  @Test(arguments: 1...20)
  func survivesDamage(_ seed: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("damaged.dat")
    var state = UInt64(seed)
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for _ in 0..<20 {
      var data = Self.sample
      for _ in 0..<1 + next() % 4 { data[next() % data.count] = UInt8(next() % 256) }
      try data.write(to: URL(fileURLWithPath: path))
      // Whatever comes out, sizes agree and weights are usable.
      guard let matrix = try? ImportanceMatrix(path) else { continue }
      for name in matrix.names {
        guard
          let weights = try? matrix.weights(name, matrix: 0, columns: 4, matrices: 1)
        else { continue }
        #expect(weights.count == 4 && weights.allSatisfy { $0 >= 0 && $0.isFinite }, "seed \(seed)")
      }
    }
  }

  @Test func refusesWeightsThatAreNone() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("nan.dat")
    for bad in [Float.nan, -1, .infinity] {
      try Self.oldFile([("a", 1, [1, bad])]).write(to: URL(fileURLWithPath: path))
      let matrix = try ImportanceMatrix(path)
      #expect(throws: QuantizationError.self) {
        try matrix.weights("a", matrix: 0, columns: 2, matrices: 1)
      }
    }
    try Self.oldFile([("a", 1, [1]), ("a", 1, [1])]).write(to: URL(fileURLWithPath: path))
    #expect(throws: QuantizationError.self) { try ImportanceMatrix(path) }
    #expect(throws: QuantizationError.self) { try ImportanceMatrix(folder.path("absent")) }
  }
}
