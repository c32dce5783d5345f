import JSON
import ModelServing

/// Ollama's API.
///
/// Source of the wire format: Ollama's published API reference and its official Python client, version 0.6.3.
public enum OllamaDialect {
  /// The version that `/api/version` reports: not Maslin's, but that of the Ollama API which the replies follow, since
  /// clients switch on features by it.
  public static let compatibleVersion = "0.13.0"

  /// The endpoints below `/api`.
  public static func endpoints() -> [Endpoint] {
    [
      answer("/api/chat", shape: .chat, OllamaRequest.chat),
      answer("/api/generate", shape: .generate, OllamaRequest.generate),
      reply(.get, "/api/version") { _ in
        EndpointReply(json: .members(["version": .string(compatibleVersion)]))
      },
      reply(.get, "/api/tags") {
        EndpointReply(json: OllamaModels.tags(await $0.service.models()))
      },
      reply(.get, "/api/ps") {
        EndpointReply(json: OllamaModels.loaded(await $0.service.models(), now: $0.now))
      },
      reply(.post, "/api/show") {
        let fields = try RequestFields($0.body)
        let model = try OllamaModels.named(fields, in: await $0.service.models())
        return EndpointReply(json: OllamaModels.show(model))
      },
      reply(.post, "/api/embed", OllamaEmbeddings.embed),
      reply(.post, "/api/embeddings", OllamaEmbeddings.embedding),
    ] + refusals
  }

  private static func answer(
    _ path: String, shape: OllamaEncoder.Shape,
    _ read:
      @escaping @Sendable (
        JSONValue?, String, [ModelDescription]
      ) throws(ServiceError) -> OllamaRequest
  ) -> Endpoint {
    Endpoint(
      .post, path, failure: OllamaErrors.reply,
      action: .answer { input in
        let request = try read(input.body, input.client, await input.service.models())
        let encoder = OllamaEncoder(
          shape: shape, model: request.model, isStreaming: request.isStreaming,
          clock: OllamaClock(now: input.now),
          emptyReason: request.generation == nil ? (request.keepsLoaded ? "load" : "unload") : nil)
        return AnswerPlan(requests: request.generation.map { [$0] } ?? [], encoder: encoder)
      })
  }

  private static func reply(
    _ method: Endpoint.Method, _ path: String,
    _ action: @escaping @Sendable (EndpointInput) async throws -> EndpointReply
  ) -> Endpoint {
    Endpoint(method, path, failure: OllamaErrors.reply, action: .reply(action))
  }

  /// What needs a store of models, which this server has not.
  private static var refusals: [Endpoint] {
    let serve = "this server offers the GGUF file it was started with"
    let refused: [(Endpoint.Method, String, String)] = [
      (
        .post, "/api/pull",
        "models cannot be pulled: \(serve); download the file and start maslin serve FILE"
      ),
      (.post, "/api/push", "models cannot be pushed: \(serve); copy the file by other means"),
      (
        .post, "/api/create",
        "models cannot be created: \(serve); give the system text and the options with each request"
      ),
      (
        .delete, "/api/delete",
        "models cannot be deleted: \(serve); stop the server and delete the file"
      ),
      (
        .post, "/api/copy",
        "models cannot be copied: \(serve) under the file's name; copy or link the file"
      ),
      (
        .post, "/api/blobs/:digest",
        "files cannot be uploaded: \(serve); copy the file to the server's machine"
      ),
    ]
    return refused.map { method, path, message in
      reply(method, path) { _ in
        EndpointReply(status: 501, json: OllamaErrors.body(message))
      }
    }
  }
}
