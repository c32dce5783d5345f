import Foundation
import SoliditySyntax
import Synchronization
import Testing

/// Holds what a thread made.
private final class Box<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}

/// Runs work on a thread with the stack of an ordinary secondary thread and waits for it.
private func onSmallStack<Value: Sendable>(_ work: @escaping @Sendable () -> Value) -> Value {
  let box = Box<Value>()
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    let value = work()
    box.value.withLock { $0 = value }
    done.signal()
  }
  thread.stackSize = 512 << 10
  thread.start()
  done.wait()
  return box.value.withLock { $0! }
}

@Suite("Hostile input")
struct HostileTests {
  static let shapes:
    [(name: String, head: String, open: String, middle: String, close: String, tail: String)] = [
      ("parentheses", "x = ", "(", "1", ")", ";"), ("blocks", "", "{", "", "}", ""),
      ("negations", "x = ", "!", "y", "", ";"), ("indices", "x = ", "a[", "1", "]", ";"),
      ("calls", "x = ", "f(", "1", ")", ";"), ("arrays", "x = ", "[", "1", "]", ";"),
      ("ifs", "", "if (x) ", "y();", "", ""), ("elses", "", "if (x) y(); else ", "y();", "", ""),
      ("loops", "", "for (;;) ", "y();", "", ""),
      ("mappings", "", "mapping(uint => ", "uint", ")", " storage m;"),
      ("functions", "", "function (", "", ") external", " f;"),
      ("powers", "x = ", "2 ** ", "2", "", ";"),
      ("conditionals", "x = ", "a ? ", "b", " : c", ";"),
      ("assignments", "x = ", "a = ", "b", "", ";"),
      ("options", "x = ", "f{a: ", "1", "}()", ";"),
      ("assembly blocks", "assembly ", "{", "", "}", ""),
      ("assembly calls", "assembly { pop(", "add(1, ", "1", ")", ") }"),
      ("assembly functions", "assembly {", "function f() {", "", "}", "}"),
      ("tries", "", "try a.b() { ", "", "} catch {}", ""),
      ("unchecked", "", "{ unchecked {", "", "}}", ""),
      ("types", "x = ", "new uint[", "1", "]", ";"),
    ]

  @Test(
    "nesting without end is refused, on a small stack, whatever nests",
    arguments: shapes.map(\.name))
  func deepNesting(_ name: String) {
    let shape = Self.shapes.first { $0.name == name }!
    for depth in [20, 60, 200, 2_000, 100_000] {
      let text =
        "contract C { function f() public { \(shape.head)"
        + String(repeating: shape.open, count: depth) + shape.middle
        + String(repeating: shape.close, count: depth) + "\(shape.tail) } }"
      let understood = onSmallStack {
        let unit = parse(text)
        _ = Printer.print(unit)
        var nodes = 0
        unit.walk { _ in
          nodes += 1
          return .into
        }
        return unit.understood && nodes == unit.nodeCount
      }
      if depth <= 60 { #expect(understood, "\(name) at depth \(depth)") }
      if depth >= 2_000 { #expect(!understood, "\(name) at depth \(depth)") }
    }
  }

  @Test(
    "long flat chains",
    arguments: [
      ("a", " + a"), ("a", ".b"), ("a", "[1]"), ("a", "()"), ("1", " || 1"), ("a", "{v: 1}"),
    ])
  func longChains(_ head: String, _ link: String) {
    for count in [900, 100_000] {
      let text =
        "contract C { function f() public { x = \(head)" + String(repeating: link, count: count)
        + "; } function g() public {} }"
      let (understood, functions, message) = onSmallStack {
        let unit = parse(text)
        _ = Printer.print(unit)
        return (
          unit.understood, unit.contracts.first?.functions.count,
          unit.diagnostics.first?.message ?? ""
        )
      }
      #expect(understood == (count <= Parser.maximumExpressionHeight))
      // What follows the chain is still read.
      #expect(functions == 2)
      if !understood { #expect(message.contains("\(Parser.maximumExpressionHeight)")) }
    }
  }

  @Test("chains inside chains do not add up beyond the limit")
  func nestedChains() {
    var text = "a"
    for _ in 0..<20 { text = "(\(text)\(String(repeating: " + a", count: 200)))" }
    let statement = "x = \(text);"
    let understood = onSmallStack { parseStatements(statement).understood }
    #expect(!understood)
  }

  @Test("lists may be long")
  func longLists() {
    let text = "x = f(" + Array(repeating: "a", count: 50_000).joined(separator: ", ") + ");"
    #expect(onSmallStack { parseStatements(text).understood })
    #expect(parseMembers(String(repeating: "uint a;", count: 50_000)).understood)
    let statements = String(repeating: "x = 1;", count: 50_000)
    #expect(parseStatements(statements).understood)
  }

  @Test("diagnostics are capped")
  func manyErrors() {
    let unit = parseMembers(String(repeating: "uint = ;", count: 10_000))
    #expect(unit.diagnostics.count == 101)
    #expect(unit.diagnostics.last?.message.contains("stopped") == true)
  }

  @Test(
    "texts cut off anywhere are not understood, and nothing breaks",
    arguments: ["modules/using_for.sol", "odd/statements.sol", "legacy04/old_token.sol"])
  func truncations(_ path: String) throws {
    let fixture = try #require(Fixture.all.first { $0.path == path })
    for length in stride(from: 0, to: fixture.bytes.count, by: 3) {
      let unit = Parser.parse(SourceFile(path: path, bytes: Array(fixture.bytes[..<length])))
      #expect(unit.diagnostics.count <= 101)
    }
  }

  @Test("invalid UTF-8 is pointed at")
  func invalidUTF8() {
    for (bytes, offset) in [
      ([0xFF], 0), ([0x2F, 0x2F, 0x20, 0xC3, 0x28], 3),
      ([0x2F, 0x2A, 0xED, 0xA0, 0x80, 0x2A, 0x2F], 2),
      ([0x2F, 0x2F, 0xE2, 0x82], 2), ([0x2F, 0x2F, 0xC0, 0x80], 2),
      ([0x2F, 0x2F, 0xF5, 0x80, 0x80, 0x80], 2),
    ] as [([UInt8], Int32)] {
      let unit = Parser.parse(SourceFile(path: "x", bytes: bytes))
      #expect(
        unit.diagnostics.contains { $0.range.start == offset && $0.message.contains("UTF-8") })
    }
    #expect(parse("// \u{20AC} \u{1F600} \u{E9}").understood)
  }

  @Test("text direction marks must be balanced")
  func directionMarks() {
    #expect(!parse("// \u{202E} x\n").understood)
    #expect(!parse("/* \u{202C} */").understood)
    #expect(parse("// \u{202E} x \u{202C}\n").understood)
    #expect(!parseStatements("x = unicode\"\u{202E}\";").understood)
    #expect(parse("pragma solidity ^0.4.0; // \u{202E} x\n").understood)
  }

  @Test(
    "small ugly texts",
    arguments: [
      "", " ", "\u{0}", "/", "//", "/*", "/**", "/**/", "///", "\"", "'", "\"\\", "hex", "hex\"",
      "0x", "1e", "1e+",
      ".", "..", "contract", "contract C", "contract C {", "contract C { function", "pragma",
      "pragma solidity",
      "pragma solidity ;", "import", "import \"", "using", "{", "}", "{}", ")", ";", ";;", "\\",
      "#", "@",
      "contract C { function f() public { assembly",
      "contract C { function f() public { assembly {",
      "contract C { function f() public { assembly { x", "contract C { function f() public { for (",
      "contract C is", "contract C layout at", "unicode\"", "unicode", "error E(", "type T is",
      "struct S {",
      "enum E {", "function f(", "uint constant x", "contract C { modifier m", "/// x", "/** x */",
      "\u{FEFF}contract C {}", "contract C { uint x = 0x", "contract \u{1F600} {}",
    ])
  func uglyTexts(_ text: String) {
    let unit = parse(text)
    _ = Printer.print(unit)
    #expect(unit.nodeCount >= 0)
    #expect(
      unit.understood == ["", " ", "//", "/**/", "///", "/// x", "/** x */"].contains(text),
      "\(text.debugDescription): \(unit.problems)")
  }
}
