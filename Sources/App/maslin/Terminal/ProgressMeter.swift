import Foundation
import Synchronization

/// A line on standard error that tells how far a long command is: silent for the first two seconds, and
/// always when standard error is no terminal.
final class ProgressMeter: Sendable {
  private struct State {
    var lastShown: ContinuousClock.Instant
    var isShown = false
  }

  private let activity: String
  private let unit: String
  private let total: Int?
  private let start = ContinuousClock.now
  private let state: Mutex<State>
  private static let delay = Duration.seconds(2)
  private static let interval = Duration.milliseconds(200)

  /// Makes a meter.
  ///
  /// - Parameters:
  ///   - activity: what is going on (`parsing`).
  ///   - unit: what is counted (`files`).
  ///   - total: how many there are, if that is known.
  init(_ activity: String, unit: String, total: Int? = nil) {
    self.activity = activity
    self.unit = unit
    self.total = total
    state = Mutex(State(lastShown: ContinuousClock.now))
  }

  /// Tells how many are done.
  func update(_ done: Int) {
    guard StandardError.isTerminal else { return }
    let now = ContinuousClock.now
    guard now - start > Self.delay else { return }
    let isDue = state.withLock { state in
      guard now - state.lastShown > Self.interval || !state.isShown else { return false }
      state.lastShown = now
      state.isShown = true
      return true
    }
    if isDue { StandardError.write("\r\u{1B}[K" + text(done, after: now - start)) }
  }

  /// Removes the line.
  func finish() {
    let wasShown = state.withLock { state in
      defer { state.isShown = false }
      return state.isShown
    }
    if wasShown { StandardError.write("\r\u{1B}[K") }
  }

  private func text(_ done: Int, after elapsed: Duration) -> String {
    let rate = Double(done) / (elapsed / .seconds(1))
    var text = "\(activity): \(done)"
    if let total { text += " of \(total)" }
    text += " \(unit), \(Int(rate)) a second"
    if let total, rate > 0, total >= done {
      text += ", \(Int((Double(total - done) / rate).rounded(.up))) s left"
    }
    return text
  }
}
