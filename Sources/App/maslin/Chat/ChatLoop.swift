import Foundation
import ModelServing

/// Reads what a user enters until the conversation ends.
struct ChatLoop {
  let chat: Chat
  let history: LineHistory?

  func run() throws {
    let editor = LineEditor(history: history?.load() ?? [])
    let commands = ChatCommands(chat: chat)
    StandardError.write("/help lists the commands, Ctrl-D ends.\n")
    loop: while true {
      switch editor.read(prompt: "> ") {
      case .end: break loop
      case .interrupted: continue
      case .line(let line) where line.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty:
        continue
      case .line(let line) where line.hasPrefix("/"):
        guard try perform(line, commands) else { break loop }
      case .line(let line):
        guard let text = longText(line, editor) else { continue }
        try ask(text)
      }
      history?.save(editor.history)
    }
  }

  /// A text of many lines between two `"""`; nil when it was dropped.
  private func longText(_ line: String, _ editor: LineEditor) -> String? {
    let mark = "\"\"\""
    guard line.hasPrefix(mark) else { return line }
    var text = String(line.dropFirst(mark.count))
    while !text.hasSuffix(mark) {
      guard case .line(let next) = editor.read(prompt: "... ") else { return nil }
      text += "\n" + next
    }
    return String(text.dropLast(mark.count)).trimmingCharacters(in: .newlines)
  }

  private func perform(_ line: String, _ commands: ChatCommands) throws -> Bool {
    do {
      return try commands.perform(line)
    } catch let error as ServiceError {
      StandardError.write("maslin: \(error)\n")
      return true
    }
  }

  /// A refused question is told and the conversation goes on.
  private func ask(_ text: String) throws {
    do {
      _ = try chat.ask(text)
    } catch let error as ServiceError {
      StandardError.write("maslin: \(error)\n")
    }
  }
}
