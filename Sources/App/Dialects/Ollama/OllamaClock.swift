/// The time of an answer's parts: whole seconds when the request came, and what has passed since.
struct OllamaClock: Sendable {
  private let start: Int
  private let elapsed: @Sendable () -> Duration

  /// A clock that starts now.
  ///
  /// - Parameter now: seconds since 1970.
  init(now: Int) {
    let begin = ContinuousClock.now
    self.init(now: now) { ContinuousClock.now - begin }
  }

  /// A clock that counts what `elapsed` says.
  init(now: Int, elapsed: @escaping @Sendable () -> Duration) {
    start = now
    self.elapsed = elapsed
  }

  /// The time now, with nanoseconds.
  var timestamp: String {
    let (seconds, attoseconds) = elapsed().components
    return Timestamp.text(
      seconds: start + Int(seconds), nanoseconds: Int(attoseconds / 1_000_000_000))
  }
}
