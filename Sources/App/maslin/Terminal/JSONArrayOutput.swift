import Auditing
import JSON

/// A JSON array on standard output, written element by element as results arrive.
struct JSONArrayOutput: ~Copyable {
  private var output = StandardOutput()
  private var isEmpty = true

  /// Writes one element.
  mutating func append(_ value: JSONValue) throws {
    var writer = JSONWriter()
    writer.value(value)
    try output.write(isEmpty ? "[\n" : ",\n")
    try output.write(writer.takeBytes())
    isEmpty = false
  }

  /// Closes the array.
  consuming func finish() throws {
    try output.write(isEmpty ? "[]\n" : "\n]\n")
    try output.finish()
  }
}

extension JSONValue {
  /// A string, or null.
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// An array of strings.
  static func strings(_ texts: some Sequence<String>) -> JSONValue {
    .array(texts.map { .string($0) })
  }
}
