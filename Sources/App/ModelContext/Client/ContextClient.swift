import JSON
import Synchronization

/// The client's side of a connection to one server. Safe against servers that answer wrongly, too much or never.
public final class ContextClient: Sendable {
  /// Bounds on what a server can make the client do.
  public struct Limits: Hashable, Sendable {
    /// Seconds for the handshake and the list of tools.
    public var startSeconds = 30
    /// Seconds for a call.
    public var callSeconds = 120
    /// Pages of `tools/list`.
    public var pages = 64
    /// Tools.
    public var tools = 512

    /// Makes the usual limits.
    public init() {}
  }

  private struct State {
    var nextID = 1
    var waiting: [MessageID: @Sendable (Result<JSONValue, ClientError>) -> Void] = [:]
    var end: String?
    /// Set when the server serves requests without a handshake: what every request carries.
    var stamp: JSONValue?
  }

  /// What the user calls the server.
  public let name: String
  private let transport: any MessageTransport
  private let limits: Limits
  private let state = Mutex(State())

  private init(name: String, transport: any MessageTransport, limits: Limits) {
    self.name = name
    self.transport = transport
    self.limits = limits
  }

  deinit { transport.close() }

  /// Connects and makes the handshake.
  ///
  /// - Parameters:
  ///   - name: what the user calls the server.
  ///   - transport: the way to it; closed when this fails.
  ///   - version: this program's version.
  public static func connect(
    name: String, over transport: any MessageTransport, version: String, limits: Limits = Limits()
  ) async throws(ClientError) -> ContextClient {
    let client = ContextClient(name: name, transport: transport, limits: limits)
    // Weak: the transport lives until the client closes it.
    transport.start { [weak client] in client?.take($0) }
    do throws(ClientError) {
      try await client.greet(version)
      return client
    } catch {
      client.close()
      throw error
    }
  }

  /// Ends the connection; calls in progress fail. Blocks for a few seconds at most.
  public func close() {
    end("it was closed")
    transport.close()
  }

  // MARK: Protocol

  private func greet(_ programVersion: String) async throws(ClientError) {
    let identity = JSONValue.members(["name": "maslin", "version": .string(programVersion)])
    let result: JSONValue
    do throws(ClientError) {
      result = try await request(
        "initialize",
        .members([
          "protocolVersion": .string(ProtocolVersion.latestWithHandshake.rawValue),
          "capabilities": .object([]), "clientInfo": identity,
        ]), seconds: limits.startSeconds)
    } catch {
      guard let version = Self.statelessVersion(in: error) else { throw error }
      try await discover(version, identity)
      return
    }
    guard let offered = result["protocolVersion"]?.stringValue else {
      throw .malformed(server: name, what: "initialize", reason: "protocolVersion is missing")
    }
    guard let version = ProtocolVersion(rawValue: offered), !version.isStateless else {
      throw .version(server: name, offered: String(offered.prefix(64)))
    }
    guard result["capabilities"]?["tools"] != nil else {
      throw .malformed(server: name, what: "initialize", reason: "it offers no tools")
    }
    notify("notifications/initialized", .object([]))
  }

  /// The revision without a handshake that a server names when it refuses the handshake; nil for other errors.
  private static func statelessVersion(in error: ClientError) -> ProtocolVersion? {
    guard case .refused(_, _, let answer) = error else { return nil }
    switch answer.code {
    case RPCError.unsupportedVersionCode:
      let supported = answer.data?["supported"]?.arrayValue?.compactMap(\.stringValue) ?? []
      return ProtocolVersion.stateless.last { supported.contains($0.rawValue) }
    case RPCError.methodNotFoundCode: return ProtocolVersion.stateless.last
    default: return nil
    }
  }

  private func discover(
    _ version: ProtocolVersion, _ identity: JSONValue
  ) async throws(ClientError) {
    state.withLock {
      $0.stamp = .members([
        MetaKey.protocolVersion: .string(version.rawValue), MetaKey.clientInfo: identity,
        MetaKey.clientCapabilities: .object([]),
      ])
    }
    let result = try await request("server/discover", .object([]), seconds: limits.startSeconds)
    let supported = result["supportedVersions"]?.arrayValue?.compactMap(\.stringValue) ?? []
    guard supported.contains(version.rawValue) else {
      throw .version(server: name, offered: supported.prefix(8).joined(separator: ", "))
    }
  }

  /// The server's tools.
  public func tools() async throws(ClientError) -> RemoteTools {
    var tools: [RemoteTool] = []
    var notes: [String] = []
    var names: Set<String> = []
    var cursors: Set<String> = []
    var cursor: String?
    func malformed(_ reason: String) -> ClientError {
      .malformed(server: name, what: "tools/list", reason: reason)
    }
    for _ in 0..<limits.pages {
      let parameters: JSONValue = cursor.map { .members(["cursor": .string($0)]) } ?? .object([])
      let result = try await request("tools/list", parameters, seconds: limits.startSeconds)
      guard let page = result["tools"]?.arrayValue else { throw malformed("tools is no array") }
      guard tools.count + notes.count + page.count <= limits.tools else {
        throw malformed("there are more than \(limits.tools) tools")
      }
      for entry in page {
        do throws(RemoteTool.Unusable) {
          let tool = try RemoteTool(entry)
          if names.insert(tool.name).inserted {
            tools.append(tool)
          } else {
            notes.append("the tool \(tool.name) stands there twice")
          }
        } catch {
          notes.append(error.reason)
        }
      }
      guard let next = result["nextCursor"]?.stringValue else {
        return RemoteTools(tools: tools, notes: notes)
      }
      guard cursors.insert(next).inserted else { throw malformed("its pages go in a circle") }
      cursor = next
    }
    throw malformed("it has more than \(limits.pages) pages")
  }

  /// Calls a tool. When the task is cancelled or the time is over, the server is told so.
  ///
  /// - Parameters:
  ///   - tool: the name, as the server knows it.
  ///   - arguments: a JSON object.
  public func call(_ tool: String, _ arguments: JSONValue) async throws(ClientError) -> RemoteResult
  {
    let result = try await request(
      "tools/call", .members(["name": .string(tool), "arguments": arguments]),
      seconds: limits.callSeconds)
    guard let read = RemoteResult(result) else {
      throw .malformed(server: name, what: "tools/call", reason: "the result has no content")
    }
    return read
  }

  // MARK: Messages

  private func notify(_ method: String, _ parameters: JSONValue) {
    _ = transport.send(RPCMessage.notification(method: method, parameters: parameters).bytes)
  }

  private func request(
    _ method: String, _ parameters: JSONValue, seconds: Int
  ) async throws(ClientError) -> JSONValue {
    let (id, stamp) = state.withLock { state in
      defer { state.nextID += 1 }
      return (MessageID.number(state.nextID), state.stamp)
    }
    let parameters = stamp.map { parameters.setting("_meta", $0) } ?? parameters
    let message = RPCMessage.request(id: id, method: method, parameters: parameters)
    let clock = Task { [weak self] in
      try await Task.sleep(for: .seconds(seconds))
      self?.abandon(
        id, .timeout(server: self?.name ?? "", what: method, seconds: seconds), "it took too long")
    }
    defer { clock.cancel() }
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation {
        (continuation: CheckedContinuation<Result<JSONValue, ClientError>, Never>) in
        let ended = state.withLock { state -> String? in
          if state.end == nil { state.waiting[id] = { continuation.resume(returning: $0) } }
          return state.end
        }
        if let ended {
          continuation.resume(returning: .failure(.ended(server: name, reason: ended)))
        } else if Task.isCancelled {
          // The handler below may have run before anything waited.
          abandon(id, .cancelled, "cancelled")
        } else if !transport.send(message.bytes) {
          end("it does not take messages any more")
        }
      }
    } onCancel: {
      abandon(id, .cancelled, "cancelled")
    }
    switch answer {
    case .success(let result): return result
    case .failure(.refused(_, _, let error)):
      throw .refused(server: name, what: method, error)
    case .failure(let error): throw error
    }
  }

  /// Gives a request up and tells the server. Without effect when it is answered.
  private func abandon(_ id: MessageID, _ error: ClientError, _ reason: String) {
    guard let waiting = state.withLock({ $0.waiting.removeValue(forKey: id) }) else { return }
    notify(
      "notifications/cancelled", .members(["requestId": id.json, "reason": .string(reason)]))
    waiting(.failure(error))
  }

  private func end(_ reason: String) {
    let waiting = state.withLock { state in
      if state.end == nil { state.end = reason }
      defer { state.waiting = [:] }
      return state.waiting
    }
    // Their order has no influence: each is only told.
    for resume in waiting.values { resume(.failure(.ended(server: name, reason: reason))) }
  }

  private func take(_ event: TransportEvent) {
    switch event {
    case .message(let bytes): take(bytes)
    case .tooLong(let limit):
      end("it sent a message longer than \(limit) bytes")
      transport.close()
    case .ended(let reason): end(reason)
    }
  }

  private func take(_ bytes: [UInt8]) {
    // What is no message is passed over: some programs print other things on standard output.
    guard let value = try? JSONParser.parse(bytes), let message = try? RPCMessage(value) else {
      return
    }
    switch message {
    case .result(let id, let result): resume(id, .success(result))
    case .failure(let id?, let error):
      resume(id, .failure(.refused(server: name, what: "", error)))
    case .request(let id, "ping", _):
      _ = transport.send(RPCMessage.result(id: id, .object([])).bytes)
    case .request(let id, _, _):
      let error = RPCError(
        code: RPCError.methodNotFoundCode, message: "this client only calls tools")
      _ = transport.send(RPCMessage.failure(id: id, error).bytes)
    case .failure(nil, _), .notification: break
    }
  }

  private func resume(_ id: MessageID, _ result: Result<JSONValue, ClientError>) {
    state.withLock { $0.waiting.removeValue(forKey: id) }?(result)
  }
}
