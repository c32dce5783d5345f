import JSON
import ModelServing

/// What the body of `/api/chat` or `/api/generate` asks for.
struct OllamaRequest {
  /// What to generate; nil when the model is only to be loaded.
  var generation: GenerationRequest?
  /// The model's name as the client wrote it.
  var model: String
  /// Whether the answer is sent as it comes; so it is unless the client says otherwise.
  var isStreaming: Bool
  /// Whether the client wants the model to stay loaded.
  var keepsLoaded: Bool

  /// Reads the body of `/api/chat`.
  ///
  /// - Throws: `ServiceError` naming the path of what is wrong.
  static func chat(
    _ body: JSONValue?, client: String, models: [ModelDescription]
  ) throws(ServiceError) -> OllamaRequest {
    let fields = try RequestFields(body)
    let model = try OllamaModels.named(fields, in: models)
    var request = try OllamaRequest(fields)
    let turns = try OllamaConversation.turns(try fields.objects("messages") ?? [])
    guard !turns.isEmpty else { return request }
    var generation = GenerationRequest(model: model.name, prompt: .conversation(turns))
    generation.tools = try tools(fields)
    generation.client = client
    try OllamaOptions.apply(fields, to: &generation, model: model)
    request.generation = generation
    return request
  }

  /// Reads the body of `/api/generate`.
  ///
  /// - Throws: `ServiceError` naming the path of what is wrong.
  static func generate(
    _ body: JSONValue?, client: String, models: [ModelDescription]
  ) throws(ServiceError) -> OllamaRequest {
    let fields = try RequestFields(body)
    let model = try OllamaModels.named(fields, in: models)
    var request = try OllamaRequest(fields)
    try OllamaConversation.refuseImages(fields)
    try refuseTemplates(fields)
    let prompt = try fields.string("prompt") ?? ""
    let system = try fields.string("system") ?? ""
    let isRaw = try fields.bool("raw") ?? false
    if isRaw, !system.isEmpty {
      throw fields.invalid("system", "has no place in a raw prompt; write it into the prompt")
    }
    guard !prompt.isEmpty else { return request }
    var turns = [Turn(role: .user, content: prompt)]
    if !system.isEmpty { turns.insert(Turn(role: .system, content: system), at: 0) }
    var generation = GenerationRequest(
      model: model.name, prompt: isRaw ? .text(prompt) : .conversation(turns))
    generation.client = client
    try OllamaOptions.apply(fields, to: &generation, model: model)
    request.generation = generation
    return request
  }

  private init(_ fields: RequestFields) throws(ServiceError) {
    model = try fields.requiredString(fields["model"] == nil ? "name" : "model")
    isStreaming = try fields.bool("stream") ?? true
    keepsLoaded = try OllamaOptions.keepsLoaded(fields)
  }

  private static func refuseTemplates(_ fields: RequestFields) throws(ServiceError) {
    if let template = try fields.string("template"), !template.isEmpty {
      throw .unsupported(
        message:
          "templates of requests are not supported: the model's own chat format is used; with \"raw\": true the "
          + "prompt is taken as it is",
        parameter: fields.path(of: "template"))
    }
    if let suffix = try fields.string("suffix"), !suffix.isEmpty {
      throw .unsupported(
        message: "filling in before a suffix is not supported; send the text before it only",
        parameter: fields.path(of: "suffix"))
    }
    if let context = try fields.array("context"), !context.isEmpty {
      throw .unsupported(
        message:
          "is not supported, and replies hold none; send the whole conversation to /api/chat: what was computed "
          + "before is reused without it",
        parameter: fields.path(of: "context"))
    }
  }

  private static func tools(_ fields: RequestFields) throws(ServiceError) -> [Tool] {
    var tools: [Tool] = []
    var names: Set<String> = []
    for tool in try fields.objects("tools") ?? [] {
      if let type = try tool.string("type"), type != "function" {
        throw .unsupported(
          message: "is '\(type)'; only tools of type 'function' are supported",
          parameter: tool.path(of: "type"))
      }
      guard let function = try tool.object("function") else {
        throw tool.invalid("function", "is missing")
      }
      let name = try function.requiredString("name")
      guard !name.isEmpty, names.insert(name).inserted else {
        throw function.invalid("name", "is empty or used twice; the names of tools are unique")
      }
      let parameters = function["parameters"]
      guard parameters == nil || parameters?.objectValue != nil else {
        throw function.invalid("parameters", "must be an object: a JSON schema")
      }
      tools.append(
        Tool(
          name: name, description: try function.string("description"), parameters: parameters,
          isStrict: false))
    }
    return tools
  }
}
