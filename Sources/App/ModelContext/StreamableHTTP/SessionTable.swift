import Synchronization

/// The sessions of the streamable HTTP transport.
final class SessionTable: Sendable {
  /// One client's session.
  struct Session: Sendable {
    let id: String
    let connection: ServerConnection
    fileprivate let client: String
    fileprivate var lastUse: ContinuousClock.Instant
  }

  private let sessions = Mutex([String: Session]())
  private let limit: Int
  private let lifetime: Duration

  init(limit: Int, lifetime: Duration) {
    self.limit = max(1, limit)
    self.lifetime = lifetime
  }

  var count: Int { sessions.withLock { $0.count } }

  /// Adds a session and returns its id: 256 random bits in hexadecimal.
  func add(_ connection: ServerConnection, client: String) -> String {
    var generator = SystemRandomNumberGenerator()
    let id = (0..<4).map { _ in
      let digits = String(generator.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    let now = ContinuousClock.now
    let gone = sessions.withLock { sessions in
      var gone = expired(&sessions, now)
      if sessions.count >= limit,
        let oldest = sessions.values.min(by: { $0.lastUse < $1.lastUse })
      {
        sessions[oldest.id] = nil
        gone.append(oldest)
      }
      sessions[id] = Session(id: id, connection: connection, client: client, lastUse: now)
      return gone
    }
    for session in gone { session.connection.close() }
    return id
  }

  /// The session of that id, if it is this client's.
  func find(_ id: String, client: String) -> Session? {
    let now = ContinuousClock.now
    let (found, gone) = sessions.withLock { sessions in
      let gone = expired(&sessions, now)
      guard let session = sessions[id], session.client == client else {
        return (nil as Session?, gone)
      }
      sessions[id]?.lastUse = now
      return (session, gone)
    }
    for session in gone { session.connection.close() }
    return found
  }

  /// Ends a session.
  func remove(_ id: String) {
    sessions.withLock { $0.removeValue(forKey: id) }?.connection.close()
  }

  /// Ends all sessions.
  func removeAll() {
    let all = sessions.withLock { sessions in
      defer { sessions = [:] }
      return Array(sessions.values)
    }
    for session in all { session.connection.close() }
  }

  private func expired(
    _ sessions: inout [String: Session], _ now: ContinuousClock.Instant
  ) -> [Session] {
    let old = sessions.values.filter { now - $0.lastUse > lifetime && !$0.connection.isBusy }
    for session in old { sessions[session.id] = nil }
    return old
  }
}
