import Foundation
import JSON
import Testing
import Workstation

@Suite("Configuration")
struct ConfigurationTests {
  /// Reads a text as the configuration file.
  private func read(
    _ text: String, environment: [String: String] = [:]
  ) throws -> Configuration {
    let path = NSTemporaryDirectory() + "maslin-\(UInt64.random(in: .min ... .max)).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try Configuration(option: path, environment: environment)
  }

  @Test("Every setting can be given, and says where it comes from")
  func all() throws {
    let configuration = try read(
      """
      # A comment.
      model: deepseek-v4-flash
      host: 127.0.0.1
      port: 5000
      socket: /run/maslin/api.sock
      allow_hosts: [a.example, b.example]
      allow_origins:
        - https://a.example
      threads: 8
      context: 65536
      sequences: 4
      cache_memory: 24GiB
      disk_budget: 100 GB
      thinking: high
      constrain_calls: "on"
      grace: 5
      log: json
      mcp:
        roots: [contracts]
        servers:
          files: {command: mcp-files, args: ["--root", "."], env: {B: "2", A: x}}
          second:
            command: other
      """)
    let settings = ServeSettings(configuration)
    #expect(settings.model == "deepseek-v4-flash")
    #expect(settings.hosts == ["127.0.0.1"])
    #expect(settings.port == 5000)
    #expect(settings.socket == "/run/maslin/api.sock")
    #expect(settings.allowedHosts == ["a.example", "b.example"])
    #expect(settings.allowedOrigins == ["https://a.example"])
    #expect(settings.threads == 8)
    #expect(settings.context == 65536)
    #expect(settings.sequences == 4)
    #expect(settings.cacheMemory == 24 << 30)
    #expect(settings.diskBudget == 100_000_000_000)
    #expect(settings.thinking == .high)
    #expect(settings.constrainsCalls == "on")
    #expect(settings.grace == 5)
    #expect(settings.log == "json")
    #expect(configuration.contextServers.map(\.name) == ["files", "second"])
    #expect(configuration.contextRoots == ["contracts"])
    #expect(configuration.contextServers[0].arguments == ["--root", "."])
    #expect(configuration.contextServers[0].environment.map(\.name) == ["A", "B"])
    #expect(configuration.contextServers[0].environment.map(\.value) == ["x", "2"])
    #expect(configuration.contextServers[1].command == "other")
    let path = try #require(configuration.path)
    #expect(configuration.entries.count == ConfigurationKey.allCases.count)
    #expect(configuration.entries[.port]?.origin == .file(path: path, line: 4))
    #expect(configuration.text(withOrigins: true).contains("port: 5000  # \(path):4\n"))
    let json = configuration.json(withOrigins: true)
    #expect(json["context"]?["value"]?.integerValue == 65536)
    #expect(json["context"]?["origin"]?.stringValue == "\(path):10")
    let environment = json["mcp"]?["servers"]?["files"]?["value"]?["env"]
    #expect(environment == .array([.string("A"), .string("B")]))
  }

  @Test("Nothing has to be set", arguments: ["", "\n# nothing\n", "---\n"])
  func empty(text: String) throws {
    let settings = ServeSettings(try read(text))
    #expect(settings == ServeSettings(try Configuration(option: nil, environment: [:])))
    #expect(settings.port == 4114)
    #expect(settings.hosts == ["127.0.0.1", "::1"])
    #expect(settings.model == nil)
    #expect(settings.grace == 30)
  }

  @Test("The environment comes before the file, an option before both")
  func order() throws {
    var configuration = try read(
      "port: 1\ngrace: 1\n",
      environment: ["MASLIN_PORT": "2", "MASLIN_ALLOW_HOSTS": "a, b,,", "MASLIN_GRACE": ""])
    #expect(configuration.integer(.port) == 2)
    #expect(configuration.entries[.port]?.origin == .environment("MASLIN_PORT"))
    #expect(configuration.integer(.grace) == 1)
    #expect(configuration.list(.allowHosts) == ["a", "b"])
    try configuration.set(.port, to: "3", option: "--port")
    try configuration.set(.grace, to: nil, option: "--grace")
    #expect(configuration.integer(.port) == 3)
    #expect(configuration.integer(.grace) == 1)
    #expect(configuration.text(withOrigins: true).contains("port: 3  # --port\n"))
    #expect(
      throws: ConfigurationError.option(
        name: "--port", reason: "is 'x'; it must be a whole number from 0 to 65535")
    ) { try configuration.set(.port, to: "x", option: "--port") }
  }

  @Test(
    "Mistakes are told with their line",
    arguments: [
      ("port: 1\nprot: 2\n", 2, "there is no setting 'prot'"),
      ("port: 70000\n", 1, "port is '70000'; it must be a whole number from 0 to 65535"),
      ("port: 1.5\n", 1, "port is '1.5'"), ("\n\nport: [1]\n", 3, "port must be a single value"),
      ("port:\n", 1, "port is ''"), ("port: 1\nport: 2\n", 1, "set more than once: port"),
      ("- port\n", 1, "the file must be a mapping"), ("port\n", 1, "the file must be a mapping"),
      ("thinking: maybe\n", 1, "it must be one of off, on, high, max"),
      ("cache_memory: lots\n", 1, "it must be a number of bytes such as 512MiB"),
      ("cache_memory: -1\n", 1, "it must be a number of bytes"),
      ("cache_memory: 99999999999GiB\n", 1, "too large"),
      ("allow_hosts: a\n", 1, "allow_hosts must be a list"),
      ("allow_hosts:\n  - {a: b}\n", 2, "allow_hosts must be a single value"),
      ("model: ''\n", 1, "model must not be empty"),
      ("mcp:\n  server: {}\n", 2, "there is no setting 'mcp.server'; known: roots, servers"),
      ("mcp:\n  servers:\n    a:\n      args: [x]\n", 3, "mcp.servers.a needs a command"),
      ("mcp:\n  servers:\n    a:\n      command: x\n      arg: [x]\n", 5, "'mcp.servers.a.arg'"),
      ("mcp:\n  servers:\n    a b: {command: x}\n", 3, "must be letters, digits"),
      ("port: 1\nhost: \"unclosed\n", 3, "unexpected end"),
      ("a: b: c\n", 1, "mapping values are not allowed"),
      ("port: @x\n", 1, "cannot start any token"),
    ])
  func mistakes(text: String, line: Int, reason: String) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    guard case .content(_, line, _, let said)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(said.contains(reason), "\(said)")
    #expect(error?.description.contains(".yaml:\(line)") == true)
  }

  @Test("A file that was named must be there; the usual one need not")
  func missing() throws {
    #expect(throws: ConfigurationError.self) {
      try Configuration(option: "/nonexistent/config.yaml", environment: [:])
    }
    #expect(throws: ConfigurationError.self) {
      try Configuration(option: nil, environment: ["MASLIN_CONFIG": "/nonexistent/config.yaml"])
    }
    let none = try Configuration(
      option: nil,
      environment: ["HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent/config"])
    #expect(none.path == nil)
    #expect(none.entries.isEmpty)
  }

  @Test("Bad variables are told by name")
  func variable() throws {
    #expect(
      throws: ConfigurationError.variable(
        name: "MASLIN_LOG", reason: "is 'loud'; it must be one of auto, json, text")
    ) { try Configuration(option: nil, environment: ["MASLIN_LOG": "loud"]) }
  }

  @Test("Hostile files end in errors, not in crashes")
  func hostile() throws {
    let deep = [
      String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000),
      (0..<2000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
      "a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n", "\u{0}\u{1}", "port: !!binary x",
    ]
    for text in deep { #expect(throws: ConfigurationError.self) { try read(text) } }
    var state: UInt64 = 42
    let start = Array("model: x\nport: 1\nmcp:\n  servers:\n    a: {command: b, args: [c]}\n".utf8)
    for _ in 0..<300 {
      var bytes = start
      for _ in 0..<3 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 24)
      }
      _ = try? read(String(decoding: bytes, as: UTF8.self))
    }
  }
}
