import JSON
import ModelServing

/// `POST /api/embed` and its older form `POST /api/embeddings`.
///
/// Inputs longer than the model's context are refused, whatever `truncate` says: a vector of half a text would be wrong
/// without anyone seeing it.
enum OllamaEmbeddings {
  /// `{"embeddings":[[...]]}` for `input`, a text or several.
  static func embed(_ input: EndpointInput) async throws -> EndpointReply {
    let fields = try RequestFields(input.body)
    let model = try OllamaModels.named(fields, in: await input.service.models())
    let texts = try texts(fields)
    _ = try fields.bool("truncate")
    _ = try OllamaOptions.keepsLoaded(fields)
    let dimensions = try fields.integer("dimensions", in: 1...Int(Int32.max))
    let begin = ContinuousClock.now
    var vectors: [[Float]] = []
    var tokenCount = 0
    if !texts.isEmpty {
      let result = try await input.service.embed(
        EmbeddingRequest(model: model.name, inputs: texts.map { .text($0) }))
      vectors = result.vectors
      tokenCount = result.tokenCount
    }
    if let dimensions { vectors = try vectors.map { try shortened($0, to: dimensions, fields) } }
    let duration = ContinuousClock.now - begin
    var writer = JSONWriter(style: .compact)
    writer.object {
      $0.member("model", model.name)
      $0.member("embeddings") {
        $0.array(of: vectors) { writer, vector in write(vector, to: &writer) }
      }
      $0.member("total_duration", nanoseconds(duration))
      $0.member("load_duration", 0)
      $0.member("prompt_eval_count", tokenCount)
    }
    return EndpointReply(body: writer.takeBytes())
  }

  /// `{"embedding":[...]}` for `prompt`.
  static func embedding(_ input: EndpointInput) async throws -> EndpointReply {
    let fields = try RequestFields(input.body)
    let model = try OllamaModels.named(fields, in: await input.service.models())
    let prompt = try fields.string("prompt") ?? ""
    var vector: [Float] = []
    if !prompt.isEmpty {
      let result = try await input.service.embed(
        EmbeddingRequest(model: model.name, inputs: [.text(prompt)]))
      vector = result.vectors.first ?? []
    }
    var writer = JSONWriter(style: .compact)
    writer.object { $0.member("embedding") { write(vector, to: &$0) } }
    return EndpointReply(body: writer.takeBytes())
  }

  private static func texts(_ fields: RequestFields) throws(ServiceError) -> [String] {
    switch fields["input"] {
    case nil: throw fields.invalid("input", "is missing")
    case .string(let text)?: return [text]
    case .array(let elements)?:
      var texts: [String] = []
      for (index, element) in elements.enumerated() {
        guard let text = element.stringValue else {
          throw fields.invalid("input[\(index)]", "must be a string")
        }
        texts.append(text)
      }
      return texts
    default: throw fields.invalid("input", "must be a string or an array of strings")
    }
  }

  /// The first components, scaled to length 1 again (what models trained for it allow: Kusupati et al. 2022).
  private static func shortened(
    _ vector: [Float], to dimensions: Int, _ fields: RequestFields
  ) throws(ServiceError) -> [Float] {
    guard dimensions <= vector.count else {
      throw fields.invalid(
        "dimensions", "is \(dimensions); the model's vectors have \(vector.count)")
    }
    let start = vector[..<dimensions]
    let length = start.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length > 0 ? start.map { Float(Double($0) / length) } : Array(start)
  }

  private static func write(_ vector: [Float], to writer: inout JSONWriter) {
    // The shortest decimal that reads back as the same 32-bit number.
    writer.array(of: vector) { $0.value(Double($1.description) ?? Double($1)) }
  }

  private static func nanoseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}
