import BigInt
import SoliditySyntax

/// The `storageLayout` or `transientStorageLayout` object that the compiler prints for a contract.
///
/// Source: Solidity documentation, "JSON Output" under "Layout in Storage". Encode it with sorted
/// keys to get the compiler's order. `astId` and the numbers in type identifiers number syntax nodes
/// of this program, not of a compiler run.
public struct CompilerStorageLayout: Hashable, Sendable, Codable {
  /// One variable or struct member.
  public struct Variable: Hashable, Sendable, Codable {
    /// The number of the declaration's node.
    public let astId: Int
    /// `path:Contract` of the contract laid out.
    public let contract: String
    /// The name.
    public let label: String
    /// The lowest byte taken within the slot.
    public let offset: Int
    /// The slot in decimal; for members it counts from the start of the struct.
    public let slot: String
    /// The key of the type in `types`.
    public let type: String
  }

  /// One type.
  public struct TypeDescription: Hashable, Sendable, Codable {
    /// How values are kept.
    public enum Encoding: String, Hashable, Sendable, Codable {
      /// Where the variable stands.
      case inplace
      /// By hash of key and slot.
      case mapping
      /// Length in the slot, elements from the slot's hash on.
      case dynamicArray = "dynamic_array"
      /// `bytes` and `string`: short ones in the slot, long ones like dynamic arrays.
      case bytes
    }
    /// How values are kept.
    public let encoding: Encoding
    /// The type as the compiler writes it.
    public let label: String
    /// Bytes taken, in decimal.
    public let numberOfBytes: String
    /// A mapping's key type.
    public let key: String?
    /// A mapping's value type.
    public let value: String?
    /// An array's element type.
    public let base: String?
    /// A struct's members.
    public let members: [Variable]?
  }

  /// The variables in layout order.
  public let storage: [Variable]
  /// The types of all variables, keyed by identifier; nil (printed as null) without variables.
  public let types: [String: TypeDescription]?

  /// Writes `types` as null where it is nil, as the compiler does.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(storage, forKey: .storage)
    try container.encode(types, forKey: .types)
  }
}

/// Both layout objects of one contract.
public struct CompilerContractLayout: Hashable, Sendable, Codable {
  /// Persistent storage.
  public let storageLayout: CompilerStorageLayout
  /// Transient storage.
  public let transientStorageLayout: CompilerStorageLayout
}

/// Prints layouts in the compiler's format for the contracts of one program.
public struct CompilerLayoutWriter {
  private let program: Program
  private let names: StorageTypeNames
  private var sizes: StorageSizes

  /// Prepares to write layouts of a program.
  public init(program: Program) {
    self.program = program
    names = StorageTypeNames(program: program)
    sizes = StorageSizes(program: program)
  }

  /// `path:Contract`, the compiler's full name of a contract.
  public func qualifiedName(of contract: ContractDefinition) -> String {
    "\(program.unit(of: contract).source.path):\(contract.name)"
  }

  /// The layout of a contract, interface or library.
  public mutating func layout(of contract: ContractDefinition) -> CompilerContractLayout {
    let layout = program.storageLayout(of: contract, sizes: &sizes)
    let name = qualifiedName(of: contract)
    return CompilerContractLayout(
      storageLayout: object(layout.storage, contract: name),
      transientStorageLayout: object(layout.transient, contract: name))
  }

  /// The layouts of all contracts of the program, keyed `path:Contract`.
  public mutating func layouts() -> [String: CompilerContractLayout] {
    var result: [String: CompilerContractLayout] = [:]
    for contract in program.contracts { result[qualifiedName(of: contract)] = layout(of: contract) }
    return result
  }

  private mutating func object(
    _ entries: [StorageEntry], contract: String
  ) -> CompilerStorageLayout {
    var types: [String: CompilerStorageLayout.TypeDescription] = [:]
    // A type's parts may lead back to it; each is described once, from a list instead of recursion.
    var pending = entries.map { (names.identifier(of: $0.type), $0.type) }
    while let (identifier, type) = pending.popLast() {
      guard types[identifier] == nil else { continue }
      types[identifier] = describe(type, contract: contract, parts: &pending)
    }
    return CompilerStorageLayout(
      storage: entries.map { variable($0, contract: contract) }, types: types.isEmpty ? nil : types)
  }

  private func variable(
    _ entry: StorageEntry, contract: String
  ) -> CompilerStorageLayout.Variable {
    CompilerStorageLayout.Variable(
      astId: names.number(of: entry.declaration), contract: contract, label: entry.label,
      offset: entry.offset, slot: String(entry.slot), type: names.identifier(of: entry.type))
  }

  private mutating func describe(
    _ type: SolidityType, contract: String, parts: inout [(String, SolidityType)]
  ) -> CompilerStorageLayout.TypeDescription {
    let size = sizes.size(of: type, name: "").numberOfBytes % StorageSizes.slotCount
    var encoding = CompilerStorageLayout.TypeDescription.Encoding.inplace
    var key: String?
    var value: String?
    var base: String?
    var members: [CompilerStorageLayout.Variable]?
    switch type {
    case .structure(let definition, _):
      let entries = sizes.members(of: definition.node).entries
      members = entries.map { variable($0, contract: contract) }
      parts += entries.map { (names.identifier(of: $0.type), $0.type) }
    case .mapping(let keyType, let valueType):
      encoding = .mapping
      let keyIdentifier = names.keyIdentifier(of: keyType)
      let valueIdentifier = names.identifier(of: valueType)
      key = keyIdentifier
      value = valueIdentifier
      parts += [(keyIdentifier, keyType), (valueIdentifier, valueType)]
    case .bytes, .string: encoding = .bytes
    case .array(let element, let length, _):
      encoding = length == nil ? .dynamicArray : .inplace
      let elementIdentifier = names.identifier(of: element)
      base = elementIdentifier
      parts.append((elementIdentifier, element))
    default: break
    }
    return CompilerStorageLayout.TypeDescription(
      encoding: encoding, label: names.label(of: type), numberOfBytes: String(size), key: key,
      value: value, base: base, members: members)
  }
}
