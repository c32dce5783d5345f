import BigInt
import SoliditySyntax

extension ResolvedSyntax {
  /// A type as the compiler writes it in `typeString`; types without location as in declarations.
  func compilerText(of type: SolidityType) -> String {
    switch type {
    case .bytes(let location?): "bytes " + compilerText(of: location)
    case .string(let location?): "string " + compilerText(of: location)
    case .structure(let definition, let location?):
      "struct " + canonicalName(of: definition.node) + " " + compilerText(of: location)
    case .array(let element, let length, let location?):
      compilerText(of: element.located(location)) + "[" + (length.map { String($0) } ?? "") + "] "
        + compilerText(of: location)
    default: plainText(of: type)
    }
  }

  private func compilerText(of location: DataLocation) -> String {
    location == .storage ? "storage ref" : location.rawValue
  }

  private func plainText(of type: SolidityType) -> String {
    switch type {
    case .bool: "bool"
    case .address(let payable): payable ? "address payable" : "address"
    case .integer(let bits, let signed): (signed ? "int" : "uint") + String(bits)
    case .fixedPoint(let bits, let decimals, let signed):
      (signed ? "fixed" : "ufixed") + "\(bits)x\(decimals)"
    case .fixedBytes(let count): "bytes\(count)"
    case .bytes: "bytes"
    case .string: "string"
    case .array(let element, let length, _):
      compilerText(of: element) + "[" + (length.map { String($0) } ?? "") + "]"
    case .mapping(let key, let value):
      "mapping(" + compilerText(of: key) + " => " + compilerText(of: value) + ")"
    case .structure(let definition, _): "struct " + canonicalName(of: definition.node)
    case .enumeration(let definition): "enum " + canonicalName(of: definition.node)
    case .userDefinedValue(let definition): canonicalName(of: definition.node)
    case .contract(let contract, let isSuper):
      (contract.node.kind == .library ? "library " : "contract ") + (isSuper ? "super " : "")
        + contract.node.name
    case .function(let function): text(of: function)
    case .tuple(let parts):
      "tuple(" + parts.map { $0.map { compilerText(of: $0) } ?? "" }.joined(separator: ",") + ")"
    case .rational(let value): text(of: value)
    case .stringLiteral(let bytes): text(ofLiteral: bytes)
    case .metatype(let inner), .typeInformation(let inner): "type(" + compilerText(of: inner) + ")"
    case .module(let number):
      "module \"" + (units.indices.contains(Int(number)) ? units[Int(number)].source.path : "")
        + "\""
    case .magic(let object): object.rawValue
    case .unknown: "unknown"
    }
  }

  private func text(of function: FunctionType) -> String {
    var text = "function (" + function.parameters.map { value(of: $0) }.joined(separator: ",") + ")"
    if function.mutability != .nonpayable { text += " " + function.mutability.rawValue }
    if function.isExternal { text += " external" }
    if !function.returns.isEmpty {
      text += " returns (" + function.returns.map { value(of: $0) }.joined(separator: ",") + ")"
    }
    return text
  }

  /// In function types storage values are pointers.
  private func value(of type: SolidityType) -> String {
    let text = compilerText(of: type)
    return text.hasSuffix("storage ref") ? text.dropLast(3) + "pointer" : text
  }

  private func text(of value: Rational) -> String {
    guard let whole = value.integer else {
      return "rational_const " + readable(value.numerator) + " / " + readable(value.denominator)
    }
    return "int_const " + readable(whole)
  }

  /// Numbers beyond 32 digits are shortened in the middle.
  private func readable(_ value: BigInt) -> String {
    let digits = String(value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    guard digits.utf8.count > 32 else { return sign + digits }
    return sign + digits.prefix(4) + "...(\(digits.utf8.count - 8) digits omitted)..."
      + digits.suffix(4)
  }

  private func text(ofLiteral bytes: [UInt8]) -> String {
    guard bytes.allSatisfy({ $0 > 0x1f && $0 < 0x7f }) else {
      return "literal_string hex\"" + bytes.map { hexadecimal($0) }.joined() + "\""
    }
    return "literal_string \"" + String(decoding: bytes, as: UTF8.self) + "\""
  }

  private func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
