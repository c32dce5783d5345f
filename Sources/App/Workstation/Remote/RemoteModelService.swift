import Egress
import JSON
import ModelServing

/// The models of a running server that speaks OpenAI's interface, such as `maslin serve`.
public final class RemoteModelService: ModelService {
  private let transport: any HTTPTransport
  private let token: String?

  /// Makes a service.
  ///
  /// - Parameters:
  ///   - transport: how the server is reached.
  ///   - token: the server's token; nil for a server without one.
  public init(transport: any HTTPTransport, token: String?) {
    self.transport = transport
    self.token = token
  }

  /// The server's models; empty when it cannot be asked.
  public func models() async -> [ModelDescription] { (try? await listModels()) ?? [] }

  /// The server's models. What the interface does not tell stays 0 or empty.
  ///
  /// - Throws: `ServiceError` when the server cannot be asked.
  public func listModels() async throws(ServiceError) -> [ModelDescription] {
    let reply = try await exchange("GET", "/v1/models", body: nil)
    return (reply["data"]?.arrayValue ?? []).compactMap { entry in
      guard let name = entry["id"]?.stringValue else { return nil }
      return ModelDescription(
        name: name, created: entry["created"]?.integerValue ?? 0, architecture: "",
        contextLength: 0, parameterCount: nil, quantization: "", byteCount: 0, digest: "",
        canThink: true, canCallTools: true, canEmbed: true)
    }
  }

  /// Asks the server for an answer; only conversations.
  public func generate(
    _ request: GenerationRequest
  ) async throws(ServiceError) -> GenerationStream {
    let reply = try await send("POST", "/v1/chat/completions", try ChatCompletionBody.json(request))
    let channel = GenerationChannel()
    let reading = Task {
      do {
        try await Self.read(reply, into: channel)
        channel.finish()
      } catch let error as ServiceError {
        channel.fail(error)
      } catch {
        channel.fail(.failed("the server ended the answer early: \(error)"))
      }
    }
    channel.whenCancelled { reading.cancel() }
    return GenerationStream(channel)
  }

  private static func read(_ reply: HTTPReply, into channel: GenerationChannel) async throws {
    var events = EventStreamReader()
    var chunks = ChatCompletionReader()
    for try await piece in reply.body {
      for data in try events.append(piece) { channel.send(try chunks.append(data)) }
    }
    guard chunks.isComplete else {
      throw ServiceError.failed("the server ended the answer early")
    }
  }

  /// Not part of OpenAI's interface.
  public func countTokens(_ request: GenerationRequest) async throws(ServiceError) -> Int {
    throw .unsupported(message: "a server cannot be asked to count tokens", parameter: nil)
  }

  /// Not part of OpenAI's interface.
  public func tokenize(_ text: String, model: String) async throws(ServiceError) -> [Int32] {
    throw .unsupported(message: "a server cannot be asked for tokens", parameter: nil)
  }

  /// Asks the server for vectors.
  public func embed(_ request: EmbeddingRequest) async throws(ServiceError) -> EmbeddingResult {
    let inputs: [JSONValue] = request.inputs.map { input in
      switch input {
      case .text(let text): .string(text)
      case .tokens(let tokens): .array(tokens.map { .integer(Int($0)) })
      }
    }
    let reply = try await exchange(
      "POST", "/v1/embeddings",
      body: .members(["model": .string(request.model), "input": .array(inputs)]))
    let vectors = (reply["data"]?.arrayValue ?? []).map { entry in
      (entry["embedding"]?.arrayValue ?? []).map { value -> Float in
        switch value {
        case .number(let number): Float(number)
        case .integer(let number): Float(number)
        default: .nan
        }
      }
    }
    guard vectors.count == inputs.count else {
      throw .failed("the server sent \(vectors.count) vectors for \(inputs.count) inputs")
    }
    return EmbeddingResult(
      vectors: vectors, tokenCount: reply["usage"]?["prompt_tokens"]?.integerValue ?? 0)
  }

  /// The figures are the server's own, at its `/metrics`.
  public func figures() async -> ServiceFigures { ServiceFigures() }

  private func send(
    _ method: String, _ path: String, _ body: JSONValue?
  ) async throws(ServiceError) -> HTTPReply {
    var request = HTTPRequestMessage(method: method, path: path)
    if let token {
      request.headers.append(HTTPRequestMessage.Field("authorization", "Bearer \(token)"))
    }
    if let body {
      var writer = JSONWriter(style: .compact)
      writer.value(body)
      request.body = writer.takeBytes()
      request.headers.append(HTTPRequestMessage.Field("content-type", "application/json"))
    }
    let reply: HTTPReply
    do {
      reply = try await transport.send(request)
    } catch {
      throw .failed("\(error)")
    }
    guard reply.status != 200 else { return reply }
    throw Self.error(
      status: reply.status, body: (try? await reply.bytes(limit: 1 << 20)) ?? [])
  }

  private func exchange(
    _ method: String, _ path: String, body: JSONValue?
  ) async throws(ServiceError) -> JSONValue {
    let reply = try await send(method, path, body)
    do {
      return try JSONParser.parse(try await reply.bytes(limit: 256 << 20))
    } catch {
      throw .failed("the server's reply cannot be read: \(error)")
    }
  }

  /// What a reply with an error status says (OpenAI).
  private static func error(status: Int, body: [UInt8]) -> ServiceError {
    let error = (try? JSONParser.parse(body))?["error"]
    let message = error?["message"]?.stringValue ?? "the server answered with status \(status)"
    switch status {
    case 401: return .failed("\(message) (the token is in the file `maslin serve` named)")
    case 429: return .overloaded(reason: message, retryAfter: 1)
    case 400, 404, 413, 422:
      return .invalid(message: message, parameter: error?["param"]?.stringValue)
    default: return .failed(message)
    }
  }
}
