import Constraints
import Foundation
import JSON
import Testing

@Suite struct RegularExpressionTests {
  /// Expressions of `Fixtures/expressions.json`, made at random; what they match is what `re.fullmatch` of Python 3.11 says
  /// with `re.ASCII`.
  @Test func expressionsMatchWhatPythonMatches() throws {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/expressions", withExtension: "json"))
    let fixtures = try JSONParser.parse(Array(Data(contentsOf: url))).arrayValue ?? []
    #expect(fixtures.count == 150)
    for fixture in fixtures {
      let pattern = fixture["pattern"]?.stringValue ?? "("
      let language = try RegularLanguage(regularExpression: pattern)
      for text in (fixture["matches"]?.arrayValue ?? []).compactMap(\.stringValue) {
        #expect(language.contains(text), "\(pattern) on \(text.debugDescription)")
      }
      for text in (fixture["misses"]?.arrayValue ?? []).compactMap(\.stringValue) {
        #expect(!language.contains(text), "\(pattern) on \(text.debugDescription)")
      }
    }
  }

  @Test(arguments: [
    ("(a", "character 1", GrammarError.Kind.syntax), ("a)", "character 2", .syntax),
    ("[a", "character 1", .syntax), ("*a", "character 1", .syntax), ("a**", "character 3", .syntax),
    ("[b-a]", "character 2", .syntax), ("a{3,2}", "character 2", .syntax),
    ("\\q", "character 1", .syntax),
    ("\\u12", "character 1", .syntax), ("a\\", "character 2", .syntax),
    ("(a)\\1", "character 4", .unsupported),
    ("a(?=b)", "character 2", .unsupported), ("(?<!a)b", "character 1", .unsupported),
    ("\\bword", "character 1", .unsupported), ("a^b", "character 2", .unsupported),
    ("a$b", "character 2", .unsupported), ("(?i)a", "character 1", .unsupported),
    ("\\p{Script=Greek}", "character 1", .unsupported), ("\\ud800", "character 1", .unsupported),
    ("a{99999}", "character 2", .tooLarge),
  ]) func mistakesAreFoundWhereTheyAre(
    _ pattern: String, _ place: String, _ kind: GrammarError.Kind
  ) {
    let error = #expect(throws: GrammarError.self) { try Grammar.regularExpression(pattern) }
    #expect(error?.location == place && error?.kind == kind, "\(String(describing: error))")
  }

  @Test(arguments: [
    "(a|b)*a(a|b){30}", "(((a{50}){50}){50}){50}", "(.{1,2000}x){1,2000}", "[^a]{9999}[^b]{9999}",
  ]) func explosionsAreRefused(_ pattern: String) {
    let error = #expect(throws: GrammarError.self) { try Grammar.regularExpression(pattern) }
    #expect(error?.kind == .tooLarge)
  }

  @Test func classesOfUnicode() throws {
    let letters = try RegularLanguage(regularExpression: "\\p{Lu}\\p{Ll}+[\\p{N}_]?\\P{L}")
    #expect(letters.contains("Éa٣!") && letters.contains("Ωμ "))
    #expect(!letters.contains("éa!") && !letters.contains("Aaa"))
    let astral = try RegularLanguage(regularExpression: "[\\u{1F600}-\\u{1F64F}]\\ud83d\\ude00.")
    #expect(astral.contains("😀😀x") && !astral.contains("😀😀\n"))
  }

  @Test func mutatedExpressionsAreReadOrRefused() {
    var random = SeededGenerator(seed: 41)
    let pieces = Array("ab01()[]{}^$.*+?|\\-,:=!<>dwsupPxé{3}{2,}(?:[^".unicodeScalars)
    for _ in 0..<3000 {
      let length = Int.random(in: 1...14, using: &random)
      var pattern = String.UnicodeScalarView()
      for _ in 0..<length {
        if let piece = pieces.randomElement(using: &random) { pattern.append(piece) }
      }
      do throws(GrammarError) {
        _ = try Grammar.regularExpression(String(pattern))
      } catch {
        #expect(error.location != nil || error.kind == .tooLarge, "\(String(pattern)): \(error)")
      }
    }
  }
}
