/// Makes text from untrusted sources fit to print: source code can hold terminal commands and characters that
/// change the direction of what follows.
public enum SafeText {
  /// `text` with every control and direction-changing character replaced by a visible stand-in; line feeds stay.
  public static func lines(_ text: String) -> String { replaced(text, keepsLines: true) }

  /// As `lines(_:)`, with line feeds and tabs turned into single spaces.
  public static func line(_ text: String) -> String { replaced(text, keepsLines: false) }

  private static func replaced(_ text: String, keepsLines: Bool) -> String {
    guard text.unicodeScalars.contains(where: { standIn(for: $0) != nil }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "\n" || scalar == "\t" {
        result.append(keepsLines ? scalar : " ")
      } else {
        result.append(standIn(for: scalar) ?? scalar)
      }
    }
    return String(result)
  }

  /// The visible stand-in of a character that must not reach a terminal; nil for harmless ones.
  public static func standIn(for scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar.value {
    case 0x00...0x1F:
      Unicode.Scalar(0x2400 + scalar.value)
    case 0x7F:
      "\u{2421}"
    case 0x80...0x9F, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
      0xE0000...0xE0FFF:
      "\u{FFFD}"
    default:
      nil
    }
  }

  /// How many columns of a terminal a character takes: 0, 1 or 2.
  ///
  /// An approximation of Unicode Standard Annex #11 by ranges: combining marks take none, East Asian wide and full-width
  /// characters and pictographs take two.
  public static func width(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20...0x2FF: return 1
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
      0xA000...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
      0x20000...0x3FFFD:
      return 2
    default:
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format: return 0
      default: return 1
      }
    }
  }
}
