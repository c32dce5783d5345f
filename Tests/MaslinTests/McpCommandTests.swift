import Foundation
import Testing

@Suite("mcp")
struct McpCommandTests {
  private static let vault = """
    pragma solidity 0.8.28;

    contract Vault {
        mapping(address => uint256) public balanceOf;

        function withdraw() external {
            uint256 amount = balanceOf[msg.sender];
            (bool sent, ) = msg.sender.call{value: amount}("");
            require(sent, "refused");
            balanceOf[msg.sender] = 0;
        }
    }

    """

  /// A project beside a file that is not to be read, and links to it.
  private func workspace() throws -> Workspace {
    let workspace = try Workspace([
      "Secret.sol": "contract Secret { uint256 hidden; }",
      "project/src/Vault.sol": Self.vault,
      "project/src/Curious.sol": "import \"../../Secret.sol\"; contract Curious is Secret {}",
    ])
    let files = FileManager.default
    try files.createSymbolicLink(
      atPath: workspace.path + "/project/link.sol",
      withDestinationPath: workspace.path + "/Secret.sol")
    try files.createSymbolicLink(
      atPath: workspace.path + "/project/out", withDestinationPath: workspace.path)
    return workspace
  }

  /// Runs the server on lines and gives its answers by id.
  private func answers(
    _ calls: [(tool: String, arguments: [String: Any])], in directory: String,
    options: [String] = []
  ) throws -> [Int: [String: Any]] {
    var messages: [[String: Any]] = [
      [
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": [
          "protocolVersion": "2025-11-25", "capabilities": [String: Any](),
          "clientInfo": ["name": "test", "version": "1"],
        ] as [String: Any],
      ]
    ]
    for (index, call) in calls.enumerated() {
      messages.append([
        "jsonrpc": "2.0", "id": index + 1, "method": "tools/call",
        "params": ["name": call.tool, "arguments": call.arguments] as [String: Any],
      ])
    }
    let lines = try messages.map { try JSONSerialization.data(withJSONObject: $0) + [0x0A] }
    let input = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try lines.reduce(Data(), +).write(to: input)
    defer { try? FileManager.default.removeItem(at: input) }
    let process = Process()
    process.executableURL = try #require(Executable.url)
    process.arguments = ["mcp"] + options
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    var answers: [Int: [String: Any]] = [:]
    for line in data.split(separator: 0x0A) {
      let answer = try #require(
        try JSONSerialization.jsonObject(with: line) as? [String: Any])
      let id = try #require(answer["id"] as? Int)
      answers[id] = try #require(answer["result"] as? [String: Any], "\(answer)")
    }
    #expect(answers.count == messages.count)
    return answers
  }

  private func text(_ result: [String: Any]?) -> String {
    ((result?["content"] as? [[String: Any]])?.first?["text"] as? String) ?? ""
  }

  @Test("The tools give what the commands give")
  func sameAsCommands() throws {
    let workspace = try workspace()
    let project = workspace.path + "/project"
    let results = try answers(
      [
        ("audit", ["path": "src/Vault.sol"]), ("layout", ["path": "src/Vault.sol:Vault"]),
        ("upgrade_check", ["old": "src/Vault.sol", "new": "src/Vault.sol"]),
        ("audit", ["source": Self.vault, "name": "src/Vault.sol"]),
      ], in: project)
    let command = try Executable.run(["audit", "src/Vault.sol", "--json"], in: project)
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any])
    let expected = try #require(report["findings"] as? [[String: Any]])
    #expect(!expected.isEmpty)
    for id in [1, 4] {
      let audit = try #require(results[id]?["structuredContent"] as? [String: Any])
      let found = try #require(audit["findings"] as? [[String: Any]])
      #expect(found.map { $0["id"] as? String } == expected.map { $0["id"] as? String })
      #expect(found.first?["file"] as? String == "src/Vault.sol")
      #expect(found.first?["line"] is Int)
      #expect(audit["claim"] as? String == report["claim"] as? String)
    }
    let layout = try #require(results[2]?["structuredContent"] as? [String: Any])
    let contracts = try #require(layout["contracts"] as? [[String: Any]])
    let layoutCommand = try Executable.run(
      ["layout", "src/Vault.sol:Vault", "--json"], in: project)
    let layouts = try #require(
      try JSONSerialization.jsonObject(with: Data(layoutCommand.output.utf8)) as? [[String: Any]])
    #expect(NSArray(array: contracts) == NSArray(array: layouts))
    let upgrade = try #require(results[3]?["structuredContent"] as? [String: Any])
    #expect(upgrade["safe"] is Bool)
    #expect((upgrade["upgrades"] as? [Any])?.count == 1)
  }

  @Test("Nothing outside of the directories allowed is read, whatever way leads there")
  func escapes() throws {
    let workspace = try workspace()
    let project = workspace.path + "/project"
    let paths = [
      "../Secret.sol", "src/../../Secret.sol", "link.sol", "out/Secret.sol",
      "out/project/../Secret.sol", workspace.path + "/Secret.sol", "/etc/passwd", "/", "..",
      "out", "link.sol:Secret", "../no-such-file.sol", "out/no-such-file.sol",
    ]
    let results = try answers(
      paths.map { ("layout", ["path": $0]) }
        + [("audit", ["path": "."]), ("layout", ["path": "src/Curious.sol:Curious"])], in: project)
    for (index, path) in paths.enumerated() {
      let result = results[index + 1]
      #expect(result?["isError"] as? Bool == true, "\(path)")
      #expect(text(result).contains("lies outside"), "\(path): \(text(result))")
    }
    let audit = try #require(
      results[paths.count + 1]?["structuredContent"] as? [String: Any])
    #expect(audit["files"] as? Int == 2)
    // The import that leaves the directory is not found.
    #expect(!text(results[paths.count + 2]).contains("hidden"))
    #expect(text(results[paths.count + 2]).contains("was not found"))
  }

  @Test("--root allows what it names and nothing else")
  func roots() throws {
    let workspace = try workspace()
    let results = try answers(
      [
        ("layout", ["path": "../Secret.sol"]), ("layout", ["path": "src/Vault.sol"]),
        ("layout", ["path": workspace.path + "/project/src/Vault.sol"]),
      ], in: workspace.path + "/project",
      options: ["--root", workspace.path, "--root", "src"])
    for id in 1...3 { #expect(results[id]?["isError"] as? Bool == false, "\(text(results[id]))") }
    let narrow = try answers(
      [("layout", ["path": "link.sol"]), ("layout", ["path": "src/Vault.sol"])],
      in: workspace.path + "/project", options: ["--root", "src"])
    #expect(narrow[1]?["isError"] as? Bool == true)
    #expect(narrow[2]?["isError"] as? Bool == false)
    let missing = try Executable.run(["mcp", "--root", "nowhere"], in: workspace.path)
    #expect(missing.status == 5)
    #expect(missing.errors.contains("nowhere: no such directory"))
  }

  @Test("Large results are cut, and say so")
  func truncation() throws {
    let workspace = try Workspace(
      Dictionary(
        uniqueKeysWithValues: (0..<30).map { index in
          ("V\(index).sol", Self.vault.replacingOccurrences(of: "Vault", with: "V\(index)"))
        }))
    let results = try answers(
      [
        ("audit", ["path": ".", "limit": 5]),
        ("audit", ["path": ".", "limit": 1000, "severity": "high"]),
      ], in: workspace.path)
    let few = try #require(results[1]?["structuredContent"] as? [String: Any])
    #expect(few["shown"] as? Int == 5)
    #expect(few["truncated"] as? Bool == true)
    #expect(text(results[1]).contains("the first 5 are shown"))
    let high = try #require(results[2]?["structuredContent"] as? [String: Any])
    let findings = try #require(high["findings"] as? [[String: Any]])
    #expect(findings.count >= 30)
    #expect(findings.allSatisfy { $0["severity"] as? String == "high" })
  }
}
