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
  /// JSON. Missing closers are forgiven.
  static func function(_ text: String) -> ToolCall? {
    let opener = "<function="
    let bytes = Array(text.utf8)
    guard let start = DSML.find(Array(opener.utf8), in: bytes[...]),
      let nameEnd = bytes[start...].firstIndex(of: UInt8(ascii: ">"))
    else { return nil }
    let name = String(decoding: bytes[(start + opener.utf8.count)..<nameEnd], as: UTF8.self)
    var rest = bytes[(nameEnd + 1)...]
    if let end = DSML.find(Array("</function>".utf8), in: rest) { rest = rest[..<end] }
    var members: [JSONMember] = []
    let parameter = Array("<parameter=".utf8)
    while let place = DSML.find(parameter, in: rest) {
      rest = rest[(place + parameter.count)...]
      guard let keyEnd = rest.firstIndex(of: UInt8(ascii: ">")) else { break }
      let key = String(decoding: rest[..<keyEnd], as: UTF8.self)
      rest = rest[(keyEnd + 1)...]
      let closer = DSML.find(Array("</parameter>".utf8), in: rest)
      let end = closer ?? DSML.find(parameter, in: rest) ?? rest.endIndex
      var value = rest[..<end]
      if value.first == 0x0A { value = value.dropFirst() }
      if value.last == 0x0A { value = value.dropLast() }
      let text = String(decoding: value, as: UTF8.self)
      let json = PythonJSON.parse(text)
      let member = JSONMember(
        name: key, value: json?.stringValue == nil ? json ?? .string(text) : .string(text))
      members.removeAll { $0.name == key }
      members.append(member)
      rest = rest[end...]
    }
    return ToolCall(name: name, arguments: PythonJSON.text(.object(members)))
  }
}
