import GGUF
import Inference
import Models

/// How a model makes one vector of a text: from the vectors of its tokens after the last norm.
///
/// Files say so with `<architecture>.pooling_type`, as converters write it: 1 the mean of all tokens, 2 the first token,
/// 3 the last token. Files without it (and with 0, none) are made for writing text, and their vectors mean little.
struct TextPooling: Hashable, Sendable {
  /// Which tokens count.
  enum Rule: Int, Hashable, Sendable {
    case mean = 1
    case first = 2
    case last = 3
  }

  /// Which tokens count.
  let rule: Rule
  /// The token that texts end with, if the file asks for one (`tokenizer.ggml.add_eos_token`).
  let ending: Int32?

  /// The rule of a file; nil for models that were not made for vectors.
  init?(_ metadata: GGUFMetadata, end: Int32?) {
    let architecture = metadata.string("general.architecture") ?? ""
    guard let rule = metadata.integer("\(architecture).pooling_type").flatMap(Rule.init) else {
      return nil
    }
    self.rule = rule
    ending = metadata.bool("tokenizer.ggml.add_eos_token") == true ? end : nil
  }

  /// The vector of some tokens, of length 1. To be called on the model's thread; sums run in the order of the tokens, so the
  /// vector does not depend on the size of chunks.
  ///
  /// - Throws: `InferenceError.model` when the model fails; `.logits` when the vector has no direction.
  func vector(
    of tokens: [Int32], model: any LanguageModel, chunk: Int
  ) throws(InferenceError) -> [Float] {
    let state = model.makeState()
    var sum = [Double](repeating: 0, count: model.shape.width)
    var done = 0
    while done < tokens.count {
      let part = Array(tokens[done..<min(tokens.count, done + max(1, chunk))])
      let reading = NormReading()
      do {
        _ = try model.evaluate(
          [SequenceInput(state: state, tokens: part, logits: .none)], observer: reading)
      } catch {
        throw .model(error)
      }
      guard reading.width == sum.count, reading.rows == part.count else {
        throw .logits("the model does not show the vectors of its tokens")
      }
      for row in 0..<part.count where counts(done + row, of: tokens.count) {
        for column in sum.indices {
          sum[column] += Double(reading.values[row * sum.count + column])
        }
      }
      done += part.count
    }
    let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard length > 0, length.isFinite else { throw .logits("the vector of the text has no length") }
    return sum.map { Float($0 / length) }
  }

  private func counts(_ position: Int, of count: Int) -> Bool {
    switch rule {
    case .mean: true
    case .first: position == 0
    case .last: position == count - 1
    }
  }
}

/// Keeps what comes out of the last norm.
private final class NormReading: ForwardObserver {
  private(set) var rows = 0
  private(set) var width = 0
  private(set) var values: [Float] = []

  func observe(_ name: String, shape: [Int], values: [Float]) {
    guard name == "final_norm", shape.count == 2 else { return }
    (rows, width) = (shape[0], shape[1])
    self.values = values
  }
}
