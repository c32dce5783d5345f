import Models

/// Guesses the tokens that follow, cheaply; the model checks the guesses.
public protocol Drafter: AnyObject {
  /// Up to `count` tokens that may follow `tokens`; fewer, or none, when there is no good guess.
  func draft(after tokens: [Int32], count: Int) throws(InferenceError) -> [Int32]
}

/// Guesses that text repeats: looks for the last place where the newest tokens stood before and proposes what followed
/// there (prompt lookup decoding, Saxena 2023). Costs no model and pays off on code edits and quotations.
public final class RepetitionDrafter: Drafter {
  /// The longest run of newest tokens looked for.
  public let longest: Int
  /// The shortest run that is trusted.
  public let shortest: Int

  /// Makes a drafter that looks for runs of `shortest` to `longest` tokens.
  public init(longest: Int = 4, shortest: Int = 2) {
    self.shortest = max(1, shortest)
    self.longest = max(self.shortest, longest)
  }

  /// What followed the newest tokens the last time. O(tokens * longest).
  public func draft(after tokens: [Int32], count: Int) -> [Int32] {
    guard count > 0 else { return [] }
    for length in stride(from: longest, through: shortest, by: -1) where tokens.count > length {
      let newest = tokens.suffix(length)
      var start = tokens.count - length - 1
      while start >= 0 {
        if tokens[start..<start + length].elementsEqual(newest) {
          return Array(tokens[(start + length)...].prefix(count))
        }
        start -= 1
      }
    }
    return []
  }
}

/// Lets a smaller model with the same vocabulary guess, greedily.
public final class ModelDrafter: Drafter {
  private let session: InferenceSession

  /// Makes a drafter from an empty session of the smaller model.
  public init(session: InferenceSession) { self.session = session }

  /// The smaller model's most likely continuation.
  public func draft(after tokens: [Int32], count: Int) throws(InferenceError) -> [Int32] {
    guard !tokens.isEmpty, count > 0, tokens.count + count <= session.contextLimit else {
      return []
    }
    var common = 0
    while common < min(tokens.count - 1, session.tokens.count),
      tokens[common] == session.tokens[common]
    { common += 1 }
    try session.rollBack(to: common)
    try session.append(Array(tokens[common...]))
    var proposal: [Int32] = []
    while proposal.count < count, let logits = session.logits {
      let token = try logits.withUnsafeBufferPointer { (values) throws(InferenceError) in
        try Sampler.largest(values)
      }
      proposal.append(token)
      if proposal.count < count { try session.append([token]) }
    }
    return proposal
  }
}

/// Lets a model's own prediction block guess one token (multi-token prediction, specification of DeepSeek V4, 7).
public final class PredictionDrafter: Drafter {
  private let session: InferenceSession
  private let model: any DraftingModel

  /// Makes a drafter for the session whose text is continued; nil when its model has no prediction block.
  public init?(session: InferenceSession) {
    guard let model = session.model as? any DraftingModel, model.canDraft else { return nil }
    self.session = session
    self.model = model
  }

  /// The block's most likely token after the newest of `tokens`, which the session has not taken in yet.
  public func draft(after tokens: [Int32], count: Int) throws(InferenceError) -> [Int32] {
    guard count > 0, let newest = tokens.last, !session.tokens.isEmpty,
      tokens.count == session.tokens.count + 1
    else { return [] }
    let rows: [[Float]]
    do {
      rows = try model.draft([(state: session.state, token: newest)])
    } catch {
      throw .model(error)
    }
    guard let logits = rows.first else { return [] }
    return [
      try logits.withUnsafeBufferPointer { (values) throws(InferenceError) in
        try Sampler.largest(values)
      }
    ]
  }
}
