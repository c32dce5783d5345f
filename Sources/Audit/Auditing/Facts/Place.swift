import SoliditySyntax
import Solidity

/// The number of a frame within its `EntryPoint`.
public struct FrameID: Hashable, Sendable, Comparable {
  /// Index into `EntryPoint.frames`.
  public let index: Int32

  /// Makes an identifier.
  public init(_ index: Int) { self.index = Int32(truncatingIfNeeded: index) }

  /// The entry point's own function.
  public static let root = FrameID(0)

  /// Orders by creation: callers before callees.
  public static func < (a: FrameID, b: FrameID) -> Bool { a.index < b.index }
}

/// An instruction (equally: the value it makes) reached from an entry point along one chain of calls.
public struct Place: Hashable, Sendable, Comparable {
  /// The activation.
  public let frame: FrameID
  /// The instruction within the activation's graph.
  public let value: ValueID

  /// Makes a place.
  public init(frame: FrameID, value: ValueID) {
    self.frame = frame
    self.value = value
  }

  /// Both numbers at once.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(
      UInt64(UInt32(bitPattern: frame.index)) << 32 | UInt64(UInt32(bitPattern: value.index)))
  }

  /// Orders by frame, then by value.
  public static func < (a: Place, b: Place) -> Bool { (a.frame, a.value) < (b.frame, b.value) }
}

/// One activation of a function under an entry point.
///
/// The frames of an entry point are the tree of its internal calls (library delegatecalls included):
/// an inlined view of everything the entry runs, without copying graphs.
public struct Frame: Sendable {
  /// Its number.
  public let id: FrameID
  /// The function that runs, overrides resolved for the contract examined.
  public let graph: FunctionGraph
  /// The frame that calls it; nil for the entry itself.
  public let parent: FrameID?
  /// The `.internalCall` in the parent.
  public let callSite: ValueID?
  /// 0 for the entry itself.
  public let depth: Int
  /// The frames it calls, by call site in block order. Calls without source, recursive ones and those
  /// beyond the bounds have none.
  public let calls: [Call]

  /// A call that was followed.
  public struct Call: Hashable, Sendable {
    /// The `.internalCall` instruction.
    public let site: ValueID
    /// The activation it makes.
    public let frame: FrameID
  }

  /// The frame a call site leads to.
  public func callee(at site: ValueID) -> FrameID? {
    calls.first { $0.site == site }?.frame
  }
}
