import JSON
import Synchronization
import TerminalText

/// One client's conversation with a server, apart from any transport. Messages come in as JSON; what belongs to a
/// message goes out through the function that came with it, so that a transport can keep the answers of several
/// requests apart.
///
/// Serves both forms of the protocol: after an `initialize` handshake, and requests that carry their revision
/// themselves.
public final class ServerConnection: Sendable {
  /// Something for the client.
  public enum Output: Hashable, Sendable {
    /// A notification that belongs to a request in progress: JSON text on one line.
    case notification([UInt8])
    /// The answer (or, to an array, the answers): JSON text on one line. `errorCode` is the code of a single error.
    case answer([UInt8], errorCode: Int?)
    /// Nothing follows any more. The last output of every message, and the only one of notifications.
    case end
  }

  /// Takes outputs; called from any thread, never twice at once for one message.
  public typealias Receiver = @Sendable (Output) -> Void

  private struct State {
    /// The revision that the handshake settled; nil before.
    var version: ProtocolVersion?
    var logLevel: LogLevel?
    var calls: [MessageID: ToolCall] = [:]
    var isClosed = false
  }

  private let server: ContextServer
  private let state = Mutex(State())
  /// Whether a cancelled request is answered with an error: over HTTP a reply is owed.
  private let answersCancelled: Bool

  /// Makes a connection.
  public init(_ server: ContextServer) {
    self.server = server
    answersCancelled = false
  }

  init(_ server: ContextServer, answersCancelled: Bool) {
    self.server = server
    self.answersCancelled = answersCancelled
  }

  /// The revision that the handshake settled; nil before.
  var version: ProtocolVersion? { state.withLock { $0.version } }

  /// Whether calls are in progress.
  var isBusy: Bool { state.withLock { !$0.calls.isEmpty } }

  /// Cancels all calls; nothing is answered any more.
  public func close() {
    let calls = state.withLock { state in
      state.isClosed = true
      defer { state.calls = [:] }
      return state.calls
    }
    // Their order has no influence: each is only told.
    for call in calls.values { call.cancel() }
  }

  /// Takes one message (or, where the revision has them, an array of messages) as JSON text.
  public func receive(_ bytes: [UInt8], _ output: @escaping Receiver) {
    guard bytes.count <= server.limits.messageBytes else {
      answer(
        .failure(
          id: nil,
          .invalidRequest("the message is longer than \(server.limits.messageBytes) bytes")), output
      )
      return
    }
    do {
      receive(try JSONParser.parse(bytes), output)
    } catch {
      answer(
        .failure(
          id: nil,
          RPCError(code: RPCError.parseErrorCode, message: "the message is not JSON: \(error)")),
        output)
    }
  }

  /// Takes one message that was read already.
  func receive(_ value: JSONValue, _ output: @escaping Receiver) {
    guard case .array(let messages) = value else {
      receiveSingle(value, output)
      return
    }
    guard version?.hasBatches == true else {
      answer(
        .failure(
          id: nil,
          .invalidRequest("arrays of messages belong to protocol version 2025-03-26 alone")), output
      )
      return
    }
    guard (1...server.limits.batchCount).contains(messages.count) else {
      answer(
        .failure(
          id: nil,
          .invalidRequest("an array holds 1 to \(server.limits.batchCount) messages")), output)
      return
    }
    let batch = BatchAnswers(count: messages.count, output)
    for message in messages { receiveSingle(message, batch.take) }
  }

  private func receiveSingle(_ value: JSONValue, _ output: @escaping Receiver) {
    do throws(RPCMessage.Malformed) {
      switch try RPCMessage(value) {
      case .request(let id, let method, let parameters):
        request(id, method, parameters, output)
      case .notification(let method, let parameters):
        notification(method, parameters)
        output(.end)
      case .result, .failure:
        // Nothing is ever asked of a client, so there is nothing this could answer.
        output(.end)
      }
    } catch {
      answer(.failure(id: error.id, error.error), output)
    }
  }

  private func answer(_ message: RPCMessage, _ output: Receiver) {
    var code: Int?
    if case .failure(_, let error) = message { code = error.code }
    output(.answer(message.bytes, errorCode: code))
    output(.end)
  }

  // MARK: Notifications

  private func notification(_ method: String, _ parameters: JSONValue) {
    // `notifications/initialized` and those nobody knows change nothing.
    guard method == "notifications/cancelled", let id = MessageID(parameters["requestId"]) else {
      return
    }
    cancel(id)
  }

  /// Cancels a call; without effect when there is none of that id.
  func cancel(_ id: MessageID) {
    state.withLock { $0.calls[id] }?.cancel()
  }

  // MARK: Requests

  private func request(
    _ id: MessageID, _ method: String, _ parameters: JSONValue, _ output: @escaping Receiver
  ) {
    do throws(RPCError) {
      if method == "initialize" {
        answer(.result(id: id, try initialize(parameters)), output)
        return
      }
      let version = try revision(of: method, parameters)
      if method == "tools/call" {
        try call(id, parameters, version, output)
        return
      }
      let result = try self.result(of: method, parameters, version)
      answer(.result(id: id, server.finished(result, in: version)), output)
    } catch {
      answer(.failure(id: id, error), output)
    }
  }

  private func initialize(_ parameters: JSONValue) throws(RPCError) -> JSONValue {
    guard let requested = parameters["protocolVersion"]?.stringValue else {
      throw .invalidParameters("protocolVersion must be a string")
    }
    guard case .object? = parameters["capabilities"] else {
      throw .invalidParameters("capabilities must be an object")
    }
    guard parameters["clientInfo"]?["name"]?.stringValue != nil,
      parameters["clientInfo"]?["version"]?.stringValue != nil
    else { throw .invalidParameters("clientInfo must have a name and a version") }
    let version = ProtocolVersion.negotiated(requested)
    let isFirst = state.withLock { state in
      guard state.version == nil else { return false }
      state.version = version
      return true
    }
    guard isFirst else { throw .invalidRequest("this connection is initialized already") }
    return server.initializeResult(version)
  }

  /// The revision a request is served in: its own, or that of the handshake.
  private func revision(
    of method: String, _ parameters: JSONValue
  ) throws(RPCError) -> ProtocolVersion {
    if let stated = parameters["_meta"]?[MetaKey.protocolVersion] {
      guard let text = stated.stringValue else {
        throw .invalidParameters("\(MetaKey.protocolVersion) must be a string")
      }
      guard case .object? = parameters["_meta"]?[MetaKey.clientCapabilities] else {
        throw .invalidParameters("_meta lacks \(MetaKey.clientCapabilities)")
      }
      guard let version = ProtocolVersion(rawValue: text), version.isStateless else {
        throw .unsupportedVersion(String(text.prefix(64)))
      }
      return version
    }
    if let version { return version }
    // What a client may ask before the handshake.
    if method == "ping" { return .latestWithHandshake }
    guard Self.methods.contains(method) || method == "tools/call" else {
      throw Self.unknownMethod(method)
    }
    if method == "server/discover" {
      throw .invalidParameters("_meta lacks \(MetaKey.protocolVersion)")
    }
    throw .invalidRequest(
      "send initialize first, or state \(MetaKey.protocolVersion) in _meta with every request")
  }

  private static let methods: Set<String> = [
    "ping", "tools/list", "logging/setLevel", "server/discover",
  ]

  private static func unknownMethod(_ method: String) -> RPCError {
    RPCError(
      code: RPCError.methodNotFoundCode,
      message: "there is no method \(SafeText.line(String(method.prefix(64)))) here")
  }

  private func result(
    of method: String, _ parameters: JSONValue, _ version: ProtocolVersion
  ) throws(RPCError) -> JSONValue {
    switch (method, version.isStateless) {
    case ("ping", false): return .object([])
    case ("tools/list", _): return try server.listResult(parameters, in: version)
    case ("server/discover", true): return server.discoverResult()
    case ("logging/setLevel", false):
      guard let level = parameters["level"]?.stringValue.flatMap(LogLevel.init(rawValue:)) else {
        throw .invalidParameters(
          "level must be one of " + LogLevel.allCases.map(\.rawValue).joined(separator: ", "))
      }
      state.withLock { $0.logLevel = level }
      return .object([])
    default: throw Self.unknownMethod(method)
    }
  }

  // MARK: Calls

  private func call(
    _ id: MessageID, _ parameters: JSONValue, _ version: ProtocolVersion,
    _ output: @escaping Receiver
  ) throws(RPCError) {
    guard let name = parameters["name"]?.stringValue else {
      throw .invalidParameters("name must be a string")
    }
    guard let tool = server.tools.first(where: { $0.name == name }) else {
      throw .invalidParameters(
        "there is no tool \(SafeText.line(String(name.prefix(64)))); tools/list tells those there are"
      )
    }
    let arguments: JSONValue
    switch parameters["arguments"] {
    case nil, .null?: arguments = .object([])
    case .object(let members)?: arguments = .object(members)
    default: throw .invalidParameters("arguments must be an object")
    }
    let call = ToolCall(
      version: version, progressToken: try Self.progressToken(parameters),
      logLevel: logLevel(parameters, version),
      notify: { output(.notification($0.bytes)) })
    let isNew = state.withLock { state in
      guard state.calls[id] == nil else { return false }
      if !state.isClosed { state.calls[id] = call }
      return true
    }
    guard isNew else { throw .invalidRequest("a request of this id is in progress") }
    Task {
      let message = await self.outcome(id, tool, arguments, call, version)
      call.finish()
      if let message { self.answer(message, output) } else { output(.end) }
    }
  }

  private static func progressToken(_ parameters: JSONValue) throws(RPCError) -> JSONValue? {
    guard let token = parameters["_meta"]?["progressToken"] else { return nil }
    guard let id = MessageID(token) else {
      throw .invalidParameters("progressToken must be a whole number or a short string")
    }
    return id.json
  }

  private func logLevel(
    _ parameters: JSONValue, _ version: ProtocolVersion
  ) -> @Sendable () -> LogLevel? {
    guard version.isStateless else {
      return { [weak self] in self?.state.withLock { $0.logLevel } }
    }
    let level = parameters["_meta"]?[MetaKey.logLevel]?.stringValue.flatMap(
      LogLevel.init(rawValue:))
    return { level }
  }

  /// Runs a call and makes its answer; nil when none is to be sent.
  private func outcome(
    _ id: MessageID, _ tool: ContextTool, _ arguments: JSONValue, _ call: ToolCall,
    _ version: ProtocolVersion
  ) async -> RPCMessage? {
    let result: JSONValue
    switch await server.slots.enter(call) {
    case .entered:
      let outcome = await run(tool, arguments, call, version)
      server.slots.leave()
      guard let outcome else { return cancelled(id) }
      result = outcome
    case .cancelled:
      return cancelled(id)
    case .full:
      remove(id)
      return .failure(
        id: id,
        RPCError(
          code: RPCError.overloadedCode,
          message: "too many calls are waiting; try again when some are done"))
    }
    let isOpen = remove(id)
    guard isOpen, !call.isCancelled else { return cancelled(id) }
    return .result(id: id, server.finished(result, in: version))
  }

  private func run(
    _ tool: ContextTool, _ arguments: JSONValue, _ call: ToolCall, _ version: ProtocolVersion
  ) async -> JSONValue? {
    guard !call.isCancelled else { return nil }
    do throws(ToolFailure) {
      let result = try await tool.run(arguments, call).json(in: version)
      let size = result.compactBytes.count
      guard size <= server.limits.resultBytes else {
        return ToolResult.failure(
          "the result would be \(size) bytes, above the limit of \(server.limits.resultBytes); "
            + "ask for less")
      }
      return result
    } catch {
      switch error {
      case .refused(let reason): return ToolResult.failure(reason)
      case .cancelled: return nil
      }
    }
  }

  private func cancelled(_ id: MessageID) -> RPCMessage? {
    remove(id)
    guard answersCancelled else { return nil }
    return .failure(
      id: id, RPCError(code: RPCError.cancelledCode, message: "the request was cancelled"))
  }

  /// Forgets a call. Returns false when the connection was closed meanwhile.
  @discardableResult
  private func remove(_ id: MessageID) -> Bool {
    state.withLock { state in
      state.calls[id] = nil
      return !state.isClosed
    }
  }
}

/// Puts the answers to an array of messages into one array, which goes out when all are there.
private final class BatchAnswers: Sendable {
  private struct State {
    var answers: [[UInt8]] = []
    var remaining: Int
  }

  private let state: Mutex<State>
  private let output: ServerConnection.Receiver

  init(count: Int, _ output: @escaping ServerConnection.Receiver) {
    state = Mutex(State(remaining: count))
    self.output = output
  }

  /// Takes an output of one of the messages.
  func take(_ part: ServerConnection.Output) {
    switch part {
    case .notification:
      output(part)
    case .answer(let bytes, _):
      state.withLock { $0.answers.append(bytes) }
    case .end:
      let answers = state.withLock { state -> [[UInt8]]? in
        state.remaining -= 1
        return state.remaining == 0 ? state.answers : nil
      }
      guard let answers else { return }
      if !answers.isEmpty {
        let text = [UInt8(ascii: "[")] + answers.joined(separator: [UInt8(ascii: ",")])
        output(.answer(text + [UInt8(ascii: "]")], errorCode: nil))
      }
      output(.end)
    }
  }
}
