import BigInt
import SoliditySyntax

/// How much storage a type takes where it stands.
package struct StorageSize: Hashable, Sendable {
  /// Bytes within a slot: 1 to 32. Types of 32 bytes always start a slot.
  package let bytes: Int
  /// Whole slots; 1 for all types that can share a slot.
  package let slots: BigUInt

  /// Bytes of storage taken, as the compiler's `numberOfBytes` (which wraps at 2^256).
  package var numberOfBytes: BigUInt { slots * BigUInt(bytes) }

  static func value(bytes: Int) -> StorageSize { StorageSize(bytes: bytes, slots: 1) }
  static let oneSlot = StorageSize(bytes: 32, slots: 1)
}

/// Computes sizes of types and places of variables; keeps the layout of each struct.
package struct StorageSizes {
  /// A list of variables laid out from slot 0.
  package struct Packed: Sendable {
    package var entries: [StorageEntry]
    /// The slots taken, the last one counted whole.
    package var slots: BigUInt
  }

  /// Structs nested deeper than this are not followed; the compiler refuses them too.
  package static let maximumDepth = 256
  /// The number of storage slots a contract has.
  package static let slotCount = BigUInt(1) << 256

  package let program: Program
  /// Problems met since the caller last emptied the list.
  package var problems: [LayoutProblem] = []
  private var structs: [NodeID: Packed] = [:]
  private var underway: Set<NodeID> = []

  package init(program: Program) { self.program = program }

  /// Places variables one behind the other: each at the next byte if it fits into the slot, else in
  /// a new slot; types of whole slots start a slot and what follows them starts another.
  package mutating func pack(_ variables: [VariableDeclaration]) -> Packed {
    var entries: [StorageEntry] = []
    entries.reserveCapacity(variables.count)
    var cursor = PackingCursor()
    for variable in variables {
      let type = program.type(of: variable)
      let size = self.size(of: type, name: variable.name)
      let place = cursor.place(size)
      entries.append(
        StorageEntry(
          label: variable.name, declaration: variable,
          declaringContract: program.contract(containing: variable), slot: place.slot,
          offset: place.offset, type: type, numberOfBytes: size.numberOfBytes))
    }
    return Packed(entries: entries, slots: cursor.slotsUsed)
  }

  /// The members of a struct laid out from slot 0; empty for a struct that contains itself.
  package mutating func members(of structure: StructDefinition) -> Packed {
    if let known = structs[structure.id] { return known }
    guard underway.count < StorageSizes.maximumDepth else {
      problems.append(.tooDeeplyNested(name: structure.name))
      return Packed(entries: [], slots: 1)
    }
    guard underway.insert(structure.id).inserted else {
      problems.append(.recursiveStruct(name: structure.name))
      return Packed(entries: [], slots: 1)
    }
    let packed = pack(structure.members)
    underway.remove(structure.id)
    structs[structure.id] = packed
    return packed
  }

  /// The size of a type in storage. `name` is the variable named in problems.
  package mutating func size(of type: SolidityType, name: String) -> StorageSize {
    switch type {
    case .bool: return .value(bytes: 1)
    case .address, .contract: return .value(bytes: 20)
    case .integer(let bits, _), .fixedPoint(let bits, _, _):
      return .value(bytes: min(32, max(1, bits / 8)))
    case .fixedBytes(let count): return .value(bytes: min(32, max(1, count)))
    case .enumeration(let definition):
      return .value(bytes: StorageSizes.enumBytes(valueCount: definition.node.values.count))
    case .userDefinedValue(let definition):
      if program.unit(of: definition.node).language.dialect == CompilerVersion(0, 8, 8) {
        // That one compiler gave every user-defined value type a whole slot.
        return .oneSlot
      }
      return size(of: underlyingType(of: definition.node), name: name)
    case .function(let function): return .value(bytes: function.isExternal ? 24 : 8)
    case .bytes, .string, .mapping, .array(_, nil, _): return .oneSlot
    case .array(let element, let length?, _):
      let elementSize = size(of: element, name: name)
      return StorageSize(
        bytes: 32, slots: StorageSizes.slots(ofElements: length, size: elementSize))
    case .structure(let definition, _):
      return StorageSize(bytes: 32, slots: max(1, members(of: definition.node).slots))
    case .tuple, .rational, .stringLiteral, .metatype, .typeInformation, .module, .magic, .unknown:
      problems.append(.unknownType(variable: name))
      return .oneSlot
    }
  }

  /// The elementary type behind a user-defined value type.
  package func underlyingType(of definition: UserDefinedValueTypeDefinition) -> SolidityType {
    let type = program.type(of: definition.underlying)
    // A value type over anything but an elementary type is an error of the source.
    if case .userDefinedValue = type { return .unknown }
    return type
  }

  /// Bytes of an enum: as many as its largest number needs. From 0.8 on an enum has at most 256
  /// values and always takes one byte.
  package static func enumBytes(valueCount: Int) -> Int {
    var bytes = 1
    var largest = max(0, valueCount - 1) >> 8
    while largest > 0 {
      bytes += 1
      largest >>= 8
    }
    return bytes
  }

  /// Slots of a static array: elements below 32 bytes share slots but never straddle two.
  package static func slots(ofElements length: BigUInt, size: StorageSize) -> BigUInt {
    guard size.bytes < 32 else { return max(1, length * size.slots) }
    let perSlot = BigUInt(32 / size.bytes)
    return max(1, (length + perSlot - 1) / perSlot)
  }
}

/// The next free byte while variables are placed.
package struct PackingCursor {
  private var slot = BigUInt(0)
  private var byte = 0

  package init() {}

  /// Takes room for a type and returns where it starts.
  package mutating func place(_ size: StorageSize) -> (slot: BigUInt, offset: Int) {
    if byte + size.bytes > 32 {
      slot += 1
      byte = 0
    }
    let place = (slot: slot, offset: byte)
    if size.slots == 1, byte + size.bytes <= 32 {
      byte += size.bytes
    } else {
      slot += size.slots
      byte = 0
    }
    return place
  }

  /// The slots taken so far, a slot begun counted whole.
  package var slotsUsed: BigUInt { byte > 0 ? slot + 1 : slot }
}
