import BigInt
import Solidity
import SoliditySyntax

/// A variable or struct member as the storage comparison sees it.
public struct ComparedField: Sendable {
  /// The name.
  public let label: String
  /// The type as the compiler writes it.
  public let typeLabel: String
  /// The contract that declares it; for struct members the contract around the struct.
  public let contract: String
  /// The declaration.
  public let declaration: VariableDeclaration
  /// The slot, relative to the struct for members; nil where it is not known.
  public let slot: BigUInt?
  /// The lowest byte within the slot; nil where it is not known.
  public let offset: Int?
  /// The bytes taken; nil where they are not known.
  public let numberOfBytes: BigUInt?
  /// The former name in `@custom:oz-renamed-from`.
  public let renamedFrom: String?
  /// The former type in `@custom:oz-retyped-from`.
  public let retypedFrom: String?

  let type: SolidityType

  /// The first byte counted from slot 0, if known.
  var start: BigUInt? {
    guard let slot, let offset else { return nil }
    return slot * 32 + BigUInt(offset)
  }

  /// One past the last byte, if known.
  var end: BigUInt? {
    guard let start, let numberOfBytes else { return nil }
    return start + numberOfBytes
  }

  /// Whether it is a storage gap: an array named `__gap` or `__gap_...`.
  var isGap: Bool {
    guard case .array = type else { return false }
    return label == "__gap" || label.hasPrefix("__gap_")
  }
}

/// How a type changed in a way that the comparison does not accept.
public indirect enum TypeChange: Sendable {
  /// Different kinds of types.
  case obviousMismatch(from: String, to: String)
  /// Types that cannot be compared.
  case unknown(from: String, to: String)
  /// A static array became longer where that moves what follows.
  case arrayGrow(from: String, to: String)
  /// A static array became shorter.
  case arrayShrink(from: String, to: String)
  /// A static array became dynamic or a dynamic one static.
  case arrayDynamic(from: String, to: String)
  /// An internal function type became external or the other way round.
  case visibilityChange(from: String, to: String)
  /// The representation takes another number of bytes.
  case typeResize(from: String, to: String)
  /// The key of a mapping changed.
  case mappingKey(TypeChange, to: String)
  /// The value of a mapping changed.
  case mappingValue(TypeChange, to: String)
  /// The element of an array changed.
  case arrayValue(TypeChange, to: String)
  /// Values of an enum were inserted, deleted or replaced.
  case enumMembers([EnumOperation], from: String, to: String)
  /// Members of a struct changed.
  case structMembers([StorageOperation], from: String, to: String)

  /// The kind in the words of the OpenZeppelin upgrades plugins.
  public var kind: String {
    switch self {
    case .obviousMismatch: "obvious mismatch"
    case .unknown: "unknown"
    case .arrayGrow: "array grow"
    case .arrayShrink: "array shrink"
    case .arrayDynamic: "array dynamic"
    case .visibilityChange: "visibility change"
    case .typeResize: "type resize"
    case .mappingKey: "mapping key"
    case .mappingValue: "mapping value"
    case .arrayValue: "array value"
    case .enumMembers: "enum members"
    case .structMembers: "struct members"
    }
  }

  /// The change one level further in: of a key, a value or an element.
  public var inner: TypeChange? {
    switch self {
    case .mappingKey(let inner, _), .mappingValue(let inner, _), .arrayValue(let inner, _): inner
    default: nil
    }
  }
}

/// How the values of an enum changed.
public enum EnumOperation: Hashable, Sendable {
  /// A value was put before the end.
  case insert(String)
  /// A value is gone.
  case delete(String)
  /// A value has another name.
  case replace(original: String, updated: String)
}

/// A place that changed although name and type did not.
public struct LayoutChange: Sendable {
  /// Old and new slot, if they differ.
  public let slot: (from: BigUInt, to: BigUInt)?
  /// Old and new offset, if they differ.
  public let offset: (from: Int, to: Int)?
  /// Old and new number of bytes, if they differ.
  public let bytes: (from: BigUInt, to: BigUInt)?
  /// Whether the places are not known, so that a change cannot be ruled out.
  public let isUncertain: Bool
}

/// One unsafe difference between two lists of variables.
public struct StorageOperation: Sendable {
  /// What was done.
  public enum Kind: Sendable {
    /// A variable was put before others.
    case insert
    /// A struct member was added at the end where that moves what follows.
    case append
    /// A variable is gone.
    case delete
    /// A variable has another name.
    case rename
    /// A variable has another name and another type.
    case replace
    /// A variable has another type.
    case typeChange(TypeChange)
    /// A variable lies elsewhere.
    case layoutChange(LayoutChange)
    /// A gap became shorter but ends elsewhere.
    case shrinkGap(TypeChange)
    /// A gap was used up but what took its place ends elsewhere.
    case finishGap
    /// A namespace is gone.
    case deleteNamespace(String)
  }

  /// What was done.
  public let kind: Kind
  /// The old variable; nil for insertions and deleted namespaces.
  public let original: ComparedField?
  /// The new variable; nil for deletions.
  public let updated: ComparedField?

  /// The kind in the words of the OpenZeppelin upgrades plugins.
  public var name: String {
    switch kind {
    case .insert: "insert"
    case .append: "append"
    case .delete: "delete"
    case .rename: "rename"
    case .replace: "replace"
    case .typeChange: "typechange"
    case .layoutChange: "layoutchange"
    case .shrinkGap: "shrinkgap"
    case .finishGap: "finishgap"
    case .deleteNamespace: "delete-namespace"
    }
  }

  /// The operation in one sentence.
  public var message: String {
    let old = original?.label ?? ""
    let new = updated?.label ?? ""
    switch kind {
    case .insert: return "Inserted '\(new)': new variables belong behind all existing ones"
    case .append: return "Added '\(new)' to a struct that other storage follows"
    case .delete: return "Deleted '\(old)': keep the variable even if unused"
    case .rename: return "Renamed '\(old)' to '\(new)'"
    case .replace: return "Replaced '\(old)' with '\(new)' of incompatible type"
    case .typeChange(let change), .shrinkGap(let change):
      return "Upgraded '\(new)' to an incompatible type (\(change.kind)): "
        + "\(original?.typeLabel ?? "") to \(updated?.typeLabel ?? "")"
    case .layoutChange(let change):
      var parts: [String] = []
      if let slot = change.slot {
        parts.append("slot \(SlotText.short(slot.from)) to \(SlotText.short(slot.to))")
      }
      if let offset = change.offset { parts.append("offset \(offset.from) to \(offset.to)") }
      if let bytes = change.bytes { parts.append("\(bytes.from) to \(bytes.to) bytes") }
      let verb = change.isUncertain ? "could have changed" : "changed"
      return "Layout of '\(new)' \(verb)"
        + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
    case .finishGap: return "Converted the end of storage gap '\(old)' to '\(new)'"
    case .deleteNamespace(let id): return "Deleted namespace '\(id)': keep its struct"
    }
  }
}
