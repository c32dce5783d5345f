import Ethereum

/// Whether code is what source says: selectors and storage compared one by one.
public struct SourceComparison: Hashable, Sendable {
  /// Functions that both have, by selector.
  public let matched: [SourceExpectation.Function]
  /// Functions of the source that the code does not dispatch to, by selector.
  public let missing: [SourceExpectation.Function]
  /// Selectors that the code dispatches to and the source does not have, ascending.
  public let extra: [Selector]
  /// Each access of the code with what the layout says to it, in the order of accesses.
  public let accesses: [ComparedAccess]
  /// Whether the examination of the code was complete. Where it was not, a missing function or an
  /// absence of contradictions proves little.
  public let isComplete: Bool

  /// An access and its verdict.
  public struct ComparedAccess: Hashable, Sendable {
    /// What the code does.
    public let access: StorageAccess
    /// What the layout says to it.
    public let verdict: Verdict
  }

  /// What a layout says to an access.
  public enum Verdict: Hashable, Sendable, CustomStringConvertible {
    /// The bytes belong to these variables, each as a whole or the access within one.
    case consistent(labels: [String])
    /// The place is none of the layout's: an agreed slot, a hash, or one that the caller chooses.
    case outsideLayout
    /// Only the run decides which bytes are meant, in a slot of these variables.
    case undecided(labels: [String])
    /// The layout has nothing in this slot, or nothing in these bytes of it.
    case undeclared
    /// The access takes a part of one of these variables together with bytes beside it.
    case crossesVariables(labels: [String])
    /// The code uses the slot as something else than this variable is.
    case differentUse(label: String, declared: SourceExpectation.Encoding)

    /// Whether the access speaks against the layout.
    public var isContradiction: Bool {
      switch self {
      case .consistent, .outsideLayout, .undecided: false
      case .undeclared, .crossesVariables, .differentUse: true
      }
    }

    /// The verdict, for a person.
    public var description: String {
      switch self {
      case .consistent(let labels): "is \(labels.joined(separator: ", "))"
      case .outsideLayout: "lies outside of the layout"
      case .undecided(let labels): "is a part of \(labels.joined(separator: ", "))"
      case .undeclared: "is not declared"
      case .crossesVariables(let labels): "cuts through \(labels.joined(separator: ", "))"
      case .differentUse(let label, let declared):
        "does not fit \(label), declared as \(declared.rawValue)"
      }
    }
  }

  /// Slots from here on are hashes: no compiler numbers variables up to there.
  private static let firstHash = Word.one << 64

  /// Compares what code does with what source says.
  ///
  /// Constant places below 2^64 that the layout does not have contradict it; agreed slots, hashes
  /// and places that the caller chooses do not, for layouts do not list them.
  public init(code: BytecodeAnalysis, source: SourceExpectation) {
    let found = Set(code.functions.map(\.selector))
    let declared = Set(source.functions.map(\.selector))
    let functions = source.functions.sorted {
      ($0.selector, $0.signature) < ($1.selector, $1.signature)
    }
    matched = functions.filter { found.contains($0.selector) }
    missing = functions.filter { !found.contains($0.selector) }
    extra = found.subtracting(declared).sorted()
    accesses = code.storageAccesses.map { access in
      ComparedAccess(
        access: access, verdict: Self.verdict(access, variables: source.variables))
    }
    isComplete = code.isComplete
  }

  /// Whether selectors are the same on both sides and no access speaks against the layout.
  public var isConsistent: Bool {
    missing.isEmpty && extra.isEmpty && contradictions.isEmpty
  }

  /// Accesses that speak against the layout.
  public var contradictions: [ComparedAccess] {
    accesses.filter(\.verdict.isContradiction)
  }

  /// What a layout says to one access.
  static func verdict(
    _ access: StorageAccess, variables: [SourceExpectation.Variable]
  ) -> Verdict {
    guard let base = access.slot.base else { return .outsideLayout }
    let here = variables.filter { variable in
      variable.isTransient == access.isTransient && occupies(variable, base)
    }
    .sorted { ($0.slot, $0.offset, $0.label) < ($1.slot, $1.offset, $1.label) }
    guard !here.isEmpty else { return base < firstHash ? .undeclared : .outsideLayout }
    let labels = here.map(\.label)

    switch access.slot.steps.first {
    case .mappingValue:
      return use(of: .mapping, among: here)
    case .elements:
      if let array = here.first(where: { $0.encoding == .bytes || $0.encoding == .dynamicArray }) {
        return .consistent(labels: [array.label])
      }
      return use(of: .dynamicArray, among: here)
    case .index, .offset:
      // An element of an array in place, which may have any use.
      return .consistent(labels: labels)
    case nil:
      break
    }

    guard let bytes = access.bytes else { return .undecided(labels: labels) }
    let touched = here.compactMap { variable -> (label: String, bytes: ByteRange)? in
      let range = range(of: variable, in: base)
      return range.overlaps(bytes) ? (variable.label, range) : nil
    }
    if touched.isEmpty { return .undeclared }
    let names = touched.map(\.label)
    if touched.count == 1, touched[0].bytes.contains(bytes) { return .consistent(labels: names) }
    guard touched.allSatisfy({ bytes.contains($0.bytes) }) else {
      return .crossesVariables(labels: names)
    }
    let covered = touched.reduce(0) { $0 + $1.bytes.length }
    // A write of a whole word clears what no variable uses; several variables may be read at once.
    let isWholeWrite = access.isWrite && bytes == .whole
    let isWholeRead = !access.isWrite && bytes == .whole && touched.count > 1
    return covered >= bytes.length || isWholeWrite || isWholeRead
      ? .consistent(labels: names) : .undeclared
  }

  private static func use(
    of encoding: SourceExpectation.Encoding, among variables: [SourceExpectation.Variable]
  ) -> Verdict {
    if let match = variables.first(where: { $0.encoding == encoding }) {
      return .consistent(labels: [match.label])
    }
    // A struct or an array in place may hold a mapping or an array of its own.
    if let holder = variables.first(where: { $0.encoding == .inplace && $0.length >= 32 }) {
      return .consistent(labels: [holder.label])
    }
    return .differentUse(label: variables[0].label, declared: variables[0].encoding)
  }

  private static func occupies(_ variable: SourceExpectation.Variable, _ slot: Word) -> Bool {
    guard variable.slot <= slot else { return false }
    if variable.encoding != .inplace { return variable.slot == slot }
    let end = variable.length &+ Word(UInt64(max(0, variable.offset)))
    let last = (end &- .one) >> 5
    return slot &- variable.slot <= last
  }

  private static func range(
    of variable: SourceExpectation.Variable, in slot: Word
  ) -> ByteRange {
    guard slot == variable.slot, let length = variable.length.int, length < 32,
      variable.encoding == .inplace
    else {
      return .whole
    }
    return ByteRange(offset: variable.offset, length: length)
  }
}
