import BigInt
import SoliditySyntax

extension SolidityType {
  static let uint256 = SolidityType.integer(bits: 256, signed: false)
  static let int256 = SolidityType.integer(bits: 256, signed: true)
  static let bytes32 = SolidityType.fixedBytes(32)
  static let bytesMemory = SolidityType.bytes(.memory)
  static let stringMemory = SolidityType.string(.memory)
  static let plainAddress = SolidityType.address(payable: false)
  static let payableAddress = SolidityType.address(payable: true)
  static let nothing = SolidityType.tuple([])

  /// The type a built-in type word denotes.
  init(_ elementary: ElementaryType) {
    switch elementary {
    case .address: self = .plainAddress
    case .addressPayable: self = .payableAddress
    case .bool: self = .bool
    case .string: self = .string(nil)
    case .bytes: self = .bytes(nil)
    case .fixedBytes(32): self = .bytes32
    case .fixedBytes(let count): self = .fixedBytes(count)
    case .unsignedInteger(256): self = .uint256
    case .unsignedInteger(let bits): self = .integer(bits: bits, signed: false)
    case .signedInteger(let bits): self = .integer(bits: bits, signed: true)
    case .unsignedFixed(let bits, let decimals):
      self = .fixedPoint(bits: bits, decimals: decimals, signed: false)
    case .signedFixed(let bits, let decimals):
      self = .fixedPoint(bits: bits, decimals: decimals, signed: true)
    }
  }

  /// The same type at another location; types without location are unchanged.
  package func located(_ location: DataLocation?) -> SolidityType {
    switch self {
    case .bytes(let old): old == location ? self : .bytes(location)
    case .string(let old): old == location ? self : .string(location)
    case .array(let element, let length, let old):
      old == location ? self : .array(element: element, length: length, location: location)
    case .structure(let definition, let old):
      old == location ? self : .structure(definition, location)
    default: self
    }
  }

  /// Where a value of a reference type lives; nil for value types and where it is not stated.
  package var location: DataLocation? {
    switch self {
    case .bytes(let location), .string(let location), .array(_, _, let location),
      .structure(_, let location):
      location
    case .mapping: .storage
    default: nil
    }
  }

  /// Whether values of the type live at a data location.
  package var isReference: Bool {
    switch self {
    case .bytes, .string, .array, .structure, .mapping: true
    default: false
    }
  }

  var isUnknown: Bool { self == .unknown }

  /// The single value of a one-element tuple, else the type itself.
  var flattened: SolidityType {
    if case .tuple(let parts) = self, parts.count == 1, let only = parts[0] { return only }
    return self
  }

  /// How a list of results reads as the type of a call.
  static func result(of returns: [SolidityType]) -> SolidityType {
    returns.count == 1 ? returns[0] : .tuple(returns)
  }
}
