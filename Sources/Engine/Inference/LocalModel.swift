import GGUF
import Kernels
import Models
import Tokenization

/// How a model is opened and run on this machine.
public struct LocalModelOptions: Sendable {
  /// Compute threads; nil for the machine's physical performance cores.
  public var threads: Int?
  /// The instruction set; nil for the best the machine has.
  public var instructionSet: InstructionSet?
  /// Whether activations are rounded to 8 bits where kernels are fastest so.
  public var activations: ProcessorOperations.Activations
  /// The longest sequence; nil for what the model was made for, at most `defaultContextLimit`.
  public var contextLength: Int?
  /// Tokens per pass while a prompt is taken in.
  public var chunk: Int
  /// Whether cached vectors are rounded (specification of DeepSeek V4, 5.6); nil for the file's default.
  public var roundsCache: Bool?
  /// Whether to run although not all weights fit into memory.
  public var mayStream: Bool

  /// The longest sequence unless another length is asked for.
  public static let defaultContextLimit = 32_768

  /// Makes options.
  public init(
    threads: Int? = nil, instructionSet: InstructionSet? = nil,
    activations: ProcessorOperations.Activations = .rounded, contextLength: Int? = nil,
    chunk: Int = 256,
    roundsCache: Bool? = nil, mayStream: Bool = false
  ) {
    self.threads = threads
    self.instructionSet = instructionSet
    self.activations = activations
    self.contextLength = contextLength
    self.chunk = chunk
    self.roundsCache = roundsCache
    self.mayStream = mayStream
  }
}

/// A model file opened on this machine: file, kernels, model, and what of memory it takes.
///
/// Belongs to one thread at a time.
public final class LocalModel {
  /// The file.
  public let file: GGUFFile
  /// The kernels and threads.
  public let operations: ProcessorOperations
  /// The model.
  public let model: any LanguageModel
  /// Text to tokens and back.
  public let tokenizer: Tokenizer
  /// What of memory it takes.
  public let plan: MemoryPlan
  /// The longest sequence.
  public let contextLength: Int
  /// Tokens per pass while a prompt is taken in.
  public let chunk: Int
  /// What a user should know: what was derived, what is slow, what was decided; one sentence each.
  public let notes: [String]

  private init(
    file: GGUFFile, operations: ProcessorOperations, model: any LanguageModel, tokenizer: Tokenizer,
    plan: MemoryPlan, contextLength: Int, chunk: Int, notes: [String]
  ) {
    self.file = file
    self.operations = operations
    self.model = model
    self.tokenizer = tokenizer
    self.plan = plan
    self.contextLength = contextLength
    self.chunk = chunk
    self.notes = notes
  }

  /// Opens a file. Weights are mapped, not read; the plan is made before anything large is allocated.
  ///
  /// - Throws: `InferenceError`: `.memory` when it does not fit (or fits only streamed and that is not allowed).
  public static func open(
    _ path: String, options: LocalModelOptions = LocalModelOptions()
  ) throws(InferenceError) -> LocalModel {
    let file: GGUFFile
    do {
      file = try GGUFFile.open(path)
    } catch {
      throw .file(error)
    }
    let tokenizer = Tokenizer(try Vocabulary(file.metadata))
    let operations: ProcessorOperations
    do {
      operations = try ProcessorOperations(
        threads: options.threads, instructionSet: options.instructionSet,
        activations: options.activations)
    } catch {
      throw .kernels(error)
    }
    let rounds = options.roundsCache ?? roundsCacheByDefault(file)
    let model: any LanguageModel
    do {
      model = try ModelLoader.load(
        file, on: operations,
        options: ModelOptions(
          maximumBatch: options.chunk, roundsCache: rounds, contextLength: options.contextLength))
    } catch {
      throw .model(error)
    }
    let context = try contextLength(options.contextLength, shape: model.shape)
    let plan = try plan(file, model: model, contextLength: context)
    var notes = model.shape.derivations.map { "\(path): \($0)" }
    switch plan.verdict {
    case .fits: break
    case .streams where options.mayStream:
      notes.append("\(path) \(plan.requirement); experts are read from the file as needed")
      operations.prefetchesExperts = true
    case .streams, .doesNotFit:
      throw .memory("\(path) \(plan.explanation)")
    }
    if model.shape.architecture == "deepseek4" {
      notes.append(
        "cached vectors are \(rounds ? "rounded as in the published model" : "not rounded")")
    }
    return LocalModel(
      file: file, operations: operations, model: model, tokenizer: tokenizer, plan: plan,
      contextLength: context,
      chunk: options.chunk, notes: notes)
  }

  /// What of memory a file's model would take, without running it.
  ///
  /// - Throws: `InferenceError.model` when models of its kind cannot be run, or the file contradicts itself.
  public static func plan(
    _ file: GGUFFile, on operations: ProcessorOperations, contextLength: Int?
  ) throws(InferenceError) -> MemoryPlan {
    let model: any LanguageModel
    do {
      model = try ModelLoader.load(file, on: operations, options: ModelOptions())
    } catch {
      throw .model(error)
    }
    return try plan(
      file, model: model,
      contextLength: Self.contextLength(contextLength, shape: model.shape))
  }

  private static func plan(
    _ file: GGUFFile, model: any LanguageModel, contextLength: Int
  ) throws(InferenceError) -> MemoryPlan {
    let bytes = weightBytes(file)
    return MemoryPlan(
      weights: bytes.all, denseWeights: bytes.dense, contextLength: contextLength,
      contextLimit: model.shape.contextLength, memory: try MachineMemory.current(),
      cacheBytes: model.stateByteCount)
  }

  /// An empty session.
  ///
  /// - Parameter prefixes: what sequences of this model that begin alike share.
  public func makeSession(prefixes: PrefixStore? = nil) -> InferenceSession {
    InferenceSession(
      model: model, contextLimit: contextLength, chunk: chunk, prefixes: prefixes, file: file)
  }

  /// Bytes of all tensors, and of those that every token reads: all but routed experts, and of the embedding table one row
  /// unless it is the output matrix too.
  static func weightBytes(_ file: GGUFFile) -> (all: Int, dense: Int) {
    var all = 0
    var experts = 0
    for tensor in file.tensors {
      all += tensor.bytes.count
      if tensor.name.contains("_exps.") { experts += tensor.bytes.count }
    }
    return (all, all - experts)
  }

  private static func contextLength(
    _ asked: Int?, shape: ModelShape
  ) throws(InferenceError) -> Int {
    guard let asked else {
      return min(shape.contextLength, LocalModelOptions.defaultContextLimit)
    }
    guard (1...shape.contextLength).contains(asked) else {
      throw .setting(
        name: "context", value: String(asked),
        allowed: "1 to \(shape.contextLength), what the model was made for")
    }
    return asked
  }

  /// The published checkpoints, all with heads of 512, were trained with rounded caches; models of other shapes were not.
  static func roundsCacheByDefault(_ file: GGUFFile) -> Bool {
    file.metadata.string("general.architecture") == "deepseek4"
      && file.metadata.integer("deepseek4.attention.key_length") == 512
  }
}
