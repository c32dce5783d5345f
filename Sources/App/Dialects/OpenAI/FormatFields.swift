import JSON
import ModelServing

/// The form a request wants its answer in: OpenAI's members and the ones llama.cpp, vLLM and SGLang add.
struct FormatFields {
  /// The body of the request.
  let body: RequestFields
  private var found: (name: String, format: GenerationRequest.Format)?

  private init(_ body: RequestFields) { self.body = body }

  /// Reads the one form a request names.
  ///
  /// - Parameter standard: the member of the interface itself: `response_format`, or `format` inside `text`.
  /// - Throws: `ServiceError` for several forms at once, as they could contradict each other.
  static func read(
    _ body: RequestFields, standard: RequestFields?
  ) throws(ServiceError) -> GenerationRequest.Format {
    var fields = FormatFields(body)
    if let standard { try fields.add(standard) }
    try fields.addExtensions()
    return fields.found?.format ?? .text
  }

  private mutating func note(
    _ name: String, _ format: GenerationRequest.Format
  ) throws(ServiceError) {
    if let found {
      throw .invalid(message: "cannot be combined with \(found.name)", parameter: name)
    }
    found = (name, format)
  }

  private mutating func add(_ fields: RequestFields) throws(ServiceError) {
    let type = try fields.requiredString("type")
    switch type {
    case "text": break
    case "json_object":
      if let schema = fields["schema"] {
        try note(fields.path, .jsonSchema(try self.schema(schema, fields.path(of: "schema"))))
      } else {
        try note(fields.path, .jsonObject)
      }
    case "json_schema":
      // Chat completions put the schema one level deeper than responses.
      let inner = try fields.object("json_schema") ?? fields
      guard let schema = inner["schema"] else {
        let isDeeper = inner.path == fields.path && fields.path == "response_format"
        throw inner.invalid(isDeeper ? "json_schema" : "schema", "is missing")
      }
      try note(fields.path, .jsonSchema(try self.schema(schema, inner.path(of: "schema"))))
    case "regex":
      let name = fields["pattern"] == nil ? "regex" : "pattern"
      try note(fields.path, .regularExpression(try fields.requiredString(name)))
    case "grammar":
      try note(fields.path, .grammar(try fields.requiredString("grammar")))
    default:
      throw .unsupported(
        message: "is '\(type)'; text, json_object, json_schema, regex and grammar are supported",
        parameter: fields.path(of: "type"))
    }
  }

  private mutating func addExtensions() throws(ServiceError) {
    if let schema = body["json_schema"] {
      try note(
        body.path(of: "json_schema"),
        .jsonSchema(try self.schema(schema, body.path(of: "json_schema"))))
    }
    for name in ["grammar", "guided_grammar", "ebnf"] {
      if let text = try body.string(name), !text.isEmpty {
        try note(body.path(of: name), .grammar(text))
      }
    }
    for name in ["guided_regex", "regex"] {
      if let pattern = try body.string(name), !pattern.isEmpty {
        try note(body.path(of: name), .regularExpression(pattern))
      }
    }
    if let schema = body["guided_json"] {
      try note(body.path(of: "guided_json"), try self.json(schema, body.path(of: "guided_json")))
    }
    if let choices = try body.array("guided_choice") {
      try note(
        body.path(of: "guided_choice"), try choice(choices, body.path(of: "guided_choice")))
    }
    guard let structured = try body.object("structured_outputs") else { return }
    if let schema = structured["json"] {
      try note(structured.path(of: "json"), try self.json(schema, structured.path(of: "json")))
    }
    if let pattern = try structured.string("regex") {
      try note(structured.path(of: "regex"), .regularExpression(pattern))
    }
    if let text = try structured.string("grammar") {
      try note(structured.path(of: "grammar"), .grammar(text))
    }
    if let choices = try structured.array("choice") {
      try note(structured.path(of: "choice"), try choice(choices, structured.path(of: "choice")))
    }
    if try structured.bool("json_object") == true {
      try note(structured.path(of: "json_object"), .jsonObject)
    }
  }

  private func schema(_ value: JSONValue, _ path: String) throws(ServiceError) -> JSONValue {
    switch value {
    case .object, .bool: return value
    default: throw .invalid(message: "must be a JSON schema", parameter: path)
    }
  }

  /// A schema, or the text of one.
  private func json(
    _ value: JSONValue, _ path: String
  ) throws(ServiceError) -> GenerationRequest.Format {
    guard case .string(let text) = value else { return .jsonSchema(try schema(value, path)) }
    do {
      return .jsonSchema(try schema(JSONParser.parse(Array(text.utf8)), path))
    } catch let error as JSONError {
      throw .invalid(message: "is not JSON: \(error)", parameter: path)
    } catch {
      throw .invalid(message: "must be a JSON schema", parameter: path)
    }
  }

  /// One of several texts, as a grammar.
  private func choice(
    _ values: [JSONValue], _ path: String
  ) throws(ServiceError) -> GenerationRequest.Format {
    var alternatives: [String] = []
    for (index, value) in values.enumerated() {
      guard let text = value.stringValue, !text.isEmpty else {
        throw .invalid(
          message: "must be a string that is not empty", parameter: "\(path)[\(index)]")
      }
      alternatives.append(FormatFields.quoted(text))
    }
    guard !alternatives.isEmpty else {
      throw .invalid(message: "must hold at least one text", parameter: path)
    }
    return .grammar("root ::= " + alternatives.joined(separator: " | "))
  }

  /// A text as a literal of GBNF.
  private static func quoted(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case "\r": literal += "\\r"
      case "\t": literal += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        literal += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}
