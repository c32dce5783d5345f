import Foundation
import ModelServing
import Synchronization
import TerminalText

/// Shows an answer as it comes: what the model says on standard output, what it thinks dimmed on standard error.
///
/// May be used from several threads; pieces appear in the order in which they are given.
final class AnswerDisplay: Sendable {
  private enum Place { case nowhere, thought, answer }

  private struct State: ~Copyable {
    var content = ""
    var reasoning = ""
    var calls: [Call] = []
    let stream = TextStream()
    var place = Place.nowhere
  }

  private let state = Mutex(State())
  private let showsThoughts: Bool

  init(showsThoughts: Bool) { self.showsThoughts = showsThoughts }

  /// What the model said.
  var content: String { state.withLock { $0.content } }
  /// What it thought.
  var reasoning: String { state.withLock { $0.reasoning } }
  /// The tools it called.
  var calls: [Call] { state.withLock { $0.calls } }
  /// Whether nobody reads standard output any more.
  var isClosed: Bool { state.withLock { $0.stream.isClosed } }

  /// Whether standard error may be coloured.
  static var colorsErrors: Bool {
    StandardError.isTerminal
      && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
      && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Text that matters less, on standard error.
  static func dimmed(_ text: String) -> String {
    colorsErrors ? "\u{1B}[2m\(text)\u{1B}[0m" : text
  }

  func show(_ events: [GenerationEvent]) {
    state.withLock { state in
      for event in events {
        switch event {
        case .reasoning(let text):
          state.reasoning += text
          guard showsThoughts else { continue }
          Self.enter(.thought, &state)
          StandardError.write(SafeText.lines(text))
        case .content(let text, _), .malformedCall(let text):
          state.content += text
          Self.enter(.answer, &state)
          state.stream.write(text)
        case .call(_, let call):
          state.calls.append(call)
          Self.enter(.answer, &state)
          StandardError.write(
            "[\(SafeText.line(call.name)) \(SafeText.line(call.arguments))]\n")
        case .started(let report):
          for note in report.notes { StandardError.write("maslin: \(SafeText.line(note))\n") }
        case .finished: break
        }
      }
    }
  }

  private static func enter(_ new: Place, _ state: inout State) {
    guard new != state.place else { return }
    if new == .thought, colorsErrors { StandardError.write("\u{1B}[2m") }
    if state.place == .thought { endThought() }
    state.place = new
  }

  private static func endThought() {
    StandardError.write(colorsErrors ? "\u{1B}[0m\n" : "\n")
  }

  /// Ends the answer with a line feed.
  func finish() throws {
    try state.withLock { state in
      if state.place == .thought { Self.endThought() }
      if state.place == .answer, !state.content.hasSuffix("\n") { state.stream.write("\n") }
      state.place = .nowhere
      try state.stream.finish()
    }
  }
}
