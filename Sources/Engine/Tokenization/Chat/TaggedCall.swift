import JSON

/// Reads what Qwen models write between `<tool_call>` and `</tool_call>`.
enum TaggedCall {
  /// `{"name": ..., "arguments": {...}}`, or nil.
  static func json(_ text: String) -> ToolCall? {
    guard let value = PythonJSON.parse(text), let name = value["name"]?.stringValue else {
      return nil
    }
    let arguments = value["arguments"] ?? value["parameters"] ?? .object([])
    return ToolCall(name: name, arguments: arguments.stringValue ?? PythonJSON.text(arguments))
  }

  /// `<function=NAME>` around `<parameter=NAME>` lines, or nil. Values that are JSON other than strings are taken as
  /// JSON where the parameter can have values of their kind. Missing closers are forgiven.
  ///
  /// - Parameter kinds: The kinds of values that parameters may have, by tool and parameter, where they are known.
  static func function(_ text: String, kinds: [String: [String: JSONKinds]] = [:]) -> ToolCall? {
    let opener = "<function="
    let bytes = Array(text.utf8)
    guard let start = DSML.find(Array(opener.utf8), in: bytes[...]),
      let nameEnd = bytes[start...].firstIndex(of: UInt8(ascii: ">"))
    else { return nil }
    let name = String(decoding: bytes[(start + opener.utf8.count)..<nameEnd], as: UTF8.self)
    let kinds = kinds[name] ?? [:]
    var rest = bytes[(nameEnd + 1)...]
    var members: [JSONMember] = []
    while let place = nextParameter(in: rest) {
      rest = rest[(place + parameter.count)...]
      guard let keyEnd = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
      let key = String(decoding: rest[..<keyEnd], as: UTF8.self)
      rest = rest[(keyEnd + 1)...]
      let value = Self.value(in: rest, allowed: kinds[key] ?? .all)
      members.removeAll { $0.name == key }
      members.append(JSONMember(name: key, value: value.json))
      rest = rest[value.end...]
    }
    return ToolCall(name: name, arguments: PythonJSON.text(.object(members)))
  }

  private static let parameter = Array("<parameter=".utf8)
  private static let parameterEnd = Array("</parameter>".utf8)
  private static let functionEnd = Array("</function>".utf8)

  /// Where the next parameter begins, if the function does not end before.
  private static func nextParameter(in rest: ArraySlice<UInt8>) -> Int? {
    guard let place = DSML.find(parameter, in: rest) else { return nil }
    if let end = DSML.find(functionEnd, in: rest[..<place]), end < place { return nil }
    return place
  }

  /// The value that `rest` begins with, and where what follows it begins.
  private static func value(
    in rest: ArraySlice<UInt8>, allowed: JSONKinds
  ) -> (json: JSONValue, end: Int) {
    let body = rest.first == 0x0A ? rest.dropFirst() : rest
    if let end = TaggedCallScan.jsonEnd(in: body) {
      let after = rest[end...].first == 0x0A ? end + 1 : end
      if rest[after...].starts(with: parameterEnd),
        let json = try? JSONParser.parse(Array(body[..<end])), allowed.contains(json)
      {
        return (json, after)
      }
    }
    let ends = [parameterEnd, parameter, functionEnd].compactMap { DSML.find($0, in: rest) }
    // A closer of its own counts before whatever else may stand in the text.
    let end = DSML.find(parameterEnd, in: rest) ?? ends.min() ?? rest.endIndex
    var value = rest[..<end]
    if value.first == 0x0A { value = value.dropFirst() }
    if value.last == 0x0A { value = value.dropLast() }
    let text = String(decoding: value, as: UTF8.self)
    guard let json = PythonJSON.parse(text), json.stringValue == nil, allowed.contains(json) else {
      return (.string(text), end)
    }
    return (json, end)
  }
}
