import JSON
import ModelServing

/// The models as Ollama lists and describes them.
enum OllamaModels {
  /// The model that a request names in `model` (or `name`, as older clients do). A name may end in `:latest`, which
  /// Ollama's clients add by themselves.
  static func named(
    _ fields: RequestFields, in models: [ModelDescription]
  ) throws(ServiceError) -> ModelDescription {
    let name = try fields.requiredString(
      fields["model"] == nil && fields["name"] != nil ? "name" : "model")
    if let model = models.first(where: { $0.name == name }) { return model }
    if name.hasSuffix(":latest"),
      let model = models.first(where: { $0.name == name.dropLast(":latest".count) })
    {
      return model
    }
    throw .unknownModel(name: name, known: models.map(\.name))
  }

  /// `GET /api/tags`
  static func tags(_ models: [ModelDescription]) -> JSONValue {
    let list = models.map { model in
      JSONValue.object(
        identity(model)
          + members([
            "modified_at": .string(Timestamp.text(seconds: model.created)),
            "size": .integer(model.byteCount),
            "digest": .string(model.digest),
            "details": details(model),
          ]))
    }
    return .members(["models": .array(list)])
  }

  /// `GET /api/ps`: all models of the server are loaded and stay so; `expires_at` is a hundred years away.
  static func loaded(_ models: [ModelDescription], now: Int) -> JSONValue {
    let list = models.map { model in
      JSONValue.object(
        identity(model)
          + members([
            "size": .integer(model.byteCount),
            "digest": .string(model.digest),
            "details": details(model),
            "expires_at": .string(Timestamp.text(seconds: now + 3_155_760_000)),
            "size_vram": 0,
            "context_length": .integer(model.contextLength),
          ]))
    }
    return .members(["models": .array(list)])
  }

  /// `POST /api/show`
  static func show(_ model: ModelDescription) -> JSONValue {
    var information = members([
      "general.architecture": .string(model.architecture),
      "general.basename": .string(model.name),
    ])
    if let count = model.parameterCount {
      information.append(JSONMember(name: "general.parameter_count", value: .integer(count)))
    }
    information.append(
      JSONMember(
        name: "\(model.architecture).context_length", value: .integer(model.contextLength)))
    var capabilities: [JSONValue] = ["completion"]
    if model.canCallTools { capabilities.append("tools") }
    if model.canThink { capabilities.append("thinking") }
    if model.canEmbed { capabilities.append("embedding") }
    return .members([
      "modelfile": .string("FROM \(model.name)\nPARAMETER num_ctx \(model.contextLength)\n"),
      "parameters": .string("num_ctx \(model.contextLength)"),
      "template": "",
      "details": details(model),
      "model_info": .object(information),
      "capabilities": .array(capabilities),
      "modified_at": .string(Timestamp.text(seconds: model.created)),
    ])
  }

  private static func identity(_ model: ModelDescription) -> [JSONMember] {
    members(["name": .string(model.name), "model": .string(model.name)])
  }

  private static func details(_ model: ModelDescription) -> JSONValue {
    .members([
      "parent_model": "",
      "format": "gguf",
      "family": .string(model.architecture),
      "families": [.string(model.architecture)],
      "parameter_size": .string(model.parameterCount.map(size) ?? ""),
      "quantization_level": .string(model.quantization),
    ])
  }

  /// A number of weights with one decimal: `8.0B`, `751.6M`, `12.5K`.
  private static func size(_ count: Int) -> String {
    for (unit, letter) in [(1_000_000_000, "B"), (1_000_000, "M"), (1000, "K")]
    where count >= unit {
      return "\(count / unit).\(count % unit * 10 / unit)\(letter)"
    }
    return String(count)
  }

  private static func members(_ list: KeyValuePairs<String, JSONValue>) -> [JSONMember] {
    list.map { JSONMember(name: $0.key, value: $0.value) }
  }
}
