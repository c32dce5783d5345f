import ArgumentParser

/// `maslin run`
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Talks with a model on this machine.",
    discussion: """
      With a prompt (or standard input that is no terminal) it answers once; otherwise it is a conversation: every line \
      is a message, a line that ends with a backslash goes on, /help lists the commands, Ctrl-C stops an answer, Ctrl-D \
      ends. Answers go to standard output; thoughts, figures and everything else to standard error. Nothing leaves the \
      machine. `maslin chat` talks with a server that is already running.

      Examples:
        maslin run model.gguf
        maslin run model.gguf "What does delegatecall do?"
        git diff | maslin run model.gguf --system "Review this change."
        maslin run model.gguf --mcp-config servers.json "Audit src/Vault.sol"
      """)

  @Argument(help: "A GGUF file or the name of a registered model.", completion: .file())
  var model: String

  @Argument(help: "The question; a conversation when left out on a terminal.")
  var prompt: String?

  @OptionGroup var chat: ChatOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var options: EngineOptions

  mutating func run() throws {
    let question = try chat.singleQuestion(prompt)
    let source = try LocalChatSource(model, options: options)
    defer { source.shutdown() }
    try ChatSession(
      source: source, options: chat, sampling: sampling, data: try? options.data.directory()
    ).run(question: question)
  }
}
