import Foundation
import Synchronization

/// Ctrl-C while an answer is made: stops the answer, not the program. A second one before the first was noticed ends the
/// program.
final class Interruption {
  private static let requested = Atomic<Bool>(false)
  private let previous: (@convention(c) (Int32) -> Void)?

  /// From now on SIGINT only sets a flag, until this object goes.
  init() {
    Interruption.requested.store(false, ordering: .relaxed)
    previous = signal(SIGINT) { _ in
      if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(130) }
    }
  }

  deinit { signal(SIGINT, previous ?? SIG_DFL) }

  /// Whether Ctrl-C was pressed since the object was made.
  var isRequested: Bool { Interruption.requested.load(ordering: .relaxed) }
}
