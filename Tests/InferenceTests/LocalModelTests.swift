import Foundation
import GGUF
import Inference
import ModelFiles
import Testing
import Tokenization

/// Tiny models with random weights, made once, in a directory that goes with the process's temporary files.
private enum TinyModels {
  static let directory: String? = {
    let path =
      FileManager.default.temporaryDirectory.path + "/maslin-inference-\(UUID().uuidString)"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for name in ["tiny-deepseek4", "tiny-qwen3", "tiny-qwen35moe"] {
        let mix: QuantizationMix = name == "tiny-deepseek4" ? .deepseek2Bit : .q8_0
        try ModelSynthesizer(SynthesisShape(name: name), mix: mix).write(
          to: "\(path)/\(name).gguf", threads: 2)
      }
      return path
    } catch {
      return nil
    }
  }()

  static func open(_ name: String, chunk: Int = 64) throws -> LocalModel {
    let directory = try #require(directory, "tiny models can be written")
    return try LocalModel.open(
      "\(directory)/\(name).gguf", options: LocalModelOptions(threads: 2, chunk: chunk))
  }

  static func text(_ count: Int, seed: Int = 1) -> [Int32] {
    (0..<count).map { Int32(($0 * 31 + seed * 57 + $0 * $0 / 11) % 200) }
  }
}

@Suite("Sessions on real model families")
struct LocalModelTests {
  static let names = ["tiny-deepseek4", "tiny-qwen3", "tiny-qwen35moe"]

  private func logits(_ local: LocalModel, _ tokens: [Int32]) throws -> [Float] {
    let session = local.makeSession()
    try session.append(tokens)
    return try #require(session.logits)
  }

  @Test("A prefix found in shared pages gives the bits of computing it", arguments: names)
  func sharedPrefix(name: String) throws {
    let local = try TinyModels.open(name)
    let prefixes = PrefixStore(model: local.model, memoryLimit: 256 << 20)
    let first = local.makeSession(prefixes: prefixes)
    try first.append(TinyModels.text(300))
    let longer = TinyModels.text(300) + TinyModels.text(37, seed: 3)
    let second = local.makeSession(prefixes: prefixes)
    try second.append(longer)
    #expect(second.reusedTokens == 300)
    #expect(second.logits == (try logits(local, longer)))
    // The session whose state was shared is not disturbed by the other.
    try first.append(TinyModels.text(20, seed: 5))
    #expect(
      first.logits == (try logits(local, TinyModels.text(300) + TinyModels.text(20, seed: 5))))
  }

  @Test("Requests answered together get the tokens of separate runs", arguments: names)
  func together(name: String) throws {
    let local = try TinyModels.open(name)
    let prefixes = PrefixStore(model: local.model, memoryLimit: 64 << 20)
    let loop = try SchedulingLoop(
      ScheduledModel(local, prefixes: prefixes), settings: SchedulerSettings(), clock: { 0 })
    // Two of the prompts begin like another one; one comes twice.
    let prompts = (0..<6).map { index in
      index == 4
        ? TinyModels.text(160, seed: 3) + TinyModels.text(30, seed: 9)
        : TinyModels.text(20 + index % 5 * 60, seed: index == 5 ? 0 : index)
    }
    for round in 0..<2 {
      let recorders = (0..<6).map { _ in Recorder() }
      for (index, recorder) in recorders.enumerated() {
        _ = try loop.submit(
          SequenceRequest(
            prompt: prompts[index], sampling: SamplingSettings(temperature: 0.8, seed: UInt64(index)),
            stopTokens: [], tokenLimit: 6 + index, receive: recorder.receive))
        // Some come while others are at work.
        if index % 2 == round { _ = loop.step() }
      }
      while loop.step() == .worked {}
      for (index, recorder) in recorders.enumerated() {
        let session = local.makeSession()
        try session.append(prompts[index])
        let alone = try Generation(
          sampler: Sampler(SamplingSettings(temperature: 0.8, seed: UInt64(index))),
          stopTokens: [], tokenLimit: 6 + index
        ).run(session) { _ in true }
        #expect(recorder.tokens == alone.tokens)
        #expect(recorder.finish?.reason == .tokenLimit)
        // The second time only the last token of a prompt is left.
        if round == 1 {
          #expect(recorder.finish?.reusedTokens == prompts[index].count - 1)
        }
      }
    }
  }

  @Test("Guessing changes nothing", arguments: names)
  func speculation(name: String) throws {
    let local = try TinyModels.open(name)
    func run(_ drafter: (any Drafter)?, length: Int) throws -> (Generation.Outcome, [Float]?) {
      let session = local.makeSession()
      try session.append(TinyModels.text(130))
      let outcome = try Generation(
        sampler: Sampler(SamplingSettings(temperature: 0.5, seed: 3)), stopTokens: [],
        tokenLimit: 40, drafter: drafter, draftLength: length
      ).run(session) { _ in true }
      return (outcome, session.logits)
    }
    let (plain, logits) = try run(nil, length: 0)
    // Its own twin guesses well, so that acceptance and rejection both happen.
    for length in [1, 5, 16] {
      let twin = ModelDrafter(session: local.makeSession())
      let (guessed, after) = try run(twin, length: length)
      #expect(guessed.tokens == plain.tokens)
      #expect(after == logits)
      #expect(guessed.drafted > 0)
    }
    let (repeated, after) = try run(RepetitionDrafter(longest: 3, shortest: 1), length: 4)
    #expect(repeated.tokens == plain.tokens)
    #expect(after == logits)
  }

  @Test("A file that is cut short in use is an error that says so, not a crash")
  func truncated() throws {
    let directory = try #require(TinyModels.directory)
    let path = directory + "/cut-\(UUID().uuidString).gguf"
    try FileManager.default.copyItem(atPath: directory + "/tiny-qwen3.gguf", toPath: path)
    let local = try LocalModel.open(path, options: LocalModelOptions(threads: 2))
    let session = local.makeSession()
    try session.append([1, 2, 3])
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: 200_000)
    try handle.close()
    let error = #expect(throws: InferenceError.self) { try session.append([4]) }
    #expect("\(try #require(error))".contains("load the model again"))
    #expect(session.tokens.isEmpty)
  }

  @Test("A model that does not fit is refused before it runs; a context it was not made for, too")
  func refusals() throws {
    let directory = try #require(TinyModels.directory)
    let path = directory + "/outline.gguf"
    try ModelSynthesizer(SynthesisShape(name: "deepseek-v4-pro"), mix: .q8_0).writeOutline(to: path)
    let error = #expect(throws: InferenceError.self) {
      try LocalModel.open(path, options: LocalModelOptions(threads: 1))
    }
    #expect("\(try #require(error))".contains("available"))
    #expect(throws: InferenceError.self) {
      try LocalModel.open(
        directory + "/tiny-qwen3.gguf", options: LocalModelOptions(contextLength: 1 << 40))
    }
  }

  @Test("The chat format follows from the vocabulary", arguments: names)
  func chat(name: String) throws {
    let local = try TinyModels.open(name)
    let vocabulary = local.tokenizer.vocabulary
    let chat = try ModelChat.encoding(local.file.metadata, vocabulary: vocabulary, thinking: .off)
    let prompt = try chat.prompt([ChatMessage(role: .user, content: "hello")], tools: [])
    #expect(!(try local.tokenizer.encode(prompt)).isEmpty)
    #expect(!chat.endTokens(in: vocabulary).isEmpty)
    if name != "tiny-deepseek4" {
      #expect(throws: InferenceError.self) {
        try ModelChat.encoding(local.file.metadata, vocabulary: vocabulary, thinking: .max)
      }
    }
  }
}
