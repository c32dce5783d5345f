import Dialects
import Dispatch
import Foundation
import Gateway
import Inference
import JSON
import ModelContext
import ModelServing
import Solidity
import Synchronization
import Workstation

/// One run of the server, from its first address to its end.
struct ServeSession {
  private let settings: ServeSettings
  private let modelPath: String
  private let engine: LocalModelOptions
  private let data: DataDirectory
  private let tokenFile: TokenFile?
  private let json: Bool
  private let gateway: Gateway
  private let context: StreamableHTTP

  /// - Parameters:
  ///   - tokenFile: nil for a server without a token.
  ///   - contextRoots: directories that clients of the Model Context Protocol may have read.
  init(
    settings: ServeSettings, modelPath: String, engine: LocalModelOptions, data: DataDirectory,
    tokenFile: TokenFile?, contextRoots: [String], json: Bool
  ) throws {
    self.settings = settings
    self.modelPath = modelPath
    self.engine = engine
    self.data = data
    self.tokenFile = tokenFile
    self.json = json
    var addresses = settings.hosts.map { ListenAddress.network(host: $0, port: settings.port) }
    if let socket = settings.socket { addresses.append(.socket(path: socket)) }
    var configuration = GatewayConfiguration(
      addresses: addresses, token: nil, allowedHosts: Set(settings.allowedHosts),
      allowedOrigins: Set(settings.allowedOrigins))
    if let tokenFile {
      let (token, isNew) = try tokenFile.load()
      configuration.token = token
      if isNew {
        StandardError.write(
          "maslin: new token, shown once and kept in '\(tokenFile.path)': \(token.text)\n")
      }
    }
    let form: LineLogHandler.Form =
      switch settings.log {
      case "json": .json
      case "text": .text
      default: StandardError.isTerminal ? .text : .json
      }
    let logger = LineLogHandler.logger(form: form) { StandardError.write($0) }
    let sources = try ToolSources(
      roots: contextRoots, workingDirectory: nil, pool: WorkerPool())
    context = StreamableHTTP(.maslin(sources))
    gateway = try Gateway(
      configuration,
      surfaces: [
        Surface("openai", endpoints: OpenAIDialect.endpoints()),
        Surface(
          "anthropic", marker: "anthropic-version", endpoints: AnthropicDialect.endpoints()),
        Surface("ollama", endpoints: OllamaDialect.endpoints()),
      ], mounts: [.modelContext(context)], logger: logger)
  }

  /// Serves until a signal says otherwise.
  func run() throws {
    let signals = watchSignals()
    defer { for signal in signals { signal.cancel() } }
    try wait { try await serve() }
  }

  /// What a run leaves behind.
  private final class Outcome: Sendable {
    struct State {
      var service: LocalModelService?
      var server: RunningServer?
      var failure: (any Error)?
    }
    let state = Mutex(State())
  }

  private func serve() async throws {
    let outcome = Outcome()
    try await gateway.run { addresses in
      // Not waited for, so that a signal ends the server although the model is still being read.
      Task {
        do {
          let service = try await load()
          outcome.state.withLock { $0.service = service }
          gateway.open(service)
          let server = announcement(addresses)
          outcome.state.withLock { $0.server = server }
          try server.announce(in: data)
          try tell(server)
        } catch {
          outcome.state.withLock { $0.failure = error }
          await gateway.stop(grace: .zero)
        }
      }
    }
    let end = outcome.state.withLock { $0 }
    context.close()
    end.server?.withdraw(from: data)
    await end.service?.shutdown(within: .seconds(2))
    if let failure = end.failure { throw failure }
  }

  /// Opens the model on a thread that may block.
  private func load() async throws -> LocalModelService {
    let serving = servingOptions
    let service = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            try LocalModelService(path: modelPath, model: engine, serving: serving)
          })
      }
    }
    for note in service.notes { StandardError.write("maslin: \(note)\n") }
    return service
  }

  private var servingOptions: ServingOptions {
    var options = ServingOptions()
    if let sequences = settings.sequences { options.sequences = sequences }
    options.cacheMemory = settings.cacheMemory
    if let thinking = settings.thinking { options.thinking = thinking }
    options.constrainsCalls =
      switch settings.constrainsCalls {
      case "on": .always
      case "off": .never
      default: .automatic
      }
    if settings.diskBudget > 0 {
      options.disk = .init(directory: data.path, limit: settings.diskBudget)
    }
    return options
  }

  private func announcement(_ addresses: [ListenAddress]) -> RunningServer {
    let networks = addresses.filter { if case .network = $0 { true } else { false } }
    let address = networks.first ?? addresses.first
    return RunningServer(
      url: "http://" + (address?.description ?? ""), tokenFile: tokenFile?.path,
      process: ProcessInfo.processInfo.processIdentifier)
  }

  /// The one line on standard output.
  private func tell(_ server: RunningServer) throws {
    guard json else { return try StandardOutput().finish(with: server.url + "\n") }
    var writer = JSONWriter(style: .compact)
    writer.value(
      .members([
        "url": .string(server.url),
        "tokenFile": server.tokenFile.map { .string($0) } ?? .null,
        "pid": .integer(Int(server.process)),
      ]))
    try StandardOutput().finish(with: writer.text + "\n")
  }

  /// The first signal ends the server in order, the second at once.
  private func watchSignals() -> [any DispatchSourceSignal] {
    let count = SignalCount()
    return [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        guard count.value.add(1, ordering: .relaxed).oldValue == 0 else { _exit(128 + number) }
        StandardError.write(
          "maslin: stopping; running answers have \(settings.grace) s; a second signal ends at once\n"
        )
        Task { await gateway.stop(grace: .seconds(settings.grace)) }
      }
      source.resume()
      return source
    }
  }

  private final class SignalCount: Sendable {
    let value = Atomic<Int>(0)
  }
}
