import JSON

/// A tool that a server offers.
public struct ContextTool: Sendable {
  /// What a client may assume about a tool before it calls it. Hints, not promises.
  public struct Annotations: Hashable, Sendable {
    /// The tool changes nothing.
    public var isReadOnly: Bool
    /// Calling it again with the same arguments changes nothing further.
    public var isIdempotent: Bool
    /// It deals with things outside of this machine.
    public var isOpenWorld: Bool

    /// Makes annotations.
    public init(isReadOnly: Bool, isIdempotent: Bool, isOpenWorld: Bool) {
      self.isReadOnly = isReadOnly
      self.isIdempotent = isIdempotent
      self.isOpenWorld = isOpenWorld
    }
  }

  /// The name: letters, digits, `_`, `-` and `.`, at most 128.
  public let name: String
  /// The name for people.
  public let title: String
  /// What it does and how to use it, for the model.
  public let description: String
  /// The JSON schema of the arguments, an object.
  public let inputSchema: JSONValue
  /// The JSON schema of structured results; nil when there are none.
  public let outputSchema: JSONValue?
  /// What a client may assume.
  public let annotations: Annotations
  /// Runs it. The arguments are an object; the tool checks them itself. Runs on the cooperative pool: long work moves
  /// elsewhere and looks at `ToolCall.isCancelled` from time to time.
  public let run:
    @Sendable (_ arguments: JSONValue, ToolCall) async throws(ToolFailure) -> ToolResult

  /// Makes a tool.
  public init(
    name: String, title: String, description: String, inputSchema: JSONValue,
    outputSchema: JSONValue?, annotations: Annotations,
    run: @escaping @Sendable (JSONValue, ToolCall) async throws(ToolFailure) -> ToolResult
  ) {
    self.name = name
    self.title = title
    self.description = description
    self.inputSchema = inputSchema
    self.outputSchema = outputSchema
    self.annotations = annotations
    self.run = run
  }

  /// The tool as `tools/list` shows it in a revision.
  func json(in version: ProtocolVersion) -> JSONValue {
    var members = [JSONMember(name: "name", value: .string(name))]
    func add(_ name: String, _ value: JSONValue) {
      members.append(JSONMember(name: name, value: value))
    }
    if version.hasStructuredContent { add("title", .string(title)) }
    add("description", .string(description))
    add("inputSchema", inputSchema)
    if version.hasStructuredContent, let outputSchema { add("outputSchema", outputSchema) }
    if version.hasAnnotations {
      add(
        "annotations",
        .members([
          "title": .string(title),
          "readOnlyHint": .bool(annotations.isReadOnly),
          "destructiveHint": .bool(!annotations.isReadOnly),
          "idempotentHint": .bool(annotations.isIdempotent),
          "openWorldHint": .bool(annotations.isOpenWorld),
        ]))
    }
    return .object(members)
  }
}

/// What a tool gives back.
public struct ToolResult: Hashable, Sendable {
  /// The result for the model.
  public var text: String
  /// The same for programs, following the tool's output schema; an object.
  public var structured: JSONValue?

  /// Makes a result.
  public init(text: String, structured: JSONValue?) {
    self.text = text
    self.structured = structured
  }

  /// The result as `tools/call` returns it in a revision.
  func json(in version: ProtocolVersion) -> JSONValue {
    var members = [JSONMember(name: "content", value: [Self.block(text)])]
    if version.hasStructuredContent, let structured {
      members.append(JSONMember(name: "structuredContent", value: structured))
    }
    members.append(JSONMember(name: "isError", value: false))
    return .object(members)
  }

  /// The result of a call that failed: the model reads why and can do better.
  static func failure(_ message: String) -> JSONValue {
    .members(["content": [block(message)], "isError": true])
  }

  private static func block(_ text: String) -> JSONValue {
    .members(["type": "text", "text": .string(text)])
  }
}

/// Why a call of a tool has no result.
public enum ToolFailure: Error, Hashable, Sendable {
  /// The arguments or what they name are not acceptable; the text is for the model, which can try again.
  case refused(String)
  /// The call was cancelled.
  case cancelled
}
