import JSON
import Synchronization

/// A call of a tool while it runs: tells the tool whether the result is still wanted, and the client how far it is.
/// May be used from any thread.
public final class ToolCall: Sendable {
  private struct State {
    var isCancelled = false
    var onCancel: (@Sendable () -> Void)?
    var lastProgress = -Double.infinity
    var lastSent: ContinuousClock.Instant?
  }

  private let state = Mutex(State())
  /// Whether the answer is made, so that nothing may be sent any more. Held while something is sent, so that nothing
  /// comes behind the answer.
  private let isFinished = Mutex(false)
  private let progressToken: JSONValue?
  private let logLevel: @Sendable () -> LogLevel?
  private let version: ProtocolVersion
  private let notify: @Sendable (RPCMessage) -> Void
  /// Progress is told no more often than this, except for the last step.
  private static let interval = Duration.milliseconds(50)

  init(
    version: ProtocolVersion, progressToken: JSONValue?,
    logLevel: @escaping @Sendable () -> LogLevel?,
    notify: @escaping @Sendable (RPCMessage) -> Void
  ) {
    self.version = version
    self.progressToken = progressToken
    self.logLevel = logLevel
    self.notify = notify
  }

  /// A call that nobody watches.
  public convenience init() {
    self.init(
      version: .latestWithHandshake, progressToken: nil, logLevel: { nil }, notify: { _ in })
  }

  /// Whether the result is not wanted any more.
  public var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Tells the client how far the work is. Does nothing unless the client asked for it, after a cancellation, and for
  /// values that do not grow.
  ///
  /// - Parameters:
  ///   - progress: how much is done.
  ///   - total: how much there is, if that is known.
  ///   - message: what is being done, for people.
  public func report(_ progress: Double, of total: Double? = nil, _ message: String? = nil) {
    guard let progressToken else { return }
    let isDue = state.withLock { state in
      guard !state.isCancelled, progress > state.lastProgress else { return false }
      let now = ContinuousClock.now
      if let last = state.lastSent, now - last < Self.interval, progress != total { return false }
      state.lastSent = now
      state.lastProgress = progress
      return true
    }
    guard isDue else { return }
    var parameters = [
      JSONMember(name: "progressToken", value: progressToken),
      JSONMember(name: "progress", value: .number(progress)),
    ]
    if let total { parameters.append(JSONMember(name: "total", value: .number(total))) }
    if version.hasAnnotations, let message {
      parameters.append(JSONMember(name: "message", value: .string(message)))
    }
    send(.notification(method: "notifications/progress", parameters: .object(parameters)))
  }

  /// Sends a log message if the client asked for such.
  public func log(_ level: LogLevel, _ text: String) {
    guard let wanted = logLevel(), level >= wanted, !isCancelled else { return }
    send(
      .notification(
        method: "notifications/message",
        parameters: .members([
          "level": .string(level.rawValue), "logger": "maslin", "data": .string(text),
        ])))
  }

  private func send(_ message: RPCMessage) {
    isFinished.withLock { if !$0 { notify(message) } }
  }

  /// From now on nothing is sent for the call.
  func finish() { isFinished.withLock { $0 = true } }

  /// Marks the call as cancelled and calls what waits for that. Only the first time has an effect.
  ///
  /// - Returns: whether it was the first time.
  @discardableResult
  public func cancel() -> Bool {
    let (isFirst, action) = state.withLock { state in
      defer { state.isCancelled = true }
      return (!state.isCancelled, state.onCancel.take())
    }
    action?()
    return isFirst
  }

  /// Has `action` called when the call is cancelled; at once if it was.
  func whenCancelled(_ action: @escaping @Sendable () -> Void) {
    let isDue = state.withLock { state in
      if !state.isCancelled { state.onCancel = action }
      return state.isCancelled
    }
    if isDue { action() }
  }
}
