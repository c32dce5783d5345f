import ArgumentParser
import DurableFiles
import Foundation
import Inference
import Tokenization
import Workstation

/// How a conversation is to go, on the command line.
enum ThinkingChoice: String, ExpressibleByArgument, CaseIterable {
  case off, on, high, max

  var thinking: Thinking {
    switch self {
    case .off: .off
    case .on: .on
    case .high: .high
    case .max: .max
    }
  }
}

/// `maslin run`
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Talks with a model on this machine.",
    discussion: """
      With a prompt (or standard input that is no terminal) it answers once; otherwise it is a conversation: every line \
      is a message, a line that ends with a backslash goes on, /help lists the commands, Ctrl-C stops an answer, Ctrl-D \
      ends. Answers go to standard output; thoughts, figures and everything else to standard error. Nothing leaves the \
      machine.

      Examples:
        maslin run model.gguf
        maslin run model.gguf "What does delegatecall do?"
        git diff | maslin run model.gguf --system "Review this change."
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Argument(help: "The question; a conversation when left out on a terminal.")
  var prompt: String?

  @Option(help: "Instructions for the whole conversation.")
  var system: String?

  @Option(help: ArgumentHelp("How long to think first.", valueName: "off|on|high|max"))
  var thinking: ThinkingChoice = .on

  @Flag(help: "Do not show thoughts.")
  var hideThoughts = false

  @Flag(help: "Do not keep the lines entered in the data directory.")
  var noHistory = false

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var options: EngineOptions

  mutating func run() throws {
    let local = try options.open(model)
    let conversation = try Conversation(
      local, system: system, thinking: thinking.thinking, showsThoughts: !hideThoughts,
      sampling: sampling)
    if let question = try singleQuestion() {
      let end = try conversation.ask(question)
      if end == .cancelled { throw CommandFailure(.environment, "stopped") }
      return
    }
    try converse(conversation)
  }

  private func singleQuestion() throws -> String? {
    if let prompt {
      guard isatty(STDIN_FILENO) == 0, prompt == "-" else { return prompt }
      return try StandardInput.readText(limit: 64 << 20)
    }
    return isatty(STDIN_FILENO) == 0 ? try StandardInput.readText(limit: 64 << 20) : nil
  }

  private func converse(_ conversation: Conversation) throws {
    let store = noHistory ? nil : LineHistory(directory: try? options.data.directory())
    let editor = LineEditor(history: store?.load() ?? [])
    StandardError.write("/help lists the commands, Ctrl-D ends.\n")
    loop: while true {
      switch editor.read(prompt: "> ") {
      case .end: break loop
      case .interrupted: continue
      case .line(let line) where line.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty:
        continue
      case .line(let line) where line.hasPrefix("/"):
        guard try conversation.perform(line) else { break loop }
      case .line(let line):
        do {
          _ = try conversation.ask(line)
        } catch let error as InferenceError {
          StandardError.write("maslin: \(error)\n")
        } catch let error as ChatError {
          StandardError.write("maslin: \(error)\n")
        }
      }
      store?.save(editor.history)
    }
  }
}

/// The lines a user entered, kept in the data directory for their owner alone.
struct LineHistory {
  private let path: String

  /// Nil when there is no data directory: then nothing is kept.
  init?(directory: DataDirectory?) {
    guard let directory, (try? directory.create()) != nil else { return nil }
    path = directory.file("history")
  }

  func load() -> [String] {
    guard let bytes = try? SystemFiles().read(path, limit: 4 << 20) else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      String($0).replacing("\\n", with: "\n")
    }
  }

  func save(_ lines: [String]) {
    let text = lines.map { $0.replacing("\n", with: "\\n") + "\n" }.joined()
    do {
      try AtomicFile.write(Array(text.utf8), to: path)
      chmod(path, 0o600)
    } catch {
      StandardError.write("maslin: the history was not kept: \(error)\n")
    }
  }
}
