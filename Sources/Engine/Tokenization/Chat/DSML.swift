import JSON

/// DeepSeek's notation for tool calls (specification, 9.3).
enum DSML {
  static let blockStarts = ["<｜DSML｜tool_calls>", "<｜DSML｜function_calls>"]
  static let blockEnds = ["</｜DSML｜tool_calls>", "</｜DSML｜function_calls>"]
  static let callStart = "<｜DSML｜invoke"
  static let callEnd = "</｜DSML｜invoke>"
  static let parameterStart = "<｜DSML｜parameter"
  static let parameterEnd = "</｜DSML｜parameter>"

  /// Appends the block of calls that ends an answer.
  static func append(_ calls: [ToolCall], to prompt: inout ChatPrompt) {
    prompt.format("\n\n" + blockStarts[0] + "\n")
    for call in calls {
      if let verbatim = call.verbatim {
        prompt.format(verbatim)
      } else {
        append(call, to: &prompt)
      }
      prompt.format("\n")
    }
    prompt.format(blockEnds[0])
  }

  private static func append(_ call: ToolCall, to prompt: inout ChatPrompt) {
    prompt.format(callStart + " name=\"")
    prompt.content(call.name)
    prompt.format("\">\n")
    // Arguments that are not an object are passed on as one text, as the official encoder does.
    let members =
      PythonJSON.members(call.arguments)
      ?? [JSONMember(name: "arguments", value: .string(call.arguments))]
    for (place, member) in members.enumerated() {
      prompt.format((place > 0 ? "\n" : "") + parameterStart + " name=\"")
      prompt.content(member.name)
      if let text = member.value.stringValue {
        prompt.format("\" string=\"true\">")
        prompt.content(text)
      } else {
        prompt.format("\" string=\"false\">")
        prompt.content(PythonJSON.text(member.value))
      }
      prompt.format(parameterEnd)
    }
    prompt.format("\n" + callEnd)
  }

  /// Reads one call, from `callStart` up to and without `callEnd`.
  ///
  /// Missing closers of parameters, repeated parameters (the last counts) and values that are not what they say they
  /// are (they are taken as text) are forgiven; a name must be there.
  ///
  /// - Parameter isCut: Whether the output ends inside the call: then a last parameter without closer is not
  ///   trusted, and there is no call.
  /// - Parameter kinds: The kinds of values that parameters may have, by tool and parameter, where they are known.
  static func call(
    _ text: String, isCut: Bool, kinds: [String: [String: JSONKinds]] = [:]
  ) -> ToolCall? {
    let parts = split(Array(text.utf8), at: Array(parameterStart.utf8))
    guard let header = parts.first, let name = attribute("name", header)?.value,
      header.contains(UInt8(ascii: ">"))
    else { return nil }
    let kinds = kinds[name] ?? [:]
    var arguments: [(name: String, value: String)] = []
    for (place, part) in parts.dropFirst().enumerated() {
      let isLast = place == parts.count - 2
      guard let parameter = parameter(part, mayBeOpen: !(isCut && isLast), kinds: kinds)
      else {
        if isCut && isLast { return nil }
        continue
      }
      if let earlier = arguments.firstIndex(where: { $0.name == parameter.name }) {
        arguments[earlier].value = parameter.value
      } else {
        arguments.append(parameter)
      }
    }
    let members = arguments.map { PythonJSON.text($0.name) + ": " + $0.value }
    return ToolCall(
      name: name, arguments: "{" + members.joined(separator: ", ") + "}",
      verbatim: isCut ? nil : text + callEnd)
  }

  /// A parameter's name and its value as JSON; `part` follows `parameterStart`.
  private static func parameter(
    _ part: ArraySlice<UInt8>, mayBeOpen: Bool, kinds: [String: JSONKinds]
  ) -> (name: String, value: String)? {
    guard let name = attribute("name", part) else { return nil }
    let kind = attribute("string", part[name.end...])
    let header = kind.flatMap { isTagEnd(part, $0.end) ? $0.end : nil } ?? name.end
    guard let tagEnd = part[header...].firstIndex(of: UInt8(ascii: ">")) else { return nil }
    var value = part[(tagEnd + 1)...]
    if let end = find(Array(parameterEnd.utf8), in: value) {
      value = value[..<end]
    } else if mayBeOpen {
      if value.last == 0x0A { value = value.dropLast() }
    } else {
      return nil
    }
    let text = String(decoding: value, as: UTF8.self)
    let allowed = kinds[name.value] ?? .all
    let json = PythonJSON.parse(text)
    // The attribute decides unless it contradicts what the parameter can be.
    let isText = kind?.value == "true" ? allowed.contains(.string) : false
    guard !isText, let json, allowed.contains(json) || !allowed.contains(.string),
      kind?.value != "true" || allowed.contains(json)
    else { return (name.value, PythonJSON.text(text)) }
    // What the model wrote stays as it wrote it, so that the call can be repeated byte for byte.
    return (name.value, kind == nil ? PythonJSON.text(json) : text)
  }

  private static func isTagEnd(_ part: ArraySlice<UInt8>, _ index: Int) -> Bool {
    part[index...].first { $0 != 0x20 } == UInt8(ascii: ">")
  }

  /// The value of an attribute and where it ends (after its quote).
  private static func attribute(
    _ name: String, _ part: ArraySlice<UInt8>
  ) -> (value: String, end: Int)? {
    let opening = Array(" \(name)=\"".utf8)
    guard let start = find(opening, in: part),
      let end = part[(start + opening.count)...].firstIndex(of: UInt8(ascii: "\""))
    else { return nil }
    return (String(decoding: part[(start + opening.count)..<end], as: UTF8.self), end + 1)
  }

  private static func split(_ text: [UInt8], at separator: [UInt8]) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var rest = text[...]
    while let place = find(separator, in: rest) {
      parts.append(rest[..<place])
      rest = rest[(place + separator.count)...]
    }
    return parts + [rest]
  }

  /// Where `pattern` first begins in `text`, or nil.
  static func find(_ pattern: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
    guard let first = pattern.first else { return nil }
    var from = text.startIndex
    while let start = text[from...].firstIndex(of: first) {
      if text[start...].starts(with: pattern) { return start }
      from = start + 1
    }
    return nil
  }
}
