import BigInt
import Solidity
import SoliditySyntax

/// Compares the storage of two versions by the rules of the OpenZeppelin upgrades plugins (1.46).
///
/// Lists of variables are compared by edit distance; appending is safe, inserting is where no variable
/// lay, gaps may shrink as long as they end where they ended. Written from the published rules.
struct StorageComparison {
  /// Types nested deeper than this are refused like recursive ones.
  private static let maximumDepth = 256

  private var old: CompatibleLayout
  private var new: CompatibleLayout
  private let allowsRenames: Bool
  private var underway: Set<String> = []
  private var finished: [String: TypeChange?] = [:]

  init(old: CompatibleLayout, new: CompatibleLayout, allowsRenames: Bool) {
    self.old = old
    self.new = new
    self.allowsRenames = allowsRenames
  }

  /// The unsafe differences, in order: declared storage first, then namespaces.
  mutating func operations() throws(CompatibilityFailure) -> [StorageOperation] {
    var result = try compare(old.storage, new.storage, allowsAppend: true)
    let updated = new.namespaces
    for namespace in old.namespaces {
      if let match = updated.first(where: { $0.annotation == namespace.annotation }) {
        result += try compare(namespace.fields, match.fields, allowsAppend: true)
      } else if !namespace.fields.isEmpty {
        result.append(
          StorageOperation(
            kind: .deleteNamespace(namespace.annotation), original: nil, updated: nil))
      }
    }
    return result
  }

  // MARK: Lists

  private mutating func compare(
    _ original: [ComparedField], _ updated: [ComparedField], allowsAppend: Bool
  ) throws(CompatibilityFailure) -> [StorageOperation] {
    var comparison = self
    let steps = try EditScript.steps(from: original.count, to: updated.count) {
      (old, new) throws(CompatibilityFailure) -> Int in
      try comparison.change(from: original[old], to: updated[new])?.cost ?? 0
    }
    self = comparison
    var result: [StorageOperation] = []
    for step in steps {
      switch step {
      case .insert(let index):
        let field = updated[index]
        if !StorageComparison.isFree(field, among: original) {
          result.append(StorageOperation(kind: .insert, original: nil, updated: field))
        }
      case .append(let index):
        if !allowsAppend {
          result.append(StorageOperation(kind: .append, original: nil, updated: updated[index]))
        }
      case .delete(let index):
        result.append(StorageOperation(kind: .delete, original: original[index], updated: nil))
      case .keepOrChange(let oldIndex, let newIndex):
        let (from, to) = (original[oldIndex], updated[newIndex])
        guard let change = try change(from: from, to: to) else { continue }
        switch change.kind {
        case .shrinkGap, .finishGap: if StorageComparison.endsAtGapEnd(from, to) { continue }
        default: break
        }
        result.append(StorageOperation(kind: change.kind, original: from, updated: to))
      }
    }
    return result
  }

  /// Whether an inserted field lies where only gaps lay, or nothing.
  private static func isFree(_ field: ComparedField, among original: [ComparedField]) -> Bool {
    guard let start = field.start, let end = field.end else { return false }
    return original.allSatisfy { entry in
      if entry.isGap { return true }
      guard let entryStart = entry.start, let entryEnd = entry.end else { return false }
      return !(entryStart < end && start < entryEnd)
    }
  }

  /// Whether the old field is a gap and the new one ends exactly where it ended.
  private static func endsAtGapEnd(_ original: ComparedField, _ updated: ComparedField) -> Bool {
    guard original.isGap, let end = original.end else { return false }
    return end == updated.end
  }

  // MARK: Fields

  private mutating func change(
    from original: ComparedField, to updated: ComparedField
  ) throws(CompatibilityFailure) -> (kind: StorageOperation.Kind, cost: Int)? {
    let isRenamed =
      !allowsRenames && original.label != updated.renamedFrom
      && (updated.label != original.label
        || (updated.renamedFrom != nil && updated.renamedFrom != original.renamedFrom))
    var typeChange: TypeChange?
    if !StorageComparison.isRetyped(from: original, to: updated) {
      typeChange = try self.typeChange(from: original.type, to: updated.type, allowsAppend: false)
    }
    let layoutChange = StorageComparison.layoutChange(from: original, to: updated)
    if updated.retypedFrom != nil, let layoutChange,
      !(layoutChange.isUncertain
        && StorageComparison.isKnownCompatible(original.typeLabel, updated.typeLabel))
    {
      return (.layoutChange(layoutChange), 1)
    }
    if isRenamed, StorageComparison.endsAtGapEnd(original, updated) { return (.finishGap, 1) }
    if let typeChange, case .arrayShrink = typeChange,
      StorageComparison.endsAtGapEnd(original, updated)
    {
      return (.shrinkGap(typeChange), 0)
    }
    if let typeChange { return isRenamed ? (.replace, 3) : (.typeChange(typeChange), 1) }
    if isRenamed { return (.rename, 3) }
    if let layoutChange, !layoutChange.isUncertain { return (.layoutChange(layoutChange), 1) }
    return nil
  }

  private static func isRetyped(from original: ComparedField, to updated: ComparedField) -> Bool {
    guard let retypedFrom = updated.retypedFrom else { return false }
    return withoutKinds(original.typeLabel) == withoutKinds(retypedFrom)
  }

  /// A type label without the words `contract`, `struct` and `enum`.
  static func withoutKinds(_ label: String) -> String {
    var result = ""
    var word = ""
    for character in label {
      if character.isLetter || character.isNumber || character == "_" {
        word.append(character)
        continue
      }
      let isKind = character == " " && ["contract", "struct", "enum"].contains(word)
      if !isKind { result += word + String(character) }
      word = ""
    }
    return result + word
  }

  private static func layoutChange(
    from original: ComparedField, to updated: ComparedField
  ) -> LayoutChange? {
    guard let oldSlot = original.slot, let oldOffset = original.offset,
      let oldBytes = original.numberOfBytes, let newSlot = updated.slot,
      let newOffset = updated.offset, let newBytes = updated.numberOfBytes
    else { return LayoutChange(slot: nil, offset: nil, bytes: nil, isUncertain: true) }
    if oldSlot == newSlot, oldOffset == newOffset, oldBytes == newBytes { return nil }
    return LayoutChange(
      slot: oldSlot == newSlot ? nil : (oldSlot, newSlot),
      offset: oldOffset == newOffset ? nil : (oldOffset, newOffset),
      bytes: oldBytes == newBytes ? nil : (oldBytes, newBytes), isUncertain: false)
  }

  private static func isKnownCompatible(_ first: String, _ second: String) -> Bool {
    let group: Set = ["uint8", "bool"]
    return group.contains(first) && group.contains(second)
  }

  // MARK: Types

  private mutating func typeChange(
    from original: SolidityType, to updated: SolidityType, allowsAppend: Bool
  ) throws(CompatibilityFailure) -> TypeChange? {
    let key =
      "\(old.names.identifier(of: original))|\(new.names.identifier(of: updated))|\(allowsAppend)"
    if let known = finished[key] { return known }
    guard underway.count < StorageComparison.maximumDepth, underway.insert(key).inserted else {
      throw .recursiveType(new.names.label(of: updated))
    }
    let change = try newTypeChange(from: original, to: updated, allowsAppend: allowsAppend)
    underway.remove(key)
    finished[key] = .some(change)
    return change
  }

  private mutating func newTypeChange(
    from original: SolidityType, to updated: SolidityType, allowsAppend: Bool
  ) throws(CompatibilityFailure) -> TypeChange? {
    let from = old.names.label(of: original)
    let to = new.names.label(of: updated)
    switch (original, updated) {
    case (.function(let first), .function(let second)):
      return first.isExternal == second.isExternal ? nil : .visibilityChange(from: from, to: to)
    case (.contract, .contract), (.contract, .address(payable: false)),
      (.address(payable: false), .contract):
      return nil
    case (.structure(let first, _), .structure(let second, _)):
      let operations = try compare(
        old.fields(of: first.node), new.fields(of: second.node), allowsAppend: allowsAppend)
      return operations.isEmpty ? nil : .structMembers(operations, from: from, to: to)
    case (.enumeration(let first), .enumeration(let second)):
      return StorageComparison.enumChange(first.node, second.node, from: from, to: to)
    case (.mapping(let oldKey, let oldValue), .mapping(let newKey, let newValue)):
      if let change = try typeChange(from: oldKey, to: newKey, allowsAppend: false) {
        return .mappingKey(change, to: to)
      }
      // Values lie apart from each other and may grow.
      return try typeChange(from: oldValue, to: newValue, allowsAppend: true).map {
        .mappingValue($0, to: to)
      }
    case (.array(let first, let oldLength, _), .array(let second, let newLength, _)):
      if (oldLength == nil) != (newLength == nil) { return .arrayDynamic(from: from, to: to) }
      if let oldLength, let newLength {
        if newLength < oldLength { return .arrayShrink(from: from, to: to) }
        if newLength > oldLength, !allowsAppend { return .arrayGrow(from: from, to: to) }
      }
      return try typeChange(from: first, to: second, allowsAppend: false).map {
        .arrayValue($0, to: to)
      }
    case (.userDefinedValue(let first), .userDefinedValue(let second)):
      return valueTypeChange(first.node, second.node, original, updated, from: from, to: to)
    case (.bytes, .bytes), (.string, .string): return nil
    default:
      return original == updated && original.isElementary
        ? nil : .obviousMismatch(from: from, to: to)
    }
  }

  private mutating func valueTypeChange(
    _ first: UserDefinedValueTypeDefinition, _ second: UserDefinedValueTypeDefinition,
    _ original: SolidityType, _ updated: SolidityType, from: String, to: String
  ) -> TypeChange? {
    let areKnown = old.isKnown(original) && new.isKnown(updated)
    let oldBase = old.sizes.underlyingType(of: first)
    let newBase = new.sizes.underlyingType(of: second)
    if !areKnown { return oldBase == newBase ? nil : .unknown(from: from, to: to) }
    let oldSize = old.sizes.size(of: original, name: from)
    let newSize = new.sizes.size(of: updated, name: to)
    return oldSize == newSize ? nil : .typeResize(from: from, to: to)
  }

  private static func enumChange(
    _ first: EnumDefinition, _ second: EnumDefinition, from: String, to: String
  ) -> TypeChange? {
    let original = first.values.map(\.name)
    let updated = second.values.map(\.name)
    if StorageSizes.enumBytes(valueCount: original.count)
      != StorageSizes.enumBytes(valueCount: updated.count)
    {
      return .typeResize(from: from, to: to)
    }
    let steps = EditScript.steps(from: original.count, to: updated.count) {
      original[$0] == updated[$1] ? 0 : 3
    }
    let operations = steps.compactMap { step -> EnumOperation? in
      switch step {
      case .append: nil
      case .insert(let index): .insert(updated[index])
      case .delete(let index): .delete(original[index])
      case .keepOrChange(let old, let new):
        original[old] == updated[new]
          ? nil : .replace(original: original[old], updated: updated[new])
      }
    }
    return operations.isEmpty ? nil : .enumMembers(operations, from: from, to: to)
  }
}

extension SolidityType {
  /// Whether the type is built in and holds no other types.
  fileprivate var isElementary: Bool {
    switch self {
    case .bool, .address, .integer, .fixedPoint, .fixedBytes: true
    default: false
    }
  }
}
