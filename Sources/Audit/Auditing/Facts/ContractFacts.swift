import SoliditySyntax
import Solidity

/// The facts of one contract taken as the most derived one: overrides, `super` and modifiers are resolved for it.
///
/// Not for use by several threads at once; different contracts may be examined by different threads.
public final class ContractFacts {
  /// The program's facts.
  public let facts: Facts
  /// The contract examined.
  public let contract: ContractDefinition

  package init(facts: Facts, contract: ContractDefinition) {
    self.facts = facts
    self.contract = contract
  }
}

/// An access of storage found under an entry point.
public struct StorageAccess {
  /// The entry point.
  public let entry: EntryPoint
  /// The `.read` or `.write`.
  public let place: Place
  /// What is accessed.
  public let location: StorageLocation
  /// The value written; nil for reads, `delete`, `pop`, empty `push`.
  public let value: Place?
  /// What a write does; nil for reads.
  public let kind: WriteKind?
}

extension ContractFacts {
  /// The functions anyone can call on the deployed contract, inherited ones included, most derived overrides only:
  /// public and external functions, fallback, receive. For libraries their public and external functions.
  public var entryPoints: [EntryPoint] { fatalError("facts API") }

  /// What runs at deployment; nil for libraries.
  public var deployment: EntryPoint? { fatalError("facts API") }

  /// Implemented functions of the contract and its bases (for libraries: of the library) that no entry point
  /// reaches, each as the root of a tree of its own. Their parameters are not the caller's choice.
  public var unreachedFunctions: [EntryPoint] { fatalError("facts API") }

  /// The entry points that reach a function, with the frames in which it runs.
  public func activations(of function: FunctionDefinition) -> [(entry: EntryPoint, frame: FrameID)]
  {
    fatalError("facts API")
  }

  /// Every write of a storage field (overlapping ones included) by entry points, deployment excluded.
  public func writers(of field: StorageField) -> [StorageAccess] { fatalError("facts API") }

  /// Every write of a state variable or part of it by entry points, deployment excluded.
  public func writers(of variable: VariableDeclaration) -> [StorageAccess] {
    fatalError("facts API")
  }

  /// Every read of a storage field by entry points.
  public func readers(of field: StorageField) -> [StorageAccess] { fatalError("facts API") }

  /// Whether any caller without permission can make some entry point write the field with a value the caller
  /// chooses.
  public func isAttackerWritable(_ field: StorageField) -> Bool { fatalError("facts API") }

  /// Fields used as reentrancy locks: checked, set before and reset after the body of a function.
  public var reentrancyLocks: [StorageField] { fatalError("facts API") }

  /// The implemented function that runs for a call in this contract; nil if it cannot be told or has no body.
  public func implementation(of call: InternalCall) -> FunctionDefinition? {
    fatalError("facts API")
  }
}
