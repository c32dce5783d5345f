import Models

/// Whether a model, its cache and its buffers fit into memory, decided before anything is mapped.
public struct MemoryPlan: Hashable, Sendable {
  /// What the plan comes to.
  public enum Verdict: Hashable, Sendable {
    /// Everything fits at once.
    case fits
    /// Cache and buffers fit, the weights do not: chosen experts are read from the file as they are needed.
    case streams
    /// Not even cache, buffers and the weights every token needs fit.
    case doesNotFit
  }

  /// Bytes of all weights.
  public var weights: Int
  /// Bytes of the weights that every token reads (all but routed experts).
  public var denseWeights: Int
  /// Bytes of cache at the context length asked for.
  public var cache: Int
  /// Bytes of work buffers and of the program itself.
  public var buffers: Int
  /// The context length the cache is for.
  public var contextLength: Int
  /// Memory that may be taken.
  public var memory: MachineMemory
  /// The longest context of a power-of-two length that would fit with all weights, or nil.
  public var longestContext: Int?

  /// The bound of buffers and program kept free beside weights and cache.
  public static let bufferBytes = 300 << 20

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - cacheBytes: the bytes of cache a sequence of so many tokens takes.
  ///   - contextLimit: the longest context the model was made for.
  public init(
    weights: Int, denseWeights: Int, contextLength: Int, contextLimit: Int, memory: MachineMemory,
    cacheBytes: (Int) -> Int
  ) {
    self.weights = weights
    self.denseWeights = denseWeights
    self.contextLength = contextLength
    self.memory = memory
    cache = cacheBytes(contextLength)
    buffers = MemoryPlan.bufferBytes
    var length = 1024
    while length <= contextLimit {
      guard weights + cacheBytes(length) + MemoryPlan.bufferBytes <= memory.available else { break }
      longestContext = length
      length *= 2
    }
  }

  /// Weights, cache and buffers together.
  public var total: Int { weights + cache + buffers }

  /// What the plan comes to.
  public var verdict: Verdict {
    if total <= memory.available { return .fits }
    return denseWeights + cache + buffers <= memory.available && denseWeights < weights
      ? .streams : .doesNotFit
  }

  /// What is needed and what there is.
  public var requirement: String {
    "needs \(ByteText.gibibytes(total)) (weights \(ByteText.gibibytes(weights)), "
      + "cache for \(contextLength) tokens \(ByteText.gibibytes(cache)), buffers "
      + "\(ByteText.gibibytes(buffers))), \(ByteText.gibibytes(memory.available)) available"
  }

  /// One or two sentences: what is needed, what there is, what to do.
  public var explanation: String {
    switch verdict {
    case .fits: return requirement
    case .streams, .doesNotFit:
      var ways: [String] = []
      if let longestContext, longestContext < contextLength {
        ways.append("choose a context of \(longestContext) tokens")
      }
      if verdict == .streams {
        ways.append("read experts from the file as they are needed (--stream)")
      }
      if ways.isEmpty { ways.append("use a smaller model or fewer bits a weight") }
      return requirement + "; " + ways.joined(separator: " or ")
    }
  }
}

/// Sizes as people read them.
public enum ByteText {
  /// `97.2 GiB`, or `512 MiB` below a tenth of a GiB.
  public static func gibibytes(_ bytes: Int) -> String {
    let value = Double(bytes) / 0x1p30
    return value < 0.1 ? "\(tenths(Double(bytes) / 0x1p20)) MiB" : "\(tenths(value)) GiB"
  }

  private static func tenths(_ value: Double) -> String {
    let scaled = Int((value * 10).rounded())
    return "\(scaled / 10).\(scaled % 10)"
  }
}
