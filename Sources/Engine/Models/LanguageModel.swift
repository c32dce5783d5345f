/// A model that continues sequences of tokens.
///
/// A model and its states belong to one thread at a time; the work inside a call is spread over the back end's own
/// threads. Whatever the split of a sequence into calls and whatever else is in a call, a token's logits have the same
/// bits (on one back end).
public protocol LanguageModel: AnyObject {
  /// The model's shape as read from its file.
  var shape: ModelShape { get }
  /// The largest number of tokens of one call to `evaluate`, all sequences together.
  var maximumBatch: Int { get }

  /// The state of an empty sequence.
  func makeState() -> any SequenceState
  /// The bytes of state a sequence of `tokens` tokens needs, pages and private tail together.
  func stateByteCount(tokens: Int) -> Int
  /// Reads a state that `SequenceState.serialized()` wrote for this model.
  func makeState(serialized: [UInt8]) throws(ModelError) -> any SequenceState

  /// Whether a state can go back to any earlier point: whether its `oldestRollback` is always 0.
  var rollsBackFreely: Bool { get }
  /// A complete page as bytes: versioned, little-endian, checked by `makePage(serialized:)`.
  ///
  /// - Parameter page: one of a state of this model.
  func serialized(_ page: any StatePage) -> [UInt8]
  /// Reads a page that `serialized(_:)` wrote for this model.
  ///
  /// - Throws: `ModelError.serializedState` when the bytes are damaged or another model's.
  func makePage(serialized: [UInt8]) throws(ModelError) -> any StatePage
  /// Puts a state together from its complete pages, which it shares from then on, and what
  /// `SequenceState.serializedTail()` wrote.
  ///
  /// - Throws: `ModelError.serializedState` when the bytes are damaged or another model's, or when the pages are not as
  ///   many as the tail follows.
  func makeState(
    tail: [UInt8], pages: [any StatePage]
  ) throws(ModelError) -> any SequenceState

  /// Appends tokens to the sequences and computes logits.
  ///
  /// States move on by the number of tokens given; the states of one call must be distinct. When the call throws, the
  /// states are unusable and must be dropped or restored.
  ///
  /// - Parameter observer: told of values inside the layers; nil costs nothing.
  /// - Returns: for each sequence the rows of logits asked for, `shape.vocabularyCount` values a row.
  func evaluate(
    _ sequences: [SequenceInput], observer: (any ForwardObserver)?
  ) throws(ModelError) -> [[Float]]
}

/// Tokens to append to one sequence.
public struct SequenceInput {
  /// Which logits are computed.
  public enum Logits: Hashable, Sendable {
    case none
    /// Those after the last token given.
    case last
    /// Those after every token given.
    case all
  }

  /// The state of the sequence; made by the same model.
  public var state: any SequenceState
  /// At least one token.
  public var tokens: [Int32]
  /// Which logits are computed.
  public var logits: Logits

  /// Makes an input.
  public init(state: any SequenceState, tokens: [Int32], logits: Logits) {
    self.state = state
    self.tokens = tokens
    self.logits = logits
  }
}

/// What a model remembers of a sequence: complete pages of 128 tokens, which never change and may be shared between
/// sequences, and a private tail.
public protocol SequenceState: AnyObject {
  /// The number of tokens taken in so far.
  var count: Int { get }
  /// The bytes this state alone holds (the tail).
  var tailByteCount: Int { get }
  /// The bytes of its complete pages, which may be shared.
  var pageByteCount: Int { get }
  /// A second state that continues from the same point: shares pages, copies the tail.
  func fork() -> any SequenceState
  /// The smallest count that `rollBack` accepts at this moment; at least `maximumRollback` tokens back unless the
  /// sequence is shorter.
  var oldestRollback: Int { get }
  /// Forgets the newest tokens, as if they had never been given.
  ///
  /// - Throws: `ModelError.rollbackTooFar` when `count` is below `oldestRollback` or above the present count.
  func rollBack(to count: Int) throws(ModelError)
  /// The complete pages, oldest first. Two states of one model that took in the same tokens have pages of equal bytes.
  var pages: [any StatePage] { get }
  /// Replaces page `index` by an equal one of another state, so that the memory of one can be freed.
  func adopt(_ page: any StatePage, at index: Int)
  /// All of the state as bytes: versioned, little-endian, checked by `LanguageModel.makeState(serialized:)`.
  func serialized() -> [UInt8]
  /// Everything but the complete pages as bytes: versioned, little-endian, checked by
  /// `LanguageModel.makeState(tail:pages:)`.
  func serializedTail() -> [UInt8]
}

/// A complete page of a state: what 128 tokens left behind. Immutable.
public protocol StatePage: AnyObject {
  /// The bytes it holds.
  var byteCount: Int { get }
}

/// How many tokens back every state can roll.
public let maximumRollback = 16

/// The number of tokens of a page (specification of DeepSeek V4, 12.3).
public let tokensPerPage = 128

/// Is told of values inside a forward pass, for comparing implementations.
public protocol ForwardObserver: AnyObject {
  /// Values named as in engine traces: `LAYER.attn_out`, `LAYER.router.experts`, `final_norm`.
  ///
  /// - Parameters:
  ///   - shape: the first axis counts the tokens of the call.
  ///   - values: row-major; whole numbers (expert ids) are given as floats.
  func observe(_ name: String, shape: [Int], values: [Float])
}
