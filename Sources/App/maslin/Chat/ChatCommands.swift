import Foundation
import ModelServing
import TerminalText

/// The commands of a conversation that start with `/`.
struct ChatCommands {
  private static let help = """
    /help                 this list
    /model [NAME]         the models there are, or go over to another
    /reset                forget the conversation
    /retry                answer the last question again
    /undo                 take back the last question and its answer
    /system TEXT          instructions for the whole conversation; without TEXT none
    /think off|on|high|max  how long to think first
    /thoughts on|off      show or hide thoughts
    /temperature X        0 always takes the most likely token
    /seed N               the same seed gives the same answer
    /attach FILE          put a file into the conversation
    /tools                the tools the model may call
    /tokens               how much of the context is used
    /save FILE            write the conversation as Markdown
    /exit                 end (also Ctrl-D)
    A line that ends with a backslash goes on in the next; \"\"\" begins and ends a text of many lines.

    """

  let chat: Chat

  /// Carries out a line that starts with `/`. Returns false when the conversation is over.
  func perform(_ line: String) throws -> Bool {
    let parts = line.split(separator: " ", maxSplits: 1)
    let command = parts.first.map(String.init) ?? line
    let argument = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    switch command {
    case "/exit", "/quit", "/bye": return false
    case "/help", "/?": StandardError.write(Self.help)
    case "/model": model(argument)
    case "/reset", "/clear":
      chat.turns = []
      StandardError.write("the conversation is forgotten\n")
    case "/retry": try retry()
    case "/undo":
      StandardError.write(
        chat.takeBack() == nil ? "there is nothing to take back\n" : "taken back\n")
    case "/system":
      chat.system = argument.isEmpty ? nil : argument
      StandardError.write(chat.system == nil ? "no instructions\n" : "instructions set\n")
    case "/think": setThinking(argument)
    case "/thoughts":
      chat.showsThoughts = argument != "off"
      StandardError.write("thoughts are \(chat.showsThoughts ? "shown" : "hidden")\n")
    case "/temperature": setTemperature(argument)
    case "/seed": setSeed(argument)
    case "/attach": attach(argument)
    case "/tools": listTools()
    case "/tokens":
      StandardError.write(
        "\(chat.contextTokens) tokens as of the last answer, \(chat.turns.count) turns\n")
    case "/save": save(argument)
    default: StandardError.write("\(SafeText.line(command)) is no command; /help lists them\n")
    }
    return true
  }

  private func model(_ name: String) {
    do {
      guard !name.isEmpty else {
        let names = try chat.source.available().map { name in
          "\(name == chat.source.model ? "* " : "  ")\(SafeText.line(name))\n"
        }
        StandardError.write(names.isEmpty ? "no models\n" : names.joined())
        return
      }
      try chat.source.choose(name)
      StandardError.write("\(SafeText.line(chat.source.model)) answers from now on\n")
    } catch {
      StandardError.write("maslin: \(CommandFailure(error)?.message ?? "\(error)")\n")
    }
  }

  private func retry() throws {
    guard let question = chat.takeBack() else {
      StandardError.write("there is no question to answer again\n")
      return
    }
    chat.sampling.seed = chat.sampling.seed.map { $0 &+ 1 }
    _ = try chat.ask(question)
  }

  private func setThinking(_ argument: String) {
    guard let choice = GenerationRequest.Thinking(rawValue: argument) else {
      StandardError.write(
        "/think takes off, on, high or max; now \(chat.thinking?.rawValue ?? "the model's default")\n"
      )
      return
    }
    chat.thinking = choice
    StandardError.write("thinking \(choice.rawValue)\n")
  }

  private func setTemperature(_ argument: String) {
    guard let value = Double(argument), (0...100).contains(value) else {
      StandardError.write("/temperature takes a number from 0 to 100\n")
      return
    }
    chat.sampling.temperature = value
    StandardError.write("temperature \(value)\n")
  }

  private func setSeed(_ argument: String) {
    guard let seed = UInt64(argument) else {
      StandardError.write("/seed takes a whole number\n")
      return
    }
    chat.sampling.seed = seed
    StandardError.write("seed \(seed)\n")
  }

  private func attach(_ path: String) {
    do {
      let bytes = try InputFile.read(path, limit: 16 << 20)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        StandardError.write("\(SafeText.line(path)) is no UTF-8 text\n")
        return
      }
      let name = URL(fileURLWithPath: path).lastPathComponent
      chat.turns.append(Turn(role: .user, content: "File \(name):\n\n\(text)"))
      StandardError.write("attached \(bytes.count) bytes; ask about them now\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }

  private func listTools() {
    let tools = chat.tools?.tools ?? []
    guard !tools.isEmpty else {
      StandardError.write("no tools; --mcp and --mcp-config offer those of MCP servers\n")
      return
    }
    for tool in tools {
      let text = tool.description?.split(separator: "\n").first.map(String.init) ?? ""
      StandardError.write("\(SafeText.line(tool.name))  \(SafeText.line(text))\n")
    }
  }

  private func save(_ path: String) {
    guard !path.isEmpty else {
      StandardError.write("/save takes a file name\n")
      return
    }
    do {
      let sink = try ByteSink(path: path)
      try sink.append(Array(chat.markdown.utf8))
      try sink.finish()
      StandardError.write("saved\n")
    } catch {
      StandardError.write("\(error)\n")
    }
  }
}
