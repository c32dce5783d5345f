import JSON
import ModelServing

/// The members that `chat` and `generate` share: `options`, `format`, `think`, `logprobs`.
enum OllamaOptions {
  /// Takes them over into a request.
  ///
  /// Options about how Ollama places a model on a machine (`num_gpu`, `num_thread`, `use_mmap`, ...) have no effect, and
  /// unknown ones neither, as in Ollama. Those that would change which tokens are chosen and cannot be followed are
  /// refused.
  static func apply(
    _ fields: RequestFields, to request: inout GenerationRequest, model: ModelDescription
  ) throws(ServiceError) {
    request.format = try format(fields)
    request.thinking = try thinking(fields)
    if try fields.bool("logprobs") == true {
      request.alternatives = try fields.integer("top_logprobs", in: 0...20) ?? 0
    }
    _ = try keepsLoaded(fields)
    guard let options = try fields.object("options") else { return }
    try checkContext(options, model: model)
    try refuseOtherSamplers(options)
    // -1 is for as many as may be, -2 for as many as the context holds.
    if let limit = try options.integer("num_predict", in: -2...Int(Int32.max)), limit > 0 {
      request.maximumTokens = limit
    }
    request.sampling.temperature = try options.number("temperature", in: 0...100)
    if let topK = try options.integer("top_k", in: -1...Int(Int32.max)) {
      request.sampling.topK = max(topK, 0)
    }
    request.sampling.topP = try options.number("top_p", in: 0...1)
    request.sampling.minP = try options.number("min_p", in: 0...1)
    // -1 and other negative numbers are for a new seed each time.
    if let seed = try options.integer("seed", in: Int.min...Int.max), seed >= 0 {
      request.sampling.seed = UInt64(seed)
    }
    request.stop = try stop(options)
    try applyPenalties(options, to: &request.sampling)
  }

  /// Whether `keep_alive` lets the model stay loaded: false for 0 and `"0"`, `"0s"`, ...
  static func keepsLoaded(_ fields: RequestFields) throws(ServiceError) -> Bool {
    switch fields["keep_alive"] {
    case nil: return true
    case .integer(let seconds)?: return seconds != 0
    case .number(let seconds)?: return seconds != 0
    case .string(let text)?:
      guard text.utf8.count <= 64, text.utf8.contains(where: { (0x30...0x39).contains($0) }) else {
        throw fields.invalid("keep_alive", "must be a number of seconds or a duration such as 5m")
      }
      return text.utf8.contains { (0x31...0x39).contains($0) }
    default:
      throw fields.invalid("keep_alive", "must be a number of seconds or a duration such as 5m")
    }
  }

  private static func format(
    _ fields: RequestFields
  ) throws(ServiceError) -> GenerationRequest.Format {
    switch fields["format"] {
    case nil: return .text
    case .string("")?: return .text
    case .string("json")?: return .jsonObject
    case .object(let members)?: return .jsonSchema(.object(members))
    default: throw fields.invalid("format", "must be \"json\" or a JSON schema")
    }
  }

  private static func thinking(
    _ fields: RequestFields
  ) throws(ServiceError) -> GenerationRequest.Thinking? {
    switch fields["think"] {
    case nil: return nil
    case .string("")?: return nil
    case .bool(let thinks)?: return thinks ? .on : .off
    case .string("low")?, .string("medium")?: return .on
    case .string("high")?: return .high
    case .string("max")?: return .max
    default:
      throw fields.invalid("think", "must be true, false, \"low\", \"medium\", \"high\" or \"max\"")
    }
  }

  private static func checkContext(
    _ options: RequestFields, model: ModelDescription
  ) throws(ServiceError) {
    guard let context = try options.integer("num_ctx", in: 1...Int.max),
      context > model.contextLength
    else { return }
    throw options.invalid(
      "num_ctx",
      "is \(context), but the context of '\(model.name)' on this server holds \(model.contextLength) tokens; ask for "
        + "no more, or start the server with --context \(context)")
  }

  private static func refuseOtherSamplers(_ options: RequestFields) throws(ServiceError) {
    if let mirostat = try options.integer("mirostat", in: 0...2), mirostat != 0 {
      throw .unsupported(
        message: "Mirostat sampling is not available; use temperature, top_k, top_p and min_p",
        parameter: options.path(of: "mirostat"))
    }
    for name in ["typical_p", "tfs_z"] {
      guard let value = try options.number(name, in: 0...1), value != 1 else { continue }
      throw .unsupported(
        message: "this kind of sampling is not available; use temperature, top_k, top_p and min_p",
        parameter: options.path(of: name))
    }
  }

  private static func applyPenalties(
    _ options: RequestFields, to sampling: inout GenerationRequest.Sampling
  ) throws(ServiceError) {
    let smallest = Double(Float.leastNormalMagnitude)
    sampling.repetitionPenalty = try options.number("repeat_penalty", in: smallest...100)
    sampling.presencePenalty = try options.number("presence_penalty", in: -100...100)
    sampling.frequencyPenalty = try options.number("frequency_penalty", in: -100...100)
    switch try options.integer("repeat_last_n", in: -1...Int(Int32.max)) {
    case nil: break
    case -1: sampling.penaltyWindow = 0
    // A window of no tokens: no penalties. To the engine, 0 means all tokens.
    case 0:
      sampling.repetitionPenalty = 1
      sampling.presencePenalty = 0
      sampling.frequencyPenalty = 0
    case let window?: sampling.penaltyWindow = window
    }
  }

  private static func stop(_ options: RequestFields) throws(ServiceError) -> [String] {
    let values: [JSONValue]
    switch options["stop"] {
    case nil: return []
    case .string(let text)?: values = [.string(text)]
    default: values = try options.array("stop") ?? []
    }
    var texts: [String] = []
    for (index, value) in values.enumerated() {
      guard let text = value.stringValue, !text.isEmpty else {
        throw options.invalid("stop[\(index)]", "must be a string that is not empty")
      }
      texts.append(text)
    }
    return texts
  }
}
