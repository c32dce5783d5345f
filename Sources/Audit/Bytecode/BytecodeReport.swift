import Ethereum

/// The result of an analysis in the form in which it is shown and stored.
///
/// Encoded with sorted keys it is the same text for the same code. Bytes and numbers of 256 bits
/// are hexadecimal texts with `0x`; offsets and sizes are numbers of bytes.
public struct BytecodeReport: Encodable, Hashable, Sendable {
  /// `legacy`, `empty`, `delegation`, `objectFormat` or `reserved`.
  public let format: String
  /// Bytes given.
  public let size: Int
  /// Keccak-256 of the bytes given, as `EXTCODEHASH` answers.
  public let codeHash: String
  /// Where the deployed code lies in creation code.
  public let creation: Creation?
  /// What the compiler wrote behind the code.
  public let metadata: Metadata?
  /// How calls are handed on.
  public let proxy: Proxy?
  /// The functions, by selector.
  public let functions: [Function]
  /// Selectors compared behind conditions that are not about call data.
  public let conditionalSelectors: [String]
  /// Whether other call data comes to code of its own.
  public let fallback: Bool
  /// Whether empty call data comes to code of its own, other than the fallback's.
  public let receive: Bool
  /// Reads and writes of storage.
  public let storage: [Access]
  /// `DELEGATECALL` and `CALLCODE`.
  public let delegateCalls: [Delegation]
  /// Agreed slots whose numbers stand in the code.
  public let wellKnownSlots: [KnownSlot]
  /// Other things that some path does: `creates contracts`, `self-destructs`,
  /// `shows diamond facets`, `answers proxiableUUID`.
  public let traits: [String]
  /// Whether the examination was complete.
  public let complete: Bool
  /// The instructions, if asked for.
  public let disassembly: [Line]?
  /// The comparison with source, if one was made.
  public let comparison: Comparison?

  /// Deployed code in creation code.
  public struct Creation: Encodable, Hashable, Sendable {
    /// Offset of the runtime code.
    public let offset: Int
    /// Bytes of the runtime code.
    public let size: Int
    /// The runtime code.
    public let runtime: String
    /// Words that the constructor fills in.
    public let immutables: [Immutable]
  }

  /// A word of the runtime code that the constructor fills in.
  public struct Immutable: Encodable, Hashable, Sendable {
    /// Offset in the runtime code.
    public let offset: Int
    /// The value, where the constructor alone decides it.
    public let value: String?
  }

  /// The compiler's own words.
  public struct Metadata: Encodable, Hashable, Sendable {
    /// `solidity` or `vyper`.
    public let compiler: String
    /// The version.
    public let version: String?
    /// IPFS multihash of the metadata file.
    public let ipfs: String?
    /// Swarm hash of the metadata file.
    public let swarm: String?
    /// Whether experimental features were on.
    public let experimental: Bool
    /// Where it starts.
    public let offset: Int
    /// How long it is.
    public let size: Int
  }

  /// A proxy.
  public struct Proxy: Encodable, Hashable, Sendable {
    /// `minimal`, `delegation`, `erc1967`, `erc1967-transparent`, `beacon`, `erc1822`,
    /// `zeppelinos`, `diamond`, `storage`, `fixed` or `other`.
    public let kind: String
    /// The published form of a minimal proxy.
    public let form: String?
    /// The address delegated to, where the code holds it.
    public let implementation: String?
    /// The slot that holds the target, where it is a plain one.
    public let slot: String?
    /// Immutable arguments behind a minimal proxy.
    public let arguments: String?
    /// The same for a person.
    public let description: String
  }

  /// A function.
  public struct Function: Encodable, Hashable, Sendable {
    /// Four bytes.
    public let selector: String
    /// Offset of its code.
    public let entry: Int
    /// Whether it takes ether.
    public let payable: Bool
    /// Whether all its paths were examined.
    public let complete: Bool
  }

  /// A read or write.
  public struct Access: Encodable, Hashable, Sendable {
    /// `read` or `write`.
    public let kind: String
    /// The place, for a person.
    public let place: String
    /// The number that the place is computed from.
    public let base: String?
    /// The steps from there: `mapping`, `elements`, `offset N`, `index N`.
    public let steps: [String]
    /// Whether it is transient storage.
    public let transient: Bool
    /// First byte in the word, from the least significant; absent where only the run decides.
    public let offset: Int?
    /// Bytes.
    public let length: Int?
    /// Selectors and `fallback`.
    public let from: [String]
  }

  /// A call on own storage.
  public struct Delegation: Encodable, Hashable, Sendable {
    /// Where.
    public let offset: Int
    /// `DELEGATECALL` or `CALLCODE`.
    public let instruction: String
    /// Where the target comes from.
    public let target: String
    /// Selectors and `fallback`.
    public let from: [String]
  }

  /// An agreed slot.
  public struct KnownSlot: Encodable, Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its number.
    public let slot: String
  }

  /// An instruction.
  public struct Line: Encodable, Hashable, Sendable {
    /// Offset.
    public let offset: Int
    /// Name.
    public let instruction: String
    /// Operand of a push.
    public let operand: String?
  }

  /// How code and source agree.
  public struct Comparison: Encodable, Hashable, Sendable {
    /// Whether nothing speaks against it.
    public let consistent: Bool
    /// Signatures that both have.
    public let matched: [String]
    /// Signatures that the code lacks.
    public let missing: [String]
    /// Selectors that the source lacks.
    public let extra: [String]
    /// Accesses that speak against the layout.
    public let contradictions: [Contradiction]
  }

  /// An access that speaks against the layout.
  public struct Contradiction: Encodable, Hashable, Sendable {
    /// What the code does.
    public let access: String
    /// What speaks against it.
    public let problem: String
    /// Selectors and `fallback`.
    public let from: [String]
  }
}

extension BytecodeReport {
  /// Puts the report of an analysis together.
  public init(
    _ analysis: BytecodeAnalysis, comparison: SourceComparison? = nil,
    includesDisassembly: Bool = false
  ) {
    format = Self.name(analysis.format)
    size = analysis.code.count
    codeHash = Keccak256.hash(analysis.code).description
    creation = analysis.creation.map { creation in
      Creation(
        offset: creation.runtimeRange.lowerBound, size: creation.runtimeRange.count,
        runtime: Hex.encode(analysis.disassembly.code),
        immutables: creation.immutables.map {
          Immutable(offset: $0.offset, value: $0.value?.hexString)
        })
    }
    metadata = analysis.metadata.map { metadata in
      Metadata(
        compiler: metadata.compiler.rawValue, version: metadata.version,
        ipfs: metadata.ipfs.map { Hex.encode($0) }, swarm: metadata.swarm.map { Hex.encode($0) },
        experimental: metadata.isExperimental, offset: metadata.range.lowerBound,
        size: metadata.range.count)
    }
    proxy = analysis.proxy.map { Proxy($0) }
    functions = analysis.functions.map {
      Function(
        selector: $0.selector.description, entry: $0.entry, payable: $0.isPayable,
        complete: $0.isComplete)
    }
    conditionalSelectors = analysis.conditionalSelectors.map(\.description)
    fallback = analysis.hasFallback
    receive = analysis.hasReceive
    storage = analysis.storageAccesses.map { Access($0) }
    delegateCalls = analysis.delegateCalls.map {
      Delegation(
        offset: $0.offset, instruction: $0.isCallCode ? "CALLCODE" : "DELEGATECALL",
        target: $0.target.description, from: $0.entryPoints.map(\.description))
    }
    wellKnownSlots = analysis.wellKnownSlots.map {
      KnownSlot(name: $0.rawValue, slot: $0.slot.paddedHexString)
    }
    var traits: [String] = []
    if analysis.createsContracts { traits.append("creates contracts") }
    if analysis.selfDestructs { traits.append("self-destructs") }
    if analysis.hasDiamondLoupe { traits.append("shows diamond facets") }
    if analysis.isProxiable { traits.append("answers proxiableUUID") }
    self.traits = traits
    complete = analysis.isComplete
    disassembly =
      includesDisassembly
      ? analysis.disassembly.instructions.map { instruction in
        Line(
          offset: instruction.offset, instruction: instruction.opcode.description,
          operand: instruction.opcode.immediateSize > 0
            ? Hex.encode(
              instruction.operand.bigEndianBytes.suffix(instruction.opcode.immediateSize)) : nil)
      } : nil
    self.comparison = comparison.map { Comparison($0) }
  }

  private static func name(_ format: CodeFormat) -> String {
    switch format {
    case .empty: "empty"
    case .legacy: "legacy"
    case .delegation: "delegation"
    case .objectFormat: "objectFormat"
    case .reserved: "reserved"
    }
  }
}

extension BytecodeReport.Proxy {
  init(_ proxy: ProxyKind) {
    description = proxy.description
    var form: String?
    var implementation: String?
    var slot: String?
    var arguments: String?
    switch proxy {
    case .minimal(let minimal):
      kind = "minimal"
      form = minimal.form.rawValue
      switch minimal.target {
      case .implementation(let address): implementation = address.checksummed
      case .slot(let word), .beacon(let word): slot = word.paddedHexString
      }
      arguments = minimal.arguments.isEmpty ? nil : Hex.encode(minimal.arguments)
    case .delegation(let address):
      kind = "delegation"
      implementation = address.checksummed
    case .erc1967(let readsAdmin):
      kind = readsAdmin ? "erc1967-transparent" : "erc1967"
      slot = WellKnownSlot.erc1967Implementation.slot.paddedHexString
    case .beacon(let place):
      kind = "beacon"
      slot = place?.constant?.paddedHexString
    case .erc1822:
      kind = "erc1822"
      slot = WellKnownSlot.erc1822Proxiable.slot.paddedHexString
    case .zeppelinOS:
      kind = "zeppelinos"
      slot = WellKnownSlot.zeppelinOSImplementation.slot.paddedHexString
    case .diamond(let place):
      kind = "diamond"
      slot = place.base?.paddedHexString
    case .storage(let place):
      kind = "storage"
      slot = place.constant?.paddedHexString
    case .fixed(let address, _):
      kind = "fixed"
      implementation = address.checksummed
    case .other:
      kind = "other"
    }
    self.form = form
    self.implementation = implementation
    self.slot = slot
    self.arguments = arguments
  }
}

extension BytecodeReport.Access {
  init(_ access: StorageAccess) {
    kind = access.isWrite ? "write" : "read"
    place = access.slot.description
    base = access.slot.base?.hexString
    steps = access.slot.steps.map { step in
      switch step {
      case .mappingValue: "mapping"
      case .elements: "elements"
      case .offset(let distance): "offset \(distance)"
      case .index(let stride): "index \(stride)"
      }
    }
    transient = access.isTransient
    offset = access.bytes?.offset
    length = access.bytes?.length
    from = access.entryPoints.map(\.description)
  }
}

extension BytecodeReport.Comparison {
  init(_ comparison: SourceComparison) {
    consistent = comparison.isConsistent
    matched = comparison.matched.map(\.signature)
    missing = comparison.missing.map(\.signature)
    extra = comparison.extra.map(\.description)
    contradictions = comparison.contradictions.map { compared in
      let access = compared.access
      let bytes = access.bytes.map { " \($0)" } ?? ""
      return BytecodeReport.Contradiction(
        access: "\(access.isWrite ? "write" : "read") \(access.slot)\(bytes)",
        problem: compared.verdict.description, from: access.entryPoints.map(\.description))
    }
  }
}
