import Ethereum

/// The place of a storage word as code computes it: a root and steps from there.
public struct StorageSlot: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Where the computation starts.
  public let root: Root
  /// What is done to the root, in order.
  public let steps: [Step]

  /// A start.
  public enum Root: Hashable, Sendable {
    /// A number in the code.
    case constant(Word)
    /// A number that the caller passes in, as libraries take storage references.
    case callData
    /// A hash of something other than a slot, as hand-made layouts compute it.
    case hash
    /// Not known.
    case unknown
  }

  /// One step.
  public enum Step: Hashable, Sendable {
    /// The value that the mapping at this place has for some key.
    case mappingValue
    /// The first element of the dynamic array, or the first word of the long bytes, at this place.
    case elements
    /// A fixed number of words further: a member of a struct.
    case offset(Word)
    /// Some multiple of so many words further: an element of an array.
    case index(stride: Word)
  }

  /// A root and its steps.
  public init(root: Root, steps: [Step] = []) {
    self.root = root
    self.steps = steps
  }

  /// The number if the place is one, without steps.
  public var constant: Word? {
    if steps.isEmpty, case .constant(let word) = root { return word }
    return nil
  }

  /// The number that the computation starts from, if it is one.
  public var base: Word? {
    if case .constant(let word) = root { return word }
    return nil
  }

  /// The root and the steps: `slot 3, mapping value, +1`.
  public var description: String {
    let start: String
    switch root {
    case .constant(let word):
      if let known = WellKnownSlot(slot: word) {
        start = "\(known.rawValue) (\(word.hexString))"
      } else {
        start = word.uint64 != nil ? "slot \(word)" : "slot \(word.paddedHexString)"
      }
    case .callData: start = "slot from call data"
    case .hash: start = "slot from a hash"
    case .unknown: start = "unknown slot"
    }
    return ([start] + steps.map(StorageSlot.text)).joined(separator: ", ")
  }

  static func text(_ step: Step) -> String {
    switch step {
    case .mappingValue: "mapping value"
    case .elements: "elements"
    case .offset(let distance): "+\(distance)"
    case .index(let stride): stride == .one ? "[i]" : "[i * \(stride)]"
    }
  }

  /// Constants first, then by the text.
  public static func < (left: StorageSlot, right: StorageSlot) -> Bool {
    switch (left.base, right.base) {
    case (let a?, let b?) where a != b: a < b
    case (_?, nil): true
    case (nil, _?): false
    default: left.description < right.description
    }
  }
}

/// Reads slots off symbolic values.
struct SlotReader {
  let arena: ExpressionArena
  /// Whether mappings hash the slot before the key, as Vyper does.
  let hashesSlotFirst: Bool

  /// The slots of dynamic arrays whose first element lies at a number that optimisers compute in
  /// advance: arrays at slots 0...255.
  private static let arrayElements: [Word: Word] = Dictionary(
    uniqueKeysWithValues: (0..<256).map {
      let slot = Word(UInt64($0))
      return (StorageLocation.elements(of: slot), slot)
    })

  /// Elements of an array that are looked for behind its first one.
  private static let arrayReach = 64

  /// How deep slots are followed into mappings of mappings.
  private static let maximumDepth = 16

  func slot(_ value: ExpressionID, depth: Int = 0) -> StorageSlot {
    guard depth < SlotReader.maximumDepth else { return StorageSlot(root: .unknown) }
    switch arena[value] {
    case .constant(let word):
      return constantSlot(word)
    case .hash(let words):
      return hashedSlot(words, depth: depth)
    case .hashEnding(let base, _):
      return extended(slot(base, depth: depth + 1), by: [.mappingValue])
    case .sum(let terms, let constant):
      return sumSlot(terms, constant, depth: depth)
    case .callData: return StorageSlot(root: .callData)
    case .selector, .environment, .storage, .operation, .callOutput, .unknown:
      return StorageSlot(root: .unknown)
    }
  }

  private func constantSlot(_ word: Word) -> StorageSlot {
    // Only hashes are this large.
    if word.leadingZeroBitCount < 64, WellKnownSlot(slot: word) == nil {
      for distance in 0..<SlotReader.arrayReach {
        let offset = Word(UInt64(distance))
        if let base = SlotReader.arrayElements[word &- offset] {
          let steps: [StorageSlot.Step] = offset.isZero ? [] : [.offset(offset)]
          return StorageSlot(root: .constant(base), steps: [.elements] + steps)
        }
      }
    }
    return StorageSlot(root: .constant(word))
  }

  private func hashedSlot(_ words: [ExpressionID], depth: Int) -> StorageSlot {
    if words.count == 1 {
      let base = slot(words[0], depth: depth + 1)
      // The hash of anything but a slot is a hand-made place.
      guard base.base != nil || base.root == .callData else { return StorageSlot(root: .hash) }
      return extended(base, by: [.elements])
    }
    guard words.count == 2 else { return StorageSlot(root: .hash) }
    let base: ExpressionID
    switch (isSlotLike(words[0]), isSlotLike(words[1])) {
    case (false, true): base = words[1]
    case (true, false): base = words[0]
    default: base = hashesSlotFirst ? words[0] : words[1]
    }
    let place = slot(base, depth: depth + 1)
    if place.root == .unknown { return StorageSlot(root: .hash) }
    return extended(place, by: [.mappingValue])
  }

  /// Whether a value can be where a mapping lies: a number, or derived from one by hashing.
  private func isSlotLike(_ value: ExpressionID) -> Bool {
    switch arena[value] {
    case .constant, .hash, .hashEnding: true
    case .sum(let terms, _): terms.contains { isHash($0.value) }
    default: false
    }
  }

  private func isHash(_ value: ExpressionID) -> Bool {
    switch arena[value] {
    case .hash, .hashEnding: true
    default: false
    }
  }

  private func sumSlot(
    _ terms: [Expression.Term], _ constant: Word, depth: Int
  ) -> StorageSlot {
    let hashes = terms.filter { $0.factor == .one && isHash($0.value) }
    var steps: [StorageSlot.Step] = []
    let indices = terms.filter { term in !hashes.contains { $0.value == term.value } }
    for term in indices { steps.append(.index(stride: term.factor)) }
    if hashes.count == 1 {
      if !constant.isZero { steps.append(.offset(constant)) }
      return extended(slot(hashes[0].value, depth: depth + 1), by: steps)
    }
    guard hashes.isEmpty else { return StorageSlot(root: .hash) }
    let base = constantSlot(constant)
    if !base.steps.isEmpty { return extended(base, by: steps) }
    // A number from outside with a small distance is a reference to storage, not an index.
    if indices.count == 1, indices[0].factor == .one, constant < 256 {
      switch arena[indices[0].value] {
      case .callData:
        let offset: [StorageSlot.Step] = constant.isZero ? [] : [.offset(constant)]
        return StorageSlot(root: .callData, steps: offset)
      case .operation, .sum: break
      default: return StorageSlot(root: .unknown)
      }
    }
    return extended(base, by: steps)
  }

  private func extended(_ slot: StorageSlot, by steps: [StorageSlot.Step]) -> StorageSlot {
    StorageSlot(root: slot.root, steps: slot.steps + steps)
  }
}
