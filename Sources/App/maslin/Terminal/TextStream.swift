import TerminalText

/// Text of an answer on standard output, piece by piece as it is made. On a terminal, characters that could command it are
/// replaced.
final class TextStream {
  /// All text so far.
  private(set) var text = ""
  /// Whether nobody reads standard output any more.
  private(set) var isClosed = false
  private var failure: (any Error)?
  private let isSilent: Bool

  /// Makes a stream; a silent one only collects.
  init(isSilent: Bool = false) { self.isSilent = isSilent }

  /// Shows a piece at once. An error is kept for `finish`.
  func write(_ piece: String) {
    guard !piece.isEmpty else { return }
    text += piece
    guard !isSilent, !isClosed else { return }
    do {
      try StandardOutput().finish(
        with: StandardOutput.isTerminal ? SafeText.lines(piece) : piece)
    } catch {
      isClosed = true
      failure = error
    }
  }

  /// Throws what went wrong while writing.
  func finish() throws { if let failure { throw failure } }
}
