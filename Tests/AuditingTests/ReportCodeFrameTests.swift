import SoliditySyntax
import Testing

import Auditing

struct ReportCodeFrameTests {
  private func frame(_ text: String, _ marked: String, width: Int = 100) -> [String] {
    let file = SourceFile(path: "a.sol", text: text)
    let needle = Array(marked.utf8)
    let start = (0...(file.bytes.count - needle.count)).first {
      file.bytes[$0...].starts(with: needle)
    }!
    let range = SourceRange(start: start, end: start + needle.count)
    return CodeFrame(FindingLocation(range, in: file), in: file, width: width).text(gutter: 0)
  }

  @Test func marksTheExactColumns() {
    #expect(frame("uint x;\nuint yy;\n", "yy") == ["2 | uint yy;", "  |      ^^"])
  }

  @Test func expandsTabs() {
    #expect(frame("\tuint\tx;", "x") == ["1 |     uint    x;", "  |             ^"])
  }

  @Test func countsWideAndCombiningCharacters() {
    #expect(frame("\"你好\"; x", "x") == ["1 | \"你好\"; x", "  |         ^"])
    #expect(frame("\"e\u{301}\"; x", "x") == ["1 | \"e\u{301}\"; x", "  |      ^"])
    #expect(frame("\"你好\";", "你好") == ["1 | \"你好\";", "  |  ^^^^"])
  }

  @Test func showsWhatATerminalMustNotInterpret() {
    let lines = frame("a = \"\u{1B}[31m\u{202E}\u{7}\"; x", "x")
    #expect(lines == ["1 | a = \"␛[31m\u{FFFD}␇\"; x", "  |                ^"])
  }

  @Test func survivesInvalidText() {
    let file = SourceFile(path: "a", bytes: [0xFF, 0x20, 0xE4, 0xBD, 0x20, 0x78])
    let location = FindingLocation(SourceRange(start: 5, end: 6), in: file)
    let lines = CodeFrame(location, in: file).text(gutter: 0)
    #expect(lines.count == 2)
    #expect(lines[0].hasSuffix(" x"))
    #expect(lines[1].count == lines[0].count)
  }

  @Test(arguments: [0, 1, 57, 99, 100, 101, 5000, 199_995])
  func cutsLongLinesAroundTheMark(_ offset: Int) {
    let text =
      String(repeating: "a", count: offset) + "MARK"
      + String(repeating: "b", count: 200_000 - offset)
    let lines = frame(text, "MARK", width: 60)
    #expect(lines[0].count <= 64)
    let carets = lines[1].indices.filter { lines[1][$0] == "^" }
    let shown = carets.map { index in
      let place = lines[1].distance(from: lines[1].startIndex, to: index)
      return lines[0][lines[0].index(lines[0].startIndex, offsetBy: place)]
    }
    #expect(String(shown) == "MARK")
  }

  @Test func shortensLongMarks() {
    let lines = frame(
      "x = " + String(repeating: "m", count: 500) + ";", String(repeating: "m", count: 500),
      width: 40)
    #expect(lines[0].count <= 44)
    #expect(lines[1].count <= 44)
    #expect(lines[1].hasSuffix("^^^"))
  }

  @Test func showsSeveralLines() {
    let text = "f(\n  a,\n  b,\n  c\n);"
    #expect(
      frame(text, text) == [
        "1 | f(", "  | ^^", "2 |   a,", "  |   ^^", "3 |   b,", "  |   ^^", "  | ... to line 5",
      ])
    #expect(frame("f(\n  a);\ng", "f(\n  a);\n").count == 4)
  }

  @Test func marksEmptyPlaces() {
    let file = SourceFile(path: "a", text: "")
    let location = FindingLocation(SourceRange(start: 0, end: 0), in: file)
    #expect(CodeFrame(location, in: file).text(gutter: 0) == ["1 |", "  | ^"])
  }

  /// Whatever the text and the place, a frame is made and its carets stand below what is marked.
  @Test func alwaysMakesAFrame() {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    let pieces: [[UInt8]] = [
      Array("abc ".utf8), [0x09], [0x0A], [0x0D], [0x0D, 0x0A], Array("你".utf8), [0xFF],
      [0xE4, 0xBD],
      Array("e\u{301}".utf8), [0x1B], [0x00], Array("😀".utf8),
    ]
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...60, using: &numbers)).flatMap { _ in
        pieces.randomElement(using: &numbers)!
      }
      let file = SourceFile(path: "a", bytes: bytes)
      let start = Int.random(in: 0...bytes.count, using: &numbers)
      let end = Int.random(in: start...bytes.count, using: &numbers)
      let location = FindingLocation(SourceRange(start: start, end: end), in: file)
      let width = Int.random(in: 20...60, using: &numbers)
      let lines = CodeFrame(location, in: file, width: width).lines
      #expect(lines.contains { $0.isMarking && $0.text.contains("^") }, "seed \(seed)")
      for line in lines {
        #expect(line.text.unicodeScalars.count <= width + 30, "seed \(seed)")
        #expect(!line.text.unicodeScalars.contains { $0.value < 0x20 }, "seed \(seed)")
      }
    }
  }
}
