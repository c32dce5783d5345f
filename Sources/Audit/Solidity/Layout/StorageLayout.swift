import BigInt
import SoliditySyntax

/// A variable or struct member with its place in storage.
public struct StorageEntry: Sendable {
  /// The variable's or member's name.
  public let label: String
  /// The declaration the entry comes from.
  public let declaration: VariableDeclaration
  /// The contract that declares the variable; nil for members of structs at file level.
  public let declaringContract: ContractDefinition?
  /// The slot. For members it counts from the start of the struct unless stated otherwise.
  public let slot: BigUInt
  /// The lowest byte taken within the slot, 0 (least significant) to 31.
  public let offset: Int
  /// The type.
  public let type: SolidityType
  /// How many bytes of storage the type takes at this place: 1 to 32 within one slot, else a
  /// multiple of 32. Contents of mappings and dynamic arrays lie elsewhere and do not count.
  public let numberOfBytes: BigUInt

  /// The first byte, counted from byte 0 of slot 0.
  public var start: BigUInt { slot * 32 + BigUInt(offset) }
  /// One past the last byte, counted from byte 0 of slot 0.
  public var end: BigUInt { start + numberOfBytes }

  /// The same entry `distance` slots further.
  package func moved(by distance: BigUInt) -> StorageEntry {
    StorageEntry(
      label: label, declaration: declaration, declaringContract: declaringContract,
      slot: slot + distance, offset: offset, type: type, numberOfBytes: numberOfBytes)
  }
}

/// Why a layout is not certain.
public enum LayoutProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// The type of a variable could not be derived; it was laid out as one whole slot.
  case unknownType(variable: String)
  /// A base contract could not be found; its variables are missing.
  case unknownBase(name: String)
  /// The base slot of `layout at` could not be evaluated; 0 was taken.
  case unknownBaseSlot
  /// A struct contains itself other than through a mapping or a dynamic array.
  case recursiveStruct(name: String)
  /// Structs are nested deeper than `StorageSizes.maximumDepth`.
  case tooDeeplyNested(name: String)
  /// The layout needs 2^256 slots or more; the compiler refuses such a contract.
  case tooLarge
  /// Two namespaces annotated with the same id.
  case duplicateNamespace(id: String)
  /// A namespace annotated with one id is used at a slot that the id does not give.
  case namespaceMismatch(id: String, used: BigUInt, expected: BigUInt)

  /// The problem, for a person.
  public var description: String {
    switch self {
    case .unknownType(let variable):
      "the type of '\(variable)' could not be resolved: one slot was assumed for it"
    case .unknownBase(let name):
      "the base contract '\(name)' could not be found: its variables are missing here"
    case .unknownBaseSlot:
      "the base slot after 'layout at' could not be evaluated: 0 was assumed"
    case .recursiveStruct(let name): "struct '\(name)' contains itself"
    case .tooDeeplyNested(let name): "struct '\(name)' is nested too deeply"
    case .tooLarge: "the variables need more than the 2^256 slots there are"
    case .duplicateNamespace(let id): "the storage namespace '\(id)' is declared more than once"
    case .namespaceMismatch(let id, let used, let expected):
      "the namespace '\(id)' should lie at \(SlotText.hexadecimal(expected)), "
        + "but the code uses \(SlotText.hexadecimal(used))"
    }
  }
}

/// Where the state variables of one contract lie, as the compiler lays them out.
///
/// Variables of all bases come in the order of the linearisation, most base-like first; constants
/// and immutables take no storage. Source: Solidity documentation, "Layout of State Variables in
/// Storage and Transient Storage".
public struct StorageLayout: Sendable {
  /// The contract laid out.
  public let contract: ContractDefinition
  /// The first slot (`layout at`, 0.8.29), else 0.
  public let baseSlot: BigUInt
  /// Persistent variables in layout order, at absolute slots.
  public let storage: [StorageEntry]
  /// Transient variables in layout order, from slot 0 of transient storage.
  public let transient: [StorageEntry]
  /// What makes the layout uncertain; empty when it is exact.
  public let problems: [LayoutProblem]
}

extension Program {
  /// Lays out the storage of a contract, inherited variables included.
  ///
  /// O(variables), each struct being laid out once.
  public func storageLayout(of contract: ContractDefinition) -> StorageLayout {
    var sizes = StorageSizes(program: self)
    return storageLayout(of: contract, sizes: &sizes)
  }

  package func storageLayout(
    of contract: ContractDefinition, sizes: inout StorageSizes
  ) -> StorageLayout {
    sizes.problems = []
    var persistent: [VariableDeclaration] = []
    var transient: [VariableDeclaration] = []
    for base in linearizedBases(of: contract).reversed() {
      for specifier in base.bases where !(declaration(of: specifier.base) is ContractDefinition) {
        sizes.problems.append(.unknownBase(name: specifier.base.text))
      }
      for variable in base.stateVariables where variable.mutability == .mutable {
        if variable.isTransient { transient.append(variable) } else { persistent.append(variable) }
      }
    }
    var baseSlot = BigUInt(0)
    if let expression = contract.layoutBase {
      if let slot = slotValue(of: expression) {
        baseSlot = slot
      } else {
        sizes.problems.append(.unknownBaseSlot)
      }
    }
    let laidOut = sizes.pack(persistent)
    let laidOutTransient = sizes.pack(transient)
    if baseSlot + laidOut.slots >= StorageSizes.slotCount
      || laidOutTransient.slots >= StorageSizes.slotCount
    {
      sizes.problems.append(.tooLarge)
    }
    return StorageLayout(
      contract: contract, baseSlot: baseSlot,
      storage: baseSlot == 0 ? laidOut.entries : laidOut.entries.map { $0.moved(by: baseSlot) },
      transient: laidOutTransient.entries, problems: sizes.problems)
  }

  /// The members of a struct as laid out from slot 0.
  public func storageMembers(of structure: StructDefinition) -> [StorageEntry] {
    var sizes = StorageSizes(program: self)
    return sizes.members(of: structure).entries
  }

  /// A constant expression as a storage slot; nil if it is no constant or out of range.
  package func slotValue(of expression: Expression) -> BigUInt? {
    compileTimeNumber(of: expression).flatMap { SlotText.slot(of: .number($0)) }
      ?? constantValue(of: expression).flatMap(SlotText.slot(of:))
  }
}
