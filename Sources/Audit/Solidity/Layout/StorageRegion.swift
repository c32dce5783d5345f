import BigInt
import Ethereum
import SoliditySyntax

/// One place in the code that names a slot by hand.
public struct StorageUse: Hashable, Sendable {
  /// What is done there.
  public enum Action: String, Hashable, Sendable, Codable {
    /// A storage pointer is set to the slot.
    case point
    /// The slot is handed to a function that uses it.
    case pass
    /// The slot is read.
    case read
    /// The slot is written.
    case write
  }
  /// What is done.
  public let action: Action
  /// The unit of the place.
  public let unit: Int32
  /// The place.
  public let range: SourceRange
}

/// Storage that a contract keeps outside of its declared variables: a namespace, or a slot made by hand.
public struct StorageRegion: Sendable {
  /// How the region was recognised.
  public enum Origin: String, Hashable, Sendable, Codable {
    /// A struct annotated with a storage location.
    case annotation
    /// A storage pointer set to a constant in assembly.
    case pointer
    /// A constant handed to a function that points at the slot it is given.
    case helper
    /// A constant given to `sload`, `sstore`, `tload` or `tstore`.
    case access
  }
  /// How it was recognised; the strongest of several ways in the order of the cases.
  public let origin: Origin
  /// The first slot.
  public let slot: BigUInt
  /// Whether it lies in transient storage.
  public let isTransient: Bool
  /// A name for people: the namespace, the agreed name of the slot, the constant's name, or the slot.
  public let name: String
  /// The namespace in the struct's annotation, if any.
  public let namespace: StorageNamespace?
  /// The agreed slot it is, if any.
  public let wellKnown: WellKnownSlot?
  /// What is kept there. A plain slot accessed in assembly reads as `bytes32`, or `address` where the
  /// slot's agreement says so.
  public let type: SolidityType
  /// How many bytes it takes.
  public let numberOfBytes: BigUInt
  /// The members of a struct at absolute slots; empty for other types.
  public let entries: [StorageEntry]
  /// The places that use it, in order of source; empty for an annotated struct that no code reaches.
  public let uses: [StorageUse]

  /// The first byte, counted from byte 0 of slot 0.
  public var start: BigUInt { slot * 32 }
  /// One past the last byte.
  public var end: BigUInt { start + numberOfBytes }
}

/// All storage of a contract that its source tells of.
public struct ContractStorage: Sendable {
  /// The declared variables, as the compiler lays them out.
  public let layout: StorageLayout
  /// Namespaces and slots made by hand, in order of slot.
  public let regions: [StorageRegion]
  /// What makes the picture uncertain or contradictory.
  public let problems: [LayoutProblem]
}

/// Reads the storage of contracts of one program; for many contracts faster than asking for each, since
/// code and structs that they share are looked at once.
public struct StorageReader {
  private let program: Program
  private var sizes: StorageSizes
  private var code: SlotCode

  /// Prepares to read a program.
  public init(program: Program) {
    self.program = program
    sizes = StorageSizes(program: program)
    code = SlotCode(program: program)
  }

  /// The declared variables of a contract together with the namespaces and hand-made slots that its
  /// own and inherited functions use, also through functions of libraries and free functions they
  /// call.
  public mutating func storage(of contract: ContractDefinition) -> ContractStorage {
    let layout = program.storageLayout(of: contract, sizes: &sizes)
    var finder = StorageRegionFinder(program: program, contract: contract, sizes: sizes)
    // Handed over and back, so that the table has one owner and is not copied.
    swap(&finder.code, &code)
    let regions = finder.regions()
    swap(&finder.code, &code)
    return ContractStorage(
      layout: layout, regions: regions, problems: layout.problems + finder.problems)
  }
}

extension Program {
  /// The storage of one contract; see `StorageReader`.
  public func storage(of contract: ContractDefinition) -> ContractStorage {
    var reader = StorageReader(program: self)
    return reader.storage(of: contract)
  }
}
