import Dialects
import Foundation
import Gateway
import ModelServing
import Testing

@Suite("Who is answered")
struct AccessTests {
  private static let surfaces = [
    LineDialect.surface,
    Surface("anthropic", marker: "anthropic-version", endpoints: AnthropicDialect.endpoints()),
    Surface("ollama", endpoints: OllamaDialect.endpoints()),
  ]

  /// Header fields that are no proof of anything.
  private static let wrong: [[String]] = [
    [], ["authorization: Bearer"], ["authorization: Bearer "], ["authorization: Bearer wrong"],
    ["authorization: Basic " + RunningGateway.token], ["authorization: " + RunningGateway.token],
    ["authorization: Bearer " + RunningGateway.token + "x"],
    ["authorization: Bearer " + RunningGateway.token.dropLast()],
    ["authorization: Bearer " + RunningGateway.token.uppercased()],
    ["x-api-key: wrong"], ["x-api-key: "], ["cookie: token=" + RunningGateway.token],
    ["x-token: " + RunningGateway.token],
  ]

  @Test("Without the token every endpoint says 401 in its dialect, and the service is never called")
  func matrix() async throws {
    let service = ScriptedService()
    let endpoints = Self.surfaces.flatMap(\.endpoints)
    #expect(endpoints.count > 10)
    try await RunningGateway.run(service, surfaces: Self.surfaces) { running in
      for endpoint in endpoints {
        let path = endpoint.path.replacing(":name", with: "x").replacing("**", with: "x")
        for fields in Self.wrong {
          let reply = try await running.send(
            endpoint.method.rawValue, path, headers: fields,
            body: endpoint.method == .get ? nil : #"{"model":"scripted","prompt":"x"}"#)
          #expect(reply.status == 401, "\(endpoint.method) \(path) \(fields)")
          #expect(reply.header("www-authenticate") == "Bearer")
          if path.hasPrefix("/line") { #expect(reply.body.hasPrefix("line error: ")) }
        }
      }
      // A token in the address is none.
      let query = try await running.send(
        "POST", "/line/count?token=\(RunningGateway.token)&key=\(RunningGateway.token)",
        headers: [], body: "{}")
      #expect(query.status == 401)
      // What exists is not told either.
      #expect(try await running.send("GET", "/nothing", headers: []).status == 401)
      #expect(try await running.send("DELETE", "/line/count", headers: []).status == 401)
      #expect(try await running.send("GET", "/metrics", headers: []).status == 401)
    }
    #expect(service.seen == ScriptedService.Counts())
  }

  @Test(
    "The token is taken in both places clients put it",
    arguments: [
      ["authorization: Bearer " + RunningGateway.token],
      ["Authorization: bearer " + RunningGateway.token],
      ["x-api-key: " + RunningGateway.token],
      ["authorization: Bearer other", "x-api-key: " + RunningGateway.token],
    ])
  func accepted(fields: [String]) async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      let reply = try await running.send("POST", "/line/count", headers: fields, body: "{}")
      #expect(reply.status == 200)
      #expect(reply.body == "7")
    }
    #expect(service.seen.count == 1)
  }

  @Test("The endpoints do not see the token")
  func hidden() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send(
        "GET", "/line/fields",
        headers: [
          "authorization: Bearer " + RunningGateway.token, "x-api-key: " + RunningGateway.token,
          "cookie: a=b", "x-other: 1",
        ])
      #expect(reply.body == "connection host x-other")
    }
  }

  @Test(
    "Only this machine's names are answered (DNS rebinding)",
    arguments: [
      ("localhost", true), ("localhost:4114", true), ("LOCALHOST", true), ("127.0.0.1", true),
      ("127.8.9.1:1", true), ("[::1]", true), ("[::1]:4114", true), ("app.localhost", true),
      ("localhost.", true), ("named.example", true), ("named.example:99", true),
      ("evil.example", false), ("127.0.0.1.evil.example", false), ("localhost.evil.example", false),
      ("evil.example:4114", false), ("192.168.1.7", false), ("[2001:db8::1]", false), ("", false),
      ("localhost:port", false), ("localhost evil", false), ("user@localhost", false),
      ("[::1", false), ("0.0.0.0", false), ("[::1]evil", false), ("localhost:123456", false),
      ("1270.0.1", false), ("127.1", false),
    ])
  func host(name: String, isAnswered: Bool) async throws {
    var configuration = RunningGateway.configuration()
    configuration.allowedHosts = ["Named.example"]
    let service = ScriptedService()
    try await RunningGateway.run(service, configuration: configuration) { running in
      let reply = try await running.send("POST", "/line/count", host: name, body: "{}")
      #expect(reply.status == (isAnswered ? 200 : 403), "\(reply.body)")
    }
    #expect(service.seen.count == (isAnswered ? 1 : 0))
  }

  @Test("No Host, and two of them, are refused")
  func hostCount() async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      for hosts in ["", "host: localhost\r\nhost: localhost\r\n", "host: a\r\nHOST: localhost\r\n"]
      {
        let client = try await RawClient(port: running.port)
        defer { client.close() }
        try await client.send(
          "GET /line/fields HTTP/1.1\r\n\(hosts)authorization: Bearer \(RunningGateway.token)\r\n"
            + "connection: close\r\n\r\n")
        #expect(try RawReply(await client.readAll()).status == 403)
      }
    }
  }

  @Test(
    "Pages of other origins are refused unless allowed",
    arguments: [
      ("http://127.0.0.1:PORT", 200, false), ("https://allowed.example", 200, true),
      ("HTTPS://Allowed.Example", 200, true), ("http://allowed.example", 403, false),
      ("https://evil.example", 403, false), ("null", 403, false), ("", 403, false),
      ("https://allowed.example.evil.example", 403, false), ("http://127.0.0.1:1", 403, false),
    ])
  func origin(name: String, status: Int, isCrossOrigin: Bool) async throws {
    var configuration = RunningGateway.configuration()
    configuration.allowedOrigins = ["https://allowed.example"]
    let service = ScriptedService()
    try await RunningGateway.run(service, configuration: configuration) { running in
      let origin = name.replacing("PORT", with: "\(running.port)")
      let reply = try await running.send(
        "POST", "/line/count",
        headers: ["authorization: Bearer " + RunningGateway.token, "origin: " + origin],
        body: "{}")
      #expect(reply.status == status)
      #expect((reply.header("access-control-allow-origin") != nil) == isCrossOrigin)
      let preflight = try await running.send(
        "OPTIONS", "/line/count",
        headers: [
          "origin: " + origin, "access-control-request-method: POST",
          "access-control-request-headers: authorization,content-type",
        ])
      #expect((preflight.status == 204) == isCrossOrigin)
      if isCrossOrigin {
        #expect(
          preflight.header("access-control-allow-headers") == "authorization,content-type")
        #expect(preflight.header("access-control-allow-methods")?.contains("POST") == true)
        #expect(preflight.header("vary") == "origin")
      }
    }
    #expect(service.seen.count == (status == 200 ? 1 : 0))
  }

  @Test("Without a token only local addresses are listened on")
  func openToOthers() throws {
    let logger = RunningGateway.logger { _ in }
    for host in ["0.0.0.0", "::", "192.168.1.7", "example.org"] {
      let configuration = GatewayConfiguration(
        addresses: [.network(host: "127.0.0.1", port: 0), .network(host: host, port: 0)],
        token: nil)
      #expect(throws: GatewayError.openToOthers(.network(host: host, port: 0))) {
        try Gateway(configuration, surfaces: [], logger: logger)
      }
    }
    for host in ["127.0.0.1", "::1", "localhost", "127.1.2.3"] {
      let configuration = GatewayConfiguration(
        addresses: [.network(host: host, port: 0)], token: nil)
      #expect(throws: Never.self) {
        _ = try Gateway(configuration, surfaces: [], logger: logger)
      }
    }
  }

  @Test("--no-auth lets local clients in, still not other pages")
  func withoutToken() async throws {
    let configuration = GatewayConfiguration(
      addresses: [.network(host: "127.0.0.1", port: 0)], token: nil)
    let service = ScriptedService()
    try await RunningGateway.run(service, configuration: configuration) { running in
      for (fields, host, status) in [
        ([], "localhost", 200), (["origin: https://evil.example"], "localhost", 403),
        ([], "evil.example", 403),
      ] {
        let reply = try await running.send(
          "POST", "/line/count", headers: fields, host: host, body: "{}")
        #expect(reply.status == status)
      }
    }
    #expect(service.seen.count == 1)
  }

  @Test("A socket in the file system is its owner's, needs the token, and goes with the server")
  func fileSocket() async throws {
    let path = NSTemporaryDirectory() + "maslin-\(UInt32.random(in: .min ... .max)).sock"
    let configuration = RunningGateway.configuration(addresses: [.socket(path: path)])
    try await RunningGateway.run(ScriptedService(), configuration: configuration) { running in
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
      for (fields, status) in [([], 401), (["x-api-key: " + RunningGateway.token], 200)] {
        let client = try await RawClient(path: path)
        defer { client.close() }
        try await client.send(
          RunningGateway.request(
            "POST", "/line/count", headers: fields + ["connection: close"], host: "anything",
            body: "{}"))
        #expect(try RawReply(await client.readAll()).status == status)
      }
      // A second server does not push the first one aside.
      let other = try Gateway(configuration, surfaces: [], logger: RunningGateway.logger { _ in })
      await #expect(throws: GatewayError.addressInUse(.socket(path: path), holder: nil)) {
        try await other.run { _ in }
      }
      #expect(FileManager.default.fileExists(atPath: path))
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

@Suite("The token's file")
struct TokenFileTests {
  private func workspace(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "maslin-token-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory + "/token")
  }

  @Test("It is made once, for its owner alone, and kept")
  func made() throws {
    try workspace { path in
      let (token, isNew) = try TokenFile(path: path).load()
      #expect(isNew)
      #expect(token.text.utf8.count == 43)
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
      #expect((mode as? NSNumber)?.intValue == 0o600)
      let again = try TokenFile(path: path).load()
      #expect(again.token == token)
      #expect(!again.isNew)
      let directory = (path as NSString).deletingLastPathComponent
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["token"])
    }
  }

  @Test("Tokens differ and use only the URL-safe alphabet")
  func random() {
    let tokens = (0..<200).map { _ in AccessToken().text }
    #expect(Set(tokens).count == 200)
    #expect(
      tokens.allSatisfy {
        $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
      })
  }

  @Test(
    "A file that others may have read is refused",
    arguments: [0o644, 0o640, 0o604, 0o660, 0o700 | 1])
  func permissions(mode: Int) throws {
    try workspace { path in
      let text = Data("abcdefghijklmnopqrstuvwxyz\n".utf8)
      #expect(
        FileManager.default.createFile(
          atPath: path, contents: text, attributes: [.posixPermissions: mode]))
      #expect(throws: TokenFileError.readableByOthers(path: path, mode: mode)) {
        try TokenFile(path: path).load()
      }
    }
  }

  @Test("Links, directories, empty and damaged files are refused")
  func content() throws {
    try workspace { path in
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/null")
      #expect(throws: TokenFileError.notPlain(path: path)) { try TokenFile(path: path).load() }
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      #expect(throws: TokenFileError.notPlain(path: path)) { try TokenFile(path: path).load() }
      try FileManager.default.removeItem(atPath: path)
      for text in [
        "", "short", "two words that are long enough", String(repeating: "x", count: 2000),
      ] {
        #expect(
          FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        #expect(throws: TokenFileError.noToken(path: path)) { try TokenFile(path: path).load() }
      }
    }
  }

  @Test("Programs that start together get the same token")
  func together() async throws {
    let directory = NSTemporaryDirectory() + "maslin-token-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let results = try await withThrowingTaskGroup(of: (AccessToken, Bool).self) { group in
      for _ in 0..<16 {
        group.addTask {
          let result = try TokenFile(path: directory + "/token").load()
          return (result.token, result.isNew)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(results.map(\.0)).count == 1)
    #expect(results.filter(\.1).count == 1)
  }
}
