import GGUF
import Models

/// One conversation with a model: its tokens, the model's state after them, and the logits for the next.
///
/// Not for use from several threads at once.
public final class InferenceSession {
  /// The model.
  public let model: any LanguageModel
  /// The tokens taken in so far.
  public private(set) var tokens: [Int32] = []
  /// The logits after the last token; nil while there is none.
  public private(set) var logits: [Float]?
  /// How many of the tokens of the last `append` were found in the prefix store and not computed.
  public private(set) var reusedTokens = 0
  /// The longest sequence allowed.
  public let contextLimit: Int
  /// Tokens per call to the model while a prompt is taken in; has no influence on results.
  public let chunk: Int
  let prefixes: PrefixStore?
  let file: GGUFFile?
  var state: any SequenceState

  /// Makes an empty session.
  ///
  /// - Parameters:
  ///   - contextLimit: the longest sequence; at most what the model was made for.
  ///   - chunk: tokens per call to the model, in 1 ... `model.maximumBatch`.
  ///   - prefixes: what sequences of the same model that begin alike share.
  ///   - file: the file behind the model; after every pass the session makes sure that it is still as it was.
  public init(
    model: any LanguageModel, contextLimit: Int? = nil, chunk: Int = 512,
    prefixes: PrefixStore? = nil, file: GGUFFile? = nil
  ) {
    self.model = model
    self.contextLimit = min(contextLimit ?? model.shape.contextLength, model.shape.contextLength)
    self.chunk = max(1, min(chunk, model.maximumBatch))
    self.prefixes = prefixes
    self.file = file
    state = model.makeState()
  }

  private init(copying other: InferenceSession) {
    model = other.model
    tokens = other.tokens
    logits = other.logits
    contextLimit = other.contextLimit
    chunk = other.chunk
    prefixes = other.prefixes
    file = other.file
    state = other.state.fork()
  }

  /// A second session that goes on from the same point; shares complete pages.
  public func fork() -> InferenceSession { InferenceSession(copying: self) }

  /// The bytes of the session's cache: shared pages and private tail.
  public var cacheByteCount: Int { state.pageByteCount + state.tailByteCount }

  /// Takes in tokens. An empty session first looks for a known prefix in its prefix store, which then learns the new one.
  ///
  /// - Parameters:
  ///   - observer: told of values inside the model.
  ///   - progress: called after every chunk with the number of tokens done; returning false stops, with the tokens so
  ///     far taken in.
  /// - Throws: `InferenceError.contextFull` before anything is computed; the session is unchanged then. After any other
  ///   error the session is empty.
  public func append(
    _ new: [Int32], observer: (any ForwardObserver)? = nil, progress: ((Int) -> Bool)? = nil
  ) throws(InferenceError) {
    guard !new.isEmpty else { return }
    guard tokens.count + new.count <= contextLimit else {
      throw .contextFull(tokens: tokens.count + new.count, limit: contextLimit)
    }
    var done = 0
    reusedTokens = 0
    var checkpoints: ArraySlice<Int> = []
    let isPrompt = tokens.isEmpty
    if isPrompt, let match = prefixes?.resume(new, acceptsLogits: true) {
      state = match.state
      done = match.count
      reusedTokens = done
      tokens = Array(new[..<done])
      logits = match.logits
      checkpoints = match.checkpoints[...]
    }
    while done < new.count {
      let end = min(new.count, done + chunk, checkpoints.first ?? Int.max)
      let part = Array(new[done..<end])
      let rows = try evaluate(
        [
          SequenceInput(state: state, tokens: part, logits: end == new.count ? .last : .none)
        ], observer: observer)
      tokens += part
      done = end
      logits = end == new.count ? rows[0] : nil
      if done == new.count {
        // Single tokens are those of an answer that goes on.
        if new.count > 1 || isPrompt {
          prefixes?.keep(state, tokens: tokens, logits: isPrompt ? logits : nil)
        }
      } else if done == checkpoints.first {
        prefixes?.keep(state, tokens: tokens, as: .checkpoint)
        checkpoints.removeFirst()
      }
      if let progress, !progress(done) { return }
    }
  }

  /// Takes tokens in and returns the logits after every one of them, row by row.
  ///
  /// The rows take `new.count * vocabularyCount * 4` bytes; give a long text in parts.
  ///
  /// - Throws: as `append`.
  public func appendForAllLogits(
    _ new: [Int32], observer: (any ForwardObserver)? = nil
  ) throws(InferenceError) -> [Float] {
    guard tokens.count + new.count <= contextLimit else {
      throw .contextFull(tokens: tokens.count + new.count, limit: contextLimit)
    }
    var rows: [Float] = []
    var done = 0
    while done < new.count {
      let end = min(new.count, done + chunk)
      let part = Array(new[done..<end])
      rows += try evaluate(
        [SequenceInput(state: state, tokens: part, logits: .all)], observer: observer)[0]
      tokens += part
      done = end
    }
    if !new.isEmpty { logits = Array(rows.suffix(model.shape.vocabularyCount)) }
    return rows
  }

  /// Goes back to the first `count` tokens, as if the later ones had never been given. The logits are gone until the next
  /// `append`.
  ///
  /// Steps of up to `maximumRollback` tokens are immediate; farther back the kept prefix is computed again.
  public func rollBack(to count: Int) throws(InferenceError) {
    precondition(count >= 0 && count <= tokens.count, "a session rolls back to an earlier point")
    guard count < tokens.count else { return }
    logits = nil
    if count >= state.oldestRollback {
      do {
        try state.rollBack(to: count)
      } catch {
        throw .model(error)
      }
      tokens.removeSubrange(count...)
      return
    }
    let kept = Array(tokens[..<count])
    tokens = []
    state = model.makeState()
    try append(kept)
    logits = nil
  }

  /// Calls the model; on failure the session becomes empty, since states are unusable then.
  func evaluate(
    _ inputs: [SequenceInput], observer: (any ForwardObserver)? = nil
  ) throws(InferenceError) -> [[Float]] {
    let rows: [[Float]]
    do {
      rows = try model.evaluate(inputs, observer: observer)
    } catch {
      reset()
      throw .model(error)
    }
    do {
      try file?.checkUnchanged()
    } catch {
      reset()
      throw .file(error)
    }
    return rows
  }

  /// Forgets everything.
  public func reset() {
    tokens = []
    logits = nil
    state = model.makeState()
  }

  /// Sets the logits after the last token, known from an earlier pass.
  func setLogits(_ values: [Float]) { logits = values }
}
