import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Sets up the connections that a server accepts, and answers their requests.
struct HTTPConnections: HTTPChannelHandler {
  /// A connection and what its tasks see of it.
  struct Value: ServerChildChannelValue {
    let parts: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    let connection: ClientConnection
    var channel: any Channel { parts.channel }
  }

  /// Answers one request.
  typealias Answer =
    @Sendable (Request, consuming ResponseWriter, ClientConnection) async throws -> Void

  let responder: Responder
  private let answer: Answer
  private let registry: ConnectionRegistry
  private let limits: ConnectionLimits

  init(registry: ConnectionRegistry, limits: ConnectionLimits, answer: @escaping Answer) {
    self.registry = registry
    self.limits = limits
    self.answer = answer
    responder = { request, writer, channel in
      try await answer(request, writer, ClientConnection(channel: channel))
    }
  }

  /// The same for one connection that is known.
  private init(_ other: HTTPConnections, for connection: ClientConnection) {
    registry = other.registry
    limits = other.limits
    let answer = other.answer
    self.answer = answer
    responder = { request, writer, _ in try await answer(request, writer, connection) }
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let connection = ClientConnection(channel: channel)
      if !connection.isFileSocket {
        // Pieces of answers are small and must not wait for one another.
        try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
      }
      var decoder = NIOHTTPDecoderLimitConfiguration()
      decoder.maxHeaderFieldSize = limits.headerByteCount
      decoder.maxHeaderListSize = limits.headerByteCount
      decoder.maxHeaderFieldCount = limits.headerFieldCount
      try channel.pipeline.syncOperations.configureHTTPServerPipeline(
        withPipeliningAssistance: false, withErrorHandling: false,
        withOutboundHeaderValidation: true, withEncoderConfiguration: .init(),
        withDecoderLimitConfiguration: decoder)
      try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
      try channel.pipeline.syncOperations.addHandler(
        ConnectionHandler(connection: connection, registry: registry, limits: limits))
      let parts = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
        wrappingChannelSynchronously: channel,
        configuration: .init(isOutboundHalfClosureEnabled: true))
      return Value(parts: parts, connection: connection)
    }
  }

  func handle(value: Value, logger: Logger) async {
    await HTTPConnections(self, for: value.connection)
      .handleHTTP(asyncChannel: value.parts, logger: logger)
  }
}
