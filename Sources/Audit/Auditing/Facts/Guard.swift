import BigInt
import SoliditySyntax
import Solidity

/// A condition that holds whenever a place is reached: from an enclosing branch, an earlier `require`, a
/// modifier, or a call that returns only if the condition holds.
public struct Guard: Sendable {
  /// The condition as a value.
  public let condition: Place
  /// Whether it was true.
  public let polarity: Bool
  /// What the condition says, polarity taken into account.
  public let predicate: Predicate
  /// Where the condition stands in the source.
  public let origin: Origin
}

/// What a condition says.
public indirect enum Predicate: Sendable {
  /// All hold.
  case all([Predicate])
  /// At least one holds.
  case any([Predicate])
  /// It limits who may call.
  case caller(CallerCheck)
  /// `left op right` holds.
  case comparison(BinaryOperator, Place, Place)
  /// A truth value read from storage is as stated: flags such as `initialized`, `paused`.
  case flag(StorageLocation, Bool)
  /// A signature's recovered signer was held against `expected` (nil: against a list in storage). `isTrusted`: what
  /// it is held against is not itself given by the caller.
  case signature(signer: Place, expected: Place?, isTrusted: Bool)
  /// Some other truth value is as stated.
  case truth(Place, Bool)
}

extension Predicate {
  /// Whether it limits the caller to accounts someone other than the caller chose.
  public var restrictsCaller: Bool { restrictsCaller { $0.restricts } }

  /// Whether it limits the caller when a single check of the sender does as `isLimit` says.
  public func restrictsCaller(_ isLimit: (CallerCheck) -> Bool) -> Bool {
    switch self {
    case .all(let parts): parts.contains { $0.restrictsCaller(isLimit) }
    case .any(let parts): !parts.isEmpty && parts.allSatisfy { $0.restrictsCaller(isLimit) }
    case .caller(let check): isLimit(check)
    case .signature(_, _, let isTrusted): isTrusted
    case .comparison, .flag, .truth: false
    }
  }

  /// Whether a signature is part of it.
  public var hasSignature: Bool {
    parts.contains { if case .signature = $0 { true } else { false } }
  }

  /// The single statements it is made of, through `all` and `any`.
  public var parts: [Predicate] {
    switch self {
    case .all(let parts), .any(let parts): parts.flatMap(\.parts)
    default: [self]
    }
  }
}

/// A check of `msg.sender`.
public struct CallerCheck: Sendable {
  /// What the sender is held against.
  public enum Kind: Sendable {
    /// Equal to an address in storage.
    case equalsStorage(StorageLocation)
    /// Equal to an immutable.
    case equalsImmutable(Reference<VariableDeclaration>)
    /// Equal to a constant.
    case equalsConstant
    /// Equal to this contract: only by its own call.
    case equalsThis
    /// Equal to what an external call returned (`beacon.owner()`, `nft.ownerOf(id)`).
    case equalsCallResult(Place)
    /// Equal to a value the caller supplies (`from == msg.sender`): says whose things are touched, not who may call.
    case equalsInput(Place)
    /// Equal to `tx.origin`: no contract, but anyone.
    case equalsOrigin
    /// An entry of storage keyed by the sender is true, non-zero or equal to something: roles, wards, allow lists.
    case member(StorageLocation)
    /// Another contract was asked about the sender by a call that changes no state.
    case authority(Place)
    /// `tx.origin`, not the sender, equals something that is not the caller's choice.
    case originEquals(Place)
    /// A quantity kept per sender is large enough: balances, allowances. Anyone can have one.
    case amount(StorageLocation)
    /// Not equal to something (`msg.sender != address(0)`), or not a member of a deny list.
    case exclusion
    /// The sender has no code.
    case isNotContract
    /// This contract runs by delegatecall only, or not by delegatecall (`address(this)` against an immutable).
    case delegation
    /// The sender enters the condition in some other way (a Merkle proof, a signature over the sender).
    case other
  }
  /// What the sender is held against.
  public let kind: Kind
  /// The condition.
  public let condition: Place

  /// Whether the check limits the caller to accounts someone other than the caller chose.
  public var restricts: Bool {
    switch kind {
    case .equalsStorage, .equalsImmutable, .equalsConstant, .equalsThis, .equalsCallResult,
      .member, .authority, .originEquals, .other:
      true
    case .equalsInput, .equalsOrigin, .amount, .exclusion, .isNotContract, .delegation: false
    }
  }

  /// The storage the decision rests on: who can write it decides who may call.
  public var location: StorageLocation? {
    switch kind {
    case .equalsStorage(let location), .member(let location), .amount(let location): location
    default: nil
    }
  }
}
