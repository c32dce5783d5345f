import SoliditySyntax
import Solidity

/// A way into a contract together with everything that runs from there without leaving it.
///
/// Questions about guards, order and data flow are asked here, since the answers depend on the chain of calls.
public final class EntryPoint {
  /// The ways in.
  public enum Kind: Hashable, Sendable {
    /// A public or external function.
    case function
    /// The fallback function.
    case fallback
    /// The receive function.
    case receive
    /// Deployment: initial values and constructors.
    case deployment
    /// An internal function nothing reaches, examined by itself.
    case unreached
  }
  /// The way in.
  public let kind: Kind
  /// The contract examined.
  public let contract: ContractDefinition
  /// The function; nil for deployment without constructor.
  public let function: FunctionDefinition?
  /// The activations, callers before callees; the first is the entry's own.
  public let frames: [Frame]
  /// Whether calls were left out because of bounds on depth or number.
  public let isTruncated: Bool
  package let facts: Facts

  /// All external calls in order of frames.
  public private(set) lazy var externalCalls: [Place] = collect(\.externalCalls)
  /// All events.
  public private(set) lazy var events: [Place] = collect(\.events)
  /// All `selfdestruct`s.
  public private(set) lazy var selfdestructs: [Place] = collect(\.selfdestructs)
  /// All storage writes.
  public var storageWrites: [StorageAccess] {
    if let writes { return writes }
    let found = collect(\.storageWrites).compactMap { access(at: $0) }
    writes = found
    return found
  }
  /// All storage reads.
  public var storageReads: [StorageAccess] {
    if let reads { return reads }
    let found = collect(\.storageReads).compactMap { access(at: $0) }
    reads = found
    return found
  }
  /// The storage writes by field.
  var writesByField: [StorageField: [StorageAccess]] {
    if let grouped { return grouped }
    let found = Dictionary(grouping: storageWrites, by: \.location.field)
    grouped = found
    return found
  }
  /// Whether the whole entry is limited to accounts someone other than the caller chose: every effect is, or, without
  /// effects, every normal return.
  public private(set) lazy var isRestricted: Bool = findRestriction()

  private var writes: [StorageAccess]?
  private var reads: [StorageAccess]?
  private var grouped: [StorageField: [StorageAccess]]?

  /// Drops the accesses found so far; they are found again when asked for.
  func forgetAccesses() {
    writes = nil
    reads = nil
    grouped = nil
  }

  // Answers already found.
  private var deadBlocks: [Set<BlockID>?]
  var joinGuards: [FrameBlock: Guard?] = [:]
  var returnGuards: [[Guard]?]
  var predicates: [PredicateKey: Predicate] = [:]
  var origins: [Place: Place] = [:]
  var guardsByPlace: [Place: [Guard]] = [:]
  var locksByPlace: [Place: StorageField?] = [:]
  var sourcesByPlace: [SourceKey: SourceSet] = [:]
  var lastFlow: (from: Place, flow: [Place])?

  /// The number of the first place of each frame, counting the places of all frames through.
  let frameStarts: [Int]
  /// How many places there are.
  let placeCount: Int

  struct SourceKey: Hashable {
    let place: Place
    let options: UInt8
  }

  struct FrameBlock: Hashable {
    let frame: FrameID
    let block: BlockID
  }

  struct PredicateKey: Hashable {
    let condition: Place
    let polarity: Bool
  }

  package init(
    kind: Kind, contract: ContractDefinition, function: FunctionDefinition?, frames: [Frame],
    isTruncated: Bool, facts: Facts
  ) {
    self.kind = kind
    self.contract = contract
    self.function = function
    self.frames = frames
    self.isTruncated = isTruncated
    self.facts = facts
    var starts: [Int] = []
    starts.reserveCapacity(frames.count)
    var count = 0
    for frame in frames {
      starts.append(count)
      count += frame.graph.values.count
    }
    frameStarts = starts
    placeCount = count
    returnGuards = Array(repeating: nil, count: frames.count)
    deadBlocks = Array(repeating: nil, count: frames.count)
  }

  private func collect(_ category: KeyPath<InstructionIndex, [ValueID]>) -> [Place] {
    frames.flatMap { frame in
      frame.graph.index[keyPath: category].map { Place(frame: frame.id, value: $0) }
        .filter { isFeasible($0) }
    }
  }

  /// Whether a place can run at all: not behind a condition that is constant in this contract (a hook that returns
  /// `false`, a flag passed as an argument).
  public func isFeasible(_ place: Place) -> Bool {
    var site = place
    while true {
      if blocksNeverRun(in: site.frame).contains(self[site].block) { return false }
      guard let parent = self[site.frame].parent, let call = self[site.frame].callSite else {
        return true
      }
      site = Place(frame: parent, value: call)
    }
  }

  private func blocksNeverRun(in frame: FrameID) -> Set<BlockID> {
    if let known = deadBlocks[Int(frame.index)] { return known }
    var result: Set<BlockID> = []
    let graph = self[frame].graph
    for block in graph.blocks {
      guard case .branch(let condition, let then, let otherwise) = block.terminator,
        let value = constant(Place(frame: frame, value: condition))
      else { continue }
      let never = value.isZero ? then : otherwise
      guard then != otherwise, graph[never].predecessors.count == 1 else { continue }
      for number in graph.blocks.indices where graph.dominates(never, BlockID(number)) {
        result.insert(BlockID(number))
      }
    }
    deadBlocks[Int(frame.index)] = result
    return result
  }

  private func access(at place: Place) -> StorageAccess? {
    switch self[place].operation {
    case .read(let path):
      StorageAccess(
        entry: self, place: place, location: location(of: path, in: place.frame), value: nil,
        kind: nil)
    case .write(let path, let value, let kind):
      StorageAccess(
        entry: self, place: place, location: location(of: path, in: place.frame),
        value: value.map { Place(frame: place.frame, value: $0) }, kind: kind)
    default: nil
    }
  }
}

extension EntryPoint {
  /// The frame of a number.
  public subscript(id: FrameID) -> Frame { frames[Int(id.index)] }

  /// The instruction at a place.
  public subscript(place: Place) -> Value { frames[Int(place.frame.index)].graph[place.value] }

  /// The name for people: `deposit`, `receive`, `fallback`, `constructor`.
  public var name: String {
    switch kind {
    case .fallback: "fallback"
    case .receive: "receive"
    case .deployment: "constructor"
    case .function, .unreached: function?.name ?? ""
    }
  }

  /// Whether callers choose the parameters.
  public var hasCallerInput: Bool {
    switch kind {
    case .function, .fallback, .receive: true
    case .deployment, .unreached: false
    }
  }

  /// Whether it may receive ether.
  public var isPayable: Bool {
    switch kind {
    case .receive: true
    case .function, .fallback, .deployment, .unreached: function?.mutability == .payable
    }
  }

  /// Whether it promises not to change state.
  public var isView: Bool { function?.mutability == .view || function?.mutability == .pure }

  /// The external call at a place, if it is one.
  public func externalCall(at place: Place) -> ExternalCall? {
    if case .externalCall(let call) = self[place].operation { return call }
    return nil
  }

  /// The place of an operand of the instruction at `place`: same activation.
  public func place(_ value: ValueID, at place: Place) -> Place {
    Place(frame: place.frame, value: value)
  }

  /// The call sites from the entry to the frame of a place, outermost first: the call path for evidence.
  public func callPath(to place: Place) -> [Place] {
    var result: [Place] = []
    var frame = self[place.frame]
    while let parent = frame.parent, let site = frame.callSite {
      result.append(Place(frame: parent, value: site))
      frame = self[parent]
    }
    return result.reversed()
  }

  private func findRestriction() -> Bool {
    var effects = storageWrites.map(\.place) + selfdestructs
    effects += externalCalls.filter { externalCall(at: $0)?.isStatic != true }
    if effects.isEmpty { return returnGuards(of: .root).contains { $0.predicate.restrictsCaller } }
    return effects.allSatisfy { isRestricted($0) }
  }
}
