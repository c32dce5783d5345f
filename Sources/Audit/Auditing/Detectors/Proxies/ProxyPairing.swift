import BigInt
import SoliditySyntax
import Solidity

/// A proxy together with a contract whose code runs in its storage.
struct ProxyPair {
  /// How the two were found to belong together.
  enum Link {
    /// The program deploys the proxy with the implementation.
    case deployment(Expression)
    /// The program upgrades the proxy to the implementation.
    case upgrade(Expression)
    /// The program talks to the proxy as if it were the implementation.
    case cast(Expression)
    /// The variable that holds the target has the implementation's type.
    case typedTarget(VariableDeclaration)
    /// Both derive from a contract with state.
    case sharedBase(ContractDefinition)
    /// The only candidate in the same file.
    case onlyCandidate
    /// One of a few candidates.
    case candidate
  }
  /// The proxy.
  let proxy: ProxyContract
  /// The implementation.
  let implementation: ContractDefinition
  /// How they were found to belong together.
  let link: Link

  /// How sure that is.
  var confidence: Confidence {
    switch link {
    case .deployment, .upgrade, .cast, .typedTarget: .high
    case .sharedBase, .onlyCandidate: .medium
    case .candidate: .low
    }
  }

  /// Why they belong together, for a reader.
  var reason: String {
    switch link {
    case .deployment: "the code deploys the proxy with this implementation"
    case .upgrade: "the code points the proxy to this implementation"
    case .cast: "the code talks to the proxy as if it were this implementation"
    case .typedTarget(let variable): "the target `\(variable.name)` has the implementation's type"
    case .sharedBase(let base): "both derive from `\(base.name)`"
    case .onlyCandidate: "it is the only implementation in the proxy's file"
    case .candidate:
      "it is a possible implementation; no code in the program says which one is used"
    }
  }

  /// The expression that says so.
  var node: (any SyntaxNode)? {
    switch link {
    case .deployment(let node), .upgrade(let node), .cast(let node): node
    case .typedTarget(let variable): variable
    case .sharedBase, .onlyCandidate, .candidate: nil
    }
  }
}

/// Finds which implementation belongs to which proxy.
struct ProxyPairing {
  let system: ProxySystem
  private var program: Program { system.program }
  private let proxyIDs: Set<NodeID>

  init(system: ProxySystem) {
    self.system = system
    proxyIDs = Set(system.proxies.map(\.contract.id))
  }

  /// The pairs, by proxy, surest first.
  func pairs() -> [ProxyPair] {
    system.proxies.flatMap { proxy in
      var found = stated(proxy)
      if found.isEmpty, system.isLeaf(proxy.contract) { found = guessed(proxy) }
      return found.map { ProxyPair(proxy: proxy, implementation: $0.0, link: $0.1) }
    }
  }

  // MARK: What code states

  private func stated(_ proxy: ProxyContract) -> [(ContractDefinition, ProxyPair.Link)] {
    var result: [(ContractDefinition, ProxyPair.Link)] = []
    func add(_ contract: ContractDefinition?, _ link: ProxyPair.Link) {
      guard let contract, isCandidate(contract, for: proxy),
        !result.contains(where: { $0.0.id == contract.id })
      else { return }
      result.append((contract, link))
    }
    if case .variable(let variable, _, _) = proxy.source {
      if case .contract(let reference, _) = program.type(of: variable.node) {
        add(reference.node, .typedTarget(variable.node))
      }
    } else if case .immutable(let variable) = proxy.source,
      case .contract(let reference, _) = program.type(of: variable.node)
    {
      add(reference.node, .typedTarget(variable.node))
    }
    let positions = implementationParameters(of: proxy)
    for creation in system.deployments.creations where creation.created.id == proxy.contract.id {
      for (position, argument) in creation.arguments.enumerated() {
        guard let argument, positions.isEmpty || positions.contains(position),
          let held = system.deployments.contract(heldBy: argument)
        else { continue }
        if proxy.kind == .beaconProxy {
          for implementation in implementations(ofBeacon: held) {
            add(implementation, .deployment(creation.expression))
          }
        } else {
          add(held, .deployment(creation.expression))
        }
        if positions.isEmpty, !result.isEmpty { break }
      }
    }
    let upgrades = Set(proxy.upgradePaths.map(\.entry))
    for call in system.deployments.calls where call.receiver.id == proxy.contract.id {
      let lowered = call.name.lowercased()
      guard upgrades.contains(call.name) || lowered.contains("upgrade") else { continue }
      for argument in call.arguments {
        guard let argument else { continue }
        add(system.deployments.contract(heldBy: argument), .upgrade(call.expression))
      }
    }
    for cast in system.deployments.casts where cast.held.id == proxy.contract.id {
      if cast.target.kind == .interface {
        // Everyone implements small interfaces; only a single implementer tells something.
        let implementers = system.contracts.filter { contract in
          contract.id != cast.target.id && system.isLeaf(contract)
            && program.linearizedBases(of: contract).contains { $0.id == cast.target.id }
        }
        if implementers.count == 1 { add(implementers[0], .cast(cast.expression)) }
      } else {
        add(cast.target, .cast(cast.expression))
      }
    }
    return result
  }

  /// The positions of the constructor's parameters that end up where the target is read from.
  private func implementationParameters(of proxy: ProxyContract) -> Set<Int> {
    guard !proxy.targetFields.isEmpty,
      let deployment = system.examine(proxy.contract).deployment
    else { return [] }
    var positions: Set<Int> = []
    for access in deployment.storageWrites {
      guard let value = access.value,
        proxy.targetFields.contains(where: { $0.overlaps(access.location.field) })
      else { continue }
      for source in deployment.sources(of: value).sources {
        if case .parameter(let position) = source { positions.insert(position) }
      }
    }
    return positions
  }

  private func implementations(ofBeacon beacon: ContractDefinition) -> [ContractDefinition] {
    system.deployments.creations.filter { $0.created.id == beacon.id }
      .flatMap(\.arguments).compactMap { $0.flatMap(system.deployments.contract(heldBy:)) }
  }

  // MARK: What can be guessed

  private func guessed(_ proxy: ProxyContract) -> [(ContractDefinition, ProxyPair.Link)] {
    let ownLine = Set(program.linearizedBases(of: proxy.contract).map(\.id))
    let statefulBases = program.linearizedBases(of: proxy.contract).dropFirst().filter { base in
      base.stateVariables.contains { $0.mutability == .mutable }
    }
    func sharedBase(_ contract: ContractDefinition) -> ContractDefinition? {
      let line = Set(program.linearizedBases(of: contract).map(\.id))
      return statefulBases.first { line.contains($0.id) }
    }
    let candidates = system.contracts.filter { contract in
      isCandidate(contract, for: proxy) && system.isLeaf(contract) && !ownLine.contains(contract.id)
        && !system.isTest(contract) && !uses(contract, proxy.contract)
    }
    let nearby = candidates.filter { $0.id.unit == proxy.contract.id.unit }
    let related = nearby.filter { sharedBase($0) != nil }
    if !related.isEmpty {
      return related.prefix(4).compactMap { contract in
        sharedBase(contract).map { (contract, .sharedBase($0)) }
      }
    }
    let stateful = nearby.filter { !system.storage(of: $0).layout.storage.isEmpty }
    if stateful.count == 1 { return [(stateful[0], .onlyCandidate)] }
    if !stateful.isEmpty {
      let initialised = stateful.filter(hasInitializer)
      if initialised.count == 1 { return [(initialised[0], .onlyCandidate)] }
      return (initialised.isEmpty ? stateful : initialised).prefix(4).map { ($0, .candidate) }
    }
    if nearby.count == 1 { return [(nearby[0], .onlyCandidate)] }
    let elsewhere = candidates.filter { $0.id.unit != proxy.contract.id.unit }
    let akin = elsewhere.filter { sharedBase($0) != nil }
    if !akin.isEmpty, akin.count <= 6 {
      return akin.compactMap { contract in
        sharedBase(contract).map { (contract, .sharedBase($0)) }
      }
    }
    let initialised = elsewhere.filter(hasInitializer)
    // Among many contracts with initializers nothing says which one this proxy is for.
    guard initialised.count <= 40 else { return [] }
    return initialised.map { ($0, .candidate) }
  }

  /// Whether a contract could stand behind a proxy at all.
  private func isCandidate(_ contract: ContractDefinition, for proxy: ProxyContract) -> Bool {
    contract.kind == .contract && contract.id != proxy.contract.id
      && !proxyIDs.contains(contract.id) && system.isDeployable(contract)
      && !program.linearizedBases(of: contract).contains { $0.id == proxy.contract.id }
  }

  /// Whether a contract keeps or creates the proxy: then it uses it from outside.
  private func uses(_ contract: ContractDefinition, _ proxy: ContractDefinition) -> Bool {
    let keeps = program.stateVariables(of: contract).contains { variable in
      if case .contract(let reference, _) = program.type(of: variable) {
        return reference.node.id == proxy.id
      }
      return false
    }
    return keeps
      || system.deployments.creations.contains {
        $0.created.id == proxy.id && $0.creator?.id == contract.id
      }
  }

  /// Whether the contract has a function to set it up: one with a modifier called `initializer`, or called `init...`.
  func hasInitializer(_ contract: ContractDefinition) -> Bool {
    program.functions(of: contract).contains { function in
      guard function.kind == .function,
        function.visibility == .public || function.visibility == .external
      else { return false }
      return function.name.hasPrefix("init")
        || function.modifiers.contains {
          $0.path.parts.last?.text == "initializer" || $0.path.parts.last?.text == "reinitializer"
        }
    }
  }
}
