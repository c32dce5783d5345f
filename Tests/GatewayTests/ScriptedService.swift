import ModelServing
import Synchronization

/// A service whose answers a test writes, and which counts what reaches it.
final class ScriptedService: ModelService {
  /// What reached the service.
  struct Counts: Hashable, Sendable {
    var generate = 0
    var count = 0
    var embed = 0
    var cancelled = 0
    var total: Int { generate + count + embed }
  }

  typealias Script = @Sendable (GenerationRequest, GenerationChannel) async throws -> Void

  private let counts = Mutex(Counts())
  private let script: Script
  /// Runs before `generate` returns, as admission does.
  private let admission: @Sendable (GenerationRequest) async throws(ServiceError) -> Void

  init(
    _ script: @escaping Script = { _, channel in ScriptedService.say("hello", on: channel) }
  ) {
    self.script = script
    admission = { _ throws(ServiceError) in }
  }

  /// Also scripts what happens before a request is admitted.
  init(
    admission: @escaping @Sendable (GenerationRequest) async throws(ServiceError) -> Void,
    script: @escaping Script = { _, channel in ScriptedService.say("hello", on: channel) }
  ) {
    self.script = script
    self.admission = admission
  }

  var seen: Counts { counts.withLock { $0 } }

  /// One short answer.
  static func say(_ text: String, on channel: GenerationChannel, reused: Int = 3) {
    channel.send([.started(PromptReport(tokens: 4, reused: reused, miss: nil)), .content(text, [])])
    finish(channel)
  }

  static func finish(_ channel: GenerationChannel, tokens: Int = 1) {
    channel.send([
      .finished(
        Finish(
          reason: .endOfTurn, promptTokens: 4, reusedTokens: 3, answerTokens: tokens,
          reasoningTokens: 0, queueSeconds: 0.25, promptSeconds: 0.5, answerSeconds: 1))
    ])
    channel.finish()
  }

  func models() async -> [ModelDescription] {
    [
      ModelDescription(
        name: "scripted", created: 0, architecture: "none", contextLength: 4096,
        parameterCount: nil, quantization: "F32", byteCount: 0, digest: "00", canThink: true,
        canCallTools: true, canEmbed: false)
    ]
  }

  func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream {
    counts.withLock { $0.generate += 1 }
    do throws(ServiceError) {
      try await admission(request)
    } catch {
      if Task.isCancelled { counts.withLock { $0.cancelled += 1 } }
      throw error
    }
    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    Task {
      do {
        try await script(request, channel)
      } catch let error as ServiceError {
        channel.fail(error)
      } catch {
        channel.fail(.failed("\(error)"))
      }
      if channel.isCancelled { counts.withLock { $0.cancelled += 1 } }
    }
    return stream
  }

  /// Waits until the reader of a channel is gone.
  static func waitForReader(of channel: GenerationChannel) async {
    while !channel.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
  }

  func countTokens(_ request: GenerationRequest) async throws(ServiceError) -> Int {
    counts.withLock { $0.count += 1 }
    return 7
  }

  func tokenize(_ text: String, model: String) async throws(ServiceError) -> [Int32] {
    counts.withLock { $0.count += 1 }
    return []
  }

  func embed(_ request: EmbeddingRequest) async throws(ServiceError) -> EmbeddingResult {
    counts.withLock { $0.embed += 1 }
    throw .unsupported(message: "this model makes no vectors", parameter: nil)
  }

  func figures() async -> ServiceFigures {
    ServiceFigures([
      .init(name: "cache_memory_bytes", help: "Memory of kept prefixes.", kind: .gauge, value: 17)
    ])
  }
}
