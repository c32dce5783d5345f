import Foundation
import GGUF
import Inference
import ModelFiles
import ModelServing
import Synchronization
import Testing
import Workstation

/// Services over tiny models with random weights, made once, in a directory among the process's temporary files.
enum TinyService {
  /// One shape of every family.
  static let shapes = [
    "tiny-deepseek4", "tiny-qwen3", "tiny-qwen3moe", "tiny-qwen35moe", "tiny-llama",
  ]

  private static let files = Mutex([String: String]())

  /// The path of a model of a shape, with further metadata.
  static func path(
    _ shape: String, adding entries: [String: MetadataValue] = [:]
  ) throws -> String {
    let key = ([shape] + entries.keys.sorted()).joined(separator: "+")
    return try files.withLock { files in
      if let known = files[key] { return known }
      let folder =
        FileManager.default.temporaryDirectory.path + "/maslin-service-\(UUID().uuidString)"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      let path = "\(folder)/\(shape).gguf"
      let mix: QuantizationMix = shape == "tiny-deepseek4" ? .deepseek2Bit : .q8_0
      try ModelSynthesizer(SynthesisShape(name: shape), mix: mix).write(to: path, threads: 2)
      files[key] = path
      guard !entries.isEmpty else { return path }
      let file = try GGUFFile.open(path)
      var metadata = file.metadata
      for (name, value) in entries.sorted(by: { $0.key < $1.key }) { metadata[name] = value }
      let other = "\(folder)/changed.gguf"
      try GGUFWriter.write(other, metadata: metadata, tensors: file.tensors)
      files[key] = other
      return other
    }
  }

  /// A service over a model of a shape.
  static func make(
    _ shape: String, adding entries: [String: MetadataValue] = [:], contextLength: Int? = nil,
    _ options: ServingOptions = ServingOptions(cacheMemory: 256 << 20)
  ) throws -> LocalModelService {
    var options = options
    if options.cacheMemory == nil { options.cacheMemory = 256 << 20 }
    return try LocalModelService(
      path: try path(shape, adding: entries),
      model: LocalModelOptions(threads: 2, contextLength: contextLength, chunk: 64),
      serving: options)
  }

  /// A request that answers at once, at temperature 0.
  static func request(_ turns: [Turn], tokens: Int? = 24) -> GenerationRequest {
    var request = GenerationRequest(model: "", prompt: .conversation(turns))
    request.sampling.temperature = 0
    request.sampling.minP = 0
    request.maximumTokens = tokens
    request.thinking = .off
    return request
  }
}

/// A whole answer.
struct Answer {
  var report: PromptReport?
  var reasoning = ""
  var content = ""
  var probabilities: [TokenProbability] = []
  var calls: [Call] = []
  var malformed: [String] = []
  var finish: Finish?

  /// Reads a stream to its end and checks the order of its events.
  init(_ stream: GenerationStream) async throws {
    for try await events in stream {
      for event in events {
        #expect(finish == nil, "nothing comes after the end")
        if case .started = event {} else { #expect(report != nil, "the start comes first") }
        switch event {
        case .started(let report):
          #expect(self.report == nil)
          self.report = report
        case .reasoning(let text): reasoning += text
        case .content(let text, let entries):
          content += text
          probabilities += entries
        case .call(let index, let call):
          #expect(index == calls.count)
          calls.append(call)
        case .malformedCall(let text): malformed.append(text)
        case .finished(let finish): self.finish = finish
        }
      }
    }
    #expect(finish != nil)
  }

  /// The turn that goes back into the conversation.
  var turn: Turn {
    Turn(
      role: .assistant, content: content, reasoning: reasoning.isEmpty ? nil : reasoning,
      calls: calls)
  }
}

extension LocalModelService {
  func answer(_ request: GenerationRequest) async throws -> Answer {
    try await Answer(generate(request))
  }
}
