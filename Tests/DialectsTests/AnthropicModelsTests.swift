import Dialects
import JSON
import ModelServing
import Testing

@Suite("Anthropic: models and errors")
struct AnthropicModelsTests {
  private static let endpoints = AnthropicDialect.endpoints()
  private static let three = FixedService(list: ["a", "b", "c"].map { .sample(name: $0) })

  @Test func theListHasTheInterfacesShape() async throws {
    let reply = try await Self.endpoints.reply(.get, "/v1/models", .sample())
    let list = try #require(reply.json)
    #expect(list["has_more"] == false)
    #expect(list["first_id"] == "tiny")
    let model = try #require(list["data"]?.arrayValue?.first)
    #expect(model["type"] == "model")
    #expect(model["id"] == "tiny")
    #expect(model["created_at"] == "2023-11-14T22:13:20Z")
    #expect(model["max_input_tokens"] == 4096)
    let capabilities = try #require(model["capabilities"])
    #expect(capabilities["thinking"]?["types"]?["enabled"]?["supported"] == true)
    #expect(capabilities["image_input"]?["supported"] == false)
  }

  @Test(
    arguments: [
      ([:], ["a", "b", "c"], false), (["limit": "2"], ["a", "b"], true),
      (["after_id": "a"], ["b", "c"], false), (["after_id": "a", "limit": "1"], ["b"], true),
      (["before_id": "c", "limit": "1"], ["b"], true), (["before_id": "a"], [], false),
    ] as [([String: String], [String], Bool)])
  func theListHasPages(query: [String: String], names: [String], hasMore: Bool) async throws {
    let input = try EndpointInput.sample(query: query, service: Self.three)
    let list = try #require(try await Self.endpoints.reply(.get, "/v1/models", input).json)
    #expect(list["data"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == names)
    #expect(list["has_more"] == .bool(hasMore))
  }

  @Test func oneModelIsFoundOrNot() async throws {
    let found = try await Self.endpoints.reply(
      .get, "/v1/models/**", .sample(parameters: ["**": "tiny"]))
    #expect(found.json?["id"] == "tiny")
    let missing = try await Self.endpoints.reply(
      .get, "/v1/models/**", .sample(parameters: ["**": "big"]))
    #expect(missing.status == 404)
    #expect(missing.json?["error"]?["type"] == "not_found_error")
    let wrong = try await Self.endpoints.reply(
      .get, "/v1/models", .sample(query: ["limit": "many"]))
    #expect(wrong.status == 400)
  }

  @Test(arguments: [
    (EndpointError.service(.invalid(message: "m", parameter: "p")), 400, "invalid_request_error"),
    (.service(.unsupported(message: "m", parameter: nil)), 400, "invalid_request_error"),
    (.service(.contextExceeded(tokens: 9, limit: 8)), 400, "invalid_request_error"),
    (.service(.unknownModel(name: "m", known: [])), 404, "not_found_error"),
    (.service(.overloaded(reason: "full", retryAfter: 3)), 429, "rate_limit_error"),
    (.service(.shuttingDown), 529, "overloaded_error"), (.service(.failed("m")), 500, "api_error"),
    (.malformedBody("m"), 400, "invalid_request_error"),
    (.unauthorized("m"), 401, "authentication_error"), (.forbidden("m"), 403, "permission_error"),
    (.notFound("m"), 404, "not_found_error"),
    (.methodNotAllowed("m"), 405, "invalid_request_error"),
    (.tooLarge(limit: 9), 413, "request_too_large"), (.timeout("m"), 408, "invalid_request_error"),
  ])
  func errorsHaveStatusAndType(error: EndpointError, status: Int, type: String) throws {
    let reply = AnthropicDialect.endpoints()[0].failure(error)
    #expect(reply.status == status)
    let body = try #require(reply.json)
    #expect(body["type"] == "error")
    #expect(body["error"]?["type"] == .string(type))
    #expect(body["error"]?["message"]?.stringValue?.isEmpty == false)
    #expect(body["request_id"]?.stringValue == reply.header("request-id"))
    #expect((reply.header("retry-after") == "3") == (status == 429))
  }

  @Test func threadsAreSentWhole() async throws {
    let body = #"""
      {"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"q"}],"thread":THREAD}
      """#
    let created = body.replacing("THREAD", with: #"{"type":"create"}"#)
    let plan = try await Self.endpoints.plan("/v1/messages", .sample(created))
    #expect(plan.requests.count == 1)
    let continued = body.replacing(
      "THREAD", with: #"{"type":"continue","previous_message_id":"msg_1"}"#)
    let reply = try await Self.endpoints.reply(.post, "/v1/messages", .sample(continued))
    #expect(reply.status == 404)
    #expect(reply.json?["error"]?["type"] == "not_found_error")
    #expect(reply.json?["error"]?["details"]?["error_code"] == "thread_not_found")
  }

  @Test func fullContextsAreToldInTheWordsThatAgentsLookFor() {
    let reply = AnthropicDialect.endpoints()[0].failure(
      .service(.contextExceeded(tokens: 9000, limit: 8192)))
    #expect(string(reply.body).contains("prompt is too long: 9000 tokens > 8192 maximum"))
  }
}
