import ModelServing
import Workstation

/// One run of `maslin chat` or `maslin run`: a single question, or a conversation.
struct ChatSession {
  let source: any ChatSource
  let options: ChatOptions
  let sampling: SamplingOptions
  let data: DataDirectory?

  /// Answers `question`, or talks until the user ends it.
  ///
  /// - Throws: `CommandFailure`, `ServiceError`; what a single question ends with.
  func run(question: String?) throws {
    let tools = try ContextTools.listed(options)
    defer { tools?.close() }
    let chat = Chat(source, options: options, sampling: sampling, tools: tools)
    if let question {
      guard try chat.ask(question) != .stopped else {
        throw CommandFailure(.environment, "stopped")
      }
      return
    }
    let history = options.noHistory ? nil : LineHistory(directory: data)
    try ChatLoop(chat: chat, history: history).run()
  }
}
