import JSON
import ModelServing

/// Content of messages: a string, or blocks.
enum AnthropicContent {
  /// What stands between the texts of separate blocks that are not the model's own.
  static let separator = "\n\n"

  /// The blocks of a member, a string counting as one block of text.
  static func blocks(
    _ fields: RequestFields, _ name: String
  ) throws(ServiceError) -> [RequestFields] {
    switch fields[name] {
    case .string(let text)?:
      let block = JSONValue.members(["type": "text", "text": .string(text)])
      return [try RequestFields(block, path: fields.path(of: name))]
    case .array?: return try fields.objects(name) ?? []
    case nil: return []
    default: throw fields.invalid(name, "must be a string or an array of content blocks")
    }
  }

  /// The system text of a request; empty when it has none.
  ///
  /// A block that only carries Claude Code's attribution (`x-anthropic-billing-header: ...`) is for the provider's
  /// accounting and differs from request to request; the model does not get to see it.
  static func systemText(_ fields: RequestFields) throws(ServiceError) -> String {
    var texts: [String] = []
    for block in try blocks(fields, "system") {
      let type = try block.requiredString("type")
      guard type == "text" else { throw unsupported(type, block, where: "system") }
      let text = try block.requiredString("text")
      if text.hasPrefix("x-anthropic-billing-header:"), !text.utf8.contains(0x0A) { continue }
      if !text.isEmpty { texts.append(text) }
    }
    return texts.joined(separator: separator)
  }

  /// The text of a block that the user or a tool gives; nil for the kinds that are no text.
  static func text(_ block: RequestFields, type: String) throws(ServiceError) -> String? {
    switch type {
    case "text": return try block.requiredString("text")
    case "search_result":
      let parts = [try block.requiredString("title"), try block.requiredString("source")]
      return (parts + [try joinedText(block, "content")]).joined(separator: "\n")
    case "document": return try documentText(block)
    default: return nil
    }
  }

  /// The text of a tool's result.
  static func resultText(_ block: RequestFields) throws(ServiceError) -> String {
    var texts: [String] = []
    for part in try blocks(block, "content") {
      let type = try part.requiredString("type")
      if type == "tool_reference" {
        texts.append("Tool '\(try part.requiredString("tool_name"))' is available.")
      } else if let text = try text(part, type: type) {
        if !text.isEmpty { texts.append(text) }
      } else {
        throw unsupported(type, part, where: "tool_result")
      }
    }
    let text = texts.joined(separator: separator)
    guard try block.bool("is_error") == true else { return text }
    let start = text.prefix(16).lowercased()
    let saysSo = start.hasPrefix("error") || start.hasPrefix("<tool_use_error>")
    return saysSo ? text : "Error: " + text
  }

  /// Why a block is refused.
  static func unsupported(
    _ type: String, _ block: RequestFields, where place: String
  ) -> ServiceError {
    let message =
      switch type {
      case "image":
        "images are not supported: the models of this server read text only; remove the image or describe it in words"
      case "document":
        "only documents with a text source are supported; send the text of the document"
      case "container_upload": "files in containers are not supported; send the text of the file"
      case "server_tool_use", "web_search_tool_result", "web_fetch_tool_result",
        "code_execution_tool_result", "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result", "tool_search_tool_result", "mcp_tool_use",
        "mcp_tool_result":
        "'\(type)' belongs to a tool that the provider's server runs; this server runs none, so a conversation with "
          + "such blocks cannot be continued here"
      default: "content blocks of type '\(type)' are not supported in \(place)"
      }
    return .unsupported(message: message, parameter: block.path(of: "type"))
  }

  private static func joinedText(
    _ fields: RequestFields, _ name: String
  ) throws(ServiceError) -> String {
    var texts: [String] = []
    for part in try blocks(fields, name) {
      let type = try part.requiredString("type")
      guard type == "text" else { throw unsupported(type, part, where: fields.path) }
      texts.append(try part.requiredString("text"))
    }
    return texts.joined(separator: separator)
  }

  private static func documentText(_ block: RequestFields) throws(ServiceError) -> String {
    guard let source = try block.object("source") else {
      throw block.invalid("source", "is missing")
    }
    let text: String
    switch try source.requiredString("type") {
    case "text": text = try source.requiredString("data")
    case "content": text = try joinedText(source, "content")
    default: throw unsupported("document", block, where: "messages")
    }
    let parts = [try block.string("title"), try block.string("context"), text]
    return parts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}
