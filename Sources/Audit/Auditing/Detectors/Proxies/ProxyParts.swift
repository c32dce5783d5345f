import BigInt
import Ethereum
import SoliditySyntax
import Solidity

/// Finds what belongs to proxy systems without forwarding calls: factories of clones, beacons, implementations that
/// upgrade their proxy, code for EIP-7702 accounts.
struct ProxyParts {
  let system: ProxySystem
  private var program: Program { system.program }

  init(system: ProxySystem) { self.system = system }

  func all() -> [ProxyContract] {
    let proxies = Set(system.proxies.map(\.contract.id))
    return system.contracts.flatMap { contract -> [ProxyContract] in
      guard system.isDeployable(contract), !proxies.contains(contract.id) else { return [] }
      var parts: [ProxyContract] = []
      let upgrades = upgradeWrites(of: contract)
      if !upgrades.isEmpty {
        parts.append(
          part(contract, .uupsImplementation, fields: upgrades.map { $0.location.field }))
      }
      if let field = beaconField(of: contract) {
        parts.append(part(contract, .beacon, fields: [field]))
      }
      if let kind = factoryKind(of: contract) { parts.append(part(contract, kind, fields: [])) }
      if isAccountDelegate(contract) {
        parts.append(part(contract, .accountDelegate, fields: []))
      }
      return parts
    }
  }

  private func part(
    _ contract: ContractDefinition, _ kind: ProxyKind, fields: [StorageField]
  ) -> ProxyContract {
    var source = ImplementationSource.unknown
    switch fields.first?.root {
    case .variable(let variable):
      let entry = system.storage(of: contract).layout.storage.first {
        $0.declaration.id == variable.node.id
      }
      source = .variable(variable, slot: entry?.slot ?? 0, offset: entry?.offset ?? 0)
    case .slot(let slot):
      source = .slot(slot, SlotText.word(slot).flatMap { WellKnownSlot(slot: $0) })
    case .computed, nil: break
    }
    return ProxyContract(
      contract: contract, kind: kind, source: source, targetFields: fields, upgradePaths: [],
      answersERC897: false, isByPublishedName: false)
  }

  // MARK: Implementations that upgrade their proxy

  /// The writes of agreed implementation slots in a contract that does not forward calls itself.
  func upgradeWrites(of contract: ContractDefinition) -> [StorageAccess] {
    guard mentionsImplementationSlot(contract) else { return [] }
    return system.examine(contract).entryPoints.filter { $0.kind == .function }
      .flatMap(\.storageWrites)
      .filter { access in
        guard case .slot(let slot) = access.location.root,
          let known = SlotText.word(slot).flatMap({ WellKnownSlot(slot: $0) })
        else { return false }
        switch known {
        case .erc1967Implementation, .erc1822Proxiable, .zeppelinOSImplementation: return true
        case .erc1967Admin, .erc1967Beacon, .erc1967Rollback, .zeppelinOSAdmin, .diamondStorage:
          return false
        }
      }
  }

  private func mentionsImplementationSlot(_ contract: ContractDefinition) -> Bool {
    system.storage(of: contract).regions.contains { region in
      region.wellKnown == .erc1967Implementation || region.wellKnown == .erc1822Proxiable
        || region.wellKnown == .zeppelinOSImplementation
    }
  }

  // MARK: Beacons

  /// The state variable that `implementation()` answers from, in a contract that keeps it for others: it never
  /// delegates to it.
  func beaconField(of contract: ContractDefinition) -> StorageField? {
    guard
      let getter = program.interface(of: contract).first(where: {
        $0.signature == "implementation()"
      })
    else { return nil }
    if let variable = getter.declaration as? VariableDeclaration {
      guard variable.mutability == .mutable, system.delegateSites(of: contract).isEmpty else {
        return nil
      }
      return StorageField(root: .variable(Reference(variable)), members: [])
    }
    guard let function = getter.declaration as? FunctionDefinition, function.body != nil,
      system.delegateSites(of: contract).isEmpty,
      let entry = system.examine(contract).entryPoints.first(where: {
        $0.function?.id == function.id
      })
    else { return nil }
    guard let read = entry.storageReads.first, entry.storageReads.count == 1,
      case .variable = read.location.root
    else { return nil }
    return read.location.field
  }

  // MARK: Factories

  private func factoryKind(of contract: ContractDefinition) -> ProxyKind? {
    // The byte code may stand in a library; naming the library's function is what makes a factory.
    for function in program.functions(of: contract) {
      if let kind = CloneCode.kind(in: function, program) { return kind }
      for item in SyntaxTraversal(.function(function)) {
        guard case .expression(let expression) = item, case .call = expression.kind,
          case .function(let callee, _, _) = program.callee(of: expression)
        else { continue }
        if let kind = CloneCode.kind(in: callee, program) { return kind }
      }
    }
    return nil
  }

  // MARK: Account delegates

  /// Whether the code is meant to run as an ordinary account: it lets the account itself command arbitrary calls, or
  /// accepts signatures of the account's own key, and has no owner of its own; or its comment says so.
  func isAccountDelegate(_ contract: ContractDefinition) -> Bool {
    if contract.documentation?.text.contains("7702") == true { return true }
    guard mentionsOwnKey(contract) else { return false }
    let examined = system.examine(contract)
    // No constructor runs for an account; a contract that needs one is something else.
    guard examined.deployment?.storageWrites.isEmpty ?? true else { return false }
    let entries = examined.entryPoints.filter { $0.kind == .function }
    let commands = entries.contains { entry in
      entry.externalCalls.contains { place in
        guard let call = entry.externalCall(at: place), let target = call.target,
          call.lowLevel == .call || call.isDelegate
        else { return false }
        guard entry.isCallerChosen(Place(frame: place.frame, value: target)) else { return false }
        return entry.guards(of: place).contains { isOwnAccount($0, entry) }
      }
    }
    return commands
  }

  /// A cheap look at the source before graphs are made: `address(this)` is compared with something.
  private func mentionsOwnKey(_ contract: ContractDefinition) -> Bool {
    program.linearizedBases(of: contract).contains { base in
      SyntaxTraversal(.contract(base)).contains { item in
        guard case .expression(let expression) = item,
          case .binary(let operation, let left, let right) = expression.kind,
          operation == .equal || operation == .notEqual
        else { return false }
        return isThis(left) || isThis(right)
      }
    }
  }

  private func isThis(_ expression: Expression) -> Bool {
    var inner = expression.withoutParentheses
    while case .call(_, .positional(let arguments)) = inner.kind, arguments.count == 1 {
      inner = arguments[0].withoutParentheses
    }
    if case .identifier("this") = inner.kind { return true }
    return false
  }

  private func isOwnAccount(_ held: Guard, _ entry: EntryPoint) -> Bool {
    held.predicate.parts.contains { part in
      switch part {
      case .caller(let check):
        if case .equalsThis = check.kind { return true }
        return false
      case .signature(_, let expected?, _):
        return entry.sources(of: expected).contains(.environment(.this))
      default: return false
      }
    }
  }
}

/// Byte code of minimal proxies in source.
enum CloneCode {
  /// What the function makes, judged by the byte code it writes and that it creates a contract.
  static func kind(in function: FunctionDefinition, _ program: Program) -> ProxyKind? {
    guard function.body != nil else { return nil }
    let unit = program.unit(of: function)
    let bytes = unit.source.bytes
    let start = min(max(0, Int(function.range.start)), bytes.count)
    let end = min(max(start, Int(function.range.end)), bytes.count)
    let body = bytes[start..<end]
    guard SourceText.contains("create", in: body) else { return nil }
    // `returndatasize calldatacopy ... gas delegatecall` of ERC-1167 and of its reordered and PUSH0 forms.
    let isClone =
      SourceText.contains("363d3d373d3d3d363d73", in: body)
      || SourceText.contains("3d3d3d3d363d3d37363d73", in: body)
      || SourceText.contains("363d3d37363d73", in: body)
      || SourceText.contains("365f5f375f5f365f73", in: body)
      || SourceText.contains("5f5f365f5f37365f73", in: body)
    if isClone { return .cloneFactory }
    let isUpgradeable =
      SourceText.contains("5155f3", in: body) && SourceText.contains("f43d", in: body)
    return isUpgradeable ? .minimalUpgradeableFactory : nil
  }
}
