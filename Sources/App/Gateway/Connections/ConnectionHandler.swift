import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// What is wrong with what a client sends, as the task that reads its body learns it.
enum ConnectionError: Error, Hashable {
  /// It is not HTTP.
  case malformed(String)
  /// It did not come in time.
  case slow
}

/// Keeps the limits of one connection and tells when its client goes. Stands behind the HTTP decoder, before the tasks
/// that answer.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let connection: ClientConnection
  private let registry: ConnectionRegistry
  private let limits: ConnectionLimits

  private var hasBegun = false
  /// Requests whose head came and whose response has not ended.
  private var pending = 0
  /// Whether a head came and the end of its request did not.
  private var isReceiving = false
  private var receivedCount = 0
  /// When the last request began, or the connection became idle, or its last response was written.
  private var phaseStart = NIODeadline.now()
  private var hasServed = false
  /// Whether no request is taken after those that are pending.
  private var isLast = false
  /// Whether the response being written is the last, whatever is pending.
  private var endsNow = false
  private var isLingering = false
  /// Since when no byte was taken by the client although some wait, and how many waited then.
  private var stall: (since: NIODeadline, byteCount: Int)?
  private var timer: (task: Scheduled<Void>, deadline: NIODeadline)?

  init(connection: ClientConnection, registry: ConnectionRegistry, limits: ConnectionLimits) {
    self.connection = connection
    self.registry = registry
    self.limits = limits
  }

  // MARK: - Life

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { begin(context) }
  }

  func channelActive(context: ChannelHandlerContext) {
    begin(context)
    context.fireChannelActive()
  }

  private func begin(_ context: ChannelHandlerContext) {
    guard !hasBegun else { return }
    hasBegun = true
    phaseStart = .now()
    guard registry.add(connection) else {
      refuse(.serviceUnavailable, "too many connections", context)
      return
    }
    updateTimer(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  private func end() {
    timer?.task.cancel()
    timer = nil
    registry.remove(connection)
    connection.leave()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent:
      if pending == 0, !isLingering { context.close(promise: nil) } else { isLast = true }
    case ChannelEvent.inputClosed:
      // A client that closes its end, even only for sending, is taken to be gone: programs that stop waiting for an
      // answer look exactly like that, and an answer costs minutes.
      connection.leave()
      context.fireUserInboundEventTriggered(event)
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  // MARK: - Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isLingering || (isLast && !isReceiving) { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      pending += 1
      isReceiving = true
      receivedCount = 0
      phaseStart = .now()
      if head.headerFields.value(of: "connection")?.lowercased() == "close" { isLast = true }
    case .body(let buffer): receivedCount += buffer.readableBytes
    case .end: isReceiving = false
    }
    updateTimer(context)
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is IOError || error is ChannelError {
      connection.leave()
      context.fireErrorCaught(error)
    } else if isLingering {
      return
    } else if isReceiving {
      isLast = true
      context.fireErrorCaught(ConnectionError.malformed("\(error)"))
    } else if pending > 0 {
      isLast = true
    } else if case .headerOverflow? = error as? HTTPParserError {
      refuse(.requestHeaderFieldsTooLarge, "the header fields are too large", context)
    } else {
      refuse(.badRequest, "this is not an HTTP request", context)
    }
  }

  /// Replies where no task does, and closes.
  private func refuse(
    _ status: HTTPResponse.Status, _ reason: String, _ context: ChannelHandlerContext
  ) {
    isLast = true
    let text = #"{"error":{"message":"\#(reason)","type":"invalid_request_error"}}"#
    var fields = HTTPFields()
    fields.add("content-type", "application/json")
    fields.add("content-length", String(text.utf8.count))
    fields.add("connection", "close")
    let head = HTTPResponse(status: status, headerFields: fields)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(
      wrapOutboundOut(.body(context.channel.allocator.buffer(string: text))), promise: nil)
    linger(after: .end(nil), context, promise: nil)
  }

  // MARK: - Responses

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard !isLingering else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    let part = unwrapOutboundIn(data)
    switch part {
    case .head(var head):
      guard head.status.kind != .informational else { break }
      if head.headerFields.value(of: "connection")?.lowercased() == "close" { endsNow = true }
      if endsNow || (isLast && pending == 1) {
        endsNow = true
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        return
      }
    case .body: break
    case .end:
      pending -= 1
      hasServed = true
      phaseStart = .now()
      if endsNow || (isLast && pending == 0) {
        linger(after: part, context, promise: promise)
        return
      }
      updateTimer(context)
    }
    context.write(data, promise: promise)
  }

  /// Ends the last response. What the client still sends is read and ignored for a while.
  private func linger(
    after part: HTTPResponsePart, _ context: ChannelHandlerContext,
    promise: EventLoopPromise<Void>?
  ) {
    isLingering = true
    phaseStart = .now()
    stall = nil
    // Requests that were sent ahead are not answered.
    connection.leave()
    context.writeAndFlush(wrapOutboundOut(part), promise: promise)
    context.close(mode: .output, promise: nil)
    updateTimer(context)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stall = context.channel.isWritable ? nil : (.now(), waitingByteCount(context))
    updateTimer(context)
    context.fireChannelWritabilityChanged()
  }

  // MARK: - Time

  /// When something has to be done if nothing happens before.
  private var deadline: NIODeadline? {
    var deadline: NIODeadline?
    if isLingering {
      deadline = phaseStart + TimeAmount(limits.lingerTime)
    } else if isReceiving {
      let allowance = Int64(receivedCount) * 1_000_000_000 / Int64(limits.bodyBytesPerSecond)
      deadline = phaseStart + TimeAmount(limits.bodyTime) + .nanoseconds(allowance)
    } else if pending == 0 {
      deadline = phaseStart + TimeAmount(hasServed ? limits.idleTime : limits.headTime)
    }
    guard let stall else { return deadline }
    let end = stall.since + TimeAmount(limits.stallTime)
    return deadline.map { min($0, end) } ?? end
  }

  private func updateTimer(_ context: ChannelHandlerContext) {
    guard let deadline else { return }
    if let timer {
      // A timer that comes too early looks again.
      guard deadline < timer.deadline else { return }
      timer.task.cancel()
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let task = context.eventLoop.scheduleTask(deadline: deadline) {
      let (handler, context) = bound.value
      handler.timer = nil
      handler.timePassed(context)
    }
    timer = (task, deadline)
  }

  private func timePassed(_ context: ChannelHandlerContext) {
    guard let deadline, context.channel.isActive else { return }
    guard deadline <= .now() else { return updateTimer(context) }
    let waiting = waitingByteCount(context)
    if waiting > 0, pending == 0 || isLingering || stall != nil {
      if let stall, waiting >= stall.byteCount, stall.since + TimeAmount(limits.stallTime) <= .now()
      {
        return abandon(context)
      }
      // The client takes what it gets, slowly; or that is watched from now on.
      if stall.map({ waiting < $0.byteCount }) ?? true { stall = (.now(), waiting) }
      if !isReceiving { phaseStart = .now() }
      return updateTimer(context)
    }
    stall = nil
    guard let deadline = self.deadline, deadline <= .now() else { return updateTimer(context) }
    if isReceiving, !isLingering {
      isReceiving = false
      isLast = true
      context.fireErrorCaught(ConnectionError.slow)
    } else if isLingering || pending == 0 {
      abandon(context)
    }
  }

  private func abandon(_ context: ChannelHandlerContext) {
    connection.leave()
    context.close(promise: nil)
  }

  private func waitingByteCount(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }
}
