import SoliditySyntax
import Testing

@Suite("Laws of the tree")
struct LawTests {
  @Test("children lie inside their parents, in order", arguments: Fixture.accepted)
  func ranges(_ fixture: Fixture) {
    let unit = Parser.parse(fixture.source)
    unit.walk { item in
      let range = item.node.range
      #expect(range.start >= 0 && Int(range.end) <= fixture.bytes.count)
      var last = Int32(-1)
      item.forEachChild { child in
        let inner = child.node.range
        #expect(range.contains(inner), "\(item) \(range) does not hold \(inner)")
        if !isFreelyOrdered(item) {
          #expect(inner.start >= last, "\(item): children out of order")
          last = inner.start
        }
      }
      return .into
    }
  }

  /// Modifiers and `override` may stand in any order before the rest.
  private func isFreelyOrdered(_ item: AnySyntax) -> Bool {
    switch item {
    case .function, .modifier, .contract: true
    default: false
    }
  }

  @Test("every identifier is used once, and none is left out", arguments: Fixture.accepted)
  func identifiers(_ fixture: Fixture) {
    let unit = Parser.parse(fixture.source, unit: 7)
    var seen = Array(repeating: false, count: unit.nodeCount)
    unit.walk { item in
      let id = item.node.id
      #expect(id.unit == 7)
      let index = Int(id.index)
      guard index >= 0, index < seen.count else {
        Issue.record("identifier \(index) of \(seen.count)")
        return .into
      }
      #expect(!seen[index], "identifier \(index) twice")
      seen[index] = true
      return .into
    }
    #expect(!seen.contains(false), "identifiers missing")
  }

  @Test("a name stands where its range says", arguments: Fixture.accepted)
  func names(_ fixture: Fixture) {
    let unit = Parser.parse(fixture.source)
    unit.walk { item in
      if let declaration = item.node as? any Declaration, !declaration.name.isEmpty {
        #expect(unit.source.text(declaration.nameRange) == declaration.name)
      }
      if case .expression(let expression) = item, case .identifier(let name) = expression.kind {
        #expect(unit.source.text(expression.range) == name)
      }
      return .into
    }
  }

  @Test("printing what was printed and read again changes nothing", arguments: Fixture.accepted)
  func printing(_ fixture: Fixture) {
    let unit = Parser.parse(fixture.source)
    let once = Printer.print(unit)
    let again = Parser.parse(SourceFile(path: fixture.path, text: once))
    #expect(again.understood, "\(again.problems)\n\(once)")
    #expect(again.language.dialect == unit.language.dialect)
    #expect(Printer.print(again) == once)
    // The printed text has the same nodes.
    #expect(again.nodeCount == unit.nodeCount)
  }

  @Test("walks can be cut short")
  func walking() throws {
    let unit = parseStatements("if (a) { b = c + d; } else e();")
    var names: [String] = []
    unit.walk { item in
      if case .expression(let expression) = item, case .identifier(let name) = expression.kind {
        names.append(name)
      }
      return .into
    }
    #expect(names == ["a", "b", "c", "d", "e"])
    var count = 0
    unit.walk { _ in
      count += 1
      return count == 3 ? .stop : .into
    }
    #expect(count == 3)
    var statements = 0
    unit.firstBody[0].forEachStatement { _ in statements += 1 }
    #expect(statements == 4)
    var expressions: [String] = []
    unit.firstBody[0].forEachExpression { expressions.append(Printer.print($0)) }
    #expect(expressions == ["a", "b = c + d", "b", "c + d", "c", "d", "e()", "e"])
  }
}
