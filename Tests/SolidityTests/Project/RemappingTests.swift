import Solidity
import Testing

@Suite("Remappings")
struct RemappingTests {
  @Test(
    "Rules are read in all written forms",
    arguments: [
      ("a/=b/", Remapping(prefix: "a/", target: "b/")),
      ("lib/x/:a/=b/", Remapping(context: "lib/x/", prefix: "a/", target: "b/")),
      ("forge-std=lib/forge-std/src", Remapping(prefix: "forge-std", target: "lib/forge-std/src")),
      ("a/=", Remapping(prefix: "a/", target: "")),
      ("a=b=c", Remapping(prefix: "a", target: "b=c")),
    ])
  func parsing(text: String, expected: Remapping) {
    #expect(Remapping(parsing: text) == expected)
    #expect(Remapping(parsing: text)?.description == text)
  }

  @Test("Text without a rule is refused", arguments: ["", "a", "=b", "ctx:=b", "a:b"])
  func refused(text: String) {
    #expect(Remapping(parsing: text) == nil)
  }

  @Test("The longest context wins, then the longest prefix, then the last rule")
  func precedence() {
    let rules = [
      Remapping(prefix: "@oz/", target: "one/"),
      Remapping(prefix: "@oz/contracts/", target: "two/"),
      Remapping(context: "lib/a/", prefix: "@oz/", target: "three/"),
      Remapping(context: "lib/", prefix: "@oz/contracts/", target: "four/"),
      Remapping(prefix: "@oz/contracts/", target: "five/"),
    ]
    #expect(rules.rewriting("@oz/x.sol", importedBy: "src/A.sol") == "one/x.sol")
    #expect(rules.rewriting("@oz/contracts/x.sol", importedBy: "src/A.sol") == "five/x.sol")
    #expect(rules.rewriting("@oz/contracts/x.sol", importedBy: "lib/b/A.sol") == "four/x.sol")
    #expect(
      rules.rewriting("@oz/contracts/x.sol", importedBy: "lib/a/A.sol") == "three/contracts/x.sol")
    #expect(rules.rewriting("other/x.sol", importedBy: "src/A.sol") == nil)
  }

  @Test("Lists pass over comments and empty lines, and name lines without a rule")
  func lists() {
    let list = Remapping.parseList("# head\r\na/=b/\n\n  c/=d/  \nnonsense\n// note\ne/=f/")
    #expect(list.remappings.map(\.description) == ["a/=b/", "c/=d/", "e/=f/"])
    #expect(list.badLines == [5])
  }
}

@Suite("Paths")
struct SourcePathTests {
  @Test(
    "Normalising",
    arguments: [
      ("/a/./b//c/../d", "/a/b/d"), ("a/../..", ".."), ("/..", "/"), ("", "."), ("./x", "x"),
      ("../../x/./y", "../../x/y"), ("/", "/"), ("a/b/", "a/b"),
    ])
  func normalising(path: String, expected: String) {
    #expect(SourcePath.normalized(path) == expected)
    #expect(SourcePath.normalized(expected) == expected)
  }

  @Test("Containment compares whole parts")
  func containment() {
    #expect(SourcePath.isWithin("/a/b", "/a/b"))
    #expect(SourcePath.isWithin("/a/b/c", "/a/b"))
    #expect(!SourcePath.isWithin("/a/bc", "/a/b"))
    #expect(SourcePath.isWithin("/a", "/"))
    #expect(SourcePath.relative("/a/b/c", to: "/a") == "b/c")
    #expect(SourcePath.relative("/a/b", to: "/") == "a/b")
    #expect(SourcePath.relative("/b", to: "/a") == nil)
    #expect(SourcePath.ancestors(of: "/a/b") == ["/a/b", "/a", "/"])
    #expect(SourcePath.parent(of: "/a") == "/")
    #expect(SourcePath.parent(of: "a") == ".")
  }
}
