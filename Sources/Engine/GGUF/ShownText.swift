/// `text` from a file, fit for an error message: shortened, and without control characters.
func shown(_ text: String) -> String {
  let visible = text.unicodeScalars.map { scalar -> Unicode.Scalar in
    scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
      ? "\u{FFFD}" : scalar
  }
  var result = String.UnicodeScalarView(visible.prefix(400))
  if visible.count > 400 { result.append("\u{2026}") }
  return String(result)
}
