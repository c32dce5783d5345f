import TerminalText

/// Draws slot diagrams with plain characters: each slot as 32 cells, the high-order byte left.
package enum SlotDiagramText {
  /// The drawing, line by line. A row of two layouts reads:
  ///
  ///     slot 0  overlap
  ///               31                             0
  ///       Proxy   ............AAAAAAAAAAAAAAAAAAAA
  ///       Logic   ...............................B
  ///                                              ^
  ///       A  owner: address, bytes 0 to 19
  ///       B  initialized: bool, byte 0
  package static func lines(_ diagram: SlotDiagram) -> [String] {
    let left = clipped(diagram.left)
    let right = clipped(diagram.right)
    let width = max(left.count, right.count)
    var lines: [String] = []
    for row in diagram.rows {
      lines.append("slot \(SafeText.line(row.slot))" + (row.isConflict ? "  overlap" : ""))
      lines.append("  " + padded("", width) + "  31" + String(repeating: " ", count: 29) + "0")
      var letters = Letters()
      let leftLegend = row.left.map { (letters.next(), $0) }
      let rightLegend = row.right.map { (letters.next(), $0) }
      lines.append("  " + padded(left, width) + "  " + bar(leftLegend))
      lines.append("  " + padded(right, width) + "  " + bar(rightLegend))
      if row.isConflict {
        let marks = conflictMarks(row)
        if marks.contains("^") {
          lines.append("  " + padded("", width) + "  " + trimmedRight(marks))
        }
      }
      for (letter, occupant) in leftLegend + rightLegend {
        lines.append("  \(letter)  \(legend(occupant))")
      }
    }
    return lines
  }

  private struct Letters {
    private var index = 0
    private static let all = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    mutating func next() -> Character {
      defer { index += 1 }
      return index < Letters.all.count ? Letters.all[index] : "#"
    }
  }

  private static func bar(_ occupants: [(letter: Character, occupant: SlotOccupant)]) -> String {
    var cells = [Character](repeating: ".", count: 32)
    for (letter, occupant) in occupants {
      for byte in occupant.offset..<(occupant.offset + occupant.length) {
        cells[31 - byte] = letter
      }
    }
    return String(cells)
  }

  private static func conflictMarks(_ row: SlotRow) -> String {
    var cells = [Character](repeating: " ", count: 32)
    for left in row.left {
      for right in row.right where left != right {
        let start = max(left.offset, right.offset)
        let end = min(left.offset + left.length, right.offset + right.length)
        guard start < end else { continue }
        for byte in start..<end { cells[31 - byte] = "^" }
      }
    }
    return String(cells)
  }

  private static func legend(_ occupant: SlotOccupant) -> String {
    let last = occupant.offset + occupant.length - 1
    let bytes =
      occupant.length == 1 ? "byte \(occupant.offset)" : "bytes \(occupant.offset) to \(last)"
    return "\(SafeText.line(occupant.label)): \(SafeText.line(occupant.type)), \(bytes)"
  }

  private static func clipped(_ name: String) -> String {
    let name = SafeText.line(name)
    return name.count <= 32 ? name : name.prefix(31) + "…"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func trimmedRight(_ text: String) -> String {
    String(text.reversed().drop { $0 == " " }.reversed())
  }
}
