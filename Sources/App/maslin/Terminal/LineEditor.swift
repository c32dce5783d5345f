import Foundation
import TerminalText

/// Reads lines from a terminal with editing and history, as shells do; from anything else it reads plain lines.
///
/// Keys: arrows, Home, End, Ctrl-A E B F, Alt-B F, Ctrl-U K W H D, Ctrl-P N for history, Ctrl-L; Ctrl-C drops the line,
/// Ctrl-D on an empty line ends the input. A line that ends with a backslash goes on in the next one. Pasted text keeps
/// its line breaks.
final class LineEditor {
  /// What came of asking for a line.
  enum Input: Equatable {
    case line(String)
    /// Ctrl-C: the line was dropped.
    case interrupted
    case end
  }

  private enum Key: Equatable {
    case text(String)
    case enter, left, right, up, down, home, end, wordLeft, wordRight
    case backspace, delete, deleteWord, deleteToStart, deleteToEnd
    case clearScreen, interrupt, endOfInput, ignored
  }

  /// Lines entered before, oldest first.
  private(set) var history: [String]
  private let historyLimit = 1000
  private var pending: [UInt8] = []
  private var isPasting = false

  init(history: [String] = []) { self.history = history }

  /// Whether lines are edited: standard input and standard error are terminals.
  static var isInteractive: Bool { isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0 }

  /// Asks for a line (several, when they end with a backslash).
  func read(prompt: String) -> Input {
    var parts: [String] = []
    while true {
      switch readOne(prompt: parts.isEmpty ? prompt : "... ") {
      case .line(let line) where line.hasSuffix("\\"):
        parts.append(String(line.dropLast()))
      case .line(let line):
        parts.append(line)
        let text = parts.joined(separator: "\n")
        remember(text)
        return .line(text)
      case let other: return other
      }
    }
  }

  private func remember(_ line: String) {
    guard !line.isEmpty, history.last != line else { return }
    history.append(line)
    if history.count > historyLimit { history.removeFirst(history.count - historyLimit) }
  }

  private func readOne(prompt: String) -> Input {
    guard LineEditor.isInteractive else {
      return readLine(strippingNewline: true).map { .line($0) } ?? .end
    }
    var original = termios()
    guard tcgetattr(STDIN_FILENO, &original) == 0 else {
      return readLine(strippingNewline: true).map { .line($0) } ?? .end
    }
    var raw = original
    cfmakeraw(&raw)
    raw.c_oflag |= tcflag_t(OPOST)
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
    // Bracketed paste: the terminal marks pasted text, so that its line breaks do not send it off.
    StandardError.write("\u{1B}[?2004h")
    defer {
      StandardError.write("\u{1B}[?2004l")
      tcsetattr(STDIN_FILENO, TCSADRAIN, &original)
    }
    return edit(prompt: prompt)
  }

  private func edit(prompt: String) -> Input {
    var line = LineText()
    var place = history.count
    var newest = line
    var rows = 1
    redraw(prompt, line, previousRows: &rows)
    while true {
      guard let key = nextKey() else {
        StandardError.write("\n")
        return line.text.isEmpty ? .end : .line(line.text)
      }
      switch key {
      case .text(let text): line.insert(text)
      case .enter where isPasting: line.insert("\n")
      case .enter:
        line.moveToEnd()
        redraw(prompt, line, previousRows: &rows)
        StandardError.write("\n")
        return .line(line.text)
      case .left: line.moveLeft()
      case .right: line.moveRight()
      case .home: line.moveToStart()
      case .end: line.moveToEnd()
      case .wordLeft: line.moveWordLeft()
      case .wordRight: line.moveWordRight()
      case .backspace: line.deleteBackward()
      case .delete: line.deleteForward()
      case .deleteWord: line.deleteWordBackward()
      case .deleteToStart: line.deleteToStart()
      case .deleteToEnd: line.deleteToEnd()
      case .up where place > 0:
        if place == history.count { newest = line }
        place -= 1
        line = LineText(history[place])
      case .down where place < history.count:
        place += 1
        line = place == history.count ? newest : LineText(history[place])
      case .clearScreen:
        StandardError.write("\u{1B}[H\u{1B}[2J")
        rows = 1
      case .interrupt:
        StandardError.write("^C\n")
        return .interrupted
      case .endOfInput:
        if line.text.isEmpty {
          StandardError.write("\n")
          return .end
        }
        line.deleteForward()
      case .up, .down, .ignored: break
      }
      redraw(prompt, line, previousRows: &rows)
    }
  }

  /// Draws prompt and line anew over what was drawn before and puts the cursor in its place.
  private func redraw(_ prompt: String, _ line: LineText, previousRows: inout Int) {
    let columns = max(8, LineEditor.columns)
    let promptWidth = LineText(prompt).width(of: prompt.count)
    let cursor = promptWidth + line.width(of: line.cursor)
    let total = promptWidth + line.width(of: line.characters.count)
    var output = ""
    if previousRows > 1 { output += "\u{1B}[\(previousRows - 1)A" }
    output += "\r\u{1B}[J" + prompt + SafeText.line(line.text)
    // A terminal leaves the cursor behind the last column; a blank moves it to the next row, as the count assumes.
    if total > 0, total % columns == 0 { output += " \r" }
    let cursorRow = cursor / columns
    let lastRow = total / columns
    if lastRow > cursorRow { output += "\u{1B}[\(lastRow - cursorRow)A" }
    output += "\r"
    if cursor % columns > 0 { output += "\u{1B}[\(cursor % columns)C" }
    previousRows = cursorRow + 1
    StandardError.write(output)
  }

  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  // MARK: Keys

  private func nextByte() -> UInt8? {
    if !pending.isEmpty { return pending.removeFirst() }
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = buffer.withUnsafeMutableBytes {
        Foundation.read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
      if count > 0 {
        pending = Array(buffer[..<count])
        return pending.removeFirst()
      }
      guard count < 0, errno == EINTR else { return nil }
    }
  }

  private func nextKey() -> Key? {
    guard let byte = nextByte() else { return nil }
    switch byte {
    case 0x01: return .home
    case 0x02: return .left
    case 0x03: return .interrupt
    case 0x04: return .endOfInput
    case 0x05: return .end
    case 0x06: return .right
    case 0x08, 0x7F: return .backspace
    case 0x09: return .text(" ")
    case 0x0A, 0x0D: return .enter
    case 0x0B: return .deleteToEnd
    case 0x0C: return .clearScreen
    case 0x0E: return .down
    case 0x10: return .up
    case 0x15: return .deleteToStart
    case 0x17: return .deleteWord
    case 0x1B: return escapeSequence()
    case 0x00...0x1F: return .ignored
    default: return .text(character(from: byte))
    }
  }

  /// The character that starts with `first`, with all of its bytes; U+FFFD when they are no UTF-8.
  private func character(from first: UInt8) -> String {
    var bytes = [first]
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1
    while bytes.count < length, let next = nextByte() { bytes.append(next) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func escapeSequence() -> Key? {
    guard let second = nextByte() else { return nil }
    switch second {
    case UInt8(ascii: "b"): return .wordLeft
    case UInt8(ascii: "f"): return .wordRight
    case 0x7F: return .deleteWord
    case UInt8(ascii: "["), UInt8(ascii: "O"): break
    default: return .ignored
    }
    var parameters = ""
    while let byte = nextByte() {
      guard byte < 0x40 else { return control(byte, parameters) }
      guard parameters.utf8.count < 16 else { return .ignored }
      parameters.unicodeScalars.append(Unicode.Scalar(byte))
    }
    return nil
  }

  private func control(_ final: UInt8, _ parameters: String) -> Key {
    let isWord = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
    switch (final, parameters) {
    case (UInt8(ascii: "A"), _): return .up
    case (UInt8(ascii: "B"), _): return .down
    case (UInt8(ascii: "C"), _): return isWord ? .wordRight : .right
    case (UInt8(ascii: "D"), _): return isWord ? .wordLeft : .left
    case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): return .home
    case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): return .end
    case (UInt8(ascii: "~"), "3"): return .delete
    case (UInt8(ascii: "~"), "200"):
      isPasting = true
      return .ignored
    case (UInt8(ascii: "~"), "201"):
      isPasting = false
      return .ignored
    default: return .ignored
    }
  }
}
