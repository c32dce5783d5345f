import Solidity
import SoliditySyntax

/// Which contract of the new version takes the place of which of the old one.
public struct UpgradePairing: Sendable {
  /// An old version and its successor.
  public struct Pair: Sendable {
    /// The version in use.
    public let old: ContractVersion
    /// The version to come.
    public let new: ContractVersion
  }

  /// The pairs, in the order of the new contracts.
  public let pairs: [Pair]
  /// Old contracts without a successor.
  public let removed: [ContractVersion]
  /// New contracts without a predecessor.
  public let added: [ContractVersion]

  /// Pairs the contracts of two versions.
  ///
  /// One contract on each side makes a pair whatever the names. Otherwise a new contract follows the one it names in
  /// `@custom:oz-upgrades-from`, else the one with the same name (in the file of the same path, where several
  /// have it), else the one whose name differs only by a version at its end (`TokenV1`, `Token_v2`).
  ///
  /// - Parameters:
  ///   - old: the deployable contracts of the old version.
  ///   - new: those of the new version.
  public init(old: [ContractVersion], new: [ContractVersion]) {
    if let first = old.first, let second = new.first, old.count == 1, new.count == 1 {
      pairs = [Pair(old: first, new: second)]
      removed = []
      added = []
      return
    }
    var taken: Set<Int> = []
    var matches: [Int: Int] = [:]
    func match(_ rule: (ContractVersion, ContractVersion) -> Bool) {
      for (index, version) in new.enumerated() where matches[index] == nil {
        let fitting = old.indices.filter { !taken.contains($0) && rule(old[$0], version) }
        let chosen =
          fitting.first { Self.path(of: old[$0]) == Self.path(of: version) } ?? fitting.first
        if let chosen {
          matches[index] = chosen
          taken.insert(chosen)
        }
      }
    }
    match { old, new in
      guard let stated = new.contract.upgradesFrom else { return false }
      return stated == old.contract.name || stated.hasSuffix(":" + old.contract.name)
    }
    match { $0.contract.name == $1.contract.name && Self.path(of: $0) == Self.path(of: $1) }
    match { $0.contract.name == $1.contract.name }
    match { Self.stem(of: $0.contract.name) == Self.stem(of: $1.contract.name) }
    pairs = new.indices.compactMap { index in
      matches[index].map { Pair(old: old[$0], new: new[index]) }
    }
    removed = old.indices.filter { !taken.contains($0) }.map { old[$0] }
    added = new.indices.filter { matches[$0] == nil }.map { new[$0] }
  }

  /// The contracts of a program that can stand behind a proxy, out of `contracts`: concrete ones that no other of
  /// them derives from, and of these those made for upgrades, if any are.
  public static func candidates(
    among contracts: [ContractDefinition], in program: Program
  ) -> [ContractVersion] {
    let concrete = contracts.filter { $0.kind == .contract && !$0.isAbstract }
    var bases: Set<NodeID> = []
    for contract in concrete {
      bases.formUnion(program.linearizedBases(of: contract).dropFirst().map(\.id))
    }
    let leaves = concrete.filter { !bases.contains($0.id) }
      .map { ContractVersion(program: program, contract: $0) }
    let upgradeable = leaves.filter { CompatibleVerdict.isUpgradeable($0) }
    return upgradeable.isEmpty ? leaves : upgradeable
  }

  private static func path(of version: ContractVersion) -> String {
    version.program.unit(of: version.contract).source.path
  }

  /// The name without a version at its end: `TokenV2`, `Token_v2`, `Token2`, `TokenNew` read as `Token`.
  private static func stem(of name: String) -> String {
    var stem = name[...]
    while let last = stem.last, last.isNumber || last == "_" { stem.removeLast() }
    for suffix in ["V", "v", "Version", "Old", "New", "Upgraded"]
    where stem.count > suffix.count && stem.hasSuffix(suffix) {
      // A bare v belongs to the name unless digits followed it.
      if suffix.count == 1, stem.endIndex == name.endIndex { continue }
      stem.removeLast(suffix.count)
      break
    }
    while stem.last == "_" { stem.removeLast() }
    return stem.isEmpty ? name : String(stem)
  }
}
