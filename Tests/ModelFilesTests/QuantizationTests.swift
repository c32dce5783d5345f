import Foundation
import GGUF
import ModelFiles
import TensorFormats
import Testing

@Suite struct QuantizationTests {
  /// A small model in full precision.
  static func source(
    _ folder: TemporaryFolder, _ shape: String = "tiny-qwen3", mix: QuantizationMix = .f32
  ) throws -> GGUFFile {
    let path = folder.path("source-\(shape)-\(mix.name)")
    try ModelSynthesizer(SynthesisShape(name: shape), layers: 2, mix: mix)
      .write(to: path, threads: 2)
    return try GGUFFile.open(path)
  }

  /// An importance matrix in llama.cpp's GGUF form for all matrices of a model.
  static func importance(
    for file: GGUFFile, _ path: String, unmeasuredExpert: Int? = nil
  ) throws -> ImportanceMatrix {
    var descriptions: [GGUFWriter.Tensor] = []
    var contents: [[Float]] = []
    for tensor in file.tensors where tensor.shape.count > 1 && !tensor.type.isInteger {
      var sums = (0..<tensor.columns * tensor.matrices).map { Float(1 + $0 % 7) }
      var counts = [Float](repeating: 16, count: tensor.matrices)
      if let expert = unmeasuredExpert, tensor.matrices > 1 {
        counts[expert] = 0
        for column in 0..<tensor.columns { sums[expert * tensor.columns + column] = 0 }
      }
      descriptions.append(
        try GGUFWriter.Tensor(
          name: tensor.name + ".in_sum2", type: .f32, shape: [tensor.columns, tensor.matrices]))
      contents.append(sums)
      descriptions.append(
        try GGUFWriter.Tensor(
          name: tensor.name + ".counts", type: .f32, shape: [1, tensor.matrices]))
      contents.append(counts)
    }
    var metadata = GGUFMetadata()
    metadata["general.type"] = .string([UInt8]("imatrix".utf8))
    metadata["imatrix.datasets"] = .array(MetadataArray(["some.txt"]))
    metadata["imatrix.chunk_count"] = .uint32(3)
    let output = try GGUFWriter(metadata: metadata, tensors: descriptions).begin(path)
    for (description, content) in zip(descriptions, contents) {
      try content.withUnsafeBytes { try output.append($0, to: description.name) }
    }
    try output.finish()
    return try ImportanceMatrix(path)
  }

  /// The largest relative error a type may leave on evenly spread values.
  static func bound(_ type: TensorType) -> Double {
    switch type {
    case .f32: 0
    case .f16, .bf16: 0.003
    case .q8_0: 0.01
    case .q6_K: 0.025
    case .q5_K, .q5_0, .q5_1: 0.05
    case .q4_K, .q4_0, .q4_1, .iq4_NL, .iq4_XS, .mxfp4: 0.13
    case .q3_K: 0.2
    default: 0.45
    }
  }

  @Test(arguments: [
    ("tiny-qwen3", QuantizationMix.allCases),
    ("tiny-deepseek4", [.deepseek2Bit, .q4_K_M, .mxfp4MoE]),
    ("tiny-qwen35moe", [.q2_K]),
  ])
  func everyMixGivesAReadableModel(_ shape: String, _ mixes: [QuantizationMix]) throws {
    let folder = try TemporaryFolder()
    let file = try Self.source(folder, shape)
    var options = ModelQuantizer.Options()
    options.importance = try Self.importance(for: file, folder.path("imatrix"), unmeasuredExpert: 1)
    for mix in mixes {
      let path = folder.path("result-\(mix.name)")
      var finished = 0
      let report = try ModelQuantizer(file, mix: mix, options: options).write(to: path) {
        #expect($0.doneBytes >= finished && $0.doneBytes <= $0.totalBytes)
        finished = $0.doneBytes
      }
      #expect(finished == report.bytesBefore)
      try Self.check(try GGUFFile.open(path), against: file, report, mix)
    }
  }

  private static func check(
    _ result: GGUFFile, against file: GGUFFile, _ report: QuantizationReport, _ mix: QuantizationMix
  ) throws {
    #expect(result.metadata.integer("general.file_type") == Int(mix.fileType))
    #expect(result.metadata.string("quantize.imatrix.file") == "imatrix")
    #expect(result.tensors.map(\.name) == file.tensors.map(\.name))
    #expect(result.tensors.map(\.shape) == file.tensors.map(\.shape))
    for (tensor, outcome) in zip(result.tensors, report.tensors) {
      #expect(tensor.type == outcome.entry.after)
      #expect(tensor.bytes.count == outcome.bytesAfter)
      #expect(
        outcome.relativeError <= bound(tensor.type), "\(mix) \(tensor.name) \(tensor.type)")
      if tensor.name.hasSuffix("norm.weight") { #expect(tensor.type == .f32) }
    }
    if mix == .q4_K_M, let tensor = result.tensor("blk.0.attn_q_b.weight") {
      // Rows of 96 values hold no blocks of 256.
      #expect(report.fallbacks.map(\.entry.name).contains(tensor.name))
      #expect(tensor.type == .q5_0)
    }
  }

  @Test func resultDoesNotDependOnThreads() throws {
    let folder = try TemporaryFolder()
    let file = try Self.source(folder)
    var files: [Data] = []
    var reports: [QuantizationReport] = []
    for threads in [1, 3] {
      var options = ModelQuantizer.Options()
      options.threads = threads
      let path = folder.path("result-\(threads)")
      reports.append(try ModelQuantizer(file, mix: .q4_K_M, options: options).write(to: path))
      files.append(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    #expect(files[0] == files[1])
    #expect(reports[0] == reports[1])
  }

  @Test func overridesComeFirst() throws {
    let folder = try TemporaryFolder()
    let file = try Self.source(folder)
    var options = ModelQuantizer.Options()
    options.overrides = [
      try TypeOverride("blk\\.0\\.ffn_(gate|up)=q3_k"), try TypeOverride("ffn_gate=q8_0"),
    ]
    let plan = try ModelQuantizer(file, mix: .q4_K_M, options: options).plan
    func type(_ name: String) -> TensorType? { plan.entries.first { $0.name == name }?.after }
    #expect(type("blk.0.ffn_gate.weight") == .q3_K)
    #expect(type("blk.0.ffn_up.weight") == .q3_K)
    #expect(type("blk.1.ffn_gate.weight") == .q8_0)
    #expect(type("blk.1.ffn_up.weight") == .q4_K)
    for text in ["ffn", "=q8_0", "ffn=q9_9", "ffn=iq3_s", "(=q8_0"] {
      #expect(throws: QuantizationError.self) { try TypeOverride(text) }
    }
  }

  @Test func saysWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    let file = try Self.source(folder)
    #expect(throws: QuantizationError.self) { try ModelQuantizer(file, mix: .iq2_XXS) }
    #expect(throws: QuantizationError.unknownMix("Q4_K_X")) { try QuantizationMix(name: "Q4_K_X") }
    #expect(throws: QuantizationError.sameFile(file.path)) {
      try ModelQuantizer(file, mix: .q8_0).write(to: file.path)
    }
    let small = try Self.source(folder, mix: .q4_K_M)
    #expect(throws: QuantizationError.self) { try ModelQuantizer(small, mix: .q8_0) }
    var options = ModelQuantizer.Options()
    options.allowsRequantizing = true
    _ = try ModelQuantizer(small, mix: .q8_0, options: options).write(to: folder.path("again"))
  }

  @Test func namesTheTensorOfAValueThatIsNotFinite() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("damaged")
    let tensor = try GGUFWriter.Tensor(name: "blk.0.ffn_up.weight", type: .f32, shape: [256, 4])
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string([UInt8]("llama".utf8))
    var values = [Float](repeating: 1, count: 1024)
    values[2 * 256 + 5] = .nan
    let output = try GGUFWriter(metadata: metadata, tensors: [tensor]).begin(path)
    try values.withUnsafeBytes { try output.append($0, to: tensor.name) }
    try output.finish()
    let target = folder.path("result")
    do {
      _ = try ModelQuantizer(GGUFFile.open(path), mix: .q8_0).write(to: target)
      Issue.record("a damaged model was quantised")
    } catch let error as QuantizationError {
      #expect("\(error)".contains("blk.0.ffn_up.weight"))
      #expect("\(error)".contains("row 2, column 5"))
    }
    #expect(!FileManager.default.fileExists(atPath: target))
  }
}
