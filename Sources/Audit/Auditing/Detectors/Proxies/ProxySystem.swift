import BigInt
import SoliditySyntax
import Solidity

/// What the checks on proxies share about one program, each part worked out on first use.
///
/// Lives within one run of `ProxyDetector`, on one thread.
final class ProxySystem {
  let facts: Facts
  var program: Program { facts.program }

  private var examined: [NodeID: ContractFacts] = [:]
  private var storages: [NodeID: ContractStorage] = [:]
  private var deployable: [NodeID: Bool] = [:]
  private var sitesByContract: [NodeID: [DelegateSite]] = [:]
  private var membershipsByContract: [NodeID: [StorageField]] = [:]
  private var referencesByContract: [NodeID: Set<NodeID>] = [:]

  init(facts: Facts) { self.facts = facts }

  /// Contracts (no interfaces, no libraries), by unit and place.
  private(set) lazy var contracts = program.contracts.filter { $0.kind == .contract }

  /// Contracts that another contract of the program derives from.
  private(set) lazy var bases: Set<NodeID> = Set(
    program.contracts.flatMap { program.linearizedBases(of: $0).dropFirst().map(\.id) })

  /// Which functions may come to a delegatecall.
  private(set) lazy var delegation = DelegationIndex(program: program)

  /// The proxies of the program.
  private(set) lazy var proxies: [ProxyContract] = ProxyRecognizer(system: self).proxies()

  /// Which implementation stands behind which proxy.
  private(set) lazy var pairs: [ProxyPair] = ProxyPairing(system: self).pairs()

  /// Contracts meant to run behind proxies, and their initializers.
  private(set) lazy var implementations = ImplementationIndex(system: self)

  /// Who can change the code contracts run.
  private(set) lazy var upgrades = UpgradeAccess(system: self)

  /// How the program's code deploys contracts and talks to them.
  private(set) lazy var deployments = DeploymentIndex(program: program)

  func examine(_ contract: ContractDefinition) -> ContractFacts {
    if let known = examined[contract.id] { return known }
    let result = facts.examine(contract)
    examined[contract.id] = result
    return result
  }

  func storage(of contract: ContractDefinition) -> ContractStorage {
    if let known = storages[contract.id] { return known }
    let result = program.storage(of: contract)
    storages[contract.id] = result
    return result
  }

  /// Whether the contract can be deployed by itself: no word `abstract`, a body for every function, and (before 0.7)
  /// no internal constructor.
  func isDeployable(_ contract: ContractDefinition) -> Bool {
    if let known = deployable[contract.id] { return known }
    let result =
      contract.kind == .contract && !contract.isAbstract
      && program.functions(of: contract).allSatisfy { $0.body != nil }
      && !contract.functions.contains {
        $0.kind == .constructor && $0.writtenVisibility == .internal
      }
    deployable[contract.id] = result
    return result
  }

  /// Whether a contract is the end of its line: deployable, and nothing derives from it.
  func isLeaf(_ contract: ContractDefinition) -> Bool {
    isDeployable(contract) && !bases.contains(contract.id)
  }

  /// The proxy a contract is, if it is one.
  func proxy(_ contract: ContractDefinition) -> ProxyContract? {
    proxies.first { $0.contract.id == contract.id }
  }

  /// Whether the contract is a test or script: it has a function that only test runners call, or a base that is
  /// called like the runners' own.
  func isTest(_ contract: ContractDefinition) -> Bool {
    for base in program.linearizedBases(of: contract) {
      if base.functions.contains(where: { function in
        function.body != nil
          && (function.name == "setUp" || function.name.hasPrefix("invariant_")
            || function.name.hasPrefix("echidna_"))
      }) {
        return true
      }
      if base.bases.contains(where: {
        ["Test", "DSTest", "Script", "PRBTest"].contains($0.base.parts.last?.text ?? "")
      }) {
        return true
      }
    }
    return false
  }

  /// What protects a place of an entry point against arbitrary callers.
  func protection(of place: Place, in entry: EntryPoint) -> Protection {
    let examined = examine(entry.contract)
    return entry.protection(
      of: place, locks: examined.reentrancyLocks, memberships: memberships(of: entry.contract),
      program: program)
  }

  /// Whether a field holds numbers per account that say who may do things.
  func isMembership(_ field: StorageField, in contract: ContractDefinition) -> Bool {
    memberships(of: contract).contains(field)
  }

  /// Numbers kept per account that are set, never counted up or down: not balances but ranks and indexes, so that
  /// `index[msg.sender] > 0` says who may call.
  private func memberships(of contract: ContractDefinition) -> [StorageField] {
    if let known = membershipsByContract[contract.id] { return known }
    var fields: [StorageField] = []
    var counted: [StorageField] = []
    for entry in examine(contract).entryPoints {
      for access in entry.storageWrites where access.location.field.members.contains("[]") {
        let field = access.location.field
        if access.kind == .modify || isCounted(access, in: entry) {
          if !counted.contains(field) { counted.append(field) }
        } else if access.kind == .assign, !fields.contains(field) {
          fields.append(field)
        }
      }
    }
    let result = fields.filter { !counted.contains($0) }
    membershipsByContract[contract.id] = result
    return result
  }

  /// Whether the value written is an amount the caller gives, or is computed from what stood there.
  private func isCounted(_ access: StorageAccess, in entry: EntryPoint) -> Bool {
    guard let value = access.value else { return false }
    let sources = entry.sources(of: value)
    if sources.contains(.environment(.callValue)) { return true }
    switch entry[entry.origin(of: value)].operation {
    case .parameter: return true
    case .binary: return sources.hasInput || sources.storage.contains(access.location.field)
    default: return false
    }
  }

  /// Every delegatecall that an entry point of the contract reaches.
  func delegateSites(of contract: ContractDefinition) -> [DelegateSite] {
    if let known = sitesByContract[contract.id] { return known }
    var sites: [DelegateSite] = []
    if delegation.mayDelegate(contract) {
      for entry in examine(contract).entryPoints {
        for place in entry.externalCalls {
          guard let call = entry.externalCall(at: place), call.isDelegate else { continue }
          sites.append(DelegateSite(entry: entry, place: place, call: call))
        }
      }
    }
    sitesByContract[contract.id] = sites
    return sites
  }

  /// The declared variables of a contract and its bases that its code names anywhere, or that have a getter.
  ///
  /// Code of libraries cannot name them, so the contract's own line is enough.
  func referencedVariables(of contract: ContractDefinition) -> Set<NodeID> {
    if let known = referencesByContract[contract.id] { return known }
    var found: Set<NodeID> = []
    for base in program.linearizedBases(of: contract) {
      for variable in base.stateVariables where variable.visibility == .public {
        found.insert(variable.id)
      }
      for item in SyntaxTraversal(.contract(base)) {
        switch item {
        case .expression(let expression):
          guard case .identifier = expression.kind else {
            // `Base.variable`
            if case .memberAccess = expression.kind,
              let variable = program.declaration(of: expression) as? VariableDeclaration,
              variable.role == .state
            {
              found.insert(variable.id)
            }
            continue
          }
          if let variable = program.declaration(of: expression) as? VariableDeclaration,
            variable.role == .state
          {
            found.insert(variable.id)
          }
        case .yulExpression(let name):
          if let variable = program.reference(of: name)?.declaration as? VariableDeclaration {
            found.insert(variable.id)
          }
        default: continue
        }
      }
    }
    referencesByContract[contract.id] = found
    return found
  }

  /// The location of a node, with what it has to do with a finding.
  func location(_ node: any SyntaxNode, _ role: String = "") -> FindingLocation {
    FindingLocation(of: node, in: program, role: role)
  }

  /// The calls from an entry down to a place, as evidence.
  func callPath(_ entry: EntryPoint, to place: Place, does text: String) -> Evidence {
    var steps: [EvidenceStep] = []
    let first = entry.function.map { location($0) }
    steps.append(EvidenceStep("anyone may enter at `\(entry.name)`", at: first))
    for site in entry.callPath(to: place) {
      let origin = entry[site].origin
      var name = "a function"
      if let frame = entry[site.frame].callee(at: site.value),
        let function = entry[frame].graph.function
      {
        name = "`\(SourceEnclosure.signature(of: function))`"
      }
      steps.append(EvidenceStep("calls \(name)", at: FindingLocation(of: origin, in: program)))
    }
    steps.append(
      EvidenceStep(text, at: FindingLocation(of: entry[place].origin, in: program)))
    return .callPath(steps)
  }
}
