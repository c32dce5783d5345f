import BigInt
import Solidity
import SoliditySyntax

/// A variable or member that is no struct, with the bytes it takes.
struct StorageLeaf {
  let path: String
  /// What makes it the same variable in another version: its path, for namespaces with the struct's name.
  let identity: String
  let contract: String
  let type: SolidityType
  let start: BigUInt
  let end: BigUInt
  let isGap: Bool
  let declaration: VariableDeclaration?
  /// The outermost variable it belongs to.
  let root: VariableDeclaration?
  /// Whether it is a slot known only from assembly.
  let isRaw: Bool

  var slot: BigUInt { start / 32 }
  var offset: Int { Int(start % 32) }

  var isArray: Bool {
    guard case .array = type else { return false }
    return true
  }

  var isStaticArray: Bool {
    guard case .array(_, .some, _) = type else { return false }
    return true
  }

  func overlaps(_ other: StorageLeaf) -> Bool { start < other.end && other.start < end }
}

/// The storage of one version, ready to be compared.
struct StorageSide {
  /// Structs are opened until there are this many leaves; further ones are compared as a whole.
  private static let maximumLeaves = 20_000
  /// Longer arrays are not cut into elements.
  private static let maximumOpenedElements = BigUInt(64)

  let version: ContractVersion
  let storage: ContractStorage
  let names: StorageTypeNames
  var sizes: StorageSizes

  init(version: ContractVersion, storage: ContractStorage) {
    self.version = version
    self.storage = storage
    names = StorageTypeNames(program: version.program)
    sizes = StorageSizes(program: version.program)
  }

  /// Everything in persistent storage, in order, without overlaps: where assembly uses the slot of a
  /// declared variable, the variable stands for it.
  mutating func persistentLeaves() -> [StorageLeaf] {
    var leaves: [StorageLeaf] = []
    for entry in storage.layout.storage {
      append(entry, at: 0, path: entry.label, identity: entry.label, root: nil, to: &leaves)
    }
    for region in storage.regions where !region.isTransient {
      guard !region.entries.isEmpty else {
        leaves.append(
          StorageLeaf(
            path: region.name, identity: region.name, contract: "", type: region.type,
            start: region.start, end: region.end, isGap: false, declaration: nil, root: nil,
            isRaw: region.origin == .access))
        continue
      }
      var structure = region.name
      if case .structure(let definition, _) = region.type { structure = definition.node.name }
      for entry in region.entries {
        append(
          entry, at: 0, path: "\(region.name).\(entry.label)",
          identity: "\(structure).\(entry.label)", root: nil, to: &leaves)
      }
    }
    return StorageSide.withoutOverlaps(leaves)
  }

  /// What a value of a type consists of, from byte 0 on.
  mutating func leaves(of type: SolidityType, path: String, root: VariableDeclaration?)
    -> [StorageLeaf]
  {
    var leaves: [StorageLeaf] = []
    append(
      type, start: 0, path: path, identity: path, contract: "", declaration: root, root: root,
      isGap: false, to: &leaves)
    return leaves
  }

  private mutating func append(
    _ entry: StorageEntry, at base: BigUInt, path: String, identity: String,
    root: VariableDeclaration?, to leaves: inout [StorageLeaf]
  ) {
    append(
      entry.type, start: base + entry.start, path: path, identity: identity,
      contract: entry.declaringContract?.name ?? "", declaration: entry.declaration,
      root: root ?? entry.declaration, isGap: entry.isGap, to: &leaves)
  }

  private mutating func append(
    _ type: SolidityType, start: BigUInt, path: String, identity: String, contract: String,
    declaration: VariableDeclaration?, root: VariableDeclaration?, isGap: Bool,
    to leaves: inout [StorageLeaf]
  ) {
    if case .structure(let definition, _) = type, leaves.count < StorageSide.maximumLeaves {
      for member in sizes.members(of: definition.node).entries {
        append(
          member, at: start, path: "\(path).\(member.label)",
          identity: "\(identity).\(member.label)", root: root, to: &leaves)
      }
      return
    }
    let size = sizes.size(of: type, name: path).numberOfBytes
    leaves.append(
      StorageLeaf(
        path: path, identity: identity, contract: contract, type: type, start: start,
        end: start + size, isGap: isGap, declaration: declaration, root: root, isRaw: false))
  }

  /// The leaves with short static arrays cut into their elements where the other version has no array
  /// at the same place, so that an array can be compared with single variables.
  mutating func opened(_ leaves: [StorageLeaf], against others: [StorageLeaf]) -> [StorageLeaf] {
    let arrays = Set(others.filter(\.isArray).map(\.start))
    guard leaves.contains(where: { $0.isStaticArray && !arrays.contains($0.start) }) else {
      return leaves
    }
    var result: [StorageLeaf] = []
    for leaf in leaves {
      guard case .array(let element, let length?, _) = leaf.type, !leaf.isGap,
        !arrays.contains(leaf.start), length <= StorageSide.maximumOpenedElements
      else {
        result.append(leaf)
        continue
      }
      var cursor = PackingCursor()
      let size = sizes.size(of: element, name: leaf.path)
      for index in 0..<Int(length) {
        let place = cursor.place(size)
        append(
          element, start: leaf.start + place.slot * 32 + BigUInt(place.offset),
          path: "\(leaf.path)[\(index)]", identity: "\(leaf.identity)[\(index)]",
          contract: leaf.contract, declaration: leaf.declaration, root: leaf.root, isGap: false,
          to: &result)
      }
    }
    return result
  }

  private static func withoutOverlaps(_ leaves: [StorageLeaf]) -> [StorageLeaf] {
    // Declared variables come first and win; the sort keeps them before regions at one place.
    let order = leaves.indices.sorted {
      (leaves[$0].start, $0) < (leaves[$1].start, $1)
    }
    var result: [StorageLeaf] = []
    for index in order {
      let leaf = leaves[index]
      if let last = result.last, last.overlaps(leaf) {
        if last.isRaw, !leaf.isRaw { result[result.count - 1] = leaf }
        continue
      }
      result.append(leaf)
    }
    return result
  }

  /// The place of a leaf for a report.
  func place(_ leaf: StorageLeaf, prefix: String) -> StoragePlace {
    StoragePlace(
      path: leaf.path, type: names.label(of: leaf.type), contract: leaf.contract,
      slot: prefix.isEmpty ? SlotText.short(leaf.slot) : "\(prefix) + \(leaf.slot)",
      offset: leaf.offset, numberOfBytes: leaf.end - leaf.start, declaration: leaf.declaration)
  }

  /// What the leaves keep in one slot.
  func occupants(of slot: BigUInt, in leaves: [StorageLeaf]) -> [SlotOccupant] {
    let (first, last) = (slot * 32, slot * 32 + 32)
    var low = 0
    var high = leaves.count
    while low < high {
      let middle = (low + high) / 2
      if leaves[middle].end <= first { low = middle + 1 } else { high = middle }
    }
    var result: [SlotOccupant] = []
    while low < leaves.count, leaves[low].start < last {
      let leaf = leaves[low]
      let start = max(leaf.start, first)
      let end = min(leaf.end, last)
      result.append(
        SlotOccupant(
          label: leaf.path, type: names.label(of: leaf.type), offset: Int(start - first),
          length: Int(end - start)))
      low += 1
    }
    return result
  }
}
