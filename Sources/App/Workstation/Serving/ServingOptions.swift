import Inference
import ModelServing

/// How a model on this machine is served.
public struct ServingOptions: Sendable {
  /// When calls of tools are held to the exact syntax and to the schemas of their tools while they are written.
  public enum CallConstraint: String, Hashable, Sendable, CaseIterable {
    /// For files whose weights mostly have 2 or 3 bits; and, whatever the file, whenever a tool is strict or a call is
    /// required.
    case automatic
    /// Whenever tools are offered.
    case always
    /// Never: requests that cannot do without (strict tools, required calls) are refused.
    case never
  }

  /// Where what was computed for prompts is kept between runs.
  public struct Disk: Hashable, Sendable {
    /// The data directory; the states of each model have a folder of their own in it, where `maslin cache` finds them.
    public var directory: String
    /// The most bytes.
    public var limit: Int

    /// Makes a place.
    public init(directory: String, limit: Int) {
      self.directory = directory
      self.limit = limit
    }
  }

  /// The name requests use; nil for the file's name without `.gguf`.
  public var name: String?
  /// Answers written at once; at least 1.
  public var sequences: Int
  /// Requests that may wait for their turn.
  public var queueLength: Int
  /// Bytes for the states of conversations, running and kept; nil for three quarters of what is left beside the weights,
  /// at most 16 GiB, and at least what one conversation of full length takes.
  public var cacheMemory: Int?
  /// Where states are kept between runs; nil for memory alone.
  public var disk: Disk?
  /// Whether and how hard models that can think do so when a request does not say.
  public var thinking: GenerationRequest.Thinking
  /// When calls are constrained.
  public var constrainsCalls: CallConstraint
  /// When an answer counts as a loop and is ended; nil for never.
  public var loops: LoopDetector.Settings?

  /// The most bytes of memory for states that are taken without being asked for.
  static let largestDefaultCache = 16 << 30

  /// Makes options.
  public init(
    name: String? = nil, sequences: Int = 8, queueLength: Int = 64, cacheMemory: Int? = nil,
    disk: Disk? = nil, thinking: GenerationRequest.Thinking = .on,
    constrainsCalls: CallConstraint = .automatic,
    loops: LoopDetector.Settings? = LoopDetector.Settings()
  ) {
    self.name = name
    self.sequences = sequences
    self.queueLength = queueLength
    self.cacheMemory = cacheMemory
    self.disk = disk
    self.thinking = thinking
    self.constrainsCalls = constrainsCalls
    self.loops = loops
  }

  /// The bytes for states beside a model.
  func cacheBytes(_ plan: MemoryPlan) -> Int {
    if let cacheMemory { return cacheMemory }
    let weights = plan.verdict == .fits ? plan.weights : plan.denseWeights
    let left = max(0, plan.memory.available - weights - plan.buffers)
    return max(plan.cache, min(left / 4 * 3, Self.largestDefaultCache))
  }
}
