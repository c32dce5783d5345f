import JSON
import ModelServing

/// The members that requests for answers of every kind share.
struct GenerationFields {
  /// The body of the request.
  let body: RequestFields

  /// Texts of `stop` beyond this are refused.
  static let maximumStopTexts = 16
  /// Entries of `logit_bias` beyond this are refused.
  static let maximumBiases = 4096
  /// Alternatives of a token beyond this are refused.
  static let maximumAlternatives = 20

  /// Puts all of them into a request.
  ///
  /// - Parameter client: who asks, as the server knows.
  func apply(to request: inout GenerationRequest, client: String) throws(ServiceError) {
    try refuseWhatChangesMeaning()
    request.sampling = try sampling()
    request.stop = try stopTexts()
    request.maximumTokens = try maximumTokens()
    request.thinking = try ThinkingFields.read(body)
    request.priority = try body.string("service_tier") == "flex" ? .background : .interactive
    request.client = try self.client(client)
  }

  /// The model's name; empty for the default one.
  static func model(_ body: RequestFields) throws(ServiceError) -> String {
    try body.string("model") ?? ""
  }

  /// Members of other servers that cannot be left out of account without giving another answer than was meant.
  private func refuseWhatChangesMeaning() throws(ServiceError) {
    for name in ["use_beam_search", "ignore_eos", "web_search_options", "prompt_logprobs", "audio"]
    {
      guard let value = body[name], value != .bool(false) else { continue }
      throw .unsupported(message: "is not supported", parameter: body.path(of: name))
    }
    if let minimum = try body.integer("min_tokens", in: 0...Int.max), minimum > 0 {
      throw .unsupported(
        message: "is not supported: an answer ends where the model ends it",
        parameter: body.path(of: "min_tokens"))
    }
  }

  private func sampling() throws(ServiceError) -> GenerationRequest.Sampling {
    var sampling = GenerationRequest.Sampling()
    sampling.temperature = try body.number("temperature", in: 0...2)
    sampling.topP = try body.number("top_p", in: 0...1)
    // -1 is how some servers say that all tokens stay, which the engine calls 0.
    sampling.topK = try body.integer("top_k", in: -1...Int(Int32.max)).map { max(0, $0) }
    sampling.minP = try body.number("min_p", in: 0...1)
    for name in ["repeat_penalty", "repetition_penalty"] {
      guard let penalty = try body.number(name, in: 0.01...100) else { continue }
      sampling.repetitionPenalty = penalty
    }
    sampling.presencePenalty = try body.number("presence_penalty", in: -2...2)
    sampling.frequencyPenalty = try body.number("frequency_penalty", in: -2...2)
    sampling.seed = try body.integer("seed", in: Int.min...Int.max).map {
      UInt64(bitPattern: Int64($0))
    }
    sampling.biases = try biases()
    return sampling
  }

  private func biases() throws(ServiceError) -> [Int32: Double] {
    guard let fields = try body.object("logit_bias") else { return [:] }
    guard fields.members.count <= GenerationFields.maximumBiases else {
      throw body.invalid("logit_bias", "holds more than \(GenerationFields.maximumBiases) entries")
    }
    var biases: [Int32: Double] = [:]
    for member in fields.members {
      guard let token = Int32(member.name), token >= 0 else {
        throw fields.invalid(member.name, "must be the number of a token")
      }
      let value: Double
      switch member.value {
      case .integer(let whole): value = Double(whole)
      case .number(let number): value = number
      default: throw fields.invalid(member.name, "must be a number")
      }
      guard (-100...100).contains(value) else {
        throw fields.invalid(member.name, "is \(value); it must be -100 to 100")
      }
      biases[token] = value
    }
    return biases
  }

  private func stopTexts() throws(ServiceError) -> [String] {
    guard let value = body["stop"] else { return [] }
    var texts: [String] = []
    switch value {
    case .string(let text): texts = [text]
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        guard let text = element.stringValue else {
          throw body.invalid("stop[\(index)]", "must be a string")
        }
        texts.append(text)
      }
    default: throw body.invalid("stop", "must be a string or an array of strings")
    }
    texts.removeAll { $0.isEmpty }
    guard texts.count <= GenerationFields.maximumStopTexts else {
      throw body.invalid(
        "stop", "holds \(texts.count) texts; at most \(GenerationFields.maximumStopTexts) can be")
    }
    return texts
  }

  private func maximumTokens() throws(ServiceError) -> Int? {
    for name in ["max_completion_tokens", "max_output_tokens", "max_tokens", "n_predict"] {
      guard let count = try body.integer(name, in: -1...Int.max) else { continue }
      if count == 0 { throw body.invalid(name, "is 0; an answer has at least 1 token") }
      return count < 0 ? nil : count
    }
    return nil
  }

  private func client(_ client: String) throws(ServiceError) -> String {
    for name in ["prompt_cache_key", "safety_identifier", "user"] {
      if let key = try body.string(name), !key.isEmpty { return client + "/" + key }
    }
    return client
  }
}

/// How much a request wants the model to think, in the words of several interfaces.
enum ThinkingFields {
  /// The level asked for; nil when nothing is said. Whoever switches thinking off anywhere gets none.
  static func read(_ body: RequestFields) throws(ServiceError) -> GenerationRequest.Thinking? {
    var level = try effort(body, "reasoning_effort")
    var isOn = try body.bool("enable_thinking")
    if let reasoning = body["reasoning"], case .object = reasoning {
      let fields = try RequestFields(reasoning, path: body.path(of: "reasoning"))
      level = try effort(fields, "effort") ?? level
      isOn = try fields.bool("enabled") ?? isOn
    }
    if let template = try body.object("chat_template_kwargs") {
      for name in ["thinking", "enable_thinking"] {
        if let flag = try template.bool(name) { isOn = flag }
      }
      level = try effort(template, "reasoning_effort") ?? level
    }
    if let thinking = body["thinking"] {
      if case .bool(let flag) = thinking {
        isOn = flag
      } else {
        let fields = try RequestFields(thinking, path: body.path(of: "thinking"))
        switch try fields.requiredString("type") {
        case "enabled": isOn = true
        case "disabled": isOn = false
        case "adaptive", "auto": break
        default: throw fields.invalid("type", "must be enabled or disabled")
        }
      }
    }
    if isOn == false { return .off }
    return level ?? (isOn == true ? .on : nil)
  }

  private static func effort(
    _ fields: RequestFields, _ name: String
  ) throws(ServiceError) -> GenerationRequest.Thinking? {
    guard let effort = try fields.string(name) else { return nil }
    switch effort {
    case "none", "minimal", "off": return .off
    case "low", "medium", "on": return .on
    case "high": return .high
    case "xhigh", "max": return .max
    case "auto", "default": return nil
    default:
      throw fields.invalid(
        name, "is '\(effort)'; it must be none, minimal, low, medium, high, xhigh or max")
    }
  }
}
