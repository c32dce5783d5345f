import BigInt
import Solidity
import SoliditySyntax

extension PhysicalComparison {
  /// Compares what two leaves that start at the same byte mean.
  mutating func compareTypes(_ leaf: StorageLeaf, _ other: StorageLeaf, _ context: Context) {
    let meaning = ValueMeaning(of: leaf.type, old.sizes)
    let newMeaning = ValueMeaning(of: other.type, new.sizes)
    if let meaning, let newMeaning {
      compareValues(leaf, other, meaning, newMeaning, context)
      return
    }
    switch (leaf.type, other.type) {
    case (.mapping(let oldKey, let oldValue), .mapping(let newKey, let newValue)):
      compareKeys(leaf, other, oldKey, newKey, context)
      compareContents(
        leaf, other, oldValue, newValue, path: "[key]", isApart: true, context)
    case (.array(let first, let oldLength, _), .array(let second, let newLength, _)):
      compareArrays(leaf, other, (first, oldLength), (second, newLength), context)
    case (.bytes, .bytes), (.string, .string): break
    case (.bytes, .string), (.string, .bytes):
      report(
        .equivalentType, .informational, leaf, other, context,
        "bytes and string are kept in the same way.")
    case (.structure, .structure):
      compareContents(
        leaf, other, leaf.type, other.type, path: "", isApart: context.isApart, context)
    case (.mapping, _):
      report(
        .reinterpreted, .medium, leaf, other, context,
        "The entries of the mapping are left behind. Its own slot holds zero, which is what the new "
          + "variable reads.")
    case (_, .mapping):
      report(
        .reinterpreted, .medium, leaf, other, context,
        "The new mapping starts empty; the old value stays in its slot and is not read.")
    default:
      report(
        .reinterpreted, .high, leaf, other, context,
        "The old value is read as \(new.names.label(of: other.type)), which is kept differently.")
    }
  }

  // MARK: Values

  private mutating func compareValues(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ meaning: ValueMeaning,
    _ newMeaning: ValueMeaning, _ context: Context
  ) {
    let label = (old.names.label(of: leaf.type), new.names.label(of: other.type))
    if meaning == .internalFunction, newMeaning == .internalFunction {
      report(
        .danglingFunction, .medium, leaf, other, context,
        "The value is a place in the old version's code; in the new code something else stands "
          + "there. It must be set again before it is called.")
      return
    }
    let oldBytes = leaf.end - leaf.start
    let newBytes = other.end - other.start
    if oldBytes < newBytes {
      let isSafe = meaning.survivesWidening && meaning.read(as: newMeaning)?.severity != .high
      report(
        .widened, isSafe ? .low : .high, leaf, other, context,
        isSafe
          ? "\(label.0) became \(label.1): values stay the same where nothing ever used the bytes "
            + "above them."
          : "\(label.0) became \(label.1): the value is read from more bytes and comes out different."
      )
      return
    }
    if oldBytes > newBytes {
      report(
        .narrowed, .high, leaf, other, context,
        "\(label.0) became \(label.1): of each value only the low \(newBytes) bytes are read.")
      return
    }
    if case .enumeration(let first) = leaf.type, case .enumeration(let second) = other.type {
      compareEnums(leaf, other, first.node, second.node, context)
    } else if let change = meaning.read(as: newMeaning) {
      report(
        change.severity == .informational ? .equivalentType : .reinterpreted, change.severity,
        leaf, other, context, "\(label.0) became \(label.1). \(change.reason)")
    } else if !isSameName(leaf.type, other.type) {
      report(
        .equivalentType, .informational, leaf, other, context,
        "\(label.0) became \(label.1), which is kept in the same way.")
    }
  }

  private mutating func compareEnums(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ first: EnumDefinition,
    _ second: EnumDefinition, _ context: Context
  ) {
    let before = first.values.map(\.name)
    let after = second.values.map(\.name)
    guard before != after else { return }
    let changed = zip(before, after).enumerated().first { $0.element.0 != $0.element.1 }
    if let changed {
      let (name, newName) = changed.element
      // A name that moved means stored numbers now stand for other values; a new name may be a rename.
      let hasMoved = after.contains(name) || before.contains(newName)
      report(
        .changedEnum, hasMoved ? .high : .low, leaf, other, context,
        "The stored number \(changed.offset) meant '\(name)' and now means '\(newName)'.")
    } else if after.count < before.count {
      report(
        .changedEnum, .medium, leaf, other, context,
        "Stored numbers from \(after.count) on ('\(before[after.count])') make reads revert.")
    } else {
      report(
        .changedEnum, .informational, leaf, other, context,
        "The enum has \(after.count - before.count) more values behind the old ones, which keep "
          + "their numbers.")
    }
  }

  // MARK: Mappings and arrays

  private mutating func compareKeys(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ oldKey: SolidityType, _ newKey: SolidityType,
    _ context: Context
  ) {
    let labels = (old.names.label(of: oldKey), new.names.label(of: newKey))
    let before = KeyEncoding(of: oldKey, old.sizes)
    let after = KeyEncoding(of: newKey, new.sizes)
    if case .enumeration(let first) = oldKey, case .enumeration(let second) = newKey {
      compareEnums(leaf, other, first.node, second.node, context)
      return
    }
    switch (before, after) {
    case (.number, .number), (.signedNumber, .signedNumber), (.bytes, .bytes), (.text, .text):
      guard !isSameName(oldKey, newKey) else { return }
      report(
        .equivalentType, .informational, leaf, other, context,
        "Keys of type \(labels.0) and \(labels.1) are hashed in the same way, so entries are found."
      )
    case (.number, .signedNumber), (.signedNumber, .number):
      report(
        .rekeyed, .low, leaf, other, context,
        "Keys of type \(labels.0) became \(labels.1): entries are found where the number is not "
          + "negative and fits both.")
    default:
      report(
        .rekeyed, .high, leaf, other, context,
        "Keys of type \(labels.0) became \(labels.1), which are hashed differently: no old entry is "
          + "found.")
    }
  }

  private mutating func compareArrays(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ before: (element: SolidityType, length: BigUInt?),
    _ after: (element: SolidityType, length: BigUInt?), _ context: Context
  ) {
    if (before.length == nil) != (after.length == nil) {
      report(
        .reinterpreted, .high, leaf, other, context,
        before.length == nil
          ? "The array's length is read as its first element; its elements are left behind."
          : "The array's first element is read as its length; its elements are left behind.")
      return
    }
    let oldSize = old.sizes.size(of: before.element, name: leaf.path)
    let newSize = new.sizes.size(of: after.element, name: other.path)
    let oldStride = oldSize.bytes < 32 ? 32 / oldSize.bytes : 0
    let newStride = newSize.bytes < 32 ? 32 / newSize.bytes : 0
    // Elements of more than half a slot have a slot of their own, whatever their size.
    let packed = max(1, oldStride) != max(1, newStride)
    let samePacking = !packed && (oldStride <= 1 || oldSize.bytes == newSize.bytes)
    if !samePacking || oldSize.slots != newSize.slots {
      report(
        .restrided, .high, leaf, other, context,
        "Elements take other places: "
          + "\(old.names.label(of: before.element)) to \(new.names.label(of: after.element)). All but "
          + "the first are read from where another one, or part of one, lies.")
      return
    }
    if let oldLength = before.length, let newLength = after.length, oldLength != newLength {
      report(
        .resizedArray, newLength < oldLength ? .low : .informational, leaf, other, context,
        newLength < oldLength
          ? "The last \(oldLength - newLength) elements are no longer read; their bytes keep their "
            + "value."
          : "The array has \(newLength - oldLength) more elements at its end.")
    }
    compareContents(
      leaf, other, before.element, after.element, path: "[i]", isApart: false, context)
  }

  private mutating func compareContents(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ before: SolidityType, _ after: SolidityType,
    path: String, isApart: Bool, _ context: Context
  ) {
    // The same pair of structs is compared once; structs may lead back to themselves.
    if case .structure(let first, _) = before, case .structure(let second, _) = after {
      let key =
        "\(first.node.id.unit).\(first.node.id.index):"
        + "\(second.node.id.unit).\(second.node.id.index):\(isApart)"
      guard compared.insert(key).inserted else { return }
    }
    guard let inner = inner(context, prefix: leaf.path + path, isApart: isApart) else { return }
    compare(
      old.leaves(of: before, path: leaf.path + path, root: leaf.root),
      relabelled(
        new.leaves(of: after, path: other.path + path, root: other.root), from: other.path + path,
        to: leaf.path + path), inner)
  }

  /// Gives leaves of a renamed variable the identity they had, so that members are told apart by name.
  private func relabelled(
    _ leaves: [StorageLeaf], from path: String, to oldPath: String
  ) -> [StorageLeaf] {
    guard path != oldPath else { return leaves }
    return leaves.map { leaf in
      StorageLeaf(
        path: leaf.path, identity: oldPath + leaf.identity.dropFirst(path.count),
        contract: leaf.contract, type: leaf.type, start: leaf.start, end: leaf.end,
        isGap: leaf.isGap, declaration: leaf.declaration, root: leaf.root, isRaw: leaf.isRaw)
    }
  }

  /// Whether two value types have the same name, whatever the contract that declares them is called.
  private func isSameName(_ type: SolidityType, _ other: SolidityType) -> Bool {
    switch (type, other) {
    case (.userDefinedValue(let first), .userDefinedValue(let second)):
      first.node.name == second.node.name
    case (.enumeration(let first), .enumeration(let second)): first.node.name == second.node.name
    case (.function, .function): true
    default: old.names.label(of: type) == new.names.label(of: other)
    }
  }

  // MARK: Constants

  /// Variables that left storage for the code, or came from there.
  mutating func compareConstants() {
    let before = PhysicalComparison.fixed(in: old)
    let after = PhysicalComparison.fixed(in: new)
    let oldStored = PhysicalComparison.byName(old.storage.layout.storage)
    let newStored = PhysicalComparison.byName(new.storage.layout.storage)
    for variable in after where newStored[variable.name] == nil {
      guard let entry = oldStored[variable.name] else { continue }
      report(
        .leftStorage, .low, leaf(entry), nil, Context(),
        "'\(variable.name)' is now \(variable.mutability.rawValue): its value comes from the code, "
          + "the one in storage is no longer read.")
    }
    for variable in before where oldStored[variable.name] == nil {
      guard let entry = newStored[variable.name] else { continue }
      report(
        .enteredStorage, .medium, nil, leaf(entry), Context(),
        "'\(variable.name)' was \(variable.mutability.rawValue) and is now read from storage, where "
          + "the proxy holds nothing for it until it is written.")
    }
    for variable in before where variable.mutability == .constant {
      guard
        let other = after.first(where: {
          $0.name == variable.name && $0.mutability == .constant
        }), let value = old.version.program.constantValue(of: variable),
        let newValue = new.version.program.constantValue(of: other), value != newValue
      else { continue }
      found.append(
        StorageChange(
          kind: .changedConstant, severity: .informational, old: nil, new: nil,
          message: "The constant '\(variable.name)' has another value.", diagram: nil))
    }
  }

  private static func fixed(in side: StorageSide) -> [VariableDeclaration] {
    side.version.program.stateVariables(of: side.version.contract)
      .filter { $0.mutability != .mutable }
  }

  private static func byName(_ entries: [StorageEntry]) -> [String: StorageEntry] {
    Dictionary(entries.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private func leaf(_ entry: StorageEntry) -> StorageLeaf {
    StorageLeaf(
      path: entry.label, identity: entry.label, contract: entry.declaringContract?.name ?? "",
      type: entry.type, start: entry.start, end: entry.end, isGap: false,
      declaration: entry.declaration, root: entry.declaration, isRaw: false)
  }
}
