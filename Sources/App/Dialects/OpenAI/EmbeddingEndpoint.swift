import JSON
import ModelServing

/// `POST /v1/embeddings`.
enum EmbeddingEndpoint {
  /// More inputs than this are refused.
  static let maximumInputs = 2048

  /// Answers a request.
  static func reply(_ input: EndpointInput) async throws -> EndpointReply {
    let body = try RequestFields(input.body)
    let request = EmbeddingRequest(
      model: try GenerationFields.model(body), inputs: try inputs(body))
    let encoding = try body.string("encoding_format") ?? "float"
    guard encoding == "float" || encoding == "base64" else {
      throw body.invalid("encoding_format", "is '\(encoding)'; it must be float or base64")
    }
    let dimensions = try body.integer("dimensions", in: 1...Int.max)
    let result = try await input.service.embed(request)
    if let dimensions, let count = result.vectors.first?.count, count != dimensions {
      throw ServiceError.unsupported(
        message: "is \(dimensions), but the model makes vectors of \(count) numbers, and they "
          + "mean nothing when cut",
        parameter: "dimensions")
    }
    let models = await input.service.models()
    let model = request.model.isEmpty ? models.first?.name ?? "" : request.model
    return EndpointReply(body: document(result, model: model, isBase64: encoding == "base64"))
  }

  private static func inputs(_ body: RequestFields) throws(ServiceError) -> [EmbeddingRequest.Input]
  {
    let prompts = try TextInputs.read(body, "input")
    guard prompts.count <= maximumInputs else {
      throw body.invalid("input", "holds \(prompts.count) inputs; at most \(maximumInputs) can be")
    }
    var inputs: [EmbeddingRequest.Input] = []
    for (index, prompt) in prompts.enumerated() {
      switch prompt {
      case .text(let text):
        guard !text.isEmpty else {
          let name = prompts.count == 1 ? "input" : "input[\(index)]"
          throw body.invalid(name, "must not be empty")
        }
        inputs.append(.text(text))
      case .tokens(let tokens): inputs.append(.tokens(tokens))
      case .conversation: continue
      }
    }
    return inputs
  }

  private static func document(
    _ result: EmbeddingResult, model: String, isBase64: Bool
  ) -> [UInt8] {
    var text = EventText(capacity: result.vectors.reduce(256) { $0 + 64 + $1.count * 12 })
    text.raw("{\"object\":\"list\",\"data\":[")
    for (index, vector) in result.vectors.enumerated() {
      if index > 0 { text.raw(",") }
      text.raw("{\"object\":\"embedding\",\"index\":")
      text.number(index)
      text.raw(",\"embedding\":")
      if isBase64 {
        text.string(Base64.encode(littleEndianBytes(vector)))
      } else {
        text.raw("[")
        for (position, number) in vector.enumerated() {
          if position > 0 { text.raw(",") }
          text.number(number)
        }
        text.raw("]")
      }
      text.raw("}")
    }
    text.raw("],\"model\":")
    text.string(model)
    text.raw(",\"usage\":{\"prompt_tokens\":")
    text.number(result.tokenCount)
    text.raw(",\"total_tokens\":")
    text.number(result.tokenCount)
    text.raw("}}")
    return text.bytes
  }

  private static func littleEndianBytes(_ vector: [Float]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(vector.count * 4)
    for number in vector {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}
