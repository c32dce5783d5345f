import Inference
import ModelServing
import Tokenization

extension PromptReport.Miss {
  /// Says in text what the engine says in tokens: a few tokens before the place, and what follows there.
  init(_ miss: PrefixMiss, prompt: [Int32], _ vocabulary: Vocabulary) {
    let place = min(max(0, miss.position), prompt.count)
    let before = Array(prompt[max(0, place - 4)..<place])
    let known = Self.text(before, then: miss.known, vocabulary)
    let given = Self.text(before, then: Array(prompt[place...].prefix(6)), vocabulary)
    let kind: Kind
    let reason: String
    switch miss.reason {
    case .firstUse:
      kind = .firstUse
      reason = "first use: no known conversation begins like this one"
    case .differs:
      kind = .differs
      reason = "differs at token \(place): known \"\(known)\", now \"\(given)\""
    case .evicted:
      kind = .evicted
      reason =
        "not kept any more: token \(place) and those after it were dropped to stay within the limits of memory and disk"
    case .damagedOnDisk:
      kind = .damaged
      reason =
        "damaged on disk: the record at token \(place) was removed, its tokens are computed again"
    case .betweenCheckpoints:
      kind = .betweenCheckpoints
      reason =
        "differs at token \(place): known \"\(known)\", now \"\(given)\"; this model goes on only from points that were "
        + "kept, and the nearest is earlier"
    }
    self.init(kind: kind, position: place, known: known, given: given, reason: reason)
  }

  /// The text of tokens in one line, at most about 60 characters: of `before` the end, of `after` the start.
  private static func text(
    _ before: [Int32], then after: [Int32], _ vocabulary: Vocabulary
  ) -> String {
    func line(_ tokens: [Int32]) -> String {
      var bytes: [UInt8] = []
      for token in tokens { bytes += vocabulary.bytes(of: token) }
      var result = ""
      for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        default:
          if scalar.properties.generalCategory == .control {
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
          } else {
            result.unicodeScalars.append(scalar)
          }
        }
      }
      return result
    }
    return String(line(before).suffix(24)) + String(line(after).prefix(36))
  }
}
