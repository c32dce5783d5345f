import JSON
import ModelServing

/// The members `tools` and `tool_choice` of a request.
enum AnthropicTools {
  private static let nameLengths = 1...128

  /// The tools offered.
  ///
  /// Members about caching, streaming and loading (`cache_control`, `eager_input_streaming`, `defer_loading`,
  /// `input_examples`, `allowed_callers`) change nothing here: every tool is offered at once.
  static func tools(_ fields: RequestFields) throws(ServiceError) -> [Tool] {
    var tools: [Tool] = []
    var names: Set<String> = []
    for tool in try fields.objects("tools") ?? [] {
      let type = try tool.string("type") ?? "custom"
      guard type == "custom" else {
        throw .unsupported(
          message:
            "tools of type '\(type)' are not available on this server; only custom tools are: declare it with "
            + "'name', 'description' and 'input_schema' and run it in the client",
          parameter: tool.path(of: "type"))
      }
      let name = try tool.requiredString("name")
      guard nameLengths.contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
        throw tool.invalid(
          "name", "must be 1 to 128 letters, digits, underscores, hyphens, dots or colons")
      }
      guard names.insert(name).inserted else {
        throw tool.invalid("name", "'\(name)' is declared twice; the names of tools must be unique")
      }
      guard let schema = tool["input_schema"] else {
        throw tool.invalid("input_schema", "is missing")
      }
      guard schema.objectValue != nil else {
        throw tool.invalid("input_schema", "must be an object: the JSON schema of the input")
      }
      tools.append(
        Tool(
          name: name, description: try tool.string("description"), parameters: schema,
          isStrict: try tool.bool("strict") ?? false))
    }
    return tools
  }

  /// Which tools may be called, and whether several at once.
  static func choice(
    _ fields: RequestFields, tools: [Tool]
  ) throws(ServiceError) -> (choice: GenerationRequest.ToolChoice, allowsParallelCalls: Bool) {
    guard let choice = try fields.object("tool_choice") else { return (.automatic, true) }
    let allowsParallelCalls = try choice.bool("disable_parallel_tool_use") != true
    let type = try choice.requiredString("type")
    switch type {
    case "auto": return (.automatic, allowsParallelCalls)
    case "none": return (.none, allowsParallelCalls)
    case "any":
      guard !tools.isEmpty else {
        throw choice.invalid("type", "is 'any', but no tools are offered")
      }
      return (.required, allowsParallelCalls)
    case "tool":
      let name = try choice.requiredString("name")
      guard tools.contains(where: { $0.name == name }) else {
        throw choice.invalid("name", "no tool named '\(name)' is offered")
      }
      return (.named(name), allowsParallelCalls)
    default:
      throw choice.invalid("type", "is '\(type)'; it must be auto, any, tool or none")
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"),
      UInt8(ascii: "."), UInt8(ascii: ":"):
      true
    default: false
    }
  }
}
