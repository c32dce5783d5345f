/// Why values could not be decoded or encoded.
public enum TensorFormatError: Error, Hashable, Sendable {
  /// The type has no floating-point values (integer tables).
  case notDecodable(TensorType)
  /// No encoder writes this type.
  case notEncodable(TensorType)
  /// The type loses too much without importance weights to be worth writing.
  case importanceNeeded(TensorType)
  /// The number of values is no whole number of blocks.
  case partialBlock(TensorType, values: Int)
  /// There are fewer or more bytes than the values take.
  case byteCount(TensorType, values: Int, expected: Int, actual: Int)
  /// There are fewer or more values than rows times columns.
  case valueCount(expected: Int, actual: Int)
  /// There are not as many importance weights as columns.
  case importanceCount(expected: Int, actual: Int)
  /// A value to be encoded is infinite or not a number.
  case notFinite(value: Float, row: Int, column: Int)
  /// A value is finite but larger than the type can hold.
  case outOfRange(TensorType, value: Float, row: Int, column: Int)
  /// An importance weight is negative, infinite or not a number.
  case invalidImportance(value: Float, column: Int)
}

extension TensorFormatError: CustomStringConvertible {
  /// What is wrong and what can be done about it.
  public var description: String {
    switch self {
    case .notDecodable(let type):
      "\(type.name) tensors hold integers, not weights; they cannot be decoded into numbers"
    case .notEncodable(let type):
      "tensors can be read but not written as \(type.name); choose another type"
    case .importanceNeeded(let type):
      "\(type.name) needs importance weights: at about two bits a value, the values that matter "
        + "must be known. Give an importance matrix, or choose Q2_K or a larger type"
    case .partialBlock(let type, let values):
      "\(values) values do not fill whole \(type.name) blocks of \(type.valuesPerBlock)"
    case .byteCount(let type, let values, let expected, let actual):
      "\(values) values of \(type.name) take \(expected) bytes, not \(actual)"
    case .valueCount(let expected, let actual):
      "\(expected) values expected, \(actual) given"
    case .importanceCount(let expected, let actual):
      "rows have \(expected) columns, but there are \(actual) importance weights"
    case .notFinite(let value, let row, let column):
      "row \(row), column \(column) is \(value); only finite values can be encoded. "
        + "The source file is damaged or its training diverged"
    case .outOfRange(let type, let value, let row, let column):
      "row \(row), column \(column) is \(value), too large for \(type.name); use F32 or BF16"
    case .invalidImportance(let value, let column):
      "the importance weight of column \(column) is \(value); weights are finite and not negative"
    }
  }
}
