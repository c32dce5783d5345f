import HTTPTypes

extension HTTPFields {
  /// The values of all fields of a name; none when it is no field name.
  func values(of name: String) -> [String] {
    HTTPField.Name(name).map { self[values: $0] } ?? []
  }

  /// The value of the first field of a name.
  func value(of name: String) -> String? { values(of: name).first }

  /// Adds a field; does nothing when the name is no field name.
  mutating func add(_ name: String, _ value: String) {
    guard let name = HTTPField.Name(name) else { return }
    append(HTTPField(name: name, value: value))
  }
}
