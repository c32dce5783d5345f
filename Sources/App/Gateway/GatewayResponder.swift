import Dialects
import Foundation
import HTTPTypes
import HummingbirdCore
import JSON
import Logging
import ModelServing
import NIOCore

/// Answers requests: who may ask, which endpoint it is for, and what it says.
final class GatewayResponder: Sendable {
  private let policy: AccessPolicy
  private let table: EndpointTable
  private let mounts: [Mount]
  private let bodies: BodyReader
  private let keepAliveInterval: Duration
  private let logger: Logger
  let status = GatewayStatus()
  let running = RunningAnswers()
  let connections: ConnectionRegistry
  private let metrics = Metrics()

  init(
    _ configuration: GatewayConfiguration, surfaces: [Surface], mounts: [Mount], logger: Logger
  ) {
    policy = AccessPolicy(configuration)
    table = EndpointTable(surfaces)
    self.mounts = mounts
    bodies = BodyReader(
      limit: configuration.bodyLimit, totalLimit: configuration.totalBodyLimit)
    keepAliveInterval = configuration.keepAliveInterval
    connections = ConnectionRegistry(limit: configuration.limits.connectionCount)
    self.logger = logger
  }

  /// Answers one request.
  ///
  /// - Throws: when the connection cannot be used any more.
  func answer(
    _ request: Request, writer: consuming ResponseWriter, connection: ClientConnection
  ) async throws {
    guard !connection.isGone else { throw CancellationError() }
    let record = RequestRecord(
      id: Self.requestID(request.headers),
      client: ClientKind(userAgent: request.headers[.userAgent]))
    let running = RunningAnswer()
    self.running.add(running)
    defer {
      // Whatever is still going on has nobody to go to.
      connection.whenGone(nil)
      running.end(.clientLeft)
      self.running.remove(running)
      metrics.add(record)
      record.log(to: logger)
    }
    let admission = admit(request, connection: connection, record: record)
    let response: Response
    switch admission {
    case .reply(let reply, let extra):
      response = whole(
        reply, request: request, extra: extra, record: record,
        closes: BodyReader.hasBody(request.headers))
    case .endpoint(let entry, let parameters, let extra):
      try await Self.invite(request, writer)
      connection.whenGone { running.end(.clientLeft) }
      response = try await perform(
        entry.endpoint, parameters: parameters, request: request, extra: extra, running: running,
        record: record, connection: connection)
    case .mount(let mount, let extra):
      try await Self.invite(request, writer)
      connection.whenGone { running.end(.clientLeft) }
      response = try await perform(
        mount, request: request, extra: extra, running: running, record: record)
    case .metrics(let extra):
      let text = metrics.text(
        running: self.running.count - 1, connections: connections.count,
        service: await status.service?.figures())
      response = whole(
        EndpointReply(contentType: Metrics.contentType, body: Array(text.utf8)), request: request,
        extra: extra, record: record)
    case .health(let extra):
      response = whole(await health(), request: request, extra: extra, record: record)
    }
    do {
      try await writer.write(response: response.head, body: response.body)
    } catch {
      record.note { if $0.outcome == .done { $0.outcome = .clientLeft } }
      throw error
    }
  }

  /// Lets a client go on that asks before it sends its body.
  private static func invite(_ request: Request, _ writer: borrowing ResponseWriter) async throws {
    guard request.headers[.expect]?.lowercased() == "100-continue" else { return }
    try await writer.writeInformationalHead(HTTPResponse(status: .continue))
  }

  // MARK: - Before the body is read

  private typealias Fields = [(name: String, value: String)]

  private enum Admission {
    case reply(EndpointReply, Fields)
    case endpoint(EndpointTable.Entry, parameters: [String: String], Fields)
    case mount(Mount, Fields)
    case metrics(Fields)
    case health(Fields)
  }

  private func admit(
    _ request: Request, connection: ClientConnection, record: RequestRecord
  ) -> Admission {
    let (path, _) = Self.parts(of: request)
    let method = request.method.rawValue
    let match = table.match(method: method, path: path) { name in
      !request.headers.values(of: name).isEmpty
    }
    let failure: @Sendable (EndpointError) -> EndpointReply
    switch match {
    case .found(let entry, _), .otherMethods(_, let entry):
      record.note {
        $0.dialect = entry.surface
        $0.endpoint = entry.name
      }
      failure = entry.endpoint.failure
    case .nothing(let entry):
      failure = entry?.endpoint.failure ?? Self.failure
      record.note { $0.dialect = entry?.surface ?? "none" }
    }
    var extra: Fields = []
    do throws(EndpointError) {
      if !connection.isFileSocket {
        try policy.checkHost(request.head)
        let origin = try policy.checkOrigin(request.head)
        extra = policy.fields(for: origin)
        if let fields = policy.preflight(request.head, from: origin) {
          return .reply(EndpointReply(status: 204, contentType: "", body: []), extra + fields)
        }
      }
      if path == "/health", method == "GET" || method == "HEAD" {
        record.note {
          $0.dialect = "gateway"
          $0.endpoint = "GET /health"
        }
        return .health(extra)
      }
      // The page's files say nothing about anyone; a browser cannot show a token to get them.
      if method == "GET" || method == "HEAD", let asset = PageAssets.asset(path: path) {
        record.note {
          $0.dialect = "page"
          $0.endpoint = "GET " + path
        }
        extra.append(
          (name: "content-security-policy", value: PageAssets.contentSecurityPolicy))
        extra.append((name: "referrer-policy", value: "no-referrer"))
        return .reply(
          EndpointReply(contentType: asset.contentType, body: asset.bytes), extra)
      }
      try policy.checkToken(request.headers)
      if path == "/metrics", method == "GET" || method == "HEAD" {
        record.note {
          $0.dialect = "gateway"
          $0.endpoint = "GET /metrics"
        }
        return .metrics(extra)
      }
      if let mount = mounts.first(where: { $0.path == path }) {
        record.note {
          $0.dialect = mount.name
          $0.endpoint = mount.path
        }
        try bodies.check(request.headers)
        return .mount(mount, extra)
      }
      switch match {
      case .found(let entry, let parameters):
        try bodies.check(request.headers)
        return .endpoint(entry, parameters: parameters, extra)
      case .otherMethods(let methods, _):
        let allowed = methods.joined(separator: ", ")
        extra.append((name: "allow", value: allowed))
        throw .methodNotAllowed("\(method) is not possible here; \(allowed) is")
      case .nothing:
        throw .notFound("there is nothing at this path")
      }
    } catch {
      if case .unauthorized = error { extra.append((name: "www-authenticate", value: "Bearer")) }
      return .reply(failure(error), extra)
    }
  }

  /// How errors are told where no dialect is near.
  private static let failure: @Sendable (EndpointError) -> EndpointReply = { error in
    EndpointReply(
      status: error.status,
      json: .members([
        "error": .members(["message": .string(error.message), "type": "invalid_request_error"])
      ]))
  }

  private func health() async -> EndpointReply {
    let name = status.name
    var members = [JSONMember(name: "status", value: .string(name))]
    if let model = await status.service?.models().first?.name {
      members.append(JSONMember(name: "model", value: .string(model)))
    }
    return EndpointReply(status: name == "ok" ? 200 : 503, json: .object(members))
  }

  // MARK: - The endpoint

  /// What an endpoint has decided.
  private enum Outcome: Sendable {
    case reply(EndpointReply)
    case answer(any AnswerEncoder, [EndpointReply.HeaderField], [GenerationStream])
  }

  private func perform(
    _ endpoint: Endpoint, parameters: [String: String], request: Request, extra: Fields,
    running: RunningAnswer, record: RequestRecord, connection: ClientConnection
  ) async throws -> Response {
    var isBodyRead = false
    do {
      let service = try status.requireService()
      let body = try await bodies.json(request.body)
      isBodyRead = true
      let input = EndpointInput(
        body: body, parameters: parameters,
        query: EndpointTable.query(Self.parts(of: request).query),
        headers: Self.headers(of: request), client: Self.clientName(request.headers),
        now: Int(Date().timeIntervalSince1970), service: service)
      // A task of its own, so that the client's going ends it wherever it waits.
      let task = Task { try await Self.decide(endpoint.action, input) }
      running.whenEnded { task.cancel() }
      switch try await task.value {
      case .reply(let reply):
        return whole(reply, request: request, extra: extra, record: record)
      case .answer(let encoder, let fields, let streams):
        return try await answer(
          encoder, fields: fields, streams: streams, request: request, extra: extra,
          running: running, record: record, connection: connection)
      }
    } catch {
      let error = try Self.endpointError(error, running: running, record: record)
      var extra = extra
      if case .service(.overloaded(_, let seconds)) = error {
        extra.append((name: "retry-after", value: String(seconds)))
      }
      return whole(
        endpoint.failure(error), request: request, extra: extra, record: record,
        closes: !isBodyRead && BodyReader.hasBody(request.headers))
    }
  }

  private static func decide(
    _ action: Endpoint.Action, _ input: EndpointInput
  ) async throws -> Outcome {
    switch action {
    case .reply(let reply): return .reply(try await reply(input))
    case .answer(let plan):
      let plan = try await plan(input)
      var streams: [GenerationStream] = []
      for request in plan.requests { streams.append(try await input.service.generate(request)) }
      return .answer(plan.encoder, plan.headers, streams)
    }
  }

  private func perform(
    _ mount: Mount, request: Request, extra: Fields, running: RunningAnswer, record: RequestRecord
  ) async throws -> Response {
    var isBodyRead = false
    do {
      if status.isStopping { throw ServiceError.shuttingDown }
      let body = try await bodies.bytes(request.body)
      isBodyRead = true
      let input = Mount.Request(
        method: request.method.rawValue, headers: Self.headers(of: request), body: body,
        client: Self.clientName(request.headers))
      let task = Task { await mount.respond(input) }
      running.whenEnded { task.cancel() }
      let reply = await task.value
      switch reply.body {
      case .complete(let bytes):
        return whole(
          EndpointReply(
            status: reply.status, contentType: "",
            headers: reply.headers.map { .init($0.name, $0.value) }, body: bytes),
          request: request, extra: extra, record: record)
      case .stream(let source):
        var head = self.head(
          reply.headers.map { .init($0.name, $0.value) }, contentType: "", request: request,
          extra: extra)
        head.add("x-request-id", record.id)
        record.note { $0.status = reply.status }
        let stream = Self.ending(source, with: running)
        return Response(
          status: HTTPResponse.Status(code: reply.status), headers: head,
          body: ResponseBody { writer in
            for await piece in stream {
              try await writer.write(ByteBuffer(bytes: piece))
              record.note { $0.byteCount += piece.count }
            }
            if running.end == .clientLeft { throw CancellationError() }
            try await writer.finish(nil)
          })
      }
    } catch {
      let error = try Self.endpointError(error, running: running, record: record)
      return whole(
        Self.failure(error), request: request, extra: extra, record: record,
        closes: !isBodyRead && BodyReader.hasBody(request.headers))
    }
  }

  /// A stream that ends when its source does, or when the client goes or the server stops.
  private static func ending(
    _ source: AsyncStream<[UInt8]>, with running: RunningAnswer
  ) -> AsyncStream<[UInt8]> {
    let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
    let task = Task {
      for await piece in source { continuation.yield(piece) }
      continuation.finish()
    }
    running.whenEnded {
      task.cancel()
      continuation.finish()
    }
    return stream
  }

  /// An error in terms that a dialect can tell.
  ///
  /// - Throws: `CancellationError` when there is nobody to tell.
  private static func endpointError(
    _ error: any Error, running: RunningAnswer, record: RequestRecord
  ) throws -> EndpointError {
    switch error {
    case let error as EndpointError: return error
    case let error as ServiceError:
      if running.end == .clientLeft { break }
      return .service(error)
    default:
      if running.end == .shuttingDown { return .service(.shuttingDown) }
      if running.end == nil { return .service(.failed("internal error: \(type(of: error))")) }
    }
    record.note { $0.outcome = .clientLeft }
    throw CancellationError()
  }

  // MARK: - Answers

  private func answer(
    _ encoder: any AnswerEncoder, fields: [EndpointReply.HeaderField],
    streams: [GenerationStream], request: Request, extra: Fields, running: RunningAnswer,
    record: RequestRecord, connection: ClientConnection
  ) async throws -> Response {
    let source = AnswerSource(streams)
    running.whenSilent { source.wake() }
    running.whenEnded { source.cancel() }
    var reader = AnswerReader(
      encoder, source: source, running: running, record: record,
      keepAliveInterval: keepAliveInterval)
    guard encoder.isStreaming else {
      var bytes: [UInt8] = []
      while let more = try await reader.next() { bytes += more }
      var fields = fields
      fields.append(.init("x-maslin-reused-tokens", String(record.facts.reusedTokens)))
      return whole(
        EndpointReply(contentType: encoder.contentType, headers: fields, body: bytes),
        request: request, extra: extra, record: record)
    }
    let ticks = startTicks(running, on: connection.channel.eventLoop)
    let first: [UInt8]
    do {
      first = try await reader.next() ?? []
    } catch {
      ticks.cancel()
      throw error
    }
    // The bytes of the first event are there: from now on errors are told inside the stream.
    var head = self.head(fields, contentType: encoder.contentType, request: request, extra: extra)
    head.add("x-request-id", record.id)
    if head.values(of: "cache-control").isEmpty { head.add("cache-control", "no-cache") }
    // Proxies must not gather the pieces of a stream.
    head.add("x-accel-buffering", "no")
    record.note { $0.status = 200 }
    let stream = reader
    return Response(
      status: .ok, headers: head,
      body: ResponseBody { writer in
        defer { ticks.cancel() }
        try await Self.send(first, then: stream, running: running, record: record, to: &writer)
        try await writer.finish(nil)
      })
  }

  private static func send(
    _ first: [UInt8], then reader: AnswerReader, running: RunningAnswer, record: RequestRecord,
    to writer: inout any ResponseBodyWriter
  ) async throws {
    var reader = reader
    var bytes: [UInt8]? = first
    while let piece = bytes {
      try await writer.write(ByteBuffer(bytes: piece))
      running.noteSent()
      record.note { $0.byteCount += piece.count }
      do {
        bytes = try await reader.next()
      } catch let error as ServiceError {
        record.note { $0.outcome = .failed }
        let last = reader.fail(error)
        try await writer.write(ByteBuffer(bytes: last))
        record.note { $0.byteCount += last.count }
        return
      }
    }
  }

  /// Looks from time to time whether a client must be told that its answer is still being made.
  private func startTicks(_ running: RunningAnswer, on loop: any EventLoop) -> RepeatedTask {
    let interval = TimeAmount(keepAliveInterval)
    let step = TimeAmount.nanoseconds(max(1_000_000, interval.nanoseconds / 4))
    let silence = keepAliveInterval
    return loop.scheduleRepeatedTask(initialDelay: interval, delay: step) { _ in
      running.tick(after: silence)
    }
  }

  // MARK: - Replies

  /// A complete reply.
  ///
  /// - Parameter closes: whether the connection ends with it, because the request's body was not read.
  private func whole(
    _ reply: EndpointReply, request: Request, extra: Fields, record: RequestRecord,
    closes: Bool = false
  ) -> Response {
    var head = self.head(
      reply.headers, contentType: reply.contentType, request: request, extra: extra)
    head.add("x-request-id", record.id)
    if head.values(of: "cache-control").isEmpty { head.add("cache-control", "no-store") }
    if closes || status.isStopping { head[.connection] = "close" }
    let isBodiless = reply.status == 204 || reply.status == 304
    if !isBodiless { head[.contentLength] = String(reply.body.count) }
    let sends = request.method != .head && !isBodiless && !reply.body.isEmpty
    record.note {
      $0.status = reply.status
      $0.byteCount = sends ? reply.body.count : 0
    }
    return Response(
      status: HTTPResponse.Status(code: reply.status), headers: head,
      body: sends
        ? ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body))
        : ResponseBody { writer in
          try await writer.finish(nil)
        })
  }

  private func head(
    _ fields: [EndpointReply.HeaderField], contentType: String, request: Request, extra: Fields
  ) -> HTTPFields {
    var head = HTTPFields()
    if !contentType.isEmpty { head.add("content-type", contentType) }
    for field in fields { head.add(field.name, field.value) }
    for (name, value) in extra where head.values(of: name).isEmpty { head.add(name, value) }
    if head.values(of: "x-content-type-options").isEmpty {
      head.add("x-content-type-options", "nosniff")
    }
    return head
  }

  // MARK: - Requests

  private static func parts(of request: Request) -> (path: String, query: String) {
    let target = request.head.path ?? ""
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return (
      parts.first.map(String.init) ?? "", parts.count > 1 ? String(parts[1]) : ""
    )
  }

  /// The header fields an endpoint sees: all but those that hold secrets; repeated ones joined (RFC 9110, 5.3).
  private static func headers(of request: Request) -> [String: String] {
    var headers: [String: String] = [:]
    for field in request.headers {
      let name = field.name.canonicalName
      guard name != "authorization", name != "x-api-key", name != "cookie",
        name != "proxy-authorization"
      else { continue }
      headers[name] = headers[name].map { $0 + ", " + field.value } ?? field.value
    }
    if let authority = request.head.authority { headers["host"] = authority }
    return headers
  }

  /// Who asks, for fairness between clients: what they call themselves.
  private static func clientName(_ fields: HTTPFields) -> String {
    let name = fields.value(of: "x-maslin-client") ?? fields[.userAgent] ?? ""
    return String(
      decoding: name.utf8.filter { (0x20...0x7E).contains($0) }.prefix(64), as: UTF8.self)
  }

  /// The client's own name for its request if it is a sane one, else a new one.
  private static func requestID(_ fields: HTTPFields) -> String {
    if let given = fields.value(of: "x-request-id"), (1...128).contains(given.utf8.count),
      given.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."):
          true
        default: false
        }
      })
    {
      return given
    }
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    return "req_" + String(repeating: "0", count: 16 - number.count) + number
  }
}
