import Foundation
import TerminalText
import Tokenization

/// Shows an answer as it comes: what the model says on standard output, what it thinks dimmed on standard error.
final class AnswerDisplay {
  private enum Place { case nowhere, thought, answer }

  /// What the model said.
  private(set) var content = ""
  /// What it thought.
  private(set) var reasoning = ""
  /// The tools it wanted to call.
  private(set) var toolCalls: [ToolCall] = []
  private let showsThoughts: Bool
  private let stream = TextStream()
  private var place = Place.nowhere

  init(showsThoughts: Bool) { self.showsThoughts = showsThoughts }

  /// Whether nobody reads standard output any more.
  var isClosed: Bool { stream.isClosed }

  /// Whether standard error may be coloured.
  static var colorsErrors: Bool {
    StandardError.isTerminal
      && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
      && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  func show(_ events: [ChatOutputParser.Event]) {
    for event in events {
      switch event {
      case .reasoning(let text):
        reasoning += text
        guard showsThoughts else { continue }
        enter(.thought)
        StandardError.write(SafeText.lines(text))
      case .content(let text):
        content += text
        enter(.answer)
        stream.write(text)
      case .toolCall(let call):
        toolCalls.append(call)
        enter(.answer)
        StandardError.write(
          "[the model wants to call \(SafeText.line(call.name)) with \(SafeText.line(call.arguments)); no tools are offered here]\n"
        )
      case .malformed(let text):
        content += text
        enter(.answer)
        stream.write(text)
      }
    }
  }

  private func enter(_ new: Place) {
    guard new != place else { return }
    if new == .thought, Self.colorsErrors { StandardError.write("\u{1B}[2m") }
    if place == .thought { endThought() }
    place = new
  }

  private func endThought() {
    StandardError.write(Self.colorsErrors ? "\u{1B}[0m\n" : "\n")
  }

  /// Ends the answer with a line feed.
  func finish() throws {
    if place == .thought { endThought() }
    if place == .answer, !content.hasSuffix("\n") { stream.write("\n") }
    place = .nowhere
    try stream.finish()
  }
}
