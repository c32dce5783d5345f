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
  }
}

/// What becomes of a call's success flag.
public enum SuccessHandling: Hashable, Sendable {
  /// The call reverts by itself when it fails (high-level calls, `transfer`), or is a `try`.
  case implied
  /// The flag decides a branch.
  case branch
  /// The flag is returned from the entry point, stored, logged or passed on.
  case passedOn
  /// Nothing looks at it.
  case ignored
}

// MARK: - Instructions

extension EntryPoint {
  /// The frame of a number.
  public subscript(id: FrameID) -> Frame { frames[Int(id.index)] }
  /// The instruction at a place.
  public subscript(place: Place) -> Value { frames[Int(place.frame.index)].graph[place.value] }
  /// The name for people: `deposit`, `receive`, `fallback`, `constructor`.
  public var name: String { fatalError("facts API") }
  /// Whether callers choose the parameters.
  public var hasCallerInput: Bool {
    switch kind {
    case .function, .fallback, .receive: true
    case .deployment, .unreached: false
    }
  }
  /// Whether it may receive ether.
  public var isPayable: Bool { fatalError("facts API") }
  /// Whether it promises not to change state.
  public var isView: Bool { fatalError("facts API") }

  /// All external calls in order of frames.
  public var externalCalls: [Place] { fatalError("facts API") }
  /// All storage writes.
  public var storageWrites: [StorageAccess] { fatalError("facts API") }
  /// All storage reads.
  public var storageReads: [StorageAccess] { fatalError("facts API") }
  /// All events.
  public var events: [Place] { fatalError("facts API") }
  /// All `selfdestruct`s.
  public var selfdestructs: [Place] { fatalError("facts API") }
  /// The external call at a place, if it is one.
  public func externalCall(at place: Place) -> ExternalCall? {
    if case .externalCall(let call) = self[place].operation { return call }
    return nil
  }
  /// The call sites from the entry to the frame of a place, outermost first: the call path for evidence.
  public func callPath(to place: Place) -> [Place] { fatalError("facts API") }
}

// MARK: - Guards and order

extension EntryPoint {
  /// The conditions that hold whenever the place is reached, outermost first.
  public func guards(of place: Place) -> [Guard] { fatalError("facts API") }

  /// Whether some guard limits the caller to accounts someone other than the caller chose.
  public func isRestricted(_ place: Place) -> Bool { fatalError("facts API") }

  /// Whether the whole entry is limited to such accounts: every normal return and every effect is.
  public var isRestricted: Bool { fatalError("facts API") }

  /// The reentrancy lock held at a place: a field checked against a value, then set to fail that check, before it.
  public func lock(at place: Place) -> StorageField? { fatalError("facts API") }

  /// Whether `later` can run after `earlier` in one activation of the entry (loops included).
  public func canFollow(_ later: Place, after earlier: Place) -> Bool { fatalError("facts API") }

  /// Whether `earlier` has always run when `later` runs.
  public func alwaysPrecedes(_ earlier: Place, _ later: Place) -> Bool { fatalError("facts API") }

  /// Whether a normal return after `place` always passes `later`.
  public func alwaysFollowed(_ place: Place, by later: Place) -> Bool { fatalError("facts API") }

  /// Whether the place can run more than once in one activation: in a loop here or in a caller.
  public func isInLoop(_ place: Place) -> Bool { fatalError("facts API") }
}

// MARK: - Data flow

extension EntryPoint {
  /// The place where a value is really made: through parameters to arguments, through results to what the callee
  /// returns (if it is one value), through conversions that keep the number, and single-input phis.
  public func origin(of place: Place) -> Place { fatalError("facts API") }

  /// The constant a value is, through calls.
  public func constant(_ place: Place) -> ConstantValue? { fatalError("facts API") }

  /// Whether a value is `msg.sender`, through calls (`_msgSender()`).
  public func isSender(_ place: Place) -> Bool { fatalError("facts API") }

  /// The storage a path reaches from a frame, through pointers and calls.
  public func location(of path: StoragePath, in frame: FrameID) -> StorageLocation {
    fatalError("facts API")
  }

  /// The storage accessed at a place holding `.read`, `.write` or `.storagePointer`.
  public func location(at place: Place) -> StorageLocation? { fatalError("facts API") }

  /// Where a value comes from.
  public func sources(of place: Place, options: SourceOptions = []) -> SourceSet {
    fatalError("facts API")
  }

  /// Whether the caller supplies the value or part of it: parameters and call data of an entry point, not of
  /// deployment.
  public func isCallerChosen(_ place: Place) -> Bool { fatalError("facts API") }

  /// The instructions that use a value directly: also the parameters of callees it is passed to and the call
  /// results it is returned as.
  public func uses(of place: Place) -> [Place] { fatalError("facts API") }

  /// Everything a value flows into, transitively, in the order found; bounded. Storage is not followed.
  public func flows(from place: Place) -> [Place] { fatalError("facts API") }

  /// What becomes of the success flag of an external call.
  public func successHandling(of call: Place) -> SuccessHandling { fatalError("facts API") }

  /// Whether anything uses the data a call returns.
  public func usesReturnedData(of call: Place) -> Bool { fatalError("facts API") }
}
