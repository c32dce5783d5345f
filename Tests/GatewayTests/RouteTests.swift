import Dialects
import Gateway
import JSON
import ModelServing
import Testing

@Suite("Paths and methods")
struct RouteTests {
  @Test(
    "Parameters are decoded, queries too",
    arguments: [
      ("/line/things/a", "a "), ("/line/things/a%20b%2Fc", "a b/c "), ("/line/things/a/", "a "),
      ("/line/things/x?b=2&a=1%2B1+1", "x a=1+1 1&b=2"), ("/line/rest/a/b%2F/c", "a/b//c"),
      ("/line/things/%zz%", "%zz% "),
    ])
  func parameters(path: String, body: String) async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let reply = try await running.send("GET", path)
      #expect(reply.status == 200)
      #expect(reply.body == body)
    }
  }

  @Test("Other methods are told which there are; what can be read can be asked about")
  func methods() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      let wrong = try await running.send("POST", "/line/things/a", body: "{}")
      #expect(wrong.status == 405)
      #expect(wrong.header("allow") == "DELETE, GET, HEAD")
      #expect(wrong.body.hasPrefix("line error: "))
      #expect(try await running.send("PATCH", "/line/count").header("allow") == "POST")
      let head = try await running.send("HEAD", "/line/things/abc")
      #expect(head.status == 200)
      #expect(head.body.isEmpty)
      #expect(head.header("content-length") == "4")
      let none = try await running.send("DELETE", "/line/things/a")
      #expect(none.status == 204)
      #expect(none.header("content-length") == nil)
    }
  }

  @Test("Unknown paths are told so by the nearest dialect")
  func unknown() async throws {
    func failure(_ name: String) -> @Sendable (EndpointError) -> EndpointReply {
      { error in
        EndpointReply(status: error.status, contentType: "text/plain", body: Array(name.utf8))
      }
    }
    func surface(_ name: String, _ path: String, marker: String? = nil) -> Surface {
      Surface(
        name, marker: marker,
        endpoints: [
          Endpoint(
            .get, path, failure: failure(name),
            action: .reply { _ in EndpointReply(json: .string(name)) })
        ])
    }
    let surfaces = [
      surface("first", "/v1/models"), surface("second", "/api/tags"),
      surface("third", "/v1/models", marker: "x-third"),
      surface("third", "/v1/messages", marker: "x-third"),
    ]
    try await RunningGateway.run(ScriptedService(), surfaces: surfaces) { running in
      let token = "x-api-key: " + RunningGateway.token
      for (path, fields, name) in [
        ("/v1/nothing", [], "first"), ("/v1/nothing", ["x-third: 1"], "third"),
        ("/v1/messages/nothing", [], "third"), ("/api/nothing", [], "second"),
        ("/api/nothing", ["x-third: 1"], "second"), ("/else", [], "first"),
        ("//v1/models", [], "first"), ("/v1/models/../models", [], "first"),
      ] {
        let reply = try await running.send("GET", path, headers: [token] + fields)
        #expect(reply.status == 404, "\(path)")
        #expect(reply.body == name, "\(path)")
      }
      #expect(try await running.send("GET", "/v1/models").body == "\"first\"")
      #expect(
        try await running.send("GET", "/v1/models", headers: [token, "x-third: 1"]).body
          == "\"third\"")
    }
  }

  @Test("A sane request id is kept, another is replaced")
  func requestID() async throws {
    try await RunningGateway.run(ScriptedService()) { running in
      for (given, isKept) in [
        ("abc-1.2_X", true), ("a b", false), (String(repeating: "x", count: 200), false),
        ("", false),
        ("ünsafe", false),
      ] {
        let reply = try await running.send(
          "POST", "/line/count",
          headers: ["x-api-key: " + RunningGateway.token, "x-request-id: " + given], body: "{}")
        #expect((reply.header("x-request-id") == given) == isKept)
        #expect(reply.header("x-request-id")?.isEmpty == false)
      }
    }
  }

  @Test("A mounted part gets raw bodies, may stream, and is behind the token")
  func mounts() async throws {
    let mount = Mount("part", path: "/part") { request in
      if request.method == "GET" {
        return .init(
          status: 200, headers: [("content-type", "text/event-stream")],
          body: .stream(
            AsyncStream { continuation in
              for index in 0..<3 { continuation.yield(Array("piece \(index)\n".utf8)) }
              continuation.finish()
            }))
      }
      return .init(
        status: 207, headers: [("x-own", "1")], body: .complete(Array(request.body.reversed())))
    }
    try await RunningGateway.run(ScriptedService(), mounts: [mount]) { running in
      let reply = try await running.send("POST", "/part", body: "abc")
      #expect(reply.status == 207)
      #expect(reply.body == "cba")
      #expect(reply.header("x-own") == "1")
      #expect(try await running.send("GET", "/part").body == "piece 0\npiece 1\npiece 2\n")
      #expect(try await running.send("GET", "/part", headers: []).status == 401)
      #expect(try await running.send("GET", "/part", host: "evil.example").status == 403)
    }
  }

  @Test("The page needs no token, says nothing, and may load nothing from elsewhere")
  func page() async throws {
    let service = ScriptedService()
    try await RunningGateway.run(service) { running in
      let reply = try await running.send("GET", "/", headers: [])
      #expect(reply.status == 200)
      #expect(reply.header("content-type") == "text/html; charset=utf-8")
      #expect(reply.header("content-security-policy")?.contains("default-src 'none'") == true)
      #expect(!reply.body.contains(RunningGateway.token))
      #expect(try await running.send("GET", "/page/app.js", headers: []).status == 200)
      #expect(try await running.send("GET", "/page/other.js", headers: []).status == 401)
      #expect(try await running.send("GET", "/", headers: [], host: "evil.example").status == 403)
    }
    #expect(service.seen.total == 0)
  }
}
