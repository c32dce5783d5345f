import JSON
import ModelServing

/// The interface of api.openai.com: models, chat completions, completions, responses and embeddings, and the endpoint for
/// tokens that other local servers have.
public enum OpenAIDialect {
  /// Makes the names of replies and of their parts.
  public struct Identifiers: Sendable {
    /// Makes a name that begins with a prefix; never the same twice.
    public let make: @Sendable (_ prefix: String) -> String

    /// Names made by a function, for tests that want the same ones every time.
    public init(_ make: @escaping @Sendable (_ prefix: String) -> String) { self.make = make }

    /// 24 hexadecimal digits from the system's random numbers.
    public static let random = Identifiers { prefix in
      var generator = SystemRandomNumberGenerator()
      var digits = ""
      for length in [16, 8] {
        let number = String(generator.next() as UInt64, radix: 16)
        digits += String((String(repeating: "0", count: 16 - number.count) + number).suffix(length))
      }
      return prefix + digits
    }
  }
}

extension OpenAIDialect {
  /// The endpoints. Each is there with and without `/v1`, as clients are configured either way.
  ///
  /// - Parameters:
  ///   - responses: where responses are kept for `previous_response_id`.
  ///   - identifiers: makes the names of replies.
  public static func endpoints(
    responses: ResponseStore = ResponseStore(), identifiers: Identifiers = .random
  ) -> [Endpoint] {
    var endpoints: [Endpoint] = []
    for root in ["/v1", ""] {
      endpoints += modelEndpoints(root)
      endpoints += answerEndpoints(root, identifiers)
      endpoints += responseEndpoints(root, responses, identifiers)
    }
    endpoints.append(
      Endpoint(.post, "/tokenize", failure: failure(.content), action: .reply(tokenize)))
    return endpoints
  }

  private static func failure(
    _ prompt: OpenAIFailure.Prompt
  ) -> @Sendable (EndpointError) -> EndpointReply {
    { OpenAIFailure($0, prompt: prompt).reply }
  }

  // MARK: Models

  private static func modelEndpoints(_ root: String) -> [Endpoint] {
    [
      Endpoint(
        .get, root + "/models", failure: failure(.input),
        action: .reply { input in
          let models = await input.service.models()
          return EndpointReply(
            json: .members(["object": "list", "data": .array(models.map(modelJSON))]))
        }),
      Endpoint(
        .get, root + "/models/**", failure: failure(.input),
        action: .reply { input in
          let name = input.parameters["**"] ?? ""
          let models = await input.service.models()
          guard let model = models.first(where: { $0.name == name }) else {
            throw ServiceError.unknownModel(name: name, known: models.map(\.name))
          }
          return EndpointReply(json: modelJSON(model))
        }),
      Endpoint(
        .post, root + "/embeddings", failure: failure(.input),
        action: .reply(EmbeddingEndpoint.reply)),
    ]
  }

  private static func modelJSON(_ model: ModelDescription) -> JSONValue {
    .members([
      "id": .string(model.name), "object": "model", "created": .integer(model.created),
      "owned_by": "maslin",
      // Agents of several kinds look for the length of the context under these two names.
      "context_length": .integer(model.contextLength),
      "max_model_len": .integer(model.contextLength),
      "maslin": .members([
        "architecture": .string(model.architecture),
        "parameters": model.parameterCount.map(JSONValue.integer) ?? .null,
        "quantization": .string(model.quantization), "bytes": .integer(model.byteCount),
        "digest": .string(model.digest), "thinking": .bool(model.canThink),
        "tools": .bool(model.canCallTools), "embeddings": .bool(model.canEmbed),
      ]),
    ])
  }

  // MARK: Chat completions and completions

  private static func answerEndpoints(_ root: String, _ identifiers: Identifiers) -> [Endpoint] {
    [
      Endpoint(
        .post, root + "/chat/completions", failure: failure(.messages),
        action: .answer { input in
          let plan = try ChatRequest(input.body, client: input.client)
          let head = await ReplyHead(
            prefix: "chatcmpl-", input: input, request: plan.requests[0],
            identifiers: identifiers)
          let encoder: any AnswerEncoder =
            plan.isStreaming
            ? ChatEncoder(
              head: head, count: plan.requests.count, includesUsage: plan.includesUsage,
              usesFunctions: plan.usesFunctions)
            : ChatReply(
              head: head, count: plan.requests.count, hasProbabilities: plan.hasProbabilities,
              usesFunctions: plan.usesFunctions)
          return AnswerPlan(requests: plan.requests, encoder: encoder)
        }),
      Endpoint(
        .post, root + "/completions", failure: failure(.prompt),
        action: .answer { input in
          let plan = try CompletionRequest(input.body, client: input.client)
          let head = await ReplyHead(
            prefix: "cmpl-", input: input, request: plan.requests[0], identifiers: identifiers)
          return AnswerPlan(
            requests: plan.requests, encoder: CompletionEncoder(head: head, plan: plan))
        }),
    ]
  }

  /// `POST /tokenize` as llama.cpp (`content`) and vLLM (`prompt`) have it.
  @Sendable private static func tokenize(_ input: EndpointInput) async throws -> EndpointReply {
    let body = try RequestFields(input.body)
    let name = body["content"] == nil ? "prompt" : "content"
    let text = try body.requiredString(name)
    let model = try GenerationFields.model(body)
    let tokens = try await input.service.tokenize(text, model: model)
    let models = await input.service.models()
    let description = models.first { $0.name == model } ?? models.first
    return EndpointReply(
      json: .members([
        "tokens": .array(tokens.map { .integer(Int($0)) }), "count": .integer(tokens.count),
        "max_model_len": description.map { .integer($0.contextLength) } ?? .null,
      ]))
  }

  // MARK: Responses

  private static func responseEndpoints(
    _ root: String, _ store: ResponseStore, _ identifiers: Identifiers
  ) -> [Endpoint] {
    let path = root + "/responses"
    return [
      Endpoint(
        .post, path, failure: responseFailure,
        action: .answer { input in
          let plan = try responseRequest(input, store, identifiers)
          let head = await ReplyHead(
            prefix: "resp_", input: input, request: plan.request, identifiers: identifiers)
          let omitted = plan.tools.omitted.joined(separator: ", ")
          return AnswerPlan(
            requests: [plan.request],
            encoder: ResponseEncoder(
              head: head, plan: plan, store: store, identifiers: identifiers),
            headers: omitted.isEmpty ? [] : [.init("x-maslin-omitted-tools", omitted)])
        }),
      Endpoint(
        .post, path + "/input_tokens", failure: responseFailure,
        action: .reply { input in
          let plan = try responseRequest(input, store, identifiers)
          let count = try await input.service.countTokens(plan.request)
          return EndpointReply(
            json: .members(["object": "response.input_tokens", "input_tokens": .integer(count)]))
        }),
      Endpoint(
        .get, path + "/:id", failure: failure(.input),
        action: .reply { input in
          if input.query["stream"] == "true" {
            throw ServiceError.unsupported(
              message: "a response that is complete is given whole", parameter: "stream")
          }
          return EndpointReply(json: try kept(input, store).response)
        }),
      Endpoint(
        .delete, path + "/:id", failure: failure(.input),
        action: .reply { input in
          let id = input.parameters["id"] ?? ""
          guard store.remove(id) else { throw unknownResponse(id) }
          return EndpointReply(
            json: .members(["id": .string(id), "object": "response", "deleted": true]))
        }),
      Endpoint(
        .get, path + "/:id/input_items", failure: failure(.input),
        action: .reply { input in
          try inputItems(of: kept(input, store), query: input.query)
        }),
      Endpoint(
        .post, path + "/:id/cancel", failure: failure(.input),
        action: .reply { input in
          _ = try kept(input, store)
          throw ServiceError.unsupported(
            message: "only responses made in the background can be cancelled; to stop one that "
              + "is streamed, close the connection",
            parameter: nil)
        }),
    ]
  }

  /// As api.openai.com does, a request that names an unknown response is a wrong request, not a wrong path.
  @Sendable private static func responseFailure(_ error: EndpointError) -> EndpointReply {
    var failure = OpenAIFailure(error, prompt: .input)
    if case .notFound = error {
      failure.status = 400
      failure.code = "previous_response_not_found"
      failure.parameter = "previous_response_id"
    }
    return failure.reply
  }

  private static func responseRequest(
    _ input: EndpointInput, _ store: ResponseStore, _ identifiers: Identifiers
  ) throws -> ResponseRequest {
    let id = try RequestFields(input.body).string("previous_response_id")
    let previous = id.flatMap { store.entry($0) }
    if let id, previous == nil {
      throw EndpointError.notFound(
        "Previous response with id '\(id)' not found. Responses are kept in memory: it was never "
          + "stored, had to make room for others, or the server was started anew. Send the whole "
          + "conversation as input.")
    }
    return try ResponseRequest(
      input.body, previous: previous, store: store, identifiers: identifiers,
      client: input.client)
  }

  private static func kept(
    _ input: EndpointInput, _ store: ResponseStore
  ) throws(EndpointError) -> ResponseStore.Entry {
    let id = input.parameters["id"] ?? ""
    guard let entry = store.entry(id) else { throw unknownResponse(id) }
    return entry
  }

  private static func unknownResponse(_ id: String) -> EndpointError {
    .notFound(
      "Response with id '\(id)' not found. Responses are kept in memory: it was never stored, had "
        + "to make room for others, or the server was started anew.")
  }

  /// A page of the items of a request.
  private static func inputItems(
    of entry: ResponseStore.Entry, query: [String: String]
  ) throws(ServiceError) -> EndpointReply {
    let limit = query["limit"].map { Int($0) } ?? 20
    guard let limit, (1...100).contains(limit) else {
      throw .invalid(message: "must be 1 to 100", parameter: "limit")
    }
    var items = entry.inputItems
    switch query["order"] ?? "desc" {
    case "desc": items.reverse()
    case "asc": break
    default: throw .invalid(message: "must be asc or desc", parameter: "order")
    }
    if let after = query["after"] {
      guard let index = items.firstIndex(where: { $0["id"] == .string(after) }) else {
        throw .invalid(message: "names no item of this response", parameter: "after")
      }
      items.removeFirst(index + 1)
    }
    let page = Array(items.prefix(limit))
    return EndpointReply(
      json: .members([
        "object": "list", "data": .array(page),
        "first_id": page.first?["id"] ?? "", "last_id": page.last?["id"] ?? "",
        "has_more": .bool(page.count < items.count),
      ]))
  }
}
