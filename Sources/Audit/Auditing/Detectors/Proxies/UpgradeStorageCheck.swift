import SoliditySyntax
import Solidity

/// Two contracts of the program of which one replaces the other behind a proxy.
struct VersionPair {
  /// How the order of the two was found.
  enum Link {
    /// The program points a proxy from one to the other.
    case upgrade(Expression)
    /// The newer one's comment names the older.
    case annotation
    /// Their names differ in a version number.
    case names
    /// They stand in one file, behind a proxy, with most functions and variables in common.
    case likeness
  }
  let old: ContractDefinition
  let new: ContractDefinition
  let link: Link

  var confidence: Confidence {
    switch link {
    case .upgrade, .annotation: .high
    case .names: .medium
    case .likeness: .low
    }
  }

  var reason: String {
    switch link {
    case .upgrade: "the code upgrades a proxy from one to the other"
    case .annotation: "its comment says so"
    case .names: "their names differ in the version"
    case .likeness: "it has most of its functions and variables"
    }
  }
}

/// Finds the versions of upgradeable contracts within one program.
struct VersionPairs {
  /// Files with more implementations than this are not searched for versions.
  private static let maximumInFile = 32

  let system: ProxySystem
  private var program: Program { system.program }

  func all() -> [VersionPair] {
    var result: [VersionPair] = []
    func add(_ old: ContractDefinition, _ new: ContractDefinition, _ link: VersionPair.Link) {
      guard old.id != new.id,
        !result.contains(where: { pair in
          (pair.old.id == old.id && pair.new.id == new.id)
            || (pair.old.id == new.id && pair.new.id == old.id)
        })
      else { return }
      result.append(VersionPair(old: old, new: new, link: link))
    }
    for proxy in system.proxies {
      let own = system.pairs.filter { $0.proxy.contract.id == proxy.contract.id }
      var current = own.first { pair in
        if case .deployment = pair.link { return true }
        return false
      }?.implementation
      for pair in own {
        guard case .upgrade(let node) = pair.link else { continue }
        if let current { add(current, pair.implementation, .upgrade(node)) }
        current = pair.implementation
      }
    }
    for contract in system.contracts where system.isDeployable(contract) {
      for tag in DocumentationTag.tags(of: contract.documentation)
      where tag.name == "custom:oz-upgrades-from" {
        guard let name = tag.arguments.first?.split(separator: ":").last else { continue }
        if let old = system.contracts.first(where: { $0.name == name }) {
          add(old, contract, .annotation)
        }
      }
    }
    // Guesses among the contracts of one file.
    var byUnit: [Int32: [ContractDefinition]] = [:]
    for contract in system.implementations.candidates {
      byUnit[contract.id.unit, default: []].append(contract)
    }
    for unit in byUnit.keys.sorted() {
      let contracts = byUnit[unit] ?? []
      // A file of very many contracts holds samples, not versions; comparing all with all would tell nothing.
      guard contracts.count > 1, contracts.count <= VersionPairs.maximumInFile else { continue }
      let interfaces = contracts.map { Set(program.interface(of: $0).map(\.signature)) }
      for second in contracts.indices.dropFirst() {
        for first in contracts.indices.prefix(second)
        where sharesMost(interfaces[first], interfaces[second]) {
          let old = contracts[first]
          let new = contracts[second]
          if let order = order(old.name, new.name) {
            if order { add(old, new, .names) } else { add(new, old, .names) }
          } else if sharesVariables(old, new), isUpgradeable(old), isUpgradeable(new) {
            add(old, new, .likeness)
          }
        }
      }
    }
    return result
  }

  private func isUpgradeable(_ contract: ContractDefinition) -> Bool {
    system.implementations.role(of: contract) != nil
  }

  /// Whether two names are one name with version numbers behind: true if the first is the older; nil if they are not.
  private func order(_ first: String, _ second: String) -> Bool? {
    let (a, x) = split(first)
    let (b, y) = split(second)
    guard a == b, !a.isEmpty, x != y else { return nil }
    return x < y
  }

  /// A name and its version: `StoreV2` is `Store` and 2, a name without one is its own first version.
  private func split(_ name: String) -> (stem: String, version: Int) {
    let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, let number = Int(String(digits.reversed())) else { return (name, 1) }
    let stem = name.dropLast(digits.count)
    guard stem.last == "V" || stem.last == "v" else { return (name, 1) }
    return (String(stem.dropLast()), number)
  }

  private func sharesMost(_ first: Set<String>, _ second: Set<String>) -> Bool {
    let shared = first.intersection(second).count
    return shared > 0 && shared * 2 >= min(first.count, second.count)
  }

  private func sharesVariables(_ a: ContractDefinition, _ b: ContractDefinition) -> Bool {
    let first = Set(system.storage(of: a).layout.storage.map(\.label))
    let second = Set(system.storage(of: b).layout.storage.map(\.label))
    let shared = first.intersection(second).count
    return shared > 1 && shared * 3 >= min(first.count, second.count) * 2
  }
}

/// A next version that gives live storage another meaning.
struct UpgradeStorageCheck: ProxyCheck {
  var rules: [Rule] { [ProxyRules.upgradeStorageChange] }

  func findings(in system: ProxySystem) -> [Finding] {
    VersionPairs(system: system).all().compactMap { finding($0, in: system) }
  }

  private func finding(_ pair: VersionPair, in system: ProxySystem) -> Finding? {
    let program = system.program
    let report = UpgradeCheck(
      from: ContractVersion(program: program, contract: pair.old),
      to: ContractVersion(program: program, contract: pair.new)
    ).run()
    let harmful = report.changes.filter { $0.severity >= .medium }
    guard let worst = harmful.max(by: { $0.severity < $1.severity }) else { return nil }
    var evidence = harmful.compactMap(\.diagram).prefix(3).map { Evidence.slots($0) }
    evidence += harmful.prefix(6).map { .note($0.message) }
    evidence.append(.note("`\(pair.new.name)` follows `\(pair.old.name)`: \(pair.reason)."))
    let place: any SyntaxNode =
      worst.new?.declaration as (any SyntaxNode)? ?? pair.new
    var related: [FindingLocation] = []
    if let old = worst.old?.declaration {
      related.append(system.location(old, "the old meaning"))
    }
    if case .upgrade(let node) = pair.link { related.append(system.location(node, pair.reason)) }
    return Finding.make(
      rule: ProxyRules.upgradeStorageChange, at: place, in: program,
      message:
        "After an upgrade from `\(pair.old.name)` to `\(pair.new.name)` stored values change their meaning. "
        + worst.message,
      severity: worst.severity, confidence: pair.confidence, contract: pair.new,
      rootCause: place, role: "the new meaning", related: related, evidence: evidence,
      discriminator: pair.old.name)
  }
}
