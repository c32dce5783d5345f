import BigInt
import SoliditySyntax

extension Rational {
  /// A whole number.
  package init(integer: BigInt) { self.init(reduced: integer, 1) }

  /// The smallest integer type that holds the number, as the compiler chooses it; nil above 256
  /// bits.
  var integerType: (bits: Int, signed: Bool)? {
    guard let value = integer else { return nil }
    let negative = value.sign == .minus
    let magnitude = negative ? (value.magnitude - 1) << 1 : value.magnitude
    guard magnitude.bitWidth <= 256 else { return nil }
    return (max(8, (magnitude.bitWidth + 7) / 8 * 8), negative)
  }

  func fits(bits: Int, signed: Bool) -> Bool {
    guard let value = integer else { return false }
    if value.sign == .minus, value.magnitude != 0 {
      return signed && (value.magnitude - 1).bitWidth <= bits - 1
    }
    return value.magnitude.bitWidth <= (signed ? bits - 1 : bits)
  }
}

/// Implicit conversions and common types.
///
/// Source: Solidity documentation, "Conversions between Elementary Types". Where a type is not
/// known anything goes, so that one gap does not make others.
struct Conversions {
  /// Whether one contract inherits from another (or is it).
  let derives: (ContractDefinition, ContractDefinition) -> Bool
  /// Before 0.5 contracts convert to addresses by themselves.
  let contractsAreAddresses: Bool

  /// Whether a value of type `from` can stand where `to` is asked for.
  func isImplicit(_ from: SolidityType, to: SolidityType) -> Bool {
    if from == to { return true }
    switch (from, to) {
    case (.unknown, _), (_, .unknown): return true
    case (.integer(let bits, let signed), .integer(let targetBits, let targetSigned)):
      return signed == targetSigned && bits <= targetBits
    case (.integer(let bits, let signed), .fixedPoint(let targetBits, let decimals, let target)):
      return signed == target && bits + decimals * 4 <= targetBits
    case (.rational(let value), .integer(let bits, let signed)):
      return value.fits(bits: bits, signed: signed)
    case (.rational(let value), .fixedPoint(let bits, let decimals, let signed)):
      let scaled = Rational(value.numerator * BigInt(10).power(decimals), value.denominator)
      return scaled?.fits(bits: bits, signed: signed) ?? false
    case (.rational(let value), .fixedBytes):
      return value.numerator == 0
    case (.stringLiteral(let bytes), .fixedBytes(let count)): return bytes.count <= count
    case (.stringLiteral, .bytes(let location)), (.stringLiteral, .string(let location)):
      return location != .calldata
    case (.fixedBytes(let count), .fixedBytes(let target)): return count <= target
    case (.address(let payable), .address(let target)): return payable || !target
    case (.contract(let contract, false), .contract(let base, false)):
      return derives(contract.node, base.node)
    case (.contract, .address): return contractsAreAddresses
    case (.bytes(let location), .bytes(let target)), (.string(let location), .string(let target)):
      return moves(location, to: target)
    case (.structure(let a, let location), .structure(let b, let target)):
      return a == b && moves(location, to: target)
    case (
      .array(let element, let length, let location),
      .array(let targetElement, let targetLength, let target)
    ):
      guard moves(location, to: target) else { return false }
      return length == targetLength && isSame(element, targetElement)
    case (.mapping(let key, let value), .mapping(let otherKey, let otherValue)):
      return isSame(key, otherKey) && isSame(value, otherValue)
    case (.function(let a), .function(let b)): return isImplicit(a, to: b)
    case (.tuple(let parts), .tuple(let targets)):
      guard parts.count == targets.count else { return false }
      return zip(parts, targets).allSatisfy { part, target in
        guard let part, let target else { return true }
        return isImplicit(part, to: target)
      }
    default: return false
    }
  }

  /// Equality that lets unknown parts pass and looks past locations.
  func isSame(_ a: SolidityType, _ b: SolidityType) -> Bool {
    if a.isUnknown || b.isUnknown { return true }
    switch (a, b) {
    case (.array(let element, let length, _), .array(let other, let otherLength, _)):
      return length == otherLength && isSame(element, other)
    case (.mapping(let key, let value), .mapping(let otherKey, let otherValue)):
      return isSame(key, otherKey) && isSame(value, otherValue)
    case (.function(let a), .function(let b)):
      return a.isExternal == b.isExternal && isSame(a.parameters, b.parameters)
        && isSame(a.returns, b.returns)
    default: return a.located(nil) == b.located(nil)
    }
  }

  func isSame(_ a: [SolidityType], _ b: [SolidityType]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { isSame($0, $1) }
  }

  private func moves(_ location: DataLocation?, to target: DataLocation?) -> Bool {
    guard let location, let target, location != target else { return true }
    return target == .memory
  }

  private func isImplicit(_ from: FunctionType, to: FunctionType) -> Bool {
    guard from.isExternal == to.isExternal, isSame(from.parameters, to.parameters),
      isSame(from.returns, to.returns)
    else { return false }
    if from.mutability == to.mutability { return true }
    switch (from.mutability, to.mutability) {
    case (.payable, .nonpayable): return true
    case (.pure, .view), (.pure, .nonpayable), (.view, .nonpayable): return true
    default: return false
    }
  }

  /// The type a value gets when it is stored in a variable of no stated type.
  func mobile(_ type: SolidityType) -> SolidityType {
    switch type {
    case .rational(let value):
      guard let integer = value.integerType else { return .unknown }
      return .integer(bits: integer.bits, signed: integer.signed)
    case .stringLiteral: return .stringMemory
    case .tuple(let parts): return .tuple(parts.map { $0.map { mobile($0) } })
    default: return type
    }
  }

  /// The type that both operands convert to.
  func common(_ a: SolidityType, _ b: SolidityType) -> SolidityType {
    if a == b { return mobile(a) }
    if a.isUnknown || b.isUnknown { return .unknown }
    let left = mobile(a)
    if isImplicit(b, to: left) { return left }
    let right = mobile(b)
    if isImplicit(a, to: right) { return right }
    return .unknown
  }
}
