import JSON

/// Small JSON documents on standard output.
enum JSONText {
  /// An object on one line, with a line feed.
  static func line(_ members: KeyValuePairs<String, JSONValue>) -> String {
    compact(.members(members)) + "\n"
  }

  /// A value over several lines, with a line feed.
  static func document(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.value(value)
    return writer.text + "\n"
  }

  /// A string as JSON writes it, so that control characters cannot reach a terminal.
  static func string(_ text: String) -> String { compact(.string(text)) }

  private static func compact(_ value: JSONValue) -> String {
    var writer = JSONWriter(style: .compact)
    writer.value(value)
    return writer.text
  }
}
