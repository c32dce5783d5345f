import SoliditySyntax
import Solidity

/// Where a value ultimately comes from.
public enum ValueSource: Hashable, Sendable {
  /// A constant.
  case constant
  /// A parameter of the entry point, by position.
  case parameter(Int)
  /// Raw call data read in assembly, `msg.data`, slices of it.
  case callData
  /// The environment.
  case environment(Environment)
  /// The balance of some account.
  case balance
  /// The code or code hash of some account.
  case accountCode
  /// Storage.
  case storage(StorageField)
  /// An immutable.
  case immutable(Reference<VariableDeclaration>)
  /// The result (or success flag) of an external call.
  case externalCall(Place)
  /// The address of a contract created here.
  case creation(Place)
  /// `blockhash(...)`, `blobhash(...)`.
  case blockHash
  /// The signer `ecrecover` found.
  case signer(Place)
  /// Nothing is known.
  case unknown
}

/// The sources of a value, without repeats, in the order found.
public struct SourceSet: Sendable {
  /// The sources.
  public let sources: [ValueSource]
  /// Whether the search stopped at a bound, so that sources may be missing.
  public let isTruncated: Bool

  /// Whether a source is among them.
  public func contains(_ source: ValueSource) -> Bool { sources.contains(source) }

  /// Whether the value depends on a parameter of the entry point or on call data: the caller supplies it.
  public var hasInput: Bool {
    sources.contains { source in
      switch source {
      case .parameter, .callData: true
      default: false
      }
    }
  }
  /// Whether it depends on `msg.sender`.
  public var hasSender: Bool { contains(.environment(.sender)) }
  /// Whether it depends on properties of the block.
  public var hasBlockData: Bool {
    sources.contains { source in
      switch source {
      case .environment(let environment): environment.isBlockData
      case .blockHash: true
      default: false
      }
    }
  }
  /// Whether nothing but constants and immutables enter.
  public var isFixed: Bool {
    !isTruncated
      && sources.allSatisfy { source in
        switch source {
        case .constant, .immutable: true
        default: false
        }
      }
  }
  /// The storage fields it depends on.
  public var storage: [StorageField] {
    sources.compactMap { if case .storage(let field) = $0 { field } else { nil } }
  }
  /// The external calls it depends on.
  public var externalCalls: [Place] {
    sources.compactMap { if case .externalCall(let place) = $0 { place } else { nil } }
  }
}

/// How the parameters of an operation count in `EntryPoint.sources`.
public struct SourceOptions: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// Makes a set from bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Also what chooses which element is read: indexes of mappings and arrays, conditions of conditionals.
  public static let selectors = SourceOptions(rawValue: 1)
  /// Also what an external call was given: its target and arguments count as sources of its results.
  public static let throughExternalCalls = SourceOptions(rawValue: 2)
  /// Stop at hashes: what is hashed does not count.
  public static let stopAtHashes = SourceOptions(rawValue: 4)
}
