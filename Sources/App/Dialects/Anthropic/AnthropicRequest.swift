import JSON
import ModelServing

/// What the body of `/v1/messages` or `/v1/messages/count_tokens` asks for.
///
/// Members that only steer the provider's accounting, caching or placement (`cache_control`, `betas`,
/// `context_management`, `diagnostics`, `inference_geo`, `speed`, `service_tier`, ...) are accepted without effect, and
/// so are members unknown here; those whose loss would change the answer are refused.
struct AnthropicRequest {
  /// What to generate.
  var generation: GenerationRequest
  /// Whether the answer is sent as it comes.
  var isStreaming: Bool
  /// Whether thoughts are left out of the reply.
  var hidesThinking: Bool

  /// Reads a body.
  ///
  /// - Parameters:
  ///   - client: who asks; `metadata.user_id` tells apart whom they ask for.
  ///   - isCount: whether only tokens are counted, so that `max_tokens` may be missing.
  /// - Throws: `ServiceError` naming the path of what is wrong.
  init(_ body: JSONValue?, client: String, isCount: Bool = false) throws(ServiceError) {
    let fields = try RequestFields(body)
    let model = try fields.requiredString("model")
    guard !model.isEmpty else { throw fields.invalid("model", "is empty") }
    try Self.refuseServerSide(fields)
    let turns = try AnthropicConversation.turns(fields)
    generation = GenerationRequest(model: model, prompt: .conversation(turns))
    generation.maximumTokens = try fields.integer("max_tokens", in: 0...Int(Int32.max))
    if generation.maximumTokens == nil, !isCount {
      throw fields.invalid("max_tokens", "is missing")
    }
    generation.tools = try AnthropicTools.tools(fields)
    let choice = try AnthropicTools.choice(fields, tools: generation.tools)
    generation.toolChoice = choice.choice
    generation.allowsParallelCalls = choice.allowsParallelCalls
    generation.format = try Self.format(fields)
    (generation.thinking, hidesThinking) = try Self.thinking(fields, turns: turns)
    generation.sampling.temperature = try fields.number("temperature", in: 0...2)
    generation.sampling.topP = try fields.number("top_p", in: 0...1)
    generation.sampling.topK = try fields.integer("top_k", in: 0...Int(Int32.max))
    generation.stop = try Self.stop(fields)
    let user = try fields.object("metadata")?.string("user_id") ?? ""
    generation.client = user.isEmpty ? client : client + "/" + user
    isStreaming = try fields.bool("stream") ?? false
  }

  private static func refuseServerSide(_ fields: RequestFields) throws(ServiceError) {
    if let servers = try fields.array("mcp_servers"), !servers.isEmpty {
      throw .unsupported(
        message:
          "this server does not call MCP servers for the model; connect them in the client and offer their "
          + "tools in 'tools'",
        parameter: fields.path(of: "mcp_servers"))
    }
    if fields["container"] != nil {
      throw .unsupported(
        message: "is not supported: nothing is kept on this server between requests",
        parameter: fields.path(of: "container"))
    }
    // A thread that begins comes with the whole conversation; only going on from what was kept is impossible.
    if let thread = try fields.object("thread"), try thread.requiredString("type") != "create" {
      throw AnthropicErrors.lostThread
    }
  }

  private static func stop(_ fields: RequestFields) throws(ServiceError) -> [String] {
    var texts: [String] = []
    for (index, element) in (try fields.array("stop_sequences") ?? []).enumerated() {
      guard let text = element.stringValue, !text.isEmpty else {
        throw fields.invalid("stop_sequences[\(index)]", "must be a string that is not empty")
      }
      texts.append(text)
    }
    return texts
  }

  private static func format(
    _ fields: RequestFields
  ) throws(ServiceError) -> GenerationRequest.Format {
    let current = try fields.object("output_config")?.object("format")
    let former = try fields.object("output_format")
    if let current, let former, current["schema"] != former["schema"] {
      throw fields.invalid("output_format", "contradicts output_config.format; give one of them")
    }
    guard let format = current ?? former else { return .text }
    let type = try format.requiredString("type")
    guard type == "json_schema" else {
      throw format.invalid("type", "is '\(type)'; it must be json_schema")
    }
    guard let schema = format["schema"], schema.objectValue != nil else {
      throw format.invalid("schema", "must be an object: a JSON schema")
    }
    return .jsonSchema(schema)
  }

  /// How much to think, and whether thoughts are left out of the reply. Without `thinking` the model does not think.
  private static func thinking(
    _ fields: RequestFields, turns: [Turn]
  ) throws(ServiceError) -> (GenerationRequest.Thinking, Bool) {
    let effort = try fields.object("output_config")?.string("effort")
    guard [nil, "low", "medium", "high", "xhigh", "max"].contains(effort) else {
      throw .invalid(
        message: "must be low, medium, high, xhigh or max", parameter: "output_config.effort")
    }
    guard let thinking = try fields.object("thinking") else { return (.off, false) }
    let type = try thinking.requiredString("type")
    switch type {
    // "Between tools" is for notes between calls, not for thoughts.
    case "disabled", "between_tools": return (.off, false)
    case "enabled":
      guard try thinking.integer("budget_tokens", in: 1...Int(Int32.max)) != nil else {
        throw thinking.invalid("budget_tokens", "is missing")
      }
    case "adaptive": break
    default:
      throw thinking.invalid("type", "is '\(type)'; it must be enabled, adaptive or disabled")
    }
    let display = try thinking.string("display") ?? "summarized"
    guard ["summarized", "omitted"].contains(display) else {
      throw thinking.invalid("display", "is '\(display)'; it must be summarized or omitted")
    }
    if let last = turns.last, last.isOpen, last.reasoning == nil {
      throw thinking.invalid(
        "type",
        "the last message begins the answer without thoughts; begin it with a thinking block, or disable thinking"
      )
    }
    let level: GenerationRequest.Thinking =
      switch effort {
      case "high": .high
      case "xhigh", "max": .max
      default: .on
      }
    return (level, display == "omitted")
  }
}
