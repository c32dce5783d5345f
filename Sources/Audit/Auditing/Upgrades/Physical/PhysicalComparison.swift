import BigInt
import Solidity
import SoliditySyntax

/// Finds out what the bytes that one version left in storage mean to another.
///
/// Both layouts, namespaces and hand-made slots included, are cut into leaves; each leaf of the old version
/// is looked at with those of the new version that share bytes with it. Contents of mappings and arrays are
/// compared the same way, relative to where a value starts.
struct PhysicalComparison {
  /// The place where leaves are compared: the storage itself, or one value of a mapping or array.
  struct Context {
    /// Put before slot numbers; empty for the storage itself.
    var prefix = ""
    /// Whether values lie apart, so that nothing follows them.
    var isApart = false
    var depth = 0
    var oldLeaves: [StorageLeaf] = []
    var newLeaves: [StorageLeaf] = []
  }

  /// Mappings and arrays within each other are followed this deep.
  private static let maximumDepth = 48

  var old: StorageSide
  var new: StorageSide
  var found: [StorageChange] = []
  var compared: Set<String> = []

  init(old: StorageSide, new: StorageSide) {
    self.old = old
    self.new = new
  }

  /// All changes: storage in order of place, then constants. Transient storage does not outlive a
  /// transaction and is left out.
  mutating func changes() -> [StorageChange] {
    found = []
    compare(old.persistentLeaves(), new.persistentLeaves(), Context())
    compareConstants()
    return found
  }

  mutating func compare(
    _ oldLeaves: [StorageLeaf], _ newLeaves: [StorageLeaf], _ context: Context
  ) {
    var context = context
    let oldLeaves = old.opened(oldLeaves, against: newLeaves)
    let newLeaves = new.opened(newLeaves, against: oldLeaves)
    context.oldLeaves = oldLeaves
    context.newLeaves = newLeaves
    let identities = LeafIdentities(old: oldLeaves, new: newLeaves)
    var first = 0
    for leaf in oldLeaves {
      while first < newLeaves.count, newLeaves[first].end <= leaf.start { first += 1 }
      var sharing: [StorageLeaf] = []
      var index = first
      while index < newLeaves.count, newLeaves[index].start < leaf.end {
        sharing.append(newLeaves[index])
        index += 1
      }
      if leaf.isGap {
        compareGap(leaf, sharing, context)
      } else {
        compare(leaf, sharing, identities, context)
      }
    }
    addNewcomers(identities, context)
  }

  // MARK: Gaps and new variables

  private mutating func compareGap(
    _ gap: StorageLeaf, _ sharing: [StorageLeaf], _ context: Context
  ) {
    for leaf in sharing where !leaf.isGap && gap.start <= leaf.start {
      // A leaf that reaches beyond the gap shares bytes with what follows, which is told there.
      report(
        .consumedGap, .informational, gap, leaf, context,
        "'\(leaf.path)' takes bytes that '\(gap.path)' kept free for it.")
    }
    if let successor = sharing.first(where: \.isGap),
      successor.end != gap.end || successor.start < gap.start
    {
      let endsSame = successor.end == gap.end
      report(
        .resizedGap, endsSame ? .informational : .low, gap, successor, context,
        endsSame
          ? "The gap starts earlier and ends where it ended, so what follows it has not moved."
          : "The gap ends at another byte than before, so what follows it may have moved.")
    }
  }

  private mutating func addNewcomers(_ identities: LeafIdentities, _ context: Context) {
    let oldEnd = context.oldLeaves.map(\.end).max() ?? 0
    var index = 0
    for leaf in context.newLeaves where !leaf.isGap && !leaf.isRaw {
      while index < context.oldLeaves.count, context.oldLeaves[index].end <= leaf.start {
        index += 1
      }
      if index < context.oldLeaves.count, context.oldLeaves[index].start < leaf.end { continue }
      // A variable that moved here was told where it came from.
      if identities.predecessor(of: leaf) != nil { continue }
      if leaf.start >= oldEnd || !isBetweenDeclared(leaf, context) {
        var message = "'\(leaf.path)' takes bytes behind everything the old version used."
        if leaf.path.contains("."), context.prefix.isEmpty, !leaf.identity.isEmpty {
          message +=
            " Its struct grew at the end where no other variable follows, so nothing moved."
        } else if context.isApart {
          message += " Values of a mapping lie apart from each other, so nothing moved."
        }
        report(.appended, .informational, nil, leaf, context, message)
      } else {
        report(
          .filledFreeBytes, .informational, nil, leaf, context,
          "'\(leaf.path)' takes bytes that no variable of the old version used; they are zero "
            + "unless assembly wrote them.")
      }
    }
  }

  /// Whether old leaves lie in the same slot on or around the new leaf's place.
  private func isBetweenDeclared(_ leaf: StorageLeaf, _ context: Context) -> Bool {
    let slot = leaf.slot
    return !old.occupants(of: slot, in: context.oldLeaves).isEmpty
  }

  // MARK: Leaves

  private mutating func compare(
    _ leaf: StorageLeaf, _ sharing: [StorageLeaf], _ identities: LeafIdentities,
    _ context: Context
  ) {
    let successor = identities.successor(of: leaf)
    let live = sharing.filter { !$0.isGap && !($0.isRaw && !leaf.isRaw) }
    guard !live.isEmpty else {
      if let successor, successor.start != leaf.start {
        reportMove(leaf, to: successor, readAs: nil, context)
      } else if !leaf.isRaw {
        let reserved = sharing.isEmpty ? "" : " A gap reserves them again."
        report(
          .removed, .low, leaf, nil, context,
          "Nothing names these bytes any more.\(reserved) They keep their value, which a variable "
            + "put there later would read as its own.")
      }
      return
    }
    for other in live {
      if other.start == leaf.start {
        comparePair(leaf, other, successor, identities, context)
      } else if let successor, successor.start != leaf.start {
        reportMove(leaf, to: successor, readAs: other, context)
        return
      } else {
        reportOverlap(leaf, other, context)
      }
    }
  }

  private mutating func comparePair(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ successor: StorageLeaf?,
    _ identities: LeafIdentities, _ context: Context
  ) {
    if leaf.identity != other.identity, !leaf.isRaw, !other.isRaw {
      if let successor, successor.start != leaf.start {
        reportMove(leaf, to: successor, readAs: other, context)
        return
      }
      if let predecessor = identities.predecessor(of: other), predecessor.start != other.start {
        report(
          .moved, .high, leaf, other, context,
          "Where the old version keeps '\(leaf.path)', the new one reads '\(other.path)', which the "
            + "old version keeps in slot \(placeText(predecessor.slot, context)).")
        return
      }
    }
    let reported = found.count
    compareTypes(leaf, other, context)
    guard leaf.identity != other.identity, !leaf.isRaw, !other.isRaw,
      found[reported...].allSatisfy({ $0.severity < .medium })
    else { return }
    let isSaid = other.root.map { renamedFrom($0) == leaf.root?.name } ?? false
    report(
      .renamed, isSaid ? .informational : .low, leaf, other, context,
      "'\(leaf.path)' is now called '\(other.path)' and keeps its bytes."
        + (isSaid ? " The new version says so." : " Its old value becomes the new one's."))
  }

  private func renamedFrom(_ variable: VariableDeclaration) -> String? {
    UpgradeAnnotations.text(of: UpgradeAnnotations.renamedFrom, in: variable.documentation)
  }

  private mutating func reportMove(
    _ leaf: StorageLeaf, to successor: StorageLeaf, readAs other: StorageLeaf?, _ context: Context
  ) {
    var message =
      "The new version reads '\(successor.path)' from slot "
      + "\(placeText(successor.slot, context)), byte \(successor.offset); its value stays behind in "
      + "slot \(placeText(leaf.slot, context)), byte \(leaf.offset)."
    if let other { message += " There the new version reads '\(other.path)'." }
    report(.moved, .high, leaf, other ?? successor, context, message)
  }

  private mutating func reportOverlap(
    _ leaf: StorageLeaf, _ other: StorageLeaf, _ context: Context
  ) {
    // The slot of a mapping holds nothing itself, and a mapping reads nothing from it.
    var severity = Severity.high
    if case .mapping = leaf.type { severity = .medium }
    report(
      .overlapped, severity, leaf, other, context,
      "Bytes that hold '\(leaf.path)' are now part of '\(other.path)'.")
  }

  // MARK: Reports

  mutating func report(
    _ kind: StorageChangeKind, _ severity: Severity, _ leaf: StorageLeaf?, _ other: StorageLeaf?,
    _ context: Context, _ message: String
  ) {
    found.append(
      StorageChange(
        kind: kind, severity: severity, old: leaf.map { old.place($0, prefix: context.prefix) },
        new: other.map { new.place($0, prefix: context.prefix) }, message: message,
        diagram: diagram(leaf, other, severity, context)))
  }

  private func placeText(_ slot: BigUInt, _ context: Context) -> String {
    context.prefix.isEmpty ? SlotText.short(slot) : "\(context.prefix) + \(slot)"
  }

  private func diagram(
    _ leaf: StorageLeaf?, _ other: StorageLeaf?, _ severity: Severity, _ context: Context
  ) -> SlotDiagram {
    var slots: [BigUInt] = []
    // Where both share bytes, the first slot shared tells most.
    if let leaf, let other, leaf.overlaps(other) {
      slots = [max(leaf.slot, other.slot)]
    } else {
      slots = [leaf?.slot, other?.slot].compactMap { $0 }
    }
    let rows = Array(Set(slots)).sorted().map { slot in
      SlotRow(
        slot: placeText(slot, context), left: old.occupants(of: slot, in: context.oldLeaves),
        right: new.occupants(of: slot, in: context.newLeaves), isConflict: severity >= .medium)
    }
    return SlotDiagram(
      left: old.version.contract.name, right: new.version.contract.name, rows: rows)
  }

  /// A context for the values of a mapping or the elements of an array; nil when they were compared
  /// before or lie too deep.
  func inner(
    _ context: Context, prefix: String, isApart: Bool
  ) -> Context? {
    guard context.depth < PhysicalComparison.maximumDepth else { return nil }
    return Context(prefix: prefix, isApart: isApart, depth: context.depth + 1)
  }
}

/// Which leaf of the other version has the same name.
struct LeafIdentities {
  private var newByIdentity: [String: [StorageLeaf]] = [:]
  private var oldByIdentity: [String: [StorageLeaf]] = [:]

  init(old: [StorageLeaf], new: [StorageLeaf]) {
    for leaf in new where !leaf.isGap { newByIdentity[leaf.identity, default: []].append(leaf) }
    for leaf in old where !leaf.isGap { oldByIdentity[leaf.identity, default: []].append(leaf) }
  }

  /// Where the new version keeps the variable that `leaf` is in the old one.
  func successor(of leaf: StorageLeaf) -> StorageLeaf? {
    LeafIdentities.match(leaf, in: newByIdentity)
  }

  /// Where the old version keeps the variable that `leaf` is in the new one.
  func predecessor(of leaf: StorageLeaf) -> StorageLeaf? {
    LeafIdentities.match(leaf, in: oldByIdentity)
  }

  private static func match(
    _ leaf: StorageLeaf, in leaves: [String: [StorageLeaf]]
  ) -> StorageLeaf? {
    guard let candidates = leaves[leaf.identity] else { return nil }
    // Private variables of several contracts may share a name.
    if let same = candidates.first(where: { $0.start == leaf.start }) { return same }
    return candidates.first { $0.contract == leaf.contract } ?? candidates.first
  }
}
