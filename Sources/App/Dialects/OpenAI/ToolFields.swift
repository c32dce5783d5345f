import JSON
import ModelServing

/// What a tool of the model is to the client: the model only knows functions with names and schemas.
enum ToolKind: Hashable, Sendable {
  /// A function.
  case function(name: String, namespace: String?)
  /// A tool of the client's own that takes any text.
  case custom(name: String)
}

/// The tools of a request.
struct OfferedTools: Sendable {
  /// As the model is told.
  private(set) var tools: [Tool] = []
  /// What they are to the client, by the name the model knows.
  private(set) var kinds: [String: ToolKind] = [:]
  /// Types of tools that run on a provider's servers and were left out, in the order of the request.
  private(set) var omitted: [String] = []
  /// As the reply repeats them.
  private(set) var echo: [JSONValue] = []

  /// The name of the only parameter of a tool that takes any text.
  static let customParameter = "input"

  /// Tools that providers run themselves. A model that is not told of them never calls them, which is why a request
  /// with one is answered, unless it demands the call.
  static let hosted: Set<String> = [
    "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11",
    "file_search", "computer", "computer_use", "computer_use_preview", "code_interpreter",
    "image_generation", "mcp", "local_shell", "shell", "apply_patch", "tool_search",
    "programmatic_tool_calling",
  ]

  /// No tools.
  init() {}

  /// The tools of a chat completion.
  init(chat body: RequestFields) throws(ServiceError) {
    for fields in try body.objects("tools") ?? [] {
      let type = try fields.string("type") ?? "function"
      guard type == "function" else {
        throw .unsupported(
          message: "tools of type '\(type)' are not supported; declare a function with a parameter",
          parameter: fields.path(of: "type"))
      }
      guard let function = try fields.object("function") else {
        throw fields.invalid("function", "is missing")
      }
      try add(function, kind: { .function(name: $0, namespace: nil) }, name: { $0 })
    }
  }

  /// The functions of a chat completion in its old form.
  init(functions body: RequestFields) throws(ServiceError) {
    for fields in try body.objects("functions") ?? [] {
      try add(fields, kind: { .function(name: $0, namespace: nil) }, name: { $0 })
    }
  }

  /// The tools of a response.
  init(response body: RequestFields) throws(ServiceError) {
    for fields in try body.objects("tools") ?? [] {
      let type = try fields.requiredString("type")
      switch type {
      case "function":
        try add(fields, kind: { .function(name: $0, namespace: nil) }, name: { $0 })
        echo.append(OfferedTools.echo(fields))
      case "custom":
        try addCustom(fields)
        echo.append(.object(fields.members))
      case "namespace":
        let namespace = try fields.requiredString("name")
        for inner in try fields.objects("tools") ?? [] {
          let type = try inner.string("type") ?? "function"
          guard type == "function" else {
            throw .unsupported(
              message: "only functions can be in a namespace",
              parameter: inner.path(of: "type"))
          }
          try add(
            inner, kind: { .function(name: $0, namespace: namespace) },
            name: { OfferedTools.flat($0, namespace: namespace) })
        }
        echo.append(.object(fields.members))
      case _ where OfferedTools.hosted.contains(type):
        if !omitted.contains(type) { omitted.append(type) }
      default:
        throw .unsupported(
          message: "tools of type '\(type)' are not supported", parameter: fields.path(of: "type"))
      }
    }
  }

  /// The one name under which the model knows a function of a namespace.
  static func flat(_ name: String, namespace: String?) -> String {
    guard let namespace, !namespace.isEmpty else { return name }
    return namespace.hasSuffix("__") ? namespace + name : namespace + "__" + name
  }

  /// Keeps only tools of these names.
  mutating func keep(_ names: Set<String>) { tools.removeAll { !names.contains($0.name) } }

  private mutating func add(
    _ fields: RequestFields, kind: (String) -> ToolKind, name flatten: (String) -> String
  ) throws(ServiceError) {
    let name = try fields.requiredString("name")
    var parameters: JSONValue?
    if let value = fields["parameters"] {
      guard case .object = value else { throw fields.invalid("parameters", "must be an object") }
      parameters = value
    }
    let tool = Tool(
      name: flatten(name), description: try fields.string("description"), parameters: parameters,
      isStrict: try fields.bool("strict") ?? false)
    try insert(tool, kind(name), fields)
  }

  private mutating func addCustom(_ fields: RequestFields) throws(ServiceError) {
    let name = try fields.requiredString("name")
    var description = try fields.string("description") ?? ""
    if let format = try fields.object("format"), try format.string("type") == "grammar" {
      // The grammar cannot be enforced inside a JSON string; telling the model is what remains.
      let syntax = try format.string("syntax") ?? "lark"
      let definition = try format.requiredString("definition")
      description += "\n\nThe input follows this grammar (\(syntax)):\n\(definition)"
    }
    let parameters: JSONValue = .members([
      "type": "object",
      "properties": .members([OfferedTools.customParameter: .members(["type": "string"])]),
      "required": [.string(OfferedTools.customParameter)],
      "additionalProperties": false,
    ])
    let tool = Tool(
      name: name, description: description.isEmpty ? nil : description, parameters: parameters,
      isStrict: true)
    try insert(tool, .custom(name: name), fields)
  }

  private mutating func insert(
    _ tool: Tool, _ kind: ToolKind, _ fields: RequestFields
  ) throws(ServiceError) {
    guard !tool.name.isEmpty, tool.name.utf8.count <= 256 else {
      throw fields.invalid("name", "must have 1 to 256 bytes")
    }
    guard kinds[tool.name] == nil else {
      throw fields.invalid("name", "'\(tool.name)' names two tools")
    }
    kinds[tool.name] = kind
    tools.append(tool)
  }

  /// A function with the members the client's type demands.
  private static func echo(_ fields: RequestFields) -> JSONValue {
    .members([
      "type": "function", "name": fields["name"] ?? .null,
      "description": fields["description"] ?? .null,
      "parameters": fields["parameters"] ?? .null, "strict": fields["strict"] ?? false,
    ])
  }
}

/// Which tools a request wants called.
enum ToolChoiceFields {
  /// Puts `tool_choice` and `parallel_tool_calls` into a request, and the tools.
  static func apply(
    _ body: RequestFields, offered: OfferedTools, to request: inout GenerationRequest
  ) throws(ServiceError) {
    var offered = offered
    if let value = body["tool_choice"] {
      request.toolChoice = try read(value, body.path(of: "tool_choice"), &offered)
    }
    request.tools = offered.tools
    request.allowsParallelCalls = try body.bool("parallel_tool_calls") ?? true
  }

  private static func read(
    _ value: JSONValue, _ path: String, _ offered: inout OfferedTools
  ) throws(ServiceError) -> GenerationRequest.ToolChoice {
    if case .string(let word) = value { return try mode(word, path, offered) }
    let fields = try RequestFields(value, path: path)
    let type = try fields.string("type") ?? "function"
    switch type {
    case "function":
      let inner = try fields.object("function") ?? fields
      return .named(try name(inner, offered))
    case "custom":
      let inner = try fields.object("custom") ?? fields
      return .named(try name(inner, offered))
    case "allowed_tools":
      let inner = try fields.object("allowed_tools") ?? fields
      var names: Set<String> = []
      for tool in try inner.objects("tools") ?? [] {
        let toolType = try tool.string("type") ?? "function"
        // A tool that is not offered cannot be allowed either; the ones left out are such tools.
        if OfferedTools.hosted.contains(toolType) { continue }
        names.insert(try name(tool.object("function") ?? tool, offered))
      }
      offered.keep(names)
      return try mode(
        inner.string("mode") ?? "auto", inner.path(of: "mode"), offered)
    default:
      throw .unsupported(
        message: "tools of type '\(type)' cannot be called here", parameter: path + ".type")
    }
  }

  private static func mode(
    _ word: String, _ path: String, _ offered: OfferedTools
  ) throws(ServiceError) -> GenerationRequest.ToolChoice {
    switch word {
    case "auto": return .automatic
    case "none": return .none
    case "required", "any":
      guard !offered.tools.isEmpty else {
        throw .invalid(message: "demands a call, but there are no tools", parameter: path)
      }
      return .required
    default:
      throw .invalid(
        message: "is '\(word)'; it must be none, auto, required or name a tool", parameter: path)
    }
  }

  private static func name(
    _ fields: RequestFields, _ offered: OfferedTools
  ) throws(ServiceError) -> String {
    let name = OfferedTools.flat(
      try fields.requiredString("name"), namespace: try fields.string("namespace"))
    guard offered.kinds[name] != nil else {
      throw fields.invalid("name", "'\(name)' is none of the tools of this request")
    }
    return name
  }
}
