import SoliditySyntax
import Ethereum
import Solidity

/// Which function of which contract a delegatecall runs, told by the target's type or the selector in its data.
struct DelegateTargets {
  /// A function that runs in another contract's storage.
  struct Target {
    /// The contract that declares or inherits it.
    let contract: ContractDefinition
    /// The function.
    let function: FunctionDefinition
    /// The delegatecall.
    let origin: Origin
  }

  let system: ProxySystem
  private var program: Program { system.program }
  /// Functions of deployable contracts by selector.
  private let bySelector: [Selector: [(ContractDefinition, FunctionDefinition)]]

  init(system: ProxySystem) {
    self.system = system
    var table: [Selector: [(ContractDefinition, FunctionDefinition)]] = [:]
    for contract in system.contracts where system.isLeaf(contract) && !system.isTest(contract) {
      for entry in system.program.interface(of: contract) {
        guard let function = entry.declaration as? FunctionDefinition else { continue }
        table[entry.selector, default: []].append((contract, function))
      }
    }
    bySelector = table
  }

  /// What the delegatecalls of a contract run, each target once per call.
  func targets(of contract: ContractDefinition) -> [Target] {
    let sites = system.delegateSites(of: contract).filter { !$0.targetsItself }
    guard !sites.isEmpty else { return [] }
    var result: [Target] = []
    var seen: Set<[NodeID]> = []
    func add(_ candidate: ContractDefinition, _ function: FunctionDefinition, _ site: DelegateSite)
    {
      let origin = site.entry[site.place].origin
      guard candidate.id != contract.id,
        seen.insert([origin.node, candidate.id, function.id]).inserted
      else { return }
      result.append(Target(contract: candidate, function: function, origin: origin))
    }
    // Calls through one variable or expression go to one contract, which must have all the functions called.
    var untyped: [[StorageField]: [(site: DelegateSite, selectors: [Selector])]] = [:]
    var order: [[StorageField]] = []
    for site in sites {
      let selectors = selectors(of: site)
      if let typed = typedTarget(site) {
        for entry in program.interface(of: typed) {
          guard let function = entry.declaration as? FunctionDefinition,
            selectors.isEmpty || selectors.contains(entry.selector)
          else { continue }
          add(typed, function, site)
        }
      } else if !selectors.isEmpty {
        let fields = site.target.storage
        if untyped[fields] == nil { order.append(fields) }
        untyped[fields, default: []].append((site, selectors))
      }
    }
    for fields in order {
      let calls = untyped[fields] ?? []
      for candidate in candidates(for: calls.flatMap(\.selectors), of: contract) {
        for (site, selectors) in calls {
          for selector in selectors {
            for (owner, function) in bySelector[selector] ?? [] where owner.id == candidate.id {
              add(owner, function, site)
            }
          }
        }
      }
    }
    return result
  }

  /// The contracts that have all the functions called: those of the caller's file, else the only one of the program.
  private func candidates(
    for selectors: [Selector], of contract: ContractDefinition
  ) -> [ContractDefinition] {
    guard let first = selectors.first else { return [] }
    let wanted = Set(selectors)
    let able = (bySelector[first] ?? []).map(\.0).filter { candidate in
      wanted.allSatisfy { selector in
        bySelector[selector]?.contains { $0.0.id == candidate.id } == true
      }
        && !program.linearizedBases(of: candidate).contains { $0.id == contract.id }
        && !holds(candidate, contract)
    }
    let near = able.filter { $0.id.unit == contract.id.unit }
    if !near.isEmpty { return near }
    return able.count == 1 ? able : []
  }

  /// Whether the candidate keeps the contract as a variable: then it calls it, and does not run in it.
  private func holds(_ candidate: ContractDefinition, _ contract: ContractDefinition) -> Bool {
    program.stateVariables(of: candidate).contains { variable in
      if case .contract(let reference, _) = program.type(of: variable) {
        return reference.node.id == contract.id
      }
      return false
    }
  }

  /// The contract whose type the variable with the target's address has.
  private func typedTarget(_ site: DelegateSite) -> ContractDefinition? {
    for source in site.target.sources {
      var type: SolidityType?
      switch source {
      case .storage(let field):
        if let variable = field.variable, field.members.isEmpty {
          type = program.type(of: variable)
        }
      case .immutable(let variable): type = program.type(of: variable.node)
      default: continue
      }
      if case .contract(let reference, _)? = type, reference.node.kind == .contract,
        system.isDeployable(reference.node)
      {
        return reference.node
      }
    }
    return nil
  }

  /// The selectors that can stand at the front of the call's data.
  private func selectors(of site: DelegateSite) -> [Selector] {
    guard let data = site.call.arguments.first else { return [] }
    var found: [Selector] = []
    var seen: Set<Place> = []
    var pending = [site.entry.origin(of: Place(frame: site.place.frame, value: data))]
    // Before 0.5 the selector is an argument of its own.
    for argument in site.call.arguments {
      let place = site.entry.origin(of: Place(frame: site.place.frame, value: argument))
      if let selector = fourBytes(site.entry.constant(place)) { found.append(selector) }
    }
    while let place = pending.popLast(), seen.count < 200 {
      guard seen.insert(place).inserted else { continue }
      let instruction = site.entry[place]
      switch instruction.operation {
      case .builtin(let name, let arguments):
        let places = arguments.map { site.entry.origin(of: Place(frame: place.frame, value: $0)) }
        guard let first = places.first else { continue }
        switch name {
        case "abi.encodeWithSignature":
          if case .bytes(let text)? = site.entry.constant(first) {
            found.append(Selector(signature: String(decoding: text, as: UTF8.self)))
          }
        case "abi.encodeWithSelector", "abi.encodePacked", "bytes.concat":
          if let selector = fourBytes(site.entry.constant(first)) {
            found.append(selector)
          } else if let function = function(at: first, site.entry),
            let selector = program.selector(of: function)
          {
            found.append(selector)
          }
        case "abi.encodeCall":
          if let function = function(at: first, site.entry),
            let selector = program.selector(of: function)
          {
            found.append(selector)
          }
        default: continue
        }
      case .phi(let inputs):
        pending += inputs.map { site.entry.origin(of: Place(frame: place.frame, value: $0)) }
      case .select(_, let first, let second):
        pending += [first, second].map {
          site.entry.origin(of: Place(frame: place.frame, value: $0))
        }
      case .convert(let inner, _, _):
        pending.append(site.entry.origin(of: Place(frame: place.frame, value: inner)))
      default: continue
      }
    }
    return found
  }

  private func function(at place: Place, _ entry: EntryPoint) -> FunctionDefinition? {
    if case .functionReference(let function, _) = entry[place].operation { return function }
    return nil
  }

  private func fourBytes(_ constant: ConstantValue?) -> Selector? {
    switch constant {
    case .bytes(let bytes) where bytes.count == 4: Selector(bytes)
    case .number, .bool, .bytes, nil: nil
    }
  }
}
