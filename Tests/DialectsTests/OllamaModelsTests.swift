import Dialects
import JSON
import ModelServing
import Testing

@Suite("Ollama: models, vectors and refusals")
struct OllamaModelsTests {
  private static let endpoints = OllamaDialect.endpoints()

  @Test func tagsDescribeTheModels() async throws {
    let reply = try await Self.endpoints.reply(.get, "/api/tags", .sample())
    #expect(
      reply.json
        == (try json(
          #"""
          {"models":[{"name":"tiny","model":"tiny","modified_at":"2023-11-14T22:13:20Z",
          "size":484219776,"digest":"0123456789abcdef","details":{"parent_model":"","format":"gguf",
          "family":"qwen3","families":["qwen3"],"parameter_size":"751.6M",
          "quantization_level":"Q4_K_M"}}]}
          """#)))
  }

  @Test func loadedModelsStay() async throws {
    let reply = try await Self.endpoints.reply(.get, "/api/ps", .sample())
    let model = try #require(reply.json?["models"]?.arrayValue?.first)
    #expect(model["expires_at"] == "2123-11-15T22:13:20Z")
    #expect(model["context_length"] == 4096)
  }

  @Test(arguments: [#"{"model":"tiny"}"#, #"{"name":"tiny:latest","verbose":true}"#])
  func showTellsWhatAModelCan(body: String) async throws {
    let reply = try await Self.endpoints.reply(.post, "/api/show", .sample(body))
    let shown = try #require(reply.json)
    #expect(shown["capabilities"] == ["completion", "tools", "thinking", "embedding"])
    #expect(shown["model_info"]?["qwen3.context_length"] == 4096)
    #expect(shown["model_info"]?["general.parameter_count"] == 751_632_384)
    #expect(shown["details"]?["quantization_level"] == "Q4_K_M")
  }

  @Test func theVersionIsOneThatClientsKnow() async throws {
    let reply = try await Self.endpoints.reply(.get, "/api/version", .sample())
    let version = try #require(reply.json?["version"]?.stringValue)
    #expect(version.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
  }

  @Test func unknownModelsAreNotFound() async throws {
    let reply = try await Self.endpoints.reply(.post, "/api/show", .sample(#"{"model":"big"}"#))
    #expect(reply.status == 404)
    #expect(reply.json?["error"] == "model 'big' not found; known: tiny")
  }

  @Test(arguments: [
    (#""text""#, 1), (#"["a","b"]"#, 2), ("[]", 0),
  ])
  func vectorsComeInOrder(input: String, count: Int) async throws {
    let reply = try await Self.endpoints.reply(
      .post, "/api/embed", .sample("{\"model\":\"tiny\",\"input\":\(input)}"))
    let value = try #require(reply.json)
    #expect(value["embeddings"]?.arrayValue?.count == count)
    #expect(value["prompt_eval_count"] == .integer(2 * count))
    #expect(
      value["embeddings"]?.arrayValue?.allSatisfy { $0 == (try? json("[0.6,0.8,0.0]")) } == true)
  }

  @Test func vectorsCanBeShortened() async throws {
    let reply = try await Self.endpoints.reply(
      .post, "/api/embed", .sample(#"{"model":"tiny","input":"a","dimensions":1}"#))
    #expect(reply.json?["embeddings"] == (try json("[[1.0]]")))
    let tooLong = try await Self.endpoints.reply(
      .post, "/api/embed", .sample(#"{"model":"tiny","input":"a","dimensions":9}"#))
    #expect(tooLong.status == 400)
  }

  @Test func theOlderFormOfVectors() async throws {
    let reply = try await Self.endpoints.reply(
      .post, "/api/embeddings", .sample(#"{"model":"tiny","prompt":"a"}"#))
    #expect(string(reply.body) == #"{"embedding":[0.6,0.8,0.0]}"#)
  }

  @Test func modelsThatMakeNoVectorsSaySo() async throws {
    let service = FixedService(list: [.sample(canEmbed: false)])
    let reply = try await Self.endpoints.reply(
      .post, "/api/embed", .sample(#"{"model":"tiny","input":"a"}"#, service: service))
    #expect(reply.status == 400)
    #expect(reply.json?["error"]?.stringValue?.contains("makes no vectors") == true)
  }

  @Test(arguments: [
    (Endpoint.Method.post, "/api/pull"), (.post, "/api/push"), (.post, "/api/create"),
    (.delete, "/api/delete"), (.post, "/api/copy"), (.post, "/api/blobs/:digest"),
  ])
  func whatNeedsAStoreIsRefused(method: Endpoint.Method, path: String) async throws {
    let reply = try await Self.endpoints.reply(method, path, .sample(#"{"model":"tiny"}"#))
    #expect(reply.status == 501)
    #expect(reply.json?["error"]?.stringValue?.contains(";") == true)
  }

  @Test(arguments: [
    (EndpointError.service(.invalid(message: "m", parameter: "p")), 400, "p: m"),
    (.service(.overloaded(reason: "full", retryAfter: 3)), 429, "full; try again in 3 s"),
    (.service(.shuttingDown), 503, "the server is shutting down"),
    (.malformedBody("line 1"), 400, "the body is not JSON: line 1"), (.unauthorized("m"), 401, "m"),
    (.tooLarge(limit: 9), 413, "the body is larger than 9 bytes"),
  ])
  func errorsAreAnObject(error: EndpointError, status: Int, message: String) {
    let reply = Self.endpoints[0].failure(error)
    #expect(reply.status == status)
    #expect(reply.json == .members(["error": .string(message)]))
    #expect((reply.header("retry-after") == "3") == (status == 429))
  }
}
