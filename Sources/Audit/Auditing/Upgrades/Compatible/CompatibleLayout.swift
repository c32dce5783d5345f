import BigInt
import Solidity
import SoliditySyntax

/// The storage of one version as the OpenZeppelin comparison sees it.
struct CompatibleLayout {
  /// The declared variables in layout order.
  let storage: [ComparedField]
  /// The members of each namespace, with its annotation, in order of the linearisation.
  private(set) var namespaces: [(annotation: String, fields: [ComparedField])]

  let program: Program
  let names: StorageTypeNames
  var sizes: StorageSizes
  /// Identifiers of the types whose sizes and member places the compiler would have printed.
  let knownTypes: Set<String>
  let knowsAllTypes: Bool

  init(
    of version: ContractVersion, usesNamespaceSlots: Bool
  ) throws(CompatibilityFailure) {
    program = version.program
    names = StorageTypeNames(program: program)
    sizes = StorageSizes(program: program)
    knowsAllTypes = usesNamespaceSlots
    let layout = program.storageLayout(of: version.contract, sizes: &sizes)
    knownTypes = CompatibleLayout.typesPrinted(for: layout.storage, names: names, sizes: &sizes)
    let names = self.names
    storage = layout.storage.map { entry in
      let documentation = entry.declaration.documentation
      return ComparedField(
        label: entry.label, typeLabel: names.label(of: entry.type),
        contract: entry.declaringContract?.name ?? "", declaration: entry.declaration,
        slot: entry.slot, offset: entry.offset, numberOfBytes: entry.numberOfBytes,
        renamedFrom: UpgradeAnnotations.text(
          of: UpgradeAnnotations.renamedFrom, in: documentation),
        retypedFrom: UpgradeAnnotations.text(
          of: UpgradeAnnotations.retypedFrom, in: documentation), type: entry.type)
    }
    namespaces = []
    namespaces = try readNamespaces(of: version.contract)
  }

  /// The fields of a struct; places are known only where the compiler would have printed them.
  mutating func fields(of structure: StructDefinition) -> [ComparedField] {
    let type = SolidityType.structure(Reference(structure), nil)
    let isKnown = isKnown(type)
    let contract = program.contract(containing: structure)?.name ?? ""
    var fields: [ComparedField] = []
    for entry in sizes.members(of: structure).entries {
      let sizeKnown = isKnown || self.isKnown(entry.type)
      fields.append(
        ComparedField(
          label: entry.label, typeLabel: names.label(of: entry.type), contract: contract,
          declaration: entry.declaration, slot: isKnown ? entry.slot : nil,
          offset: isKnown ? entry.offset : nil,
          numberOfBytes: sizeKnown ? entry.numberOfBytes : nil, renamedFrom: nil,
          retypedFrom: nil, type: entry.type))
    }
    return fields
  }

  func isKnown(_ type: SolidityType) -> Bool {
    knowsAllTypes || knownTypes.contains(names.identifier(of: type))
  }

  private static func typesPrinted(
    for entries: [StorageEntry], names: StorageTypeNames, sizes: inout StorageSizes
  ) -> Set<String> {
    var known: Set<String> = []
    var pending = entries.map { (names.identifier(of: $0.type), $0.type) }
    while let (identifier, type) = pending.popLast() {
      guard known.insert(identifier).inserted else { continue }
      switch type {
      case .structure(let definition, _):
        for member in sizes.members(of: definition.node).entries {
          pending.append((names.identifier(of: member.type), member.type))
        }
      case .mapping(let key, let value):
        pending += [(names.keyIdentifier(of: key), key), (names.identifier(of: value), value)]
      case .array(let element, _, _): pending.append((names.identifier(of: element), element))
      default: break
      }
    }
    return known
  }

  private mutating func readNamespaces(
    of contract: ContractDefinition
  ) throws(CompatibilityFailure) -> [(annotation: String, fields: [ComparedField])] {
    var result: [(annotation: String, fields: [ComparedField])] = []
    for base in program.linearizedBases(of: contract) {
      for structure in base.structs {
        guard let annotation = try CompatibleLayout.annotation(of: structure) else { continue }
        if result.contains(where: { $0.annotation == annotation }) {
          throw .duplicateNamespace(id: annotation, contract: contract.name)
        }
        if let expression = base.layoutBase,
          let slot = CompatibleLayout.baseSlot(expression, program),
          StorageNamespace(annotation: annotation).formula == .erc7201,
          slot == StorageNamespace(annotation: annotation).slot
        {
          throw .baseSlotClash(id: annotation, contract: contract.name)
        }
        result.append((annotation, fields(of: structure)))
      }
    }
    return result
  }

  /// The one argument of `@custom:storage-location`; nil without the annotation.
  static func annotation(
    of structure: StructDefinition
  ) throws(CompatibilityFailure) -> String? {
    let tag = "storage-location"
    guard let arguments = UpgradeAnnotations.arguments(of: tag, in: structure.documentation) else {
      return nil
    }
    guard arguments.count == 1 else {
      throw .annotationArguments(tag: tag, found: arguments.count, expected: 1)
    }
    return arguments[0]
  }

  /// The base slot of a number literal or a call of `erc7201`; nil for other expressions.
  static func baseSlot(_ expression: Expression, _ program: Program) -> BigUInt? {
    switch expression.kind {
    case .literal: return program.slotValue(of: expression)
    case .call(let callee, _):
      guard case .identifier("erc7201") = callee.kind else { return nil }
      return program.slotValue(of: expression)
    default: return nil
    }
  }
}
