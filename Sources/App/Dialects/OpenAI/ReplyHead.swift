import JSON
import ModelServing

/// What every piece of one reply repeats.
struct ReplyHead: Sendable {
  /// The reply's name.
  var id: String
  /// Seconds since 1970.
  var created: Int
  /// The model's name.
  var model: String
  /// Tells versions of the model's file apart; nil for a model the service did not list.
  var fingerprint: String?
  /// `default`, or `flex` for work that can wait.
  var tier: String

  /// Makes a head for an answer to a request.
  ///
  /// - Parameter prefix: what the name begins with: `chatcmpl-`.
  init(
    prefix: String, input: EndpointInput, request: GenerationRequest,
    identifiers: OpenAIDialect.Identifiers
  ) async {
    let models = await input.service.models()
    let description =
      request.model.isEmpty ? models.first : models.first { $0.name == request.model }
    id = identifiers.make(prefix)
    created = input.now
    model = description?.name ?? request.model
    fingerprint = description.map { "fp_" + $0.digest.prefix(12) }
    tier = request.priority == .background ? "flex" : "default"
  }

  /// Makes a head of its parts.
  init(id: String, created: Int, model: String, fingerprint: String?, tier: String) {
    self.id = id
    self.created = created
    self.model = model
    self.fingerprint = fingerprint
    self.tier = tier
  }

  /// The members in front of `choices`, without the opening brace's counterpart:
  /// `{"id":...,"object":...,...,"choices":[`.
  func opening(object: String, hasTier: Bool) -> [UInt8] {
    var text = EventText(capacity: 256)
    text.raw("{\"id\":")
    text.string(id)
    text.raw(",\"object\":")
    text.string(object)
    text.raw(",\"created\":")
    text.number(created)
    text.raw(",\"model\":")
    text.string(model)
    if hasTier {
      text.raw(",\"service_tier\":")
      text.string(tier)
    }
    text.raw(",\"system_fingerprint\":")
    if let fingerprint { text.string(fingerprint) } else { text.raw("null") }
    text.raw(",\"choices\":[")
    return text.bytes
  }
}
