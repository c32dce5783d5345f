import SoliditySyntax

/// Types as a declaration writes them, with aliases resolved and spacing removed: `uint` and `uint256` read alike.
package enum WrittenType {
  /// The text of a type name. Array lengths other than number literals read as `[...]`.
  package static func text(_ type: TypeName) -> String {
    switch type.kind {
    case .elementary(let elementary):
      return text(elementary)
    case .userDefined(let path):
      return path.text
    case .mapping(let key, _, let value, _):
      return "mapping(\(text(key))=>\(text(value)))"
    case .array(let element, let length):
      guard let length else { return text(element) + "[]" }
      switch length.kind {
      case .literal(.number(let number, nil)): return text(element) + "[\(number)]"
      case .identifier(let name): return text(element) + "[\(name)]"
      default: return text(element) + "[...]"
      }
    case .function(let function):
      let parameters = function.parameters.map { $0.typeName.map(text) ?? "" }
      return "function(\(parameters.joined(separator: ",")))"
    case .missing:
      return "?"
    }
  }

  /// The text of a built-in type.
  package static func text(_ type: ElementaryType) -> String {
    switch type {
    case .address, .addressPayable: "address"
    case .bool: "bool"
    case .string: "string"
    case .bytes: "bytes"
    case .fixedBytes(let size): "bytes\(size)"
    case .unsignedInteger(let bits): "uint\(bits)"
    case .signedInteger(let bits): "int\(bits)"
    case .unsignedFixed(let bits, let decimals): "ufixed\(bits)x\(decimals)"
    case .signedFixed(let bits, let decimals): "fixed\(bits)x\(decimals)"
    }
  }
}
