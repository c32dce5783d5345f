import ArgumentParser
import DurableFiles
import Foundation
import Gateway
import Workstation

/// `maslin serve`
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves a model to coding agents and editors on this machine.",
    discussion: """
      Speaks OpenAI's, Anthropic's and Ollama's APIs and the Model Context Protocol, and shows a web page. Clients need \
      the token, which is made at the first start, shown once, and kept in the data directory. Standard output gets one \
      line, the address, when the model can be asked; everything else goes to standard error. Ctrl-C or SIGTERM lets \
      running answers finish; a second one ends at once.

      Examples:
        maslin serve model.gguf
        maslin serve deepseek-v4-flash --port 5000 --context 65536
        maslin serve model.gguf --port 0 --json
        OPENAI_BASE_URL=http://127.0.0.1:4114/v1 OPENAI_API_KEY=TOKEN some-agent
      """)

  @Argument(
    help: "A GGUF file or the name of a registered model (default: 'model' of the configuration).",
    completion: .file())
  var model: String?

  @Option(
    name: .customLong("config"),
    help: "The configuration file (also: MASLIN_CONFIG).", completion: .file())
  var configurationPath: String?

  @Option(help: "The address to listen on (default: 127.0.0.1 and ::1).")
  var host: String?

  @Option(
    name: [.short, .long],
    help: "The port; 0 for a free one (default: \(ServeSettings.defaultPort)).")
  var port: String?

  @Option(
    help: ArgumentHelp("Listen on a socket in the file system too.", valueName: "path"),
    completion: .file())
  var socket: String?

  @Option(
    name: .customLong("allow-host"),
    help: ArgumentHelp(
      "Answer requests for this name too, besides this machine's own. May be repeated.",
      valueName: "name"))
  var allowedHosts: [String] = []

  @Option(
    name: .customLong("allow-origin"),
    help: ArgumentHelp(
      "Let pages of this web origin use the server. May be repeated.", valueName: "origin"))
  var allowedOrigins: [String] = []

  @Flag(
    name: .customLong("no-auth"),
    help: "Ask for no token. Every program and user of this machine may then use the server.")
  var isOpen = false

  @Option(
    help: ArgumentHelp(
      "The token's file (default: token in the data directory).", valueName: "file"),
    completion: .file())
  var tokenFile: String?

  @Option(help: "Answers made at a time.")
  var sequences: String?

  @Option(
    help: ArgumentHelp("Memory for known prefixes of conversations: 8GiB.", valueName: "size"))
  var cacheMemory: String?

  @Option(
    help: ArgumentHelp(
      "Disk space for known prefixes; 0 keeps none on disk (default: 8GiB).", valueName: "size"))
  var diskBudget: String?

  @Option(
    help: ArgumentHelp(
      "How long to think when a request does not say.", valueName: "off|on|high|max"))
  var thinking: String?

  @Option(
    help: ArgumentHelp(
      "Hold calls of tools to their schemas while they are written (auto: for files of 2 and 3 bits).",
      valueName: "auto|on|off"))
  var constrainCalls: String?

  @Option(
    help: ArgumentHelp(
      "Seconds that running answers get when the server is told to stop (default: 30).",
      valueName: "seconds"))
  var grace: String?

  @Option(
    help: ArgumentHelp(
      "How log lines look (auto: text on a terminal, JSON elsewhere).", valueName: "auto|json|text")
  )
  var log: String?

  @Option(
    name: .customLong("mcp-root"),
    help: ArgumentHelp(
      "A directory that the tools of the Model Context Protocol may read; none unless given. May be repeated.",
      valueName: "directory"),
    completion: .directory)
  var contextRoots: [String] = []

  @Flag(help: "Print the address as JSON, with the token's file and the process.")
  var json = false

  @OptionGroup var options: EngineOptions

  mutating func run() throws {
    let configuration = try settings()
    let settings = ServeSettings(configuration)
    let data = try options.data.directory()
    guard let model = settings.model else { throw noModel(data) }
    options.threads = options.threads ?? settings.threads
    options.context = options.context ?? settings.context
    let path = try options.path(of: model)
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw CommandFailure(.environment, "the model file '\(path)' cannot be read")
    }
    // Whatever this process makes is its owner's alone: sockets, tokens, conversations' states.
    umask(0o077)
    try data.create()
    let session = try ServeSession(
      settings: settings, modelPath: path, engine: options.local, data: data,
      tokenFile: isOpen ? nil : TokenFile(path: tokenFile ?? data.file("token")),
      contextRoots: contextRoots.isEmpty ? configuration.contextRoots : contextRoots, json: json)
    try session.run()
  }

  /// The configuration with this command's options on top.
  private func settings() throws -> Configuration {
    var configuration = try Configuration(option: configurationPath)
    try configuration.set(.model, to: model, option: "MODEL")
    try configuration.set(.host, to: host, option: "--host")
    try configuration.set(.port, to: port, option: "--port")
    try configuration.set(.socket, to: socket, option: "--socket")
    try configuration.set(.allowHosts, to: joined(allowedHosts), option: "--allow-host")
    try configuration.set(.allowOrigins, to: joined(allowedOrigins), option: "--allow-origin")
    try configuration.set(.sequences, to: sequences, option: "--sequences")
    try configuration.set(.cacheMemory, to: cacheMemory, option: "--cache-memory")
    try configuration.set(.diskBudget, to: diskBudget, option: "--disk-budget")
    try configuration.set(.thinking, to: thinking, option: "--thinking")
    try configuration.set(.constrainCalls, to: constrainCalls, option: "--constrain-calls")
    try configuration.set(.grace, to: grace, option: "--grace")
    try configuration.set(.log, to: log, option: "--log")
    return configuration
  }

  private func joined(_ values: [String]) -> String? {
    values.isEmpty ? nil : values.joined(separator: ",")
  }

  /// Says which models there are.
  private func noModel(_ data: DataDirectory) -> CommandFailure {
    let names = (try? ModelLocation(data: data).registry().entries.map(\.name)) ?? []
    let known =
      names.isEmpty
      ? "none is registered; `maslin model add FILE` registers one"
      : "registered: " + names.joined(separator: ", ")
    return CommandFailure(
      .usage,
      "no model is named, and the configuration sets none: `maslin serve MODEL`, or `model:` in its file "
        + "(see `maslin config show`); \(known)")
  }
}
