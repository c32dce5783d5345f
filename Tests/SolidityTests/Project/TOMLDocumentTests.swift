import Solidity
import Testing

@Suite("foundry.toml")
struct TOMLDocumentTests {
  @Test("Every form of string, key, table and array is read")
  func forms() throws {
    let document = try TOMLDocument(
      #"""
      # head
      title = "a \"quoted\" \u00e9 text"   # behind
      path = 'C:\raw'
      long = """
      first \
         second"""
      rawLong = '''
      a'b'''
      "quoted key" = 1
      dotted.inner.key = true

      [profile.default]
      src = "contracts"
      libs = [
        'lib',   # one
        "more",
      ]
      inline = { a = "x", b = [1, 2], c.d = "y" }
      [[lists]]
      name = "first"
      [profile."other one"]
      src = 'x'
      """#)
    #expect(document["title"] == .string("a \"quoted\" é text"))
    #expect(document["path"] == .string(#"C:\raw"#))
    #expect(document["long"] == .string("first second"))
    #expect(document["rawLong"] == .string("a'b"))
    #expect(document["quoted key"] == .word("1"))
    #expect(document["dotted", "inner", "key"] == .word("true"))
    #expect(document["profile", "default", "src"]?.string == "contracts")
    #expect(document["profile", "default", "libs"]?.strings == ["lib", "more"])
    #expect(document["profile", "default", "inline", "a"]?.string == "x")
    #expect(document["profile", "default", "inline", "c", "d"]?.string == "y")
    #expect(document["profile", "other one", "src"]?.string == "x")
  }

  @Test(
    "Errors name their line",
    arguments: [
      ("a = \"x\nb = 2", 1), ("a = 1\nb\n", 2), ("a = 1\n[x\n", 2), ("a = [1,\n2\n", 3),
      ("a = 1\na = 2", 2), ("a = 1 b = 2", 1), ("\n\nx = \"\\u12\"", 3), ("a = {b = 1", 1),
      ("a = 'x'\na.b = 1", 2), ("= 1", 1), ("a = '''x\n", 1),
    ])
  func errors(text: String, line: Int) {
    #expect {
      try TOMLDocument(text)
    } throws: { error in
      (error as? TOMLError)?.line == line
    }
  }

  @Test("Deep nesting is refused, not followed")
  func nesting() {
    let text = "a = " + String(repeating: "[", count: 100_000)
    #expect(throws: TOMLError.self) { try TOMLDocument(text) }
  }

  @Test("Any cut of a document is either read or refused")
  func cuts() {
    let text = Array(
      "[profile.default]\nlibs = [\"a\\u0041\", 'b']\nx = { y = '''z''' } # end".utf8)
    for length in 0...text.count {
      _ = try? TOMLDocument(String(decoding: text[..<length], as: UTF8.self))
    }
  }
}
