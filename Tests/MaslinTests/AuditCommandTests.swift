import Foundation
import Testing

@Suite("audit")
struct AuditCommandTests {
  private static let vault = """
    // SPDX-License-Identifier: MIT
    pragma solidity 0.8.28;

    contract Vault {
        mapping(address => uint256) public balanceOf;

        function deposit() external payable {
            balanceOf[msg.sender] += msg.value;
        }

        function withdraw() external {
            uint256 amount = balanceOf[msg.sender];
            (bool sent, ) = msg.sender.call{value: amount}("");
            require(sent, "refused");
            balanceOf[msg.sender] = 0;
        }
    }

    """

  private static let quiet = """
    // SPDX-License-Identifier: MIT
    pragma solidity 0.8.28;

    contract Counter {
        uint256 public count;

        function increase() external {
            count += 1;
        }
    }

    """

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func findings(_ result: RunResult) throws -> [[String: Any]] {
    try #require(try object(result.output)["findings"] as? [[String: Any]])
  }

  private func rules(_ result: RunResult) throws -> [String] {
    try findings(result).compactMap { $0["rule"] as? String }
  }

  @Test("A finding has all that the report promises, and fails the command")
  func finding() throws {
    let workspace = try Workspace(["Vault.sol": Self.vault])
    let result = try workspace.run("audit", "Vault.sol", "--json")
    #expect(result.status == 1)
    let found = try #require(
      try findings(result).first { $0["rule"] as? String == "reentrancy-state" })
    #expect(found["severity"] as? String == "high")
    #expect(found["contract"] as? String == "Vault")
    #expect(found["function"] as? String == "withdraw()")
    for key in ["id", "confidence", "title", "message", "evidence"] { #expect(found[key] != nil) }
    let locations = try #require(found["locations"] as? [[String: Any]])
    let start = try #require(locations.first?["start"] as? [String: Int])
    #expect(locations.first?["path"] as? String == "Vault.sol")
    #expect(start["line"] == 13)
  }

  @Test("--fail-on decides how the command leaves")
  func failOn() throws {
    let workspace = try Workspace(["Vault.sol": Self.vault, "Counter.sol": Self.quiet])
    #expect(try workspace.run("audit", "Vault.sol", "--fail-on", "never").status == 0)
    #expect(try workspace.run("audit", "Counter.sol", "--fail-on", "medium").status == 0)
    #expect(try workspace.run("audit", "Vault.sol", "--fail-on", "high").status == 1)
  }

  @Test("--only and --exclude choose rules")
  func selection() throws {
    let workspace = try Workspace(["Vault.sol": Self.vault])
    let only = try workspace.run("audit", ".", "--json", "--only", "tx-origin")
    #expect(only.status == 0)
    #expect(try findings(only).isEmpty)
    let excluded = try workspace.run("audit", ".", "--json", "--exclude", "reentrancy")
    #expect(try !rules(excluded).contains { $0.hasPrefix("reentrancy") })
  }

  @Test("Known findings do not fail the command, new ones do; ids survive moved lines")
  func baseline() throws {
    let workspace = try Workspace(["Vault.sol": Self.vault])
    let first = try workspace.run(
      "audit", ".", "--json", "--write-baseline", "known.json", "--fail-on", "never")
    let moved = Self.vault.replacingOccurrences(
      of: "contract Vault", with: "// one\n\n// more\n\ncontract Vault")
    try workspace.write("Vault.sol", Data(moved.utf8))
    let second = try workspace.run(
      "audit", ".", "--json", "--baseline", "known.json", "--fail-on", "informational")
    #expect(second.status == 0, "\(second.errors)")
    let ids = { (result: RunResult) in try findings(result).compactMap { $0["id"] as? String } }
    #expect(try Set(ids(first)) == Set(ids(second)))
    try workspace.write(
      "Other.sol", Data(Self.vault.replacingOccurrences(of: "Vault", with: "Other").utf8))
    #expect(try workspace.run("audit", ".", "--baseline", "known.json").status == 1)
  }

  @Test("Reports in every format are the same twice, with any number of threads")
  func determinism() throws {
    var files: [String: String] = [:]
    for index in 0..<12 {
      files["V\(index).sol"] = Self.vault.replacingOccurrences(of: "Vault", with: "V\(index)")
    }
    let workspace = try Workspace(files)
    for format in ["terminal", "markdown", "json", "sarif"] {
      let one = try workspace.run("audit", ".", "--format", format, "--threads", "1")
      let many = try workspace.run("audit", ".", "--format", format, "--threads", "7")
      #expect(one.output == many.output)
      #expect(!one.output.contains("\u{1B}"))
    }
  }

  @Test("SARIF locates every result below the root")
  func sarif() throws {
    let workspace = try Workspace(["src/Vault.sol": Self.vault])
    let result = try workspace.run(
      "audit", ".", "--format", "sarif", "--output", "report.sarif", "--fail-on", "never")
    #expect(result.status == 0)
    #expect(result.output.isEmpty)
    let runs = try #require(
      try object(try workspace.read("report.sarif"))["runs"] as? [[String: Any]])
    let results = try #require(runs.first?["results"] as? [[String: Any]])
    #expect(!results.isEmpty)
    for result in results {
      let location = try #require((result["locations"] as? [[String: Any]])?.first)
      let physical = try #require(location["physicalLocation"] as? [String: Any])
      let artifact = try #require(physical["artifactLocation"] as? [String: Any])
      #expect(artifact["uri"] as? String == "src/Vault.sol")
      #expect(result["partialFingerprints"] is [String: Any])
    }
  }

  @Test("Tests and dependencies are read but reported on only when asked for")
  func scope() throws {
    let workspace = try Workspace([
      "foundry.toml": "[profile.default]\n", "src/Counter.sol": Self.quiet,
      "src/Uses.sol":
        "pragma solidity 0.8.28;\nimport \"dep/Vault.sol\";\ncontract Uses { Vault v; }",
      "lib/dep/src/Vault.sol": Self.vault,
      "test/T.sol": Self.vault.replacingOccurrences(of: "Vault", with: "T"),
    ])
    let contracts = { (arguments: [String]) -> Set<String> in
      let result = try Executable.run(
        ["audit", ".", "--json", "--only", "reentrancy-state"] + arguments, in: workspace.path)
      return Set(try findings(result).compactMap { $0["contract"] as? String })
    }
    #expect(try contracts([]).isEmpty)
    #expect(try contracts(["--include-tests"]) == ["T"])
    #expect(try contracts(["--include-dependencies"]) == ["Vault"])
    let named = try workspace.run("audit", "lib/dep", "--json", "--only", "reentrancy-state")
    #expect(try rules(named) == ["reentrancy-state"])
  }

  @Test("Nothing is claimed about a file that was not understood")
  func notUnderstood() throws {
    let workspace = try Workspace([
      "Broken.sol": "contract A { function f( }", "Ok.sol": Self.quiet,
    ])
    let result = try workspace.run("audit", ".", "--json")
    #expect(result.status == 3)
    let files = try #require(try object(result.output)["files"] as? [[String: Any]])
    #expect(files.map { $0["understood"] as? Bool } == [false, true])
    let text = try workspace.run("audit", "Broken.sol")
    #expect(text.output.contains("not fully understood"))
    #expect(!text.output.contains("No findings"))
  }

  @Test("An unreadable file stands in the report and makes the command leave with 5")
  func unreadable() throws {
    // The administrator may read everything: a file above the size limit fails for everyone.
    let workspace = try Workspace(["Ok.sol": Self.quiet])
    try workspace.write("Large.sol", Data(repeating: 0x20, count: 50_000_001))
    let result = try workspace.run("audit", ".", "--json")
    #expect(result.status == 5)
    #expect(result.errors.contains("Large.sol: 50000001 bytes"))
    let files = try #require(try object(result.output)["files"] as? [[String: Any]])
    #expect(files.map { $0["understood"] as? Bool } == [false, true])
  }

  @Test("A comment with a reason takes a finding out")
  func suppression() throws {
    let text = Self.vault.replacingOccurrences(
      of: "        (bool sent",
      with:
        "        // maslin-ignore reentrancy-state: accounts are checked elsewhere\n        (bool sent"
    )
    let workspace = try Workspace(["Vault.sol": text])
    let result = try workspace.run("audit", ".", "--json", "--only", "reentrancy-state")
    #expect(result.status == 0)
    #expect(try findings(result).isEmpty)
    let suppressed = try #require(try object(result.output)["suppressed"] as? [[String: Any]])
    #expect(suppressed.count == 1)
  }

  @Test("One file of versions of the same contracts does not see the other")
  func versions() throws {
    let workspace = try Workspace([
      "a/Token.sol": Self.quiet, "b/Token.sol": Self.quiet + "contract More is Counter {}",
    ])
    let result = try workspace.run("facts", ".", "--json")
    let contracts = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    #expect(
      contracts.map { "\($0["path"] ?? ""):\($0["name"] ?? "")" } == [
        "a/Token.sol:Counter", "b/Token.sol:Counter", "b/Token.sol:More",
      ])
  }
}
