import BigInt
import Ethereum
import SoliditySyntax

/// Computes what an expression is worth without running the program, beyond what the compiler needs
/// to know: hashes, encodings, conversions, selectors, typed arithmetic.
struct ConstantEvaluator {
  /// How deep expressions may nest, parentheses and chains of operators aside.
  private static let maximumDepth = 64

  let syntax: any ResolvedSyntax
  private var depth = 0

  init(syntax: any ResolvedSyntax) { self.syntax = syntax }

  /// The value of an expression; nil where it depends on more than constants.
  func value(of expression: Expression) -> ConstantValue? {
    guard depth < ConstantEvaluator.maximumDepth else { return nil }
    var inner = self
    inner.depth += 1
    return inner.compute(expression.withoutParentheses)
  }

  private func compute(_ expression: Expression) -> ConstantValue? {
    if case .rational(let number) = syntax.type(of: expression) { return .number(number) }
    switch expression.kind {
    case .literal(let literal): return value(of: literal)
    case .identifier, .memberAccess: return value(ofName: expression)
    case .prefix(let operation, let operand):
      return prefix(operation, operand, type: syntax.type(of: expression), at: expression)
    case .binary: return chain(expression)
    case .conditional(let condition, let then, let otherwise):
      guard case .bool(let holds) = value(of: condition) else { return nil }
      return value(of: holds ? then : otherwise, as: syntax.type(of: expression))
    case .call: return call(expression)
    case .index(let base, let index?):
      guard case .bytes(let bytes) = value(of: base), case .fixedBytes = syntax.type(of: base),
        case .number(let number) = value(of: index),
        let place = number.integer.flatMap({ Int(exactly: $0) }),
        bytes.indices.contains(place)
      else { return nil }
      return .bytes([bytes[place]])
    default: return nil
    }
  }

  /// The value of an expression where a value of `type` is expected.
  func value(of expression: Expression, as type: SolidityType) -> ConstantValue? {
    value(of: expression).flatMap { convert($0, from: syntax.type(of: expression), to: type) }
  }

  private func value(of literal: Literal) -> ConstantValue? {
    switch literal {
    case .bool(let value): .bool(value)
    case .number(let text, let unit):
      RationalArithmetic.number(text, unit: unit).map { .number($0) }
    case .string(let bytes), .unicodeString(let bytes), .hexString(let bytes): .bytes(bytes)
    }
  }

  private func value(ofName expression: Expression) -> ConstantValue? {
    switch syntax.declaration(of: expression) {
    case let variable as VariableDeclaration where variable.mutability == .constant:
      return syntax.constantValue(of: variable)
    case let value as EnumValue:
      return syntax.enumeration(of: value).map { .number(Rational(integer: BigInt($0.ordinal))) }
    default: break
    }
    guard case .memberAccess(let base, let name) = expression.kind else { return nil }
    return member(name.text, of: base)
  }

  private func member(_ name: String, of base: Expression) -> ConstantValue? {
    switch (syntax.type(of: base), name) {
    case (.typeInformation(let type), _): return information(name, about: type)
    case (.array(_, let length?, _), "length"):
      return .number(Rational(integer: BigInt(length)))
    case (.fixedBytes(let count), "length"): return .number(Rational(integer: BigInt(count)))
    case (_, "selector"):
      switch syntax.declaration(of: base) {
      case let function as FunctionDefinition:
        return syntax.externalSignature(of: function).map { .bytes(Selector(signature: $0).bytes) }
      case let variable as VariableDeclaration:
        return syntax.externalSignature(ofGetter: variable)
          .map { .bytes(Selector(signature: $0).bytes) }
      case let error as ErrorDefinition:
        let signature = syntax.signature(name: error.name, of: error.parameters)
        return .bytes(Selector(signature: signature).bytes)
      case let event as EventDefinition where !event.isAnonymous:
        let signature = syntax.signature(name: event.name, of: event.parameters)
        return .bytes(Keccak256.hash(utf8: signature).bytes)
      default: return nil
      }
    case (_, "length"):
      guard case .bytes(let bytes) = value(of: base) else { return nil }
      return .number(Rational(integer: BigInt(bytes.count)))
    default: return nil
    }
  }

  private func information(_ name: String, about type: SolidityType) -> ConstantValue? {
    switch (type, name) {
    case (.integer(let bits, let signed), "max"):
      return .number(Rational(integer: (BigInt(1) << (signed ? bits - 1 : bits)) - 1))
    case (.integer(let bits, let signed), "min"):
      return .number(Rational(integer: signed ? -(BigInt(1) << (bits - 1)) : 0))
    case (.enumeration(let definition), "max"):
      return .number(Rational(integer: BigInt(definition.node.values.count - 1)))
    case (.enumeration, "min"): return .number(Rational(integer: 0))
    case (.contract(let contract, _), "interfaceId"):
      return syntax.interfaceIdentifier(ofDeclared: contract.node).map { .bytes($0.bytes) }
    case (.contract(let contract, _), "name"): return .bytes(Array(contract.node.name.utf8))
    default: return nil
    }
  }

  // MARK: Operators

  private func prefix(
    _ operation: UnaryOperator, _ operand: Expression, type: SolidityType, at node: Expression
  ) -> ConstantValue? {
    switch (operation, value(of: operand)) {
    case (.not, .bool(let value)): return .bool(!value)
    case (.bitNot, .bytes(let bytes)):
      guard case .fixedBytes = syntax.type(of: operand) else { return nil }
      return .bytes(bytes.map { ~$0 })
    case (_, .number(let number)):
      guard let result = RationalArithmetic.unary(operation, number) else { return nil }
      return typed(result, type, wraps: operation == .bitNot, at: node)
    default: return nil
    }
  }

  /// Operators chain to the left without bound.
  private func chain(_ expression: Expression) -> ConstantValue? {
    var steps: [Expression] = []
    var leftmost = expression
    while case .binary(_, let left, _) = leftmost.kind {
      if case .rational = syntax.type(of: leftmost) { break }
      steps.append(leftmost)
      leftmost = left
    }
    var result = value(of: leftmost)
    var type = syntax.type(of: leftmost)
    for step in steps.reversed() {
      guard case .binary(let operation, _, let operand) = step.kind, let left = result else {
        return nil
      }
      let stepType = syntax.type(of: step)
      result = combine(operation, left, type, operand, type: stepType, at: step)
      type = stepType
    }
    return result
  }

  private func combine(
    _ operation: BinaryOperator, _ left: ConstantValue, _ leftType: SolidityType,
    _ operand: Expression, type: SolidityType, at node: Expression
  ) -> ConstantValue? {
    // `&&` and `||` may know their result from the left alone.
    switch (operation, left) {
    case (.and, .bool(false)): return .bool(false)
    case (.or, .bool(true)): return .bool(true)
    default: break
    }
    guard let right = value(of: operand) else { return nil }
    switch (left, right) {
    case (.bool(let a), .bool(let b)):
      switch operation {
      case .and: return .bool(a && b)
      case .or: return .bool(a || b)
      case .equal: return .bool(a == b)
      case .notEqual: return .bool(a != b)
      default: return nil
      }
    case (.number(let a), .number(let b)):
      if let result = compare(operation, a, b) { return .bool(result) }
      guard let result = RationalArithmetic.binary(operation, a, b) else { return nil }
      let wraps = operation == .shiftLeft || operation == .shiftRight
      if case .rational = type { return .number(result) }
      let whole = result.numerator / result.denominator
      return typed(Rational(integer: whole), type, wraps: wraps, at: node)
    default: break
    }
    // Literals take the type of the other side.
    let operandType = syntax.type(of: operand)
    let target: SolidityType
    switch (leftType, operandType) {
    case (.fixedBytes, _): target = leftType
    case (_, .fixedBytes): target = operandType
    default: return nil
    }
    guard case .bytes(let bytes) = convert(left, from: leftType, to: target) else { return nil }
    return fixedBytes(operation, bytes, right, operandType)
  }

  private func compare(_ operation: BinaryOperator, _ a: Rational, _ b: Rational) -> Bool? {
    let (left, right) = (a.numerator * b.denominator, b.numerator * a.denominator)
    switch operation {
    case .equal: return left == right
    case .notEqual: return left != right
    case .less: return left < right
    case .lessOrEqual: return left <= right
    case .greater: return left > right
    case .greaterOrEqual: return left >= right
    default: return nil
    }
  }

  private func fixedBytes(
    _ operation: BinaryOperator, _ left: [UInt8], _ right: ConstantValue, _ rightType: SolidityType
  ) -> ConstantValue? {
    if case .number(let amount) = right,
      operation == .shiftLeft || operation == .shiftRight
    {
      guard let amount = amount.integer, amount >= 0 else { return nil }
      let bits = left.count * 8
      guard let shift = Int(exactly: amount), shift < bits else {
        return .bytes(Array(repeating: 0, count: left.count))
      }
      let number = BigUInt(bigEndian: left)
      let shifted = operation == .shiftLeft ? number << shift : number >> shift
      return .bytes(bytes(shifted, count: left.count))
    }
    guard
      case .bytes(let other) = convert(right, from: rightType, to: .fixedBytes(left.count)),
      other.count == left.count
    else { return nil }
    switch operation {
    case .bitAnd: return .bytes(zip(left, other).map { $0 & $1 })
    case .bitOr: return .bytes(zip(left, other).map { $0 | $1 })
    case .bitXor: return .bytes(zip(left, other).map { $0 ^ $1 })
    case .equal: return .bool(left == other)
    case .notEqual: return .bool(left != other)
    case .less: return .bool(left.lexicographicallyPrecedes(other))
    case .greater: return .bool(other.lexicographicallyPrecedes(left))
    case .lessOrEqual: return .bool(!other.lexicographicallyPrecedes(left))
    case .greaterOrEqual: return .bool(!left.lexicographicallyPrecedes(other))
    default: return nil
    }
  }

  /// Arithmetic leaves its type only by wrapping: where it is checked (0.8) there is no value then.
  private func typed(
    _ value: Rational, _ type: SolidityType, wraps: Bool, at node: Expression
  ) -> ConstantValue? {
    switch type {
    case .integer(let bits, let signed):
      if value.fits(bits: bits, signed: signed) { return .number(value) }
      let isChecked = syntax.language(of: node).dialect >= CompilerVersion(0, 8, 0)
      guard wraps || !isChecked, let whole = value.integer else { return nil }
      return .number(Rational(integer: wrapped(whole, bits: bits, signed: signed)))
    case .rational, .unknown: return .number(value)
    default: return nil
    }
  }

  private func wrapped(_ value: BigInt, bits: Int, signed: Bool) -> BigInt {
    let modulus = BigInt(1) << bits
    var rest = value % modulus
    if rest < 0 { rest += modulus }
    return signed && rest >= modulus >> 1 ? rest - modulus : rest
  }

  // MARK: Conversions

  /// A value under another type, explicit conversions included.
  func convert(
    _ value: ConstantValue, from: SolidityType, to: SolidityType
  ) -> ConstantValue? {
    switch to {
    case .unknown, .rational, .stringLiteral: return value
    case .userDefinedValue(let definition):
      return convert(value, from: from, to: syntax.type(of: definition.node.underlying))
    case .bool:
      if case .bool = value { return value }
      return nil
    case .bytes, .string:
      if case .bytes = value { return value }
      return nil
    case .integer(let bits, let signed):
      return number(value, from: from).map {
        .number(Rational(integer: wrapped($0, bits: bits, signed: signed)))
      }
    case .enumeration: return number(value, from: from).map { .number(Rational(integer: $0)) }
    case .address, .contract:
      return number(value, from: from).map {
        .number(Rational(integer: wrapped($0, bits: 160, signed: false)))
      }
    case .fixedBytes(let count):
      switch value {
      case .bytes(let bytes):
        if case .fixedBytes = from {
        } else if bytes.count > count {
          return nil
        }
        return .bytes(
          Array(bytes.prefix(count)) + Array(repeating: 0, count: max(0, count - bytes.count)))
      case .number(let number):
        guard let whole = number.integer else { return nil }
        let low = wrapped(whole, bits: count * 8, signed: false)
        return .bytes(bytes(low.magnitude, count: count))
      case .bool: return nil
      }
    default: return nil
    }
  }

  private func number(_ value: ConstantValue, from: SolidityType) -> BigInt? {
    switch value {
    case .number(let number): return number.integer
    case .bytes(let bytes):
      guard case .fixedBytes = from else { return nil }
      return BigInt(BigUInt(bigEndian: bytes))
    case .bool: return nil
    }
  }

  private func bytes(_ value: BigUInt, count: Int) -> [UInt8] {
    let digits = Array(value.bigEndianBytes.suffix(count))
    return Array(repeating: 0, count: count - digits.count) + digits
  }

  // MARK: Calls

  private func call(_ expression: Expression) -> ConstantValue? {
    guard case .call(_, .positional(let arguments)) = expression.kind else { return nil }
    switch syntax.callee(of: expression) {
    case .conversion(let type):
      guard arguments.count == 1 else { return nil }
      return value(of: arguments[0], as: type)
    case .builtin(let name): return builtin(name, arguments, at: expression)
    default: return nil
    }
  }

  private func builtin(
    _ name: String, _ arguments: [Expression], at expression: Expression
  ) -> ConstantValue? {
    switch name {
    case "keccak256", "sha3":
      // Until 0.5 several arguments were hashed as if packed together.
      guard let bytes = arguments.count == 1 ? data(arguments[0]) : packed(arguments) else {
        return nil
      }
      return .bytes(Keccak256.hash(bytes).bytes)
    case "abi.encode": return encoded(arguments).map { .bytes($0) }
    case "abi.encodePacked": return packed(arguments).map { .bytes($0) }
    case "abi.encodeWithSignature", "abi.encodeWithSelector":
      guard let first = arguments.first.flatMap({ data($0) }),
        let rest = encoded(Array(arguments.dropFirst()))
      else { return nil }
      if name == "abi.encodeWithSelector" { return .bytes(first + rest) }
      return .bytes(Array(Keccak256.hash(first).bytes.prefix(4)) + rest)
    case "bytes.concat", "string.concat":
      var result: [UInt8] = []
      for argument in arguments {
        guard let bytes = data(argument) else { return nil }
        result += bytes
      }
      return .bytes(result)
    case "erc7201":
      guard arguments.count == 1, let id = data(arguments[0]) else { return nil }
      let inner = Keccak256.hash(id).word &- .one
      let slot = Keccak256.hash(words: inner).word & ~Word.lowBits(8)
      return .number(Rational(integer: BigInt(BigUInt(bigEndian: slot.bigEndianBytes))))
    case "addmod", "mulmod":
      let numbers = arguments.compactMap { argument -> BigInt? in
        guard case .number(let number) = value(of: argument) else { return nil }
        return number.integer
      }
      guard numbers.count == 3, arguments.count == 3, numbers[2] > 0 else { return nil }
      let sum = name == "addmod" ? numbers[0] + numbers[1] : numbers[0] * numbers[1]
      return .number(Rational(integer: sum % numbers[2]))
    case "wrap", "unwrap":
      guard arguments.count == 1 else { return nil }
      return value(of: arguments[0], as: syntax.type(of: expression))
    default: return nil
    }
  }

  private func data(_ expression: Expression) -> [UInt8]? {
    guard case .bytes(let bytes) = value(of: expression) else { return nil }
    return bytes
  }

  /// `abi.encode` of values that are known.
  private func encoded(_ arguments: [Expression]) -> [UInt8]? {
    var head: [UInt8] = []
    var tail: [UInt8] = []
    for argument in arguments {
      guard let value = value(of: argument) else { return nil }
      switch (value, syntax.type(of: argument)) {
      case (.bytes(let bytes), .fixedBytes):
        head += bytes + Array(repeating: 0, count: 32 - min(32, bytes.count))
      case (.bytes(let bytes), _):
        head += word(BigInt(arguments.count * 32 + tail.count))
        tail += word(BigInt(bytes.count)) + bytes
        tail += Array(repeating: 0, count: (32 - bytes.count % 32) % 32)
      case (.bool(let flag), _): head += word(flag ? 1 : 0)
      case (.number(let number), _):
        guard let whole = number.integer else { return nil }
        head += word(whole)
      }
    }
    return head + tail
  }

  /// `abi.encodePacked` of values that are known.
  private func packed(_ arguments: [Expression]) -> [UInt8]? {
    var result: [UInt8] = []
    for argument in arguments {
      guard let value = value(of: argument) else { return nil }
      switch value {
      case .bytes(let bytes): result += bytes
      case .bool(let flag): result.append(flag ? 1 : 0)
      case .number(let number):
        guard let whole = number.integer, let width = packedWidth(syntax.type(of: argument)) else {
          return nil
        }
        result += word(whole).suffix(width)
      }
    }
    return result
  }

  private func packedWidth(_ type: SolidityType) -> Int? {
    switch type {
    case .integer(let bits, _): bits / 8
    case .address, .contract: 20
    case .enumeration: 1
    case .rational(let value): value.integerType.map { $0.bits / 8 }
    case .userDefinedValue(let definition): packedWidth(syntax.type(of: definition.node.underlying))
    default: nil
    }
  }

  private func word(_ value: BigInt) -> [UInt8] {
    bytes(wrapped(value, bits: 256, signed: false).magnitude, count: 32)
  }
}
