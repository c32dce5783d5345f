import ArgumentParser
import Egress
import Foundation
import Workstation

/// `maslin chat`
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "A conversation in the terminal, with a running server or a model in process.",
    discussion: """
      Without --server it looks for the `maslin serve` that runs for the same data directory; where there is none, MODEL is \
      opened in this process, as `maslin run` does. Only servers of this machine are asked. Lines are edited as in a shell; \
      /help lists the commands.

      Examples:
        maslin chat
        maslin chat --server http://127.0.0.1:4114 --token-file token
        maslin chat model.gguf
      """)

  @Argument(
    help: "With a server: the model to begin with. Without: a GGUF file or a registered model.",
    completion: .file())
  var model: String?

  @Option(
    help: ArgumentHelp("The server, on this machine.", valueName: "url"))
  var server: String?

  @Option(
    help: ArgumentHelp("The file with the server's token.", valueName: "file"), completion: .file())
  var tokenFile: String?

  @Flag(help: "Open the model in this process even if a server runs.")
  var inProcess = false

  @OptionGroup var chat: ChatOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var options: EngineOptions

  func validate() throws {
    if inProcess, server != nil {
      throw ValidationError("--in-process and --server exclude each other")
    }
    if tokenFile != nil, server == nil {
      throw ValidationError("--token-file belongs to --server")
    }
  }

  mutating func run() throws {
    let question = try chat.singleQuestion(nil)
    if let running = try runningServer() {
      let transport = LoopbackTransport(to: try LoopbackAddress(running.url))
      defer { try? wait { try await transport.shutdown() } }
      let remote = RemoteModelService(transport: transport, token: running.token)
      let source = try RemoteChatSource(remote, model: model)
      StandardError.write("maslin: \(source.model) at \(transport.address)\n")
      try talk(source, question)
      return
    }
    guard let model else {
      throw CommandFailure(
        .environment,
        "no server runs for this data directory; start one with `maslin serve MODEL`, or name a model: "
          + "`maslin chat MODEL`")
    }
    let source = try LocalChatSource(model, options: options)
    defer { source.shutdown() }
    try talk(source, question)
  }

  private func talk(_ source: any ChatSource, _ question: String?) throws {
    try ChatSession(
      source: source, options: chat, sampling: sampling, data: try? options.data.directory()
    ).run(question: question)
  }

  private func runningServer() throws -> (url: String, token: String?)? {
    if inProcess { return nil }
    if let server { return (server, try tokenFile.map(token)) }
    guard let running = try? RunningServer(in: options.data.directory()) else { return nil }
    return (running.url, try running.tokenFile.map(token))
  }

  private func token(_ path: String) throws -> String {
    let bytes = try InputFile.read(path, limit: 4096)
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
