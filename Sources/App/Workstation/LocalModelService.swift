import Foundation
import GGUF
import Inference
import Kernels
import ModelFiles
import ModelServing
import Models
import Synchronization
import Tokenization

/// Answers requests with a model on this machine.
///
/// What a request needs before the model runs (writing the prompt, splitting it into tokens, compiling grammars) happens in
/// the caller's task; the model's thread sees tokens only. Answers do not depend on what else is asked at the same time.
public final class LocalModelService: ModelService {
  /// What is known of the opened file; shared by all threads.
  private struct Opened: Sendable {
    var file: GGUFFile
    var tokenizer: Tokenizer
    var contextLength: Int
    var notes: [String]
    var plan: MemoryPlan
    var replay: CallReplay
  }

  /// The name requests use.
  public let name: String
  /// What a user should know, one sentence each: what was derived, what is slow, why nothing is kept on disk.
  public let notes: [String]
  /// What of memory the model takes.
  public let plan: MemoryPlan
  /// The longest conversation in tokens, the answer included.
  public let contextLength: Int
  /// How tokens are chosen where a request does not say.
  public let defaultSampling: SamplingSettings

  private let scheduler: Scheduler
  private let opened: Opened
  private let options: ServingOptions
  private let prompts: ConversationPrompt
  private let constraints: AnswerConstraints
  private let advice: SamplingAdvice
  private let pooling: TextPooling?
  private let inspection: ModelInspection
  private let digest = Mutex<String?>(nil)

  /// The most stop texts of a request, and the most bytes of one.
  private static let stopLimits = (count: 256, bytes: 4096)

  /// Opens a model file and starts its thread. Blocks until the model can be asked; weights are mapped, not read.
  ///
  /// - Throws: `InferenceError` when the file cannot be opened or does not fit into memory.
  public init(
    path: String, model: LocalModelOptions = LocalModelOptions(),
    serving options: ServingOptions = ServingOptions()
  ) throws(InferenceError) {
    let plan = try Self.plan(path, model)
    let memory = options.cacheBytes(plan)
    let settings = SchedulerSettings(
      maximumSequences: options.sequences, queueLimit: options.queueLength, memoryLimit: memory,
      loops: options.loops ?? LoopDetector.Settings())
    let (scheduler, opened) = try Scheduler.start(settings) {
      () throws(InferenceError) -> (ScheduledModel, Opened) in
      try Self.open(path, model, options, memory: memory)
    }
    self.scheduler = scheduler
    self.opened = opened
    self.options = options
    self.plan = opened.plan
    name = options.name ?? Self.name(of: path)
    notes = opened.notes
    contextLength = opened.contextLength
    let metadata = opened.file.metadata
    inspection = ModelInspection(opened.file)
    let hasFewBits = Self.hasFewBits(inspection)
    advice = SamplingAdvice(metadata, hasFewBits: hasFewBits)
    defaultSampling = advice.settings
    let replay = opened.replay
    prompts = ConversationPrompt(
      metadata, tokenizer: opened.tokenizer, modelName: name, thinkingByDefault: options.thinking,
      replay: { Self.recall($0, replay) })
    constraints = AnswerConstraints(
      opened.tokenizer.vocabulary, endTokens: prompts.stopTokens, policy: options.constrainsCalls,
      hasFewBits: hasFewBits)
    pooling = TextPooling(metadata, end: opened.tokenizer.vocabulary.special.end)
  }

  /// Takes no more requests, lets those that run finish within the given time, ends the rest, and frees the model.
  public func shutdown(within time: Duration = .seconds(10)) async {
    await scheduler.stop(within: time)
  }

  // MARK: Opening

  /// What of memory the file's model takes, found without reading its vocabulary.
  private static func plan(
    _ path: String, _ options: LocalModelOptions
  ) throws(InferenceError) -> MemoryPlan {
    let operations: ProcessorOperations
    do {
      operations = try ProcessorOperations(
        threads: 1, instructionSet: options.instructionSet, activations: options.activations)
    } catch {
      throw .kernels(error)
    }
    let file: GGUFFile
    do {
      file = try GGUFFile.open(path)
    } catch {
      throw .file(error)
    }
    return try LocalModel.plan(file, on: operations, contextLength: options.contextLength)
  }

  private static func open(
    _ path: String, _ model: LocalModelOptions, _ options: ServingOptions, memory: Int
  ) throws(InferenceError) -> (ScheduledModel, Opened) {
    let local = try LocalModel.open(path, options: model)
    var notes = local.notes
    var disk: PrefixDisk?
    if let place = options.disk {
      let settings = [
        "activations \(model.activations)", "instructions \(local.operations.instructionSet)",
        "rounded cache \(String(describing: model.roundsCache))",
      ]
      let fingerprint = StateFingerprint(local.file, settings: settings)
      do throws(PrefixDiskError) {
        disk = try PrefixDisk(
          directory: PrefixDisk.directory(in: place.directory, fingerprint),
          fingerprint: fingerprint, modelName: options.name ?? name(of: path), limit: place.limit)
      } catch {
        notes.append(error.description)
      }
    }
    notes += disk?.notes ?? []
    let replay = CallReplay(path: disk?.callsPath)
    notes += replay.notes
    let prefixes = PrefixStore(model: local.model, memoryLimit: memory, disk: disk)
    let opened = Opened(
      file: local.file, tokenizer: local.tokenizer, contextLength: local.contextLength,
      notes: notes, plan: local.plan, replay: replay)
    return (ScheduledModel(local, prefixes: prefixes), opened)
  }

  /// `qwen3-8b-q4_k_m` for `/models/qwen3-8b-q4_k_m.gguf`.
  private static func name(of path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    return last.lowercased().hasSuffix(".gguf") ? String(last.dropLast(5)) : last
  }

  /// Whether more than half of the weights take less than 4 bits each.
  private static func hasFewBits(_ inspection: ModelInspection) -> Bool {
    let few = inspection.types.reduce(0) { sum, use in
      use.byteCount * 8 < use.valueCount * 4 ? sum + use.valueCount : sum
    }
    return few * 2 > inspection.parameterCount
  }

  /// What is known of a call that comes back. Clients that drop ids get the bytes of the newest equal call, but no thoughts:
  /// those may be of another conversation.
  private static func recall(_ call: Call, _ replay: CallReplay) -> ConversationPrompt.Replay? {
    if let known = replay.call(id: call.id, name: call.name, arguments: call.arguments) {
      return .init(verbatim: known.verbatim, reasoning: known.reasoning)
    }
    return replay.call(name: call.name, arguments: call.arguments).map {
      .init(verbatim: $0.verbatim, reasoning: nil)
    }
  }

  // MARK: Models

  /// The one model. Its digest is that of `StateFingerprint`: metadata, tensor table, and both ends of every tensor.
  public func models() async -> [ModelDescription] {
    let file = opened.file
    let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
    let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
    return [
      ModelDescription(
        name: name, created: Int(changed), architecture: inspection.architecture ?? "",
        contextLength: contextLength, parameterCount: inspection.parameterCount,
        quantization: inspection.fileType ?? inspection.types.first?.type.name ?? "",
        byteCount: inspection.fileByteCount,
        digest: digest.withLock { digest in
          let known = digest ?? StateFingerprint(file, settings: []).description
          digest = known
          return known
        },
        canThink: prompts.canThink, canCallTools: prompts.canCallTools, canEmbed: pooling != nil)
    ]
  }

  private func check(model: String) throws(ServiceError) {
    guard model.isEmpty || model == name || model == name + ":latest" else {
      throw .unknownModel(name: model, known: [name])
    }
  }

  // MARK: Answers

  /// Starts an answer.
  ///
  /// `maximumTokens` is an upper bound: only a prompt that leaves no room for a single token is refused, and an answer that
  /// reaches the end of the context ends with `contextFull`. 0 takes in the prompt and answers nothing.
  public func generate(_ request: GenerationRequest) async throws(ServiceError) -> GenerationStream
  {
    try check(model: request.model)
    try Self.check(request)
    var prepared = try prompts.prepare(request)
    let sampling = try advice.settings(for: request.sampling)
    let biases = try SamplingAdvice.biases(
      request.sampling.biases, vocabularyCount: opened.tokenizer.vocabulary.count)
    let room = min(1, request.maximumTokens ?? 1)
    guard prepared.tokens.count + room <= contextLength else {
      throw .contextExceeded(tokens: prepared.tokens.count + room, limit: contextLength)
    }
    let constraint = try constraints.constraint(for: request, prepared: prepared)
    prepared.notes += constraint.notes

    let channel = GenerationChannel()
    let stream = GenerationStream(channel)
    let vocabulary = opened.tokenizer.vocabulary
    let answer = RunningAnswer(
      AnswerAssembler(vocabulary: vocabulary, parser: prepared.parser, stop: request.stop),
      prompt: prepared.tokens, notes: prepared.notes, vocabulary: vocabulary, channel: channel,
      replay: opened.replay)
    channel.whenCancelled { answer.cancel() }
    do throws(AdmissionError) {
      let handle = try scheduler.submit(
        SequenceRequest(
          prompt: prepared.tokens, sampling: sampling, biases: biases,
          stopTokens: prompts.stopTokens, tokenLimit: request.maximumTokens ?? .max,
          constraint: constraint.grammar,
          alternatives: request.alternatives, stopsLoops: options.loops != nil,
          priority: request.priority == .background ? .background : .interactive,
          client: request.client, receive: { answer.receive($0) }))
      answer.attach(handle)
    } catch {
      throw ServiceError(error)
    }
    return stream
  }

  private static func check(_ request: GenerationRequest) throws(ServiceError) {
    if let count = request.maximumTokens, count < 0 {
      throw .invalid(message: "is \(count); it must be 0 or more", parameter: "max_tokens")
    }
    if let count = request.alternatives,
      !(0...SequenceRequest.maximumAlternatives).contains(count)
    {
      throw .invalid(
        message: "is \(count); it must be 0 to \(SequenceRequest.maximumAlternatives)",
        parameter: "top_logprobs")
    }
    guard request.stop.count <= stopLimits.count else {
      throw .invalid(
        message: "has \(request.stop.count) texts; at most \(stopLimits.count) are allowed",
        parameter: "stop")
    }
    for (index, text) in request.stop.enumerated()
    where text.isEmpty || text.utf8.count > stopLimits.bytes {
      throw .invalid(
        message: "must have 1 to \(stopLimits.bytes) bytes", parameter: "stop[\(index)]")
    }
  }

  /// The number of tokens of a request's prompt.
  public func countTokens(_ request: GenerationRequest) async throws(ServiceError) -> Int {
    try check(model: request.model)
    return try prompts.prepare(request).tokens.count
  }

  /// The tokens of a text; marks of the chat format in it are text.
  public func tokenize(_ text: String, model: String) async throws(ServiceError) -> [Int32] {
    try check(model: model)
    return opened.tokenizer.encode(text)
  }

  // MARK: Vectors

  /// Vectors of length 1, for files that say how they are made (`<architecture>.pooling_type`).
  public func embed(_ request: EmbeddingRequest) async throws(ServiceError) -> EmbeddingResult {
    try check(model: request.model)
    guard let pooling else {
      throw .unsupported(
        message:
          "'\(name)' makes no embeddings: its file does not say how to make a vector of a text "
          + "(\(inspection.architecture ?? "").pooling_type)",
        parameter: "model")
    }
    guard !request.inputs.isEmpty else {
      throw .invalid(message: "has no texts", parameter: "input")
    }
    var inputs: [[Int32]] = []
    for (index, input) in request.inputs.enumerated() {
      inputs.append(try tokens(of: input, index, pooling))
    }
    var vectors: [[Float]] = []
    // One text at a time, so that answers go on in between.
    for tokens in inputs {
      if Task.isCancelled { throw .failed("the request was cancelled") }
      do {
        vectors.append(
          try await scheduler.perform { scheduled in
            try pooling.vector(of: tokens, model: scheduled.model, chunk: scheduled.chunk)
          })
      } catch let error as AdmissionError {
        throw ServiceError(error)
      } catch {
        throw .failed("\(error)")
      }
    }
    return EmbeddingResult(vectors: vectors, tokenCount: inputs.reduce(0) { $0 + $1.count })
  }

  private func tokens(
    of input: EmbeddingRequest.Input, _ index: Int, _ pooling: TextPooling
  ) throws(ServiceError) -> [Int32] {
    var tokens: [Int32]
    let vocabulary = opened.tokenizer.vocabulary
    switch input {
    case .text(let text):
      tokens = opened.tokenizer.encode(text)
      if vocabulary.special.addsBeginning, let beginning = vocabulary.special.beginning {
        tokens.insert(beginning, at: 0)
      }
      if let ending = pooling.ending { tokens.append(ending) }
    case .tokens(let given): tokens = given
    }
    guard !tokens.isEmpty else {
      throw .invalid(message: "is empty", parameter: "input[\(index)]")
    }
    if let wrong = tokens.first(where: { $0 < 0 || $0 >= vocabulary.count }) {
      throw .invalid(message: "token \(wrong) does not exist", parameter: "input[\(index)]")
    }
    guard tokens.count <= contextLength else {
      throw .contextExceeded(tokens: tokens.count, limit: contextLength)
    }
    return tokens
  }

  // MARK: Figures

  /// Figures of the scheduler, of what is kept for later prompts, and of memory.
  public func figures() async -> ServiceFigures {
    let kept = try? await scheduler.perform { $0.prefixes?.figures }
    return ServiceFigures(
      ServingFigures.list(
        scheduler.figures, kept: kept ?? nil, calls: opened.replay.count, plan: plan))
  }
}
