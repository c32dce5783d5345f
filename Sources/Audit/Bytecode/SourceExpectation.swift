import Ethereum

/// What source code says about a contract, in plain terms: the input of the comparison with code.
public struct SourceExpectation: Hashable, Sendable {
  /// The external functions and getters.
  public let functions: [Function]
  /// The state variables.
  public let variables: [Variable]

  /// An external function.
  public struct Function: Hashable, Sendable {
    /// The four bytes.
    public let selector: Selector
    /// The canonical signature, for reports.
    public let signature: String

    /// Puts a function together.
    public init(selector: Selector, signature: String) {
      self.selector = selector
      self.signature = signature
    }

    /// A function by its canonical signature.
    public init(signature: String) {
      self.init(selector: Selector(signature: signature), signature: signature)
    }
  }

  /// A state variable at its place in the storage layout.
  public struct Variable: Hashable, Sendable {
    /// The name, for reports.
    public let label: String
    /// The slot of its first byte.
    public let slot: Word
    /// The first byte in the slot, 0...31, 0 the least significant.
    public let offset: Int
    /// The number of bytes in place, as the compiler's `numberOfBytes`; from 1 on. Structs and
    /// arrays of fixed length take as many slots as they need.
    public let length: Word
    /// How the variable uses its slot.
    public let encoding: Encoding
    /// Whether it lies in transient storage.
    public let isTransient: Bool

    /// Puts a variable together.
    public init(
      label: String, slot: Word, offset: Int, length: Word, encoding: Encoding,
      isTransient: Bool = false
    ) {
      self.label = label
      self.slot = slot
      self.offset = offset
      self.length = length
      self.encoding = encoding
      self.isTransient = isTransient
    }
  }

  /// How a variable uses storage, under the names of the compiler's storage layout.
  public enum Encoding: String, Hashable, Sendable {
    /// The value lies in its slots.
    case inplace
    /// Values lie at hashes of key and slot.
    case mapping
    /// The slot holds the length; elements lie at the hash of the slot.
    case dynamicArray = "dynamic_array"
    /// A byte array or text: short ones lie in the slot, long ones at its hash.
    case bytes
  }

  /// Puts an expectation together.
  public init(functions: [Function], variables: [Variable]) {
    self.functions = functions
    self.variables = variables
  }
}
