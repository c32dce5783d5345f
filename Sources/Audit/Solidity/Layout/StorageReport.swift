import BigInt
import SoliditySyntax

/// All storage of a contract in the JSON format of `maslin layout`.
///
/// Slots are written as strings: small ones in decimal, hashed ones as `0x` and 64 digits. Byte
/// offsets count from the low end of the slot.
public struct StorageReport: Hashable, Sendable, Codable {
  /// One variable or member.
  public struct Variable: Hashable, Sendable, Codable {
    /// The name.
    public let label: String
    /// The contract that declares it; left out for structs at file level.
    public let declaredIn: String?
    /// The slot, absolute.
    public let slot: String
    /// The lowest byte taken within the slot.
    public let offset: Int
    /// The bytes taken, in decimal.
    public let numberOfBytes: String
    /// The type as the compiler writes it.
    public let type: String
    /// Whether it only reserves room for later versions.
    public let isGap: Bool
    /// Members of a struct, at absolute slots; left out for other types.
    public let members: [Variable]?
    /// The line of the declaration, from 1.
    public let line: Int
    /// The file of the declaration.
    public let path: String
  }

  /// One place that names a slot by hand.
  public struct Use: Hashable, Sendable, Codable {
    /// `point`, `pass`, `read` or `write`.
    public let action: StorageUse.Action
    /// The file.
    public let path: String
    /// The line, from 1.
    public let line: Int
    /// The column in bytes, from 1.
    public let column: Int
  }

  /// A namespace or hand-made slot.
  public struct Region: Hashable, Sendable, Codable {
    /// The namespace's annotation, the slot's agreed name, the constant's name, or the slot.
    public let name: String
    /// How it was recognised: `annotation`, `pointer`, `helper` or `access`.
    public let origin: StorageRegion.Origin
    /// The agreed slot it is (`erc1967Implementation`, ...), if any.
    public let wellKnown: String?
    /// The first slot.
    public let slot: String
    /// Whether it lies in transient storage.
    public let isTransient: Bool
    /// The type kept there.
    public let type: String
    /// The bytes taken, in decimal.
    public let numberOfBytes: String
    /// The members of a struct.
    public let members: [Variable]
    /// Where it is used.
    public let uses: [Use]
  }

  /// The file of the contract.
  public let path: String
  /// The contract's name.
  public let contract: String
  /// The first slot of declared variables.
  public let baseSlot: String
  /// Declared persistent variables in layout order.
  public let storage: [Variable]
  /// Declared transient variables in layout order.
  public let transient: [Variable]
  /// Namespaces and hand-made slots.
  public let regions: [Region]
  /// What makes the picture uncertain or contradictory; empty when it is exact.
  public let problems: [String]

  /// Describes a contract's storage.
  public init(of storage: ContractStorage, in program: Program) {
    let contract = storage.layout.contract
    path = program.unit(of: contract).source.path
    self.contract = contract.name
    baseSlot = SlotText.short(storage.layout.baseSlot)
    var describer = StorageDescriber(program: program)
    self.storage = storage.layout.storage.map { describer.variable($0, depth: 0) }
    transient = storage.layout.transient.map { describer.variable($0, depth: 0) }
    regions = storage.regions.map { describer.region($0) }
    problems = storage.problems.map(\.description)
  }
}

/// Turns entries into their JSON form.
private struct StorageDescriber {
  /// Members are spelled out this deep; deeper ones can be looked up by their type.
  private static let maximumDepth = 8
  /// Members spelled out for one contract; nested structs could multiply without bound.
  private var remainingMembers = 50_000

  let program: Program
  let names: StorageTypeNames
  var sizes: StorageSizes

  init(program: Program) {
    self.program = program
    names = StorageTypeNames(program: program)
    sizes = StorageSizes(program: program)
  }

  mutating func variable(_ entry: StorageEntry, depth: Int) -> StorageReport.Variable {
    var members: [StorageReport.Variable]?
    if case .structure(let definition, _) = entry.type, depth < StorageDescriber.maximumDepth,
      remainingMembers > 0
    {
      var described: [StorageReport.Variable] = []
      for member in sizes.members(of: definition.node).entries {
        remainingMembers -= 1
        described.append(variable(member.moved(by: entry.slot), depth: depth + 1))
      }
      members = described
    }
    let source = program.unit(of: entry.declaration).source
    return StorageReport.Variable(
      label: entry.label, declaredIn: entry.declaringContract?.name,
      slot: SlotText.short(entry.slot), offset: entry.offset,
      numberOfBytes: String(entry.numberOfBytes), type: names.label(of: entry.type),
      isGap: entry.isGap, members: members,
      line: source.position(at: Int(entry.declaration.nameRange.start)).line, path: source.path)
  }

  mutating func region(_ region: StorageRegion) -> StorageReport.Region {
    var members: [StorageReport.Variable] = []
    for entry in region.entries { members.append(variable(entry, depth: 1)) }
    let uses = region.uses.map { use in
      let source = program.units[Int(use.unit)].source
      let position = source.position(at: Int(use.range.start))
      return StorageReport.Use(
        action: use.action, path: source.path, line: position.line, column: position.column)
    }
    return StorageReport.Region(
      name: region.name, origin: region.origin, wellKnown: region.wellKnown?.rawValue,
      slot: SlotText.short(region.slot), isTransient: region.isTransient,
      type: names.label(of: region.type), numberOfBytes: String(region.numberOfBytes),
      members: members, uses: uses)
  }
}
