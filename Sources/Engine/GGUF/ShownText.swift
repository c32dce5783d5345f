import TerminalText

/// `text` from a file, fit for an error message: shortened, and without characters that command terminals.
func shown(_ text: String) -> String {
  let limit = 400
  let start = text.unicodeScalars.prefix(limit)
  let line = SafeText.line(String(String.UnicodeScalarView(start)))
  return start.endIndex == text.unicodeScalars.endIndex ? line : line + "\u{2026}"
}
