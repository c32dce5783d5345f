/// How many tokens of prompts go into a pass beside the answers being written, from how long passes took so far.
package struct ChunkBudget {
  /// Seconds a pass may take while answers are written.
  let target: Double
  /// The smallest chunk.
  let minimum: Int
  /// Seconds of a pass without any prompt; nil before the first.
  private var answerSeconds: Double?
  /// Seconds that one token of a prompt adds to a pass; nil before the first.
  private(set) var promptSeconds: Double?

  /// The weight of the newest measurement.
  private static var smoothing: Double { 0.5 }

  package init(target: Double, minimum: Int) {
    self.target = target
    self.minimum = minimum
  }

  /// Records a pass of `prompt` tokens of prompts and `answers` of answers.
  package mutating func record(prompt: Int, answers: Int, seconds: Double) {
    guard prompt > 0 else {
      answerSeconds = smoothed(answerSeconds, seconds)
      return
    }
    let base = answers > 0 ? answerSeconds ?? 0 : 0
    // Noise can make a mixed pass shorter than one without a prompt; some cost a token always has.
    let added = max(seconds - base, seconds * 0.05)
    promptSeconds = smoothed(promptSeconds, added / Double(prompt))
  }

  private func smoothed(_ old: Double?, _ new: Double) -> Double {
    guard let old else { return new }
    return old + (new - old) * Self.smoothing
  }

  /// The tokens of prompts for the next pass, in 1...maximum; `maximum` when no answer is held up by them.
  package func tokens(holdsUpAnswers: Bool, maximum: Int) -> Int {
    guard holdsUpAnswers else { return maximum }
    let least = min(minimum, maximum)
    guard let promptSeconds, promptSeconds > 0 else { return least }
    let room = max(0, target - (answerSeconds ?? 0)) / promptSeconds
    return room >= Double(maximum) ? maximum : max(least, Int(room))
  }
}
