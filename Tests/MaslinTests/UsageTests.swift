import Foundation
import Testing

@Suite("Usage and exit codes")
struct UsageTests {
  static let commands = [
    "audit", "layout", "upgrade-check", "rules", "facts", "parse", "bytecode",
  ]

  @Test("Help goes to standard output and leaves with 0", arguments: commands)
  func help(command: String) throws {
    let result = try Workspace().run(command, "--help")
    #expect(result.status == 0)
    #expect(result.output.contains("USAGE: maslin \(command)"))
    #expect(result.output.contains("Examples:"))
    #expect(result.errors.isEmpty)
  }

  @Test("The version is a number")
  func version() throws {
    let result = try Workspace().run("--version")
    #expect(result.status == 0)
    #expect(
      result.output.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ".").count == 3
    )
  }

  @Test("Completion scripts name every command", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) throws {
    let result = try Workspace().run("--generate-completion-script", shell)
    #expect(result.status == 0)
    for command in Self.commands { #expect(result.output.contains(command)) }
  }

  @Test(
    "Wrong usage leaves with 2 and says so on standard error",
    arguments: [
      ["nonsense"], ["parse"], ["audit"], ["parse", "--nonsense", "a.sol"], ["upgrade-check", "a"],
      ["audit", ".", "--format", "xml"], ["audit", ".", "--fail-on", "some"],
      ["audit", ".", "--json", "--format", "sarif"], ["parse", ".", "--threads", "0"],
      ["audit", ".", "--only", "no-such-rule"], ["rules", "no-such-rule"],
      ["facts", ".", "--remap", "nonsense"], ["upgrade-check", "a", "b", "--kind", "x"],
    ])
  func wrongUsage(arguments: [String]) throws {
    let workspace = try Workspace(["A.sol": "contract A {}"])
    let result = try Executable.run(arguments, in: workspace.path)
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(!result.errors.isEmpty)
  }

  @Test(
    "What is missing leaves with 5 and names it",
    arguments: [
      ["parse", "nowhere.sol"], ["audit", "nowhere"], ["facts", "nowhere.sol"],
      ["layout", "nowhere.sol:C"], ["upgrade-check", "nowhere.sol", "A.sol"],
      ["bytecode", "nowhere"], ["audit", ".", "--baseline", "nowhere.json"],
    ])
  func missing(arguments: [String]) throws {
    let workspace = try Workspace(["A.sol": "contract A {}"])
    let result = try Executable.run(arguments, in: workspace.path)
    #expect(result.status == 5)
    #expect(result.output.isEmpty)
    #expect(result.errors.contains("nowhere"))
  }

  @Test(
    "What cannot be used leaves with 3 and says why",
    arguments: [
      (["parse", "empty"], "no Solidity files"), (["audit", "empty"], "no Solidity files"),
      (["parse", "notes.txt"], "neither"), (["facts", "broken.json"], "not valid JSON"),
      (["layout", "A.sol:B"], "no contract 'B'"), (["bytecode", "0x6"], "odd number"),
      (["bytecode", "0xzz"], "not a hexadecimal digit"),
      (["upgrade-check", "A.sol", "I.sol"], "no contract that could be deployed"),
      (["audit", ".", "--baseline", "notes.txt"], "baseline"),
    ])
  func badInput(arguments: [String], message: String) throws {
    let workspace = try Workspace([
      "A.sol": "contract A {}", "I.sol": "interface I {}", "empty/README.md": "", "notes.txt": "x",
      "broken.json": "{\"sources\": ",
    ])
    let result = try Executable.run(arguments, in: workspace.path)
    #expect(result.status == 3)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test("A closed standard output ends the program quietly")
  func closedOutput() throws {
    let workspace = try Workspace()
    for index in 0..<400 {
      try workspace.write("\(index).sol", Data("contract C\(index) { uint a; }".utf8))
    }
    let program = try #require(Executable.url?.path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "{ '\(program)' parse . --json; echo \"$?\" >&2; } | head -c 10 > /dev/null",
    ]
    process.currentDirectoryURL = URL(fileURLWithPath: workspace.path)
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(
      decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(text == "0\n")
  }
}
