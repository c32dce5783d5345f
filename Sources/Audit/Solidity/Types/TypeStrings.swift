import BigInt
import SoliditySyntax

extension ResolvedSyntax {
  /// A type as the compiler writes it in `typeString`.
  ///
  /// The short form, of declarations, leaves all locations out (`struct C.S`, `mapping(uint256 =>
  /// struct C.S)`); the long one, of expressions, has them everywhere (`mapping(uint256 => struct
  /// C.S storage ref)`).
  func compilerText(of type: SolidityType, isLong: Bool) -> String {
    guard isLong, type.isReference, !type.isMapping else {
      return plainText(of: type, isLong: isLong)
    }
    let location = type.location ?? .storage
    let text =
      if case .array(let element, let length, _) = type {
        compilerText(of: element.located(location), isLong: true) + dimension(length)
      } else {
        plainText(of: type, isLong: true)
      }
    return text + " " + (location == .storage ? "storage ref" : location.rawValue)
  }

  private func dimension(_ length: BigUInt?) -> String {
    "[" + (length.map { String($0) } ?? "") + "]"
  }

  private func plainText(of type: SolidityType, isLong: Bool) -> String {
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
      compilerText(of: element, isLong: isLong) + dimension(length)
    case .mapping(let key, let value):
      "mapping(" + compilerText(of: key.located(.memory), isLong: isLong && !key.isReference)
        + " => " + compilerText(of: value.located(.storage), isLong: isLong) + ")"
    case .structure(let definition, _): "struct " + canonicalName(of: definition.node)
    case .enumeration(let definition): "enum " + canonicalName(of: definition.node)
    case .userDefinedValue(let definition): canonicalName(of: definition.node)
    case .contract(let contract, let isSuper):
      (contract.node.kind == .library ? "library " : "contract ") + (isSuper ? "super " : "")
        + contract.node.name
    case .function(let function): text(of: function, isLong: isLong)
    case .tuple(let parts):
      "tuple("
        + parts.map { $0.map { compilerText(of: $0, isLong: isLong) } ?? "" }
        .joined(separator: ",") + ")"
    case .rational(let value): text(of: value)
    case .stringLiteral(let bytes): text(ofLiteral: bytes)
    case .metatype(let inner), .typeInformation(let inner):
      "type(" + pointer(compilerText(of: inner, isLong: isLong)) + ")"
    case .module(let number):
      "module \"" + (units.indices.contains(Int(number)) ? units[Int(number)].source.path : "")
        + "\""
    case .magic(let object): object.rawValue
    case .unknown: "unknown"
    }
  }

  private func text(of function: FunctionType, isLong: Bool) -> String {
    func list(_ types: [SolidityType]) -> String {
      "(" + types.map { pointer(compilerText(of: $0, isLong: isLong)) }.joined(separator: ",") + ")"
    }
    var text = "function " + list(function.parameters)
    if function.mutability != .nonpayable { text += " " + function.mutability.rawValue }
    if function.isExternal { text += " external" }
    if !function.returns.isEmpty { text += " returns " + list(function.returns) }
    return text
  }

  /// Storage values in the place of parameters and types are pointers.
  private func pointer(_ text: String) -> String {
    text.hasSuffix("storage ref") ? text.dropLast(3) + "pointer" : text
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

extension SolidityType {
  fileprivate var isMapping: Bool { if case .mapping = self { true } else { false } }
}
