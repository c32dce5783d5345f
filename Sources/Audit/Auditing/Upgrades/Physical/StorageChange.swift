import BigInt
import Solidity
import SoliditySyntax

/// What became of a place in storage.
public enum StorageChangeKind: String, Sendable, CaseIterable {
  /// A new variable behind everything there was.
  case appended
  /// A new variable in bytes that nothing took.
  case filledFreeBytes
  /// A new variable in a gap left for it.
  case consumedGap
  /// A gap that takes other bytes than before.
  case resizedGap
  /// Nothing names the bytes any more; they keep their value.
  case removed
  /// Same bytes, same type, another name.
  case renamed
  /// The variable is read from another place; its old value stays behind.
  case moved
  /// Bytes of one variable are now part of another.
  case overlapped
  /// Another type whose values mean the same.
  case equivalentType
  /// Another type to which the same bytes mean something else.
  case reinterpreted
  /// More bytes for the same value.
  case widened
  /// Fewer bytes for the same value.
  case narrowed
  /// Elements of an array lie elsewhere.
  case restrided
  /// An array has more or fewer elements.
  case resizedArray
  /// Entries of a mapping are looked up under other hashes.
  case rekeyed
  /// The values of an enum changed.
  case changedEnum
  /// A pointer to an internal function, which no upgrade survives.
  case danglingFunction
  /// A variable became a constant or an immutable.
  case leftStorage
  /// A constant or an immutable became a variable.
  case enteredStorage
  /// A constant has another value.
  case changedConstant
}

/// A variable, member or element at its place, in one version.
public struct StoragePlace: Sendable {
  /// The name with its path: `vault.owner`, `balances[key].amount`.
  public let path: String
  /// The type as the compiler writes it.
  public let type: String
  /// The contract that declares it; empty where none does.
  public let contract: String
  /// The slot: a number or hash, or for values of mappings and arrays `path + number`.
  public let slot: String
  /// The lowest byte within the slot.
  public let offset: Int
  /// The bytes taken.
  public let numberOfBytes: BigUInt
  /// The declaration; nil for slots that assembly uses without one.
  public let declaration: VariableDeclaration?
}

/// One difference between the storage of two versions, seen from the bytes.
public struct StorageChange: Sendable {
  /// What happened.
  public let kind: StorageChangeKind
  /// How bad it is: medium and high mean that live bytes change their meaning.
  public let severity: Severity
  /// The place in the old version.
  public let old: StoragePlace?
  /// The place in the new version.
  public let new: StoragePlace?
  /// What happens and why it is or is not harmful; whole sentences.
  public let message: String
  /// The slots concerned in both versions.
  public let diagram: SlotDiagram?
}
