import Dialects
import JSON
import ModelServing
import Testing

/// Models, embeddings, tokens and the shape of errors.
struct OpenAIEndpointTests {
  private let endpoints = OpenAIDialect.endpoints(identifiers: .counted())

  @Test func pathsAreThereWithAndWithoutVersion() {
    let paths = Set(endpoints.map { "\($0.method.rawValue) \($0.path)" })
    #expect(paths.count == endpoints.count)
    for path in [
      "GET /v1/models", "GET /v1/models/**", "POST /v1/chat/completions", "POST /v1/completions",
      "POST /v1/embeddings", "POST /v1/responses", "GET /v1/responses/:id",
      "DELETE /v1/responses/:id", "GET /v1/responses/:id/input_items",
      "POST /v1/responses/:id/cancel", "POST /v1/responses/input_tokens", "POST /tokenize",
      "POST /chat/completions", "GET /models",
    ] {
      #expect(paths.contains(path), "\(path)")
    }
  }

  @Test func models() async throws {
    let service = FixedService(list: [.sample(), .sample(name: "org/second", contextLength: 8192)])
    let list = try await endpoints.reply(.get, "/v1/models", .sample(service: service)).json
    #expect(list?["object"] == "list")
    let data = try #require(list?["data"]?.arrayValue)
    #expect(data.map { $0["id"] } == ["tiny", "org/second"])
    #expect(data[0]["object"] == "model" && data[0]["created"] == 1_700_000_000)
    #expect(data[0]["owned_by"] == "maslin")
    #expect(data[1]["context_length"] == 8192 && data[1]["max_model_len"] == 8192)
    let one = try await endpoints.reply(
      .get, "/v1/models/**", .sample(parameters: ["**": "org/second"], service: service))
    #expect(one.json == data[1])
    let none = try await endpoints.reply(
      .get, "/v1/models/**", .sample(parameters: ["**": "gpt"], service: service))
    #expect(none.status == 404)
    #expect(none.json?["error"]?["code"] == "model_not_found")
  }

  @Test func embeddings() async throws {
    let floats = try await endpoints.reply(
      .post, "/v1/embeddings", .sample(#"{"model":"tiny","input":["a","b"]}"#))
    #expect(
      string(floats.body)
        == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.6,0.8,0.0]},"#
        + #"{"object":"embedding","index":1,"embedding":[0.6,0.8,0.0]}],"model":"tiny","usage":{"prompt_tokens":4,"total_tokens":4}}"#
    )
    let packed = try await endpoints.reply(
      .post, "/v1/embeddings",
      .sample(
        #"{"model":"tiny","input":"a","encoding_format":"base64","dimensions":3}"#))
    // Computed with Python: base64.b64encode(struct.pack("<3f", 0.6, 0.8, 0)).
    #expect(
      packed.json?["data"]?.arrayValue?.first?["embedding"] == "mpkZP83MTD8AAAAA")
  }

  @Test(arguments: [
    (#"{"model":"tiny"}"#, "input"), (#"{"model":"tiny","input":""}"#, "input"),
    (#"{"model":"tiny","input":["a",""]}"#, "input[1]"),
    (#"{"model":"tiny","input":"a","dimensions":2}"#, "dimensions"),
    (#"{"model":"tiny","input":"a","encoding_format":"hex"}"#, "encoding_format"),
    (#"{"model":"other","input":"a"}"#, "model"),
  ])
  func embeddingsRefused(body: String, parameter: String) async throws {
    let reply = try await endpoints.reply(.post, "/v1/embeddings", .sample(body))
    #expect(reply.status == 400)
    #expect(reply.json?["error"]?["param"] == .string(parameter))
  }

  @Test func tokens() async throws {
    for name in ["content", "prompt"] {
      let reply = try await endpoints.reply(.post, "/tokenize", .sample(#"{"\#(name)":"a"}"#))
      #expect(string(reply.body) == #"{"tokens":[],"count":0,"max_model_len":4096}"#)
    }
    let refused = try await endpoints.reply(.post, "/tokenize", .sample("{}"))
    #expect(refused.json?["error"]?["param"] == "prompt")
  }

  @Test(arguments: [
    (EndpointError.unauthorized("no key"), 401, "invalid_request_error", "invalid_api_key"),
    (.malformedBody("line 1"), 400, "invalid_request_error", "invalid_json"),
    (.forbidden("host"), 403, "permission_error", "forbidden"),
    (.notFound("no"), 404, "invalid_request_error", "not_found"),
    (.methodNotAllowed("no"), 405, "invalid_request_error", "method_not_allowed"),
    (.tooLarge(limit: 5), 413, "invalid_request_error", "request_too_large"),
    (.timeout("late"), 408, "invalid_request_error", "request_timeout"),
    (
      .service(.invalid(message: "m", parameter: "p")), 400, "invalid_request_error",
      "invalid_value"
    ),
    (
      .service(.unsupported(message: "m", parameter: "p")), 400, "invalid_request_error",
      "unsupported_value"
    ),
    (
      .service(.unknownModel(name: "x", known: ["tiny"])), 404, "invalid_request_error",
      "model_not_found"
    ),
    (
      .service(.contextExceeded(tokens: 9, limit: 8)), 400, "invalid_request_error",
      "context_length_exceeded"
    ),
    (
      .service(.overloaded(reason: "full", retryAfter: 7)), 429, "rate_limit_error",
      "rate_limit_exceeded"
    ),
    (.service(.shuttingDown), 503, "server_error", "server_shutting_down"),
    (.service(.failed("broken")), 500, "server_error", "server_error"),
  ])
  func errors(error: EndpointError, status: Int, type: String, code: String) throws {
    let endpoint = try #require(endpoints.first { $0.path == "/v1/chat/completions" })
    let reply = endpoint.failure(error)
    #expect(reply.status == status)
    let body = try #require(reply.json?["error"])
    #expect(body.objectValue?.map(\.name) == ["message", "type", "param", "code"])
    #expect(body["type"] == .string(type))
    #expect(body["code"] == .string(code))
    #expect(body["message"]?.stringValue?.isEmpty == false)
  }

  @Test func headersOfErrors() throws {
    let endpoint = try #require(endpoints.first { $0.path == "/v1/chat/completions" })
    let overloaded = endpoint.failure(.service(.overloaded(reason: "full", retryAfter: 7)))
    #expect(overloaded.header("retry-after") == "7")
    #expect(endpoint.failure(.unauthorized("x")).header("www-authenticate") == "Bearer")
    let long = endpoint.failure(.service(.contextExceeded(tokens: 9000, limit: 4096)))
    #expect(long.json?["error"]?["param"] == "messages")
    // Agents look for these words.
    let message = try #require(long.json?["error"]?["message"]?.stringValue)
    #expect(message.contains("maximum context length is 4096 tokens"))
    #expect(message.contains("exceeds the context window"))
  }

  @Test func namesDoNotRepeat() {
    var names: Set<String> = []
    for _ in 0..<1000 { names.insert(OpenAIDialect.Identifiers.random.make("x-")) }
    #expect(names.count == 1000)
    #expect(names.allSatisfy { $0.utf8.count == 26 })
  }
}

/// Base64 against RFC 4648, section 10.
struct Base64Tests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func vectors(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
  }

  @Test(arguments: ["Z", "Zg=", "Zg", "Z===", "====", "Zm9v ", "Zm9v\n", "Z=g=", "Zm-v"])
  func whatIsRefused(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test func allBytesComeBack() {
    var generator = SplitMix64(seed: 4648)
    for count in 0..<300 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(Base64.decode(Base64.encode(bytes)) == bytes, "seed 4648, \(count) bytes")
    }
  }
}
