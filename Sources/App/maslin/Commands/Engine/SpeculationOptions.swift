import ArgumentParser
import Inference

/// Where guesses come from.
enum GuessSource: String, ExpressibleByArgument, CaseIterable {
  case repetition, prediction
}

/// Whether tokens are guessed ahead.
struct SpeculationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Guess up to so many tokens ahead and check them in one pass; the answer stays the same.",
      valueName: "count"))
  var speculate: Int = 0

  @Option(
    help: ArgumentHelp(
      "Guess from repetitions in the text, or with the model's own prediction block.",
      valueName: "repetition|prediction"))
  var guess: GuessSource = .repetition

  func validate() throws {
    guard (0...16).contains(speculate) else {
      throw ValidationError("--speculate is \(speculate); it must be 0 to 16")
    }
  }

  /// What guesses tokens of a session; nil when none are to be guessed.
  ///
  /// - Throws: `CommandFailure` when the model has no prediction block and one is asked for.
  func drafter(for session: InferenceSession) throws -> (any Drafter)? {
    guard speculate > 0 else { return nil }
    switch guess {
    case .repetition: return RepetitionDrafter()
    case .prediction:
      guard let drafter = PredictionDrafter(session: session) else {
        throw CommandFailure(
          .badInput, "this model file has no prediction block; use --guess repetition")
      }
      return drafter
    }
  }
}
