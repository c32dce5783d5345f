import Solidity
import SoliditySyntax

/// What the bytes of a value type mean, apart from their number.
enum ValueMeaning: Hashable {
  /// A number from 0 up; addresses and contracts too.
  case unsigned
  /// Two's complement.
  case signed
  /// A sequence of bytes.
  case bytes
  /// 0 or 1.
  case bool
  /// The place of an enum's value, below the count.
  case enumeration(count: Int)
  /// Address and selector.
  case externalFunction
  /// A place in the code.
  case internalFunction

  /// The meaning of a value type; nil for other types.
  init?(of type: SolidityType, _ sizes: StorageSizes) {
    switch type {
    case .bool: self = .bool
    case .address, .contract: self = .unsigned
    case .integer(_, let signed), .fixedPoint(_, _, let signed): self = signed ? .signed : .unsigned
    case .fixedBytes: self = .bytes
    case .enumeration(let definition): self = .enumeration(count: definition.node.values.count)
    case .function(let function): self = function.isExternal ? .externalFunction : .internalFunction
    case .userDefinedValue(let definition):
      let underlying = sizes.underlyingType(of: definition.node)
      guard let meaning = ValueMeaning(of: underlying, sizes) else { return nil }
      self = meaning
    default: return nil
    }
  }

  /// How reading the same bytes with another meaning turns out.
  func read(as other: ValueMeaning) -> (severity: Severity, reason: String)? {
    if self == other { return nil }
    switch (self, other) {
    case (.unsigned, .bytes), (.bytes, .unsigned):
      return (.informational, "The bytes stay as they are, and so does the number they make.")
    case (.bool, .unsigned), (.bool, .bytes), (.enumeration, .unsigned), (.enumeration, .bytes):
      return (.informational, "All values it can have keep their number.")
    case (.bool, .enumeration(let count)) where count >= 2:
      return (.informational, "false and true become the first two values.")
    case (.unsigned, .bool), (.bytes, .bool), (.enumeration, .bool):
      return (.low, "Values other than 0 and 1 read as true and may behave oddly when compared.")
    case (_, .enumeration(let count)):
      return (.low, "Stored numbers from \(count) on make every read of the variable revert.")
    case (.unsigned, .signed), (.bytes, .signed):
      return (.medium, "Values with the highest bit set read as negative.")
    case (.signed, .unsigned), (.signed, .bytes):
      return (.medium, "Negative values read as very large ones.")
    case (.bool, .signed), (.enumeration, .signed):
      return (.informational, "All values it can have keep their number.")
    case (_, .internalFunction), (_, .externalFunction):
      return (.high, "The old value is read as a function to call.")
    case (.internalFunction, _), (.externalFunction, _), (_, _):
      return (.high, "The old value has no meaning as the new type.")
    }
  }

  /// Whether a value keeps its meaning when more bytes of zero are put above it.
  var survivesWidening: Bool {
    switch self {
    case .unsigned, .bool, .enumeration: true
    case .signed, .bytes, .externalFunction, .internalFunction: false
    }
  }
}

/// How a mapping's key is turned into the text that is hashed.
enum KeyEncoding: Hashable {
  /// Padded with zeros above, to a word.
  case number
  /// Extended by its sign, to a word.
  case signedNumber
  /// Padded with zeros below, to a word.
  case bytes
  /// As it is.
  case text

  init?(of type: SolidityType, _ sizes: StorageSizes) {
    switch type {
    case .bytes, .string: self = .text
    default:
      switch ValueMeaning(of: type, sizes) {
      case .unsigned, .bool, .enumeration: self = .number
      case .signed: self = .signedNumber
      case .bytes: self = .bytes
      case .externalFunction, .internalFunction, nil: return nil
      }
    }
  }
}
