import JSON

/// The id of a JSON-RPC request: a whole number or a text. Fractions and null, which JSON-RPC tolerates, are no ids
/// here, as the Model Context Protocol demands.
public enum MessageID: Hashable, Sendable, CustomStringConvertible {
  case number(Int)
  case text(String)

  /// Longer texts are refused: an id is echoed and kept while its request lives.
  static let maximumByteCount = 512

  /// Reads an id; nil for anything else.
  init?(_ value: JSONValue?) {
    switch value {
    case .integer(let number): self = .number(number)
    case .string(let text) where text.utf8.count <= Self.maximumByteCount: self = .text(text)
    default: return nil
    }
  }

  var json: JSONValue {
    switch self {
    case .number(let number): .integer(number)
    case .text(let text): .string(text)
    }
  }

  /// The id as it stands in the message.
  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): "\"\(text)\""
    }
  }
}

/// An error as JSON-RPC 2.0 transports it.
public struct RPCError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A code: from -32768 to -32000 reserved by JSON-RPC and the protocol.
  public var code: Int
  /// A sentence.
  public var message: String
  /// Details.
  public var data: JSONValue?

  /// Makes an error.
  public init(code: Int, message: String, data: JSONValue? = nil) {
    self.code = code
    self.message = message
    self.data = data
  }

  /// The text is no JSON.
  public static let parseErrorCode = -32700
  /// The message is no request.
  public static let invalidRequestCode = -32600
  /// No such method.
  public static let methodNotFoundCode = -32601
  /// The parameters are wrong.
  public static let invalidParametersCode = -32602
  /// The receiver failed.
  public static let internalErrorCode = -32603
  /// There are too many calls; of the range left to implementations.
  public static let overloadedCode = -32000
  /// There is no such session (any more); of the range left to implementations.
  public static let unknownSessionCode = -32001
  /// The header fields and the body of an HTTP request contradict each other (2026-07-28).
  public static let headerMismatchCode = -32020
  /// The request's revision is not served (2026-07-28).
  public static let unsupportedVersionCode = -32022
  /// The request was cancelled: sent only over HTTP, where a reply is owed.
  public static let cancelledCode = -32800

  static func invalidRequest(_ message: String) -> RPCError {
    RPCError(code: invalidRequestCode, message: message)
  }
  static func invalidParameters(_ message: String) -> RPCError {
    RPCError(code: invalidParametersCode, message: message)
  }
  static func unsupportedVersion(_ requested: String) -> RPCError {
    RPCError(
      code: unsupportedVersionCode, message: "this protocol version is not served here",
      data: .members([
        "supported": .array(ProtocolVersion.stateless.map { .string($0.rawValue) }),
        "requested": .string(requested),
      ]))
  }

  /// Reads an error object of a peer; missing parts are replaced.
  init(_ value: JSONValue) {
    code = value["code"]?.integerValue ?? Self.internalErrorCode
    message = value["message"]?.stringValue ?? "an error without a message"
    data = value["data"]
  }

  var json: JSONValue {
    var members = [
      JSONMember(name: "code", value: .integer(code)),
      JSONMember(name: "message", value: .string(message)),
    ]
    if let data { members.append(JSONMember(name: "data", value: data)) }
    return .object(members)
  }

  /// `message (code)`
  public var description: String { "\(message) (\(code))" }
}

/// A JSON-RPC 2.0 message as the Model Context Protocol uses it: parameters are objects or absent.
public enum RPCMessage: Hashable, Sendable {
  /// Asks for a reply.
  case request(id: MessageID, method: String, parameters: JSONValue)
  /// Tells something.
  case notification(method: String, parameters: JSONValue)
  /// Replies with a result.
  case result(id: MessageID, JSONValue)
  /// Replies with an error; the id is nil where the request's could not be read.
  case failure(id: MessageID?, RPCError)

  /// Why a value is no message, and the id a reply can name.
  struct Malformed: Error {
    let id: MessageID?
    let error: RPCError
  }

  /// Reads one message.
  init(_ value: JSONValue) throws(Malformed) {
    guard case .object(let members) = value else {
      throw Malformed(id: nil, error: .invalidRequest("a message must be an object"))
    }
    let id = MessageID(value["id"])
    func malformed(_ message: String) -> Malformed {
      Malformed(id: id, error: .invalidRequest(message))
    }
    guard value["jsonrpc"] == .string("2.0") else { throw malformed("jsonrpc must be \"2.0\"") }
    let hasID = members.contains { $0.name == "id" }
    guard let method = value["method"] else {
      if let result = value["result"], let id {
        self = .result(id: id, result)
        return
      }
      if let error = value["error"], case .object = error {
        self = .failure(id: id, RPCError(error))
        return
      }
      throw malformed("a message needs a method, or an id with a result or an error")
    }
    guard let name = method.stringValue else { throw malformed("method must be a string") }
    if hasID, id == nil { throw malformed("id must be a whole number or a short string") }
    let parameters: JSONValue
    switch value["params"] {
    case nil, .null?: parameters = .object([])
    case .object(let members)?: parameters = .object(members)
    default:
      throw Malformed(id: id, error: .invalidParameters("params must be an object"))
    }
    if let id {
      self = .request(id: id, method: name, parameters: parameters)
    } else {
      self = .notification(method: name, parameters: parameters)
    }
  }

  /// The message as a value.
  var json: JSONValue {
    var members = [JSONMember(name: "jsonrpc", value: "2.0")]
    func add(_ name: String, _ value: JSONValue) {
      members.append(JSONMember(name: name, value: value))
    }
    switch self {
    case .request(let id, let method, let parameters):
      add("id", id.json)
      add("method", .string(method))
      if parameters != .object([]) { add("params", parameters) }
    case .notification(let method, let parameters):
      add("method", .string(method))
      if parameters != .object([]) { add("params", parameters) }
    case .result(let id, let result):
      add("id", id.json)
      add("result", result)
    case .failure(let id, let error):
      add("id", id?.json ?? .null)
      add("error", error.json)
    }
    return .object(members)
  }

  /// The message as JSON text on one line, without a line feed.
  var bytes: [UInt8] { json.compactBytes }
}

extension JSONValue {
  /// The value as JSON text on one line.
  var compactBytes: [UInt8] {
    var writer = JSONWriter(style: .compact)
    writer.value(self)
    return writer.takeBytes()
  }

  /// The object with a member set; the value itself when it is no object.
  func setting(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(
      members.filter { $0.name != name } + [JSONMember(name: name, value: value)])
  }
}
