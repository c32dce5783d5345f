import BigInt
import SoliditySyntax
import Solidity

/// Which object in storage an access starts from, within one function.
public enum StorageRoot: Hashable, Sendable {
  /// A state variable (constants and immutables never appear).
  case variable(Reference<VariableDeclaration>)
  /// A slot number or a pointer known only as a value: a storage parameter, a phi, a call's result,
  /// a slot computed in assembly, or a constant slot.
  case pointer(ValueID)
}

/// A place in storage, seen from one function: a root and the steps from it.
public struct StoragePath: Hashable, Sendable {
  /// Where it starts.
  public let root: StorageRoot
  /// Members and indexes in order; empty for the whole object.
  public let steps: [PathStep]
  /// Whether the place is in transient storage.
  public let isTransient: Bool

  package init(root: StorageRoot, steps: [PathStep], isTransient: Bool) {
    self.root = root
    self.steps = steps
    self.isTransient = isTransient
  }

  /// The variable it starts from, if known within the function.
  public var variable: VariableDeclaration? {
    if case .variable(let reference) = root { return reference.node }
    return nil
  }
}

/// A step of a storage location, with indexes as values of an entry point.
public enum LocationStep: Hashable, Sendable {
  /// `.x`
  case member(String)
  /// `[i]`
  case index(Place)
  /// `.length`
  case length
  /// The element made by `push`.
  case push
}

/// Which object in storage an access reaches after pointers were followed through calls.
public enum LocationRoot: Hashable, Sendable {
  /// A state variable.
  case variable(Reference<VariableDeclaration>)
  /// A constant slot: ERC-7201 namespaces, ERC-1967 slots, hand-made ones. 256 bits.
  case slot(BigUInt)
  /// A slot computed at run time, or a storage pointer given from outside (library entry points).
  case computed(Place)
}

/// A place in storage as an entry point reaches it.
public struct StorageLocation: Hashable, Sendable {
  /// Where it starts.
  public let root: LocationRoot
  /// Members and indexes in order.
  public let steps: [LocationStep]
  /// Whether it is transient storage.
  public let isTransient: Bool

  package init(root: LocationRoot, steps: [LocationStep], isTransient: Bool) {
    self.root = root
    self.steps = steps
    self.isTransient = isTransient
  }

  /// The state variable, if it starts from one.
  public var variable: VariableDeclaration? {
    if case .variable(let reference) = root { return reference.node }
    return nil
  }

  /// The root and member names without indexes: two accesses of the same struct member have equal fields,
  /// whatever the index.
  public var field: StorageField {
    StorageField(
      root: root,
      members: steps.compactMap { step in
        switch step {
        case .member(let name): name
        case .index, .push: "[]"
        case .length: nil
        }
      })
  }
}

/// A storage root with member names; every index reads `[]`.
public struct StorageField: Hashable, Sendable {
  /// Where it starts.
  public let root: LocationRoot
  /// Member names and `[]`.
  public let members: [String]

  /// Whether a write of one may change what a read of the other sees: equal roots, one a prefix of the other.
  public func overlaps(_ other: StorageField) -> Bool {
    guard root == other.root else { return false }
    return zip(members, other.members).allSatisfy { $0 == $1 }
  }

  /// The state variable, if it starts from one.
  public var variable: VariableDeclaration? {
    if case .variable(let reference) = root { return reference.node }
    return nil
  }
}
