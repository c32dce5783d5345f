import JSON
import ModelServing

/// Member `input` of a request for a response: a text or items, read as turns of a conversation.
struct ResponseInput {
  /// The turns. Thoughts, words and calls of the assistant in a row are one turn.
  private(set) var turns: [Turn] = []
  /// The items, each with a type and an id, for `GET /v1/responses/{id}/input_items`.
  private(set) var items: [JSONValue] = []

  private let store: ResponseStore
  private let identifiers: OpenAIDialect.Identifiers

  /// Reads the member; nothing at all gives no turns.
  ///
  /// - Throws: `ServiceError` with the path of what is wrong.
  init(
    _ value: JSONValue?, path: String, store: ResponseStore,
    identifiers: OpenAIDialect.Identifiers
  ) throws(ServiceError) {
    self.store = store
    self.identifiers = identifiers
    switch value {
    case nil: return
    case .string(let text):
      try add(.members(["role": "user", "content": .string(text)]), path)
    case .array(let elements):
      for (index, element) in elements.enumerated() { try add(element, "\(path)[\(index)]") }
    default: throw .invalid(message: "must be a string or an array of items", parameter: path)
    }
  }

  private mutating func add(
    _ value: JSONValue, _ path: String, isReference: Bool = false
  ) throws(ServiceError) {
    let fields = try RequestFields(value, path: path)
    let type = try fields.string("type") ?? "message"
    switch type {
    case "message": try addMessage(fields)
    case "reasoning": try addReasoning(fields)
    case "function_call": try addCall(fields)
    case "custom_tool_call": try addCustomCall(fields)
    case "function_call_output", "custom_tool_call_output": try addOutput(fields)
    case "item_reference" where !isReference:
      let id = try fields.requiredString("id")
      guard let item = store.item(id) else {
        throw fields.invalid(
          "id", "no item '\(id)' is kept; send the item itself (items are kept in memory only)")
      }
      try add(item, path, isReference: true)
      return
    default:
      throw .unsupported(
        message: "items of type '\(type)' are not supported", parameter: fields.path(of: "type"))
    }
  }

  private mutating func addMessage(_ fields: RequestFields) throws(ServiceError) {
    let role = try fields.requiredString("role")
    guard let value = fields["content"] else { throw fields.invalid("content", "is missing") }
    let content = try MessageContent(value, path: fields.path(of: "content"))
    switch role {
    case "assistant":
      let turn = assistantTurn { $0.content.isEmpty && $0.calls.isEmpty }
      turns[turn].content = content.text
      if let reasoning = content.reasoning { turns[turn].reasoning = reasoning }
    case "user": turns.append(Turn(role: .user, content: content.text))
    case "system": turns.append(Turn(role: .system, content: content.text))
    case "developer": turns.append(Turn(role: .developer, content: content.text))
    default:
      throw fields.invalid(
        "role", "is '\(role)'; it must be user, assistant, system or developer")
    }
    var parts = value
    if case .string(let text) = value {
      parts =
        role == "assistant"
        ? [.members(["type": "output_text", "text": .string(text), "annotations": []])]
        : [.members(["type": "input_text", "text": .string(text)])]
    }
    record(
      fields, prefix: "msg_", type: "message",
      replacing: [JSONMember(name: "content", value: parts)])
  }

  private mutating func addReasoning(_ fields: RequestFields) throws(ServiceError) {
    var text = ""
    if let sealed = try fields.string("encrypted_content"),
      let opened = SealedReasoning.open(sealed)
    {
      text = opened
    } else {
      for name in ["content", "summary"] where text.isEmpty {
        let parts = try MessageContent(fields[name], path: fields.path(of: name))
        text = parts.reasoning ?? parts.text
      }
    }
    record(fields, prefix: "rs_", type: "reasoning", replacing: [])
    guard !text.isEmpty else { return }
    let turn = assistantTurn { $0.content.isEmpty && $0.calls.isEmpty }
    turns[turn].reasoning = turns[turn].reasoning.map { $0 + "\n" + text } ?? text
  }

  private mutating func addCall(_ fields: RequestFields) throws(ServiceError) {
    let call = Call(
      id: try fields.requiredString("call_id"),
      name: OfferedTools.flat(
        try fields.requiredString("name"), namespace: try fields.string("namespace")),
      arguments: try CallArguments.read(fields))
    turns[assistantTurn { _ in true }].calls.append(call)
    record(
      fields, prefix: "fc_", type: "function_call",
      replacing: [JSONMember(name: "arguments", value: .string(call.arguments))])
  }

  private mutating func addCustomCall(_ fields: RequestFields) throws(ServiceError) {
    let input = try fields.requiredString("input")
    var writer = JSONWriter(style: .compact)
    writer.object { $0.member(OfferedTools.customParameter, input) }
    let call = Call(
      id: try fields.requiredString("call_id"), name: try fields.requiredString("name"),
      arguments: writer.text)
    turns[assistantTurn { _ in true }].calls.append(call)
    record(fields, prefix: "ctc_", type: "custom_tool_call", replacing: [])
  }

  private mutating func addOutput(_ fields: RequestFields) throws(ServiceError) {
    let id = try fields.requiredString("call_id")
    guard let value = fields["output"] else { throw fields.invalid("output", "is missing") }
    let output = try MessageContent(value, path: fields.path(of: "output"))
    turns.append(Turn(role: .tool, content: output.text, callID: id))
    record(
      fields, prefix: "fco_", type: try fields.requiredString("type"), replacing: [])
  }

  /// The place of the assistant's turn that goes on, or of a new one.
  private mutating func assistantTurn(joins: (Turn) -> Bool) -> Int {
    if let last = turns.last, last.role == .assistant, joins(last) { return turns.count - 1 }
    turns.append(Turn(role: .assistant, content: ""))
    return turns.count - 1
  }

  /// Remembers an item with what its type demands.
  private mutating func record(
    _ fields: RequestFields, prefix: String, type: String, replacing members: [JSONMember]
  ) {
    var item = [
      JSONMember(name: "id", value: fields["id"] ?? .string(identifiers.make(prefix))),
      JSONMember(name: "type", value: .string(type)),
      JSONMember(name: "status", value: fields["status"] ?? "completed"),
    ]
    let replaced = Set(members.map(\.name)).union(["id", "type", "status"])
    item += fields.members.filter { !replaced.contains($0.name) }
    items.append(.object(item + members))
  }
}

/// The thoughts of an answer as member `encrypted_content` carries them to clients that keep the conversation themselves
/// and send back only that member. On this machine there is nobody to hide them from: the text is encoded, not encrypted.
enum SealedReasoning {
  private static let mark = "maslin1."

  /// The member's value for a text.
  static func seal(_ text: String) -> String { mark + Base64.encode(Array(text.utf8)) }

  /// The text in a value; nil for a value that was not made here.
  static func open(_ value: String) -> String? {
    guard value.hasPrefix(mark) else { return nil }
    return Base64.decode(value.dropFirst(mark.count)).flatMap {
      String(validating: $0, as: UTF8.self)
    }
  }
}
