import Foundation
import JSON

/// Which forms of a reply a client takes.
struct AcceptedTypes: Hashable, Sendable {
  /// Plain JSON.
  let json: Bool
  /// A stream of server-sent events.
  let events: Bool

  /// Reads an `Accept` field; without one everything is taken. Weights other than 0 are passed over.
  init(_ field: String?) {
    guard let field else {
      (json, events) = (true, true)
      return
    }
    let types = Set(field.split(separator: ",").compactMap { HeaderText.acceptedType(String($0)) })
    json = !types.isDisjoint(with: ["application/json", "application/*", "*/*"])
    events = !types.isDisjoint(with: ["text/event-stream", "text/*", "*/*"])
  }
}

/// The syntax of header fields (RFC 9110).
enum HeaderText {
  /// The media type without its parameters, in lower case.
  static func mediaType(_ field: String) -> String {
    trimmed(field.prefix { $0 != ";" }).lowercased()
  }

  /// The media type of one entry of `Accept`; nil when its weight is 0.
  static func acceptedType(_ entry: String) -> String? {
    let parts = entry.split(separator: ";").map { trimmed($0).lowercased() }
    guard let type = parts.first else { return nil }
    let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { $0.dropFirst(2) }
    if let weight, Double(weight) == 0 { return nil }
    return type
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    text.trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
  }

  /// What a field stands for that carries a value of the body: as it is, or `=?base64?...?=` around the base64 form
  /// of its UTF-8 bytes; nil when that is damaged (revision 2026-07-28).
  static func decoded(_ field: String) -> String? {
    let (start, end) = ("=?base64?", "?=")
    guard field.hasPrefix(start), field.hasSuffix(end), field.utf8.count >= start.utf8.count + 2
    else { return field }
    let payload = String(field.dropFirst(start.count).dropLast(end.count))
    guard let data = Data(base64Encoded: payload), data.base64EncodedString() == payload else {
      return nil
    }
    return String(validating: data, as: UTF8.self)
  }
}

/// The header fields of revision 2026-07-28, which repeat parts of the body for what stands between client and server.
enum StatelessHeaders {
  /// Why a posted message is refused; nil when header and body agree.
  static func refusal(of message: JSONValue, _ headers: [String: String]) -> RPCError? {
    func mismatch(_ text: String) -> RPCError {
      RPCError(code: RPCError.headerMismatchCode, message: text)
    }
    guard case .object(let members) = message else {
      return .invalidRequest("the body must be one message")
    }
    // What needs no answer has no fields prescribed.
    guard members.contains(where: { $0.name == "id" }), let method = message["method"] else {
      return nil
    }
    let parameters = message["params"]
    guard case .object? = parameters?["_meta"] else {
      return .invalidParameters(
        "params._meta must hold \(MetaKey.protocolVersion) and \(MetaKey.clientCapabilities)")
    }
    guard let stated = parameters?["_meta"]?[MetaKey.protocolVersion] else {
      return .invalidParameters("_meta lacks \(MetaKey.protocolVersion)")
    }
    guard headers["mcp-protocol-version"] == stated.stringValue else {
      return mismatch("mcp-protocol-version differs from the version in _meta")
    }
    guard let name = method.stringValue, headers["mcp-method"] == name else {
      return mismatch("mcp-method differs from the method of the message")
    }
    guard name == "tools/call", let tool = parameters?["name"]?.stringValue else { return nil }
    guard let field = headers["mcp-name"], HeaderText.decoded(field) == tool else {
      return mismatch("mcp-name differs from the name of the tool")
    }
    return nil
  }
}
