import Auditing
import Solidity
import SoliditySyntax
import Testing

/// A program made from one text, with its facts.
struct FactsFixture {
  let facts: Facts
  let unit: SourceUnit

  init(_ text: String, pragma: String = "^0.8.20") {
    self.init(bytes: Array("pragma solidity \(pragma);\n\(text)".utf8))
  }

  init(bytes: [UInt8]) {
    let unit = Parser.parse(SourceFile(path: "Test.sol", bytes: bytes), unit: 0)
    facts = Facts(program: Program.resolve(units: [unit], imports: ImportTable()))
    self.unit = unit
  }

  var program: Program { facts.program }

  /// The graphs of all functions, and of the deployment of all contracts.
  var graphs: [FunctionGraph] {
    facts.functions.compactMap { facts.graph(of: $0) }
      + program.contracts.compactMap { facts.deployment(of: $0) }
  }

  func contract(_ name: String) throws -> ContractFacts {
    let contract = try #require(program.contracts.first { $0.name == name })
    return facts.examine(contract)
  }

  func entry(_ contract: String, _ function: String) throws -> EntryPoint {
    let contract = try self.contract(contract)
    let all = contract.entryPoints + contract.unreachedFunctions
    return try #require(all.first { $0.name == function })
  }

  func graph(_ function: String) throws -> FunctionGraph {
    let function = try #require(facts.functions.first { $0.name == function })
    return try #require(facts.graph(of: function))
  }

  /// The source text of an instruction.
  func text(_ value: Value) -> String { unit.source.text(value.origin.range) }
}

extension EntryPoint {
  /// The writes of a state variable.
  func writes(_ name: String) -> [StorageAccess] {
    storageWrites.filter { $0.location.variable?.name == name }
  }

  func write(_ name: String) throws -> StorageAccess { try #require(writes(name).first) }

  func call(_ name: String) throws -> Place {
    try #require(externalCalls.first { externalCall(at: $0)?.name == name })
  }
}

extension SourceSet {
  /// The sources by short names, sorted.
  var names: [String] {
    sources.map { source in
      switch source {
      case .constant: "constant"
      case .parameter(let position): "parameter \(position)"
      case .callData: "calldata"
      case .environment(let environment): environment.rawValue
      case .balance: "balance"
      case .accountCode: "code"
      case .storage(let field):
        "storage \(field.variable?.name ?? "slot")\(field.members.map { "." + $0 }.joined())"
      case .immutable(let reference): "immutable \(reference.node.name)"
      case .externalCall: "call"
      case .creation: "creation"
      case .blockHash: "blockhash"
      case .signer: "signer"
      case .unknown: "unknown"
      }
    }.sorted()
  }
}

extension Predicate {
  /// The predicate by a short name, for tables.
  var name: String {
    switch self {
    case .all(let parts): parts.count == 1 ? parts[0].name : "all(\(list(parts)))"
    case .any(let parts): parts.count == 1 ? parts[0].name : "any(\(list(parts)))"
    case .caller(let check):
      switch check.kind {
      case .equalsStorage(let location): "sender is \(name(location))"
      case .equalsImmutable(let reference): "sender is \(reference.node.name)"
      case .equalsConstant: "sender is constant"
      case .equalsThis: "sender is this"
      case .equalsCallResult: "sender is call result"
      case .equalsInput: "sender is input"
      case .equalsOrigin: "sender is origin"
      case .member(let location): "member of \(name(location))"
      case .authority: "authority"
      case .originEquals: "origin"
      case .amount(let location): "amount in \(name(location))"
      case .exclusion: "exclusion"
      case .isNotContract: "no code"
      case .delegation: "delegation"
      case .other: "other"
      }
    case .comparison(let op, _, _): op.rawValue
    case .flag(let location, let value): "\(name(location)) is \(value)"
    case .signature(_, _, let isTrusted): isTrusted ? "signature" : "own signature"
    case .truth(_, let value): "truth \(value)"
    }
  }

  private func list(_ parts: [Predicate]) -> String { parts.map(\.name).joined(separator: ", ") }

  private func name(_ location: StorageLocation) -> String {
    (location.variable?.name ?? "slot")
      + location.field.members.filter { $0 != "[]" }.map { "." + $0 }.joined()
  }
}

/// A small generator with a printed seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
