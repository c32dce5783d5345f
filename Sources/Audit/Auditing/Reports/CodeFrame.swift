import SoliditySyntax
import TerminalText

/// A piece of source as text, with the place in question underlined.
///
/// Tabs are expanded, wide characters take two columns, long lines are cut around the place, and nothing in the
/// source can act on the terminal.
package struct CodeFrame {
  /// One line of the frame.
  package struct Line: Hashable {
    /// What stands left of the bar: a line number or nothing.
    package let number: String
    /// What stands right of it.
    package let text: String
    /// Whether the line holds carets rather than source.
    package let isMarking: Bool
  }
  /// The lines in order.
  package let lines: [Line]

  /// How many lines of source a frame shows at most.
  package static let maximumLines = 3

  /// Makes the frame of a place.
  ///
  /// - Parameter width: how many columns of source to show at most; at least 20.
  package init(_ location: FindingLocation, in file: SourceFile, width: Int = 100) {
    let width = max(20, width)
    let first = file.position(at: location.start.offset).line
    // A range that ends at the start of a line does not reach into it.
    let lastOffset = max(location.start.offset, location.end.offset - 1)
    let last = file.position(at: lastOffset).line
    var lines: [Line] = []
    for number in first...min(last, first + CodeFrame.maximumLines - 1) {
      let bytes = CodeFrame.bytes(ofLine: number, in: file)
      let start = number == first ? location.start.offset : CodeFrame.indentation(bytes, file)
      let end = number == last ? min(location.end.offset, bytes.upperBound) : bytes.upperBound
      let shown = DisplayedLine(
        bytes: bytes, in: file, mark: start..<max(start, end), width: width)
      lines.append(Line(number: String(number), text: shown.text, isMarking: false))
      lines.append(
        Line(
          number: "",
          text: String(repeating: " ", count: shown.mark.lowerBound)
            + String(repeating: "^", count: shown.mark.count), isMarking: true))
    }
    if last >= first + CodeFrame.maximumLines {
      lines.append(Line(number: "", text: "... to line \(last)", isMarking: false))
    }
    self.lines = lines
  }

  /// The frame as text lines, numbers aligned right in at least `gutter` columns.
  package func text(gutter: Int = 5) -> [String] {
    let gutter = max(gutter, lines.map(\.number.count).max() ?? 0)
    return lines.map { line in
      let margin = String(repeating: " ", count: gutter - line.number.count) + line.number + " |"
      return line.text.isEmpty ? margin : margin + " " + line.text
    }
  }

  /// The bytes of a line without its line end.
  private static func bytes(ofLine number: Int, in file: SourceFile) -> Range<Int> {
    let start = Int(file.lineStarts[number - 1])
    var end =
      number < file.lineStarts.count ? Int(file.lineStarts[number]) : file.bytes.count
    while end > start, file.bytes[end - 1] == 0x0A || file.bytes[end - 1] == 0x0D { end -= 1 }
    return start..<end
  }

  private static func indentation(_ line: Range<Int>, _ file: SourceFile) -> Int {
    line.first { file.bytes[$0] != 0x20 && file.bytes[$0] != 0x09 } ?? line.upperBound
  }
}

/// One line of source made fit for display, and the columns of a part of it.
struct DisplayedLine {
  /// What to show.
  let text: String
  /// The columns of the marked part, from 0; never empty.
  let mark: Range<Int>

  private struct Cell {
    let offset: Int
    let text: String
    let width: Int
  }

  /// Prepares a line.
  ///
  /// - Parameters:
  ///   - bytes: the offsets of the line's bytes, without its line end.
  ///   - mark: the offsets of the part to mark.
  ///   - width: how many columns to show at most.
  init(bytes: Range<Int>, in file: SourceFile, mark: Range<Int>, width: Int) {
    // Lines can be megabytes long; only what can be shown is decoded.
    let lead = width
    var first = bytes.lowerBound
    if bytes.count > 8 * width, mark.lowerBound - lead > first {
      first = mark.lowerBound - lead
      while first > bytes.lowerBound, file.bytes[first] & 0xC0 == 0x80 { first -= 1 }
    }
    let last = min(bytes.upperBound, max(first, mark.lowerBound) + 8 * width)
    let cells = DisplayedLine.cells(of: file.bytes[first..<last], tabStop: 4)
    let isCutLeft = first > bytes.lowerBound
    let isCutRight = last < bytes.upperBound
    let total = cells.reduce(0) { $0 + $1.width }
    let columns = DisplayedLine.columns(of: mark, in: cells, total: total)

    var leftEdge = 0
    if isCutLeft || isCutRight || total > width {
      let spare = max(4, (width - min(columns.count, width)) / 2)
      if isCutLeft || columns.upperBound > width - 1 {
        leftEdge = max(0, columns.lowerBound - spare)
      }
    }
    var text = isCutLeft || leftEdge > 0 ? "…" : ""
    let shift = text.isEmpty ? 0 : 1
    var column = 0
    var shown = shift
    var skipped: Int?
    var isClipped = false
    for cell in cells {
      defer { column += cell.width }
      guard column >= leftEdge else { continue }
      if skipped == nil { skipped = column }
      guard
        shown + cell.width <= width - 1
          || (column + cell.width == total && !isCutRight && shown + cell.width <= width)
      else {
        isClipped = true
        break
      }
      text += cell.text
      shown += cell.width
    }
    if isClipped || isCutRight { text += "…" }
    self.text = text
    let offset = shift - (skipped ?? leftEdge)
    let start = min(max(0, columns.lowerBound + offset), max(0, shown))
    let end = min(max(start + 1, columns.upperBound + offset), max(start + 1, shown))
    self.mark = start..<end
  }

  private static func cells(of bytes: ArraySlice<UInt8>, tabStop: Int) -> [Cell] {
    var cells: [Cell] = []
    var decoder = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = bytes.startIndex
    var column = 0
    decoding: while true {
      let scalar: Unicode.Scalar
      let length: Int
      switch decoder.parseScalar(from: &iterator) {
      case .valid(let encoded):
        scalar = UTF8.decode(encoded)
        length = encoded.count
      case .error(let count):
        scalar = "\u{FFFD}"
        length = count
      case .emptyInput:
        break decoding
      }
      if scalar == "\t" {
        let width = tabStop - column % tabStop
        cells.append(
          Cell(offset: offset, text: String(repeating: " ", count: width), width: width))
        column += width
      } else {
        let shown = SafeText.standIn(for: scalar) ?? scalar
        let width = SafeText.width(of: shown)
        cells.append(Cell(offset: offset, text: String(shown), width: width))
        column += width
      }
      offset += length
    }
    return cells
  }

  /// The columns that a range of byte offsets covers.
  private static func columns(of mark: Range<Int>, in cells: [Cell], total: Int) -> Range<Int> {
    var start: Int?
    var end: Int?
    var column = 0
    for cell in cells {
      if start == nil, cell.offset >= mark.lowerBound { start = column }
      if end == nil, cell.offset >= mark.upperBound { end = column }
      column += cell.width
    }
    let lower = start ?? total
    return lower..<max(lower + 1, end ?? total)
  }
}
