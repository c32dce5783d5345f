import SoliditySyntax
import Testing

@Suite("Fixtures made by the compiler")
struct FixtureTests {
  @Test("what the compiler's parser accepts is understood", arguments: Fixture.accepted)
  func accepted(_ fixture: Fixture) {
    let unit = Parser.parse(fixture.source)
    #expect(unit.understood, "\(unit.problems)")
  }

  @Test("what it refuses is refused on the same line", arguments: Fixture.refused)
  func refused(_ fixture: Fixture) throws {
    let unit = Parser.parse(fixture.source)
    let first = try #require(unit.diagnostics.first)
    let line = unit.source.position(at: Int(first.range.start)).line
    #expect(try line == fixture.expectedErrorLine(), "\(unit.problems)")
  }

  @Test("the fixtures are all there")
  func complete() {
    #expect(Fixture.accepted.count >= 150)
    #expect(Fixture.refused.count == 92)
  }
}
