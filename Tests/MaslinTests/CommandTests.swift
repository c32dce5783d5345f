import Foundation
import Testing

private func json(_ text: String) throws -> Any {
  try JSONSerialization.jsonObject(with: Data(text.utf8))
}

@Suite("Commands on files")
struct CommandTests {
  @Test("parse tells each file's errors with places, in path order, and leaves with 3")
  func parse() throws {
    let workspace = try Workspace([
      "b.sol": "contract B {\n  uint x\n}", "a.sol": "contract A {}", "c/d.sol": "",
    ])
    try workspace.write("e.sol", Data([0x2F, 0x2F, 0xFF]))
    let result = try workspace.run("parse", ".", "--json")
    #expect(result.status == 3)
    let files = try #require(try json(result.output) as? [[String: Any]])
    #expect(files.map { $0["path"] as? String } == ["a.sol", "b.sol", "c/d.sol", "e.sol"])
    #expect(files.map { $0["understood"] as? Bool } == [true, false, true, false])
    let errors = try #require(files[1]["errors"] as? [[String: Any]])
    let start = try #require(errors.first?["start"] as? [String: Int])
    let end = try #require(errors.first?["end"] as? [String: Int])
    #expect(start["line"] == 3)
    #expect(start["column"] == 1)
    #expect(start["offset"] == 22)
    #expect(try #require(end["offset"]) >= 22)
    #expect(errors.first?["message"] is String)
  }

  @Test("Deep nesting is refused with a place, not with a crash")
  func deepNesting() throws {
    let depth = 200_000
    let workspace = try Workspace([
      "a.sol": "contract A { uint x = " + String(repeating: "(", count: depth) + "1"
        + String(repeating: ")", count: depth) + "; }",
      "b.sol": "contract B { function f() public { "
        + String(repeating: "{", count: depth) + String(repeating: "}", count: depth) + " } }",
      "c.sol": "contract C { uint x = 1" + String(repeating: "+1", count: depth) + "; }",
    ])
    for command in ["parse", "facts", "layout", "audit"] {
      let result = try workspace.run(command, ".")
      #expect([0, 3].contains(result.status), "\(command): \(result.status) \(result.errors)")
    }
    let result = try workspace.run("parse", "a.sol")
    #expect(result.status == 3)
    #expect(result.output.hasPrefix("a.sol:1:"))
  }

  @Test("facts tells what a contract has, through imports and remappings")
  func facts() throws {
    let workspace = try Workspace([
      "lib/Base.sol": "abstract contract Base { error No(); function f(uint) external virtual; }",
      "A.sol": """
      import "@b/Base.sol";
      contract A is Base {
        event E(address indexed a, uint);
        uint8 public constant c = 1;
        mapping(address => uint[]) private m;
        function f(uint) external override {}
      }
      """,
    ])
    let result = try workspace.run("facts", "A.sol", "--json", "--remap", "@b/=lib/")
    #expect(result.status == 0, "\(result.errors)")
    let contracts = try #require(try json(result.output) as? [[String: Any]])
    #expect(contracts.count == 1)
    let contract = try #require(contracts.first)
    #expect(contract["linearizedBases"] as? [String] == ["A", "Base"])
    // Selectors and topic from the Keccak-256 of the signatures, computed with another implementation.
    #expect(
      contract["methodIdentifiers"] as? [String: String] == [
        "f(uint256)": "b3de648b", "c()": "c3da42b8",
      ])
    let events = try #require(contract["events"] as? [[String: Any]])
    #expect(events.first?["signature"] as? String == "E(address,uint256)")
    let variables = try #require(contract["stateVariables"] as? [[String: Any]])
    #expect(
      variables.map { $0["typeString"] as? String } == ["uint8", "mapping(address => uint256[])"])
    #expect(variables.map { $0["mutability"] as? String } == ["constant", "mutable"])
  }

  @Test("A missing import is told on standard error, and the rest goes on")
  func missingImport() throws {
    let workspace = try Workspace(["A.sol": "import \"@oz/B.sol\";\ncontract A { uint x; }"])
    let result = try workspace.run("facts", "A.sol")
    #expect(result.status == 0)
    #expect(result.output.contains("variable uint256"))
    #expect(result.errors.contains("A.sol:1:8: the import \"@oz/B.sol\" was not found"))
    #expect(result.errors.contains("--remap @oz/="))
  }

  @Test("layout prints the compiler's object, keyed by path and contract")
  func layout() throws {
    let workspace = try Workspace([
      "A.sol": "contract A { uint8 a; address b; uint256 c; } contract B is A { bool d; }"
    ])
    let result = try workspace.run("layout", "A.sol", "--format", "solc")
    #expect(result.status == 0)
    let layouts = try #require(try json(result.output) as? [String: [String: [String: Any]]])
    #expect(layouts.keys.sorted() == ["A.sol:A", "A.sol:B"])
    let storage = try #require(layouts["A.sol:B"]?["storageLayout"]?["storage"] as? [[String: Any]])
    #expect(storage.map { $0["label"] as? String } == ["a", "b", "c", "d"])
    #expect(storage.map { $0["slot"] as? String } == ["0", "0", "1", "2"])
    #expect(storage.map { $0["offset"] as? Int } == [0, 1, 0, 0])

    let one = try workspace.run("layout", "A.sol:A")
    #expect(one.status == 0)
    #expect(one.output.contains("A.sol:A"))
    #expect(!one.output.contains("A.sol:B"))
  }

  @Test("upgrade-check tells safe from unsafe, from files and from revisions")
  func upgrade() throws {
    let workspace = try Workspace([
      "V1.sol": "contract Token { address owner; uint256 supply; }",
      "Bad.sol": "contract Token { uint256 supply; address owner; }",
      "Good.sol": "contract Token { address owner; uint256 supply; uint256 more; }",
    ])
    #expect(try workspace.run("upgrade-check", "V1.sol", "Good.sol").status == 0)
    let bad = try workspace.run("upgrade-check", "V1.sol", "Bad.sol", "--json")
    #expect(bad.status == 1)
    let report = try #require(try json(bad.output) as? [String: Any])
    #expect(report["safe"] as? Bool == false)
    let upgrades = try #require(report["upgrades"] as? [[String: Any]])
    #expect(upgrades.first?["keepsMeaning"] as? Bool == false)

    let git = { (arguments: String) in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [
        "-c",
        "git -c user.name=T -c user.email=t@example.org -c commit.gpgsign=false \(arguments) >/dev/null 2>&1",
      ]
      process.currentDirectoryURL = URL(fileURLWithPath: workspace.path)
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "git \(arguments)")
    }
    try git("init")
    try git("add V1.sol")
    try git("commit -m one")
    try workspace.write("V1.sol", Data("contract Token { uint256 supply; address owner; }".utf8))
    let live = try workspace.run("upgrade-check", "HEAD:V1.sol", "V1.sol")
    #expect(live.status == 1, "\(live.errors)")
    #expect(try workspace.run("upgrade-check", "HEAD", "Good.sol").status == 0)
  }

  @Test("bytecode recognises a minimal proxy and compares with source")
  func bytecode() throws {
    // ERC-1167, with the address of its example.
    let clone =
      "363d3d373d3d3d363d73" + String(repeating: "be", count: 20)
      + "5af43d82803e903d91602b57fd5bf3"
    let workspace = try Workspace([
      "code.hex": "0x" + clone + "\n", "A.sol": "contract A { function f() external {} }",
    ])
    for argument in [clone, "0x" + clone, "code.hex"] {
      let result = try workspace.run("bytecode", argument)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.lowercased().contains("0x" + String(repeating: "be", count: 20)))
    }
    let compared = try workspace.run("bytecode", "code.hex", "--source", "A.sol:A", "--json")
    #expect(compared.status == 1)
    let report = try #require(try json(compared.output) as? [String: Any])
    let comparison = try #require(report["comparison"] as? [String: Any])
    #expect(comparison["consistent"] as? Bool == false)
  }

  @Test("rules lists pages, and each page is there")
  func rules() throws {
    let workspace = try Workspace()
    let pages = try #require(
      try json(try workspace.run("rules", "--json").output) as? [[String: Any]])
    #expect(pages.count > 10)
    let name = try #require(pages.first?["id"] as? String)
    let page = try workspace.run("rules", name)
    #expect(page.status == 0)
    #expect(page.output.contains(name))
  }
}
