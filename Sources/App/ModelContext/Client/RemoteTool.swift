import JSON
import TerminalText

/// A tool of a server.
public struct RemoteTool: Hashable, Sendable {
  /// The name, as the server knows it.
  public let name: String
  /// What it does, in the server's words: not to be trusted.
  public let description: String
  /// The JSON schema of its arguments.
  public let inputSchema: JSONValue
  /// Whether the server says that it changes nothing: a hint.
  public let isReadOnly: Bool

  /// The most bytes of a description and of a schema. What a server says about its tools goes into every conversation.
  static let maximumDescription = 8 << 10
  static let maximumSchema = 64 << 10

  /// Why a tool is not offered.
  struct Unusable: Error { let reason: String }

  /// Reads an entry of `tools/list`.
  init(_ value: JSONValue) throws(Unusable) {
    guard let name = value["name"]?.stringValue, Self.isName(name) else {
      let shown = SafeText.line(String((value["name"]?.stringValue ?? "without a name").prefix(64)))
      throw Unusable(
        reason: "the tool \(shown) has a name other than 1 to 128 letters, digits, _, -, . and /")
    }
    let description = value["description"]?.stringValue ?? ""
    guard description.utf8.count <= Self.maximumDescription else {
      throw Unusable(
        reason:
          "the description of the tool \(name) is longer than \(Self.maximumDescription) bytes")
    }
    guard let schema = value["inputSchema"], case .object = schema else {
      throw Unusable(reason: "the tool \(name) has no schema of its arguments")
    }
    guard schema.compactBytes.count <= Self.maximumSchema else {
      throw Unusable(
        reason: "the schema of the tool \(name) is longer than \(Self.maximumSchema) bytes")
    }
    self.name = name
    self.description = description
    inputSchema = schema
    isReadOnly = value["annotations"]?["readOnlyHint"] == true
  }

  private static func isName(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
          UInt8(ascii: "."), UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }
}

/// The tools of a server.
public struct RemoteTools: Hashable, Sendable {
  /// Those that can be offered, in the server's order.
  public let tools: [RemoteTool]
  /// Why others are left out; whole sentence parts.
  public let notes: [String]
}

/// What a call of a tool gave.
public struct RemoteResult: Hashable, Sendable {
  /// The result as text: not to be trusted.
  public let text: String
  /// Whether the server says that the call failed.
  public let isError: Bool

  /// Longer results are cut, and the text says so.
  static let maximumByteCount = 256 << 10

  /// Makes a result.
  public init(text: String, isError: Bool) {
    self.text = Self.bounded(text)
    self.isError = isError
  }

  /// Reads the result of `tools/call`; nil when it is none.
  init?(_ value: JSONValue) {
    guard case .object = value else { return nil }
    var parts: [String] = []
    if let content = value["content"] {
      guard let blocks = content.arrayValue else { return nil }
      parts = blocks.map(Self.text)
    } else if value["structuredContent"] == nil {
      return nil
    }
    if parts.isEmpty, let structured = value["structuredContent"] {
      parts = [String(decoding: structured.compactBytes, as: UTF8.self)]
    }
    text = Self.bounded(parts.joined(separator: "\n"))
    isError = value["isError"] == true
  }

  /// A block of content as text; what is no text is named.
  private static func text(_ block: JSONValue) -> String {
    let type = block["type"]?.stringValue ?? "unknown"
    switch type {
    case "text": return block["text"]?.stringValue ?? ""
    case "resource":
      if let text = block["resource"]?["text"]?.stringValue { return text }
      return "[a resource without text: \(block["resource"]?["uri"]?.stringValue ?? "unnamed")]"
    case "resource_link": return "[a link: \(block["uri"]?.stringValue ?? "unnamed")]"
    default:
      let kind = block["mimeType"]?.stringValue ?? type
      return
        "[\(kind), \(block["data"]?.stringValue?.utf8.count ?? 0) bytes, left out: only text is read here]"
    }
  }

  private static func bounded(_ text: String) -> String {
    let size = text.utf8.count
    guard size > maximumByteCount else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: maximumByteCount)
    while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return text[..<end] + "\n[cut here: \(size) bytes in all, \(maximumByteCount) are shown]"
  }
}
