import BigInt
import SoliditySyntax
import Solidity

/// Code that ordinary accounts delegate to under EIP-7702: no constructor ever runs for them, and their storage
/// outlives the code.
struct AccountDelegateCheck: ProxyCheck {
  var rules: [Rule] { [ProxyRules.accountDelegateStorage, ProxyRules.initializerFrontRun] }

  func findings(in system: ProxySystem) -> [Finding] {
    let parts = ProxyParts(system: system)
    let delegates = system.implementations.candidates.filter { parts.isAccountDelegate($0) }
    var result = storage(of: delegates, in: system)
    for contract in delegates { result += initializers(of: contract, in: system) }
    result += deployments(in: system)
    result += clones(in: system)
    return result
  }

  // MARK: Storage

  private func storage(
    of delegates: [ContractDefinition], in system: ProxySystem
  ) -> [Finding] {
    let program = system.program
    var result: [Finding] = []
    var claims: [[StorageClaim]] = []
    for contract in delegates {
      claims.append(
        StorageClaims(of: system.storage(of: contract), in: program, withRegions: false).claims
          .filter { !$0.isGap })
    }
    for (index, contract) in delegates.enumerated() {
      guard let variable = claims[index].first?.variable else { continue }
      let rival = delegates.indices.first { other in
        other != index
          && !SharedStorageComparison(
            hostName: "", host: claims[index], guestName: "", guest: claims[other],
            isGuestUsed: { _ in true }
          ).conflicts.isEmpty
      }
      var evidence: [Evidence] = []
      var message =
        "`\(contract.name)` runs as ordinary accounts (EIP-7702) and keeps `\(variable.name)` by position, where "
        + "whatever code the account delegated to before or will delegate to next keeps its own variables."
      if let rival {
        let comparison = SharedStorageComparison(
          hostName: contract.name, host: claims[index], guestName: delegates[rival].name,
          guest: claims[rival], isGuestUsed: { _ in true })
        evidence.append(.slots(comparison.diagram()))
        message += " `\(delegates[rival].name)` gives the same bytes another meaning."
      } else {
        evidence.append(
          .slots(
            SlotDiagram(
              left: contract.name, right: "the next delegate",
              rows: claims[index].prefix(4).compactMap { claim in
                claim.occupant(of: claim.start / 32).map {
                  SlotRow(
                    slot: SlotText.short(claim.start / 32), left: [$0], right: [],
                    isConflict: true)
                }
              })))
      }
      result.append(
        Finding.make(
          rule: ProxyRules.accountDelegateStorage, at: variable, in: program, message: message,
          severity: rival == nil ? .low : nil, confidence: rival == nil ? nil : .high,
          contract: contract, role: "a variable by position", evidence: evidence))
    }
    return result
  }

  // MARK: Initializers

  private func initializers(
    of contract: ContractDefinition, in system: ProxySystem
  ) -> [Finding] {
    system.implementations.initializers(of: contract).compactMap { initializer in
      guard let function = initializer.entry.function else { return nil }
      let place = initializer.entry.storageWrites.first {
        !$0.location.field.overlaps(initializer.mark)
      }?.place
      return Finding.make(
        rule: ProxyRules.initializerFrontRun, at: function, in: system.program,
        message:
          "An account that delegates to `\(contract.name)` has no constructor and is set up by a call of "
          + "`\(initializer.entry.name)`, which anyone can make first. It checks neither that the account itself calls nor "
          + "a signature of its key.",
        severity: .high, contract: contract, role: "the initializer",
        evidence: place.map {
          [
            system.callPath(
              initializer.entry, to: $0, does: "sets the account up for whoever calls")
          ]
        } ?? [])
    }
  }

  // MARK: Proxies deployed without initialisation

  private func deployments(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    for creation in system.deployments.creations {
      guard let function = creation.function, let creator = creation.creator,
        !system.isTest(creator),
        let pair = system.pairs.first(where: {
          $0.proxy.contract.id == creation.created.id && $0.confidence == .high
        }), hasNoData(creation, in: system)
      else { continue }
      let initializers = system.implementations.initializers(of: pair.implementation)
      guard let initializer = initializers.first, let set = initializer.entry.function,
        !calls(function, functionNamed: set.name, in: system),
        !callsAnything(on: creation.expression, in: function, system)
      else { continue }
      result.append(
        Finding.make(
          rule: ProxyRules.initializerFrontRun, at: creation.expression, in: system.program,
          message:
            "`\(creation.created.name)` is deployed here without call data, and `\(set.name)` of "
            + "`\(pair.implementation.name)` is not called in the same transaction. Whoever calls it first sets up the proxy.",
          contract: creator, role: "the deployment",
          related: [system.location(set, "the initializer anyone can call")],
          evidence: [.note("`\(set.name)` can be called once, by anyone.")]))
    }
    return result
  }

  /// Whether the proxy is given no call data to run on its implementation.
  private func hasNoData(_ creation: DeploymentIndex.Creation, in system: ProxySystem) -> Bool {
    for argument in creation.arguments {
      guard let argument else { continue }
      switch system.program.type(of: argument) {
      case .bytes, .string:
        // `new bytes(0)` is the only expression of type bytes that is known to be empty.
        guard case .call(let callee, let arguments) = argument.withoutParentheses.kind,
          case .new = callee.withoutParentheses.kind, let length = arguments.values.first,
          case .literal(.number("0", nil)) = length.kind
        else { return false }
      case .stringLiteral(let bytes): if !bytes.isEmpty { return false }
      default: continue
      }
    }
    return true
  }

  private func calls(
    _ function: FunctionDefinition, functionNamed name: String, in system: ProxySystem
  ) -> Bool {
    SyntaxTraversal(.function(function)).contains { item in
      guard case .expression(let expression) = item,
        case .memberAccess(_, let member) = expression.kind
      else { return false }
      return member.text == name
    }
  }

  /// Whether the function calls something on what the expression created.
  private func callsAnything(
    on created: Expression, in function: FunctionDefinition, _ system: ProxySystem
  ) -> Bool {
    guard let holder = holder(of: created, in: function, system) else { return false }
    return SyntaxTraversal(.function(function)).contains { item in
      guard case .expression(let expression) = item, case .call(let callee, _) = expression.kind
      else { return false }
      var inner = callee.withoutParentheses
      while case .callOptions(let base, _) = inner.kind { inner = base.withoutParentheses }
      guard case .memberAccess(let base, _) = inner.kind else { return false }
      return system.program.declaration(of: system.deployments.underlying(base))?.id == holder
    }
  }

  /// The variable the created address is kept in.
  private func holder(
    of created: Expression, in function: FunctionDefinition, _ system: ProxySystem
  ) -> NodeID? {
    for item in SyntaxTraversal(.function(function)) {
      switch item {
      case .statement(let statement):
        guard case .variables(let variables, let value?) = statement.kind, variables.count == 1,
          let variable = variables[0], system.deployments.underlying(value).id == created.id
        else { continue }
        return variable.id
      case .expression(let expression):
        guard case .assignment(nil, let target, let value) = expression.kind,
          system.deployments.underlying(value).id == created.id
        else { continue }
        return system.program.declaration(of: target)?.id
      default: continue
      }
    }
    return nil
  }

  private func clones(in system: ProxySystem) -> [Finding] {
    CloneCalls.all(in: system.program).compactMap { call in
      guard system.isDeployable(call.contract), !system.isTest(call.contract),
        let implementation = call.arguments.lazy.compactMap({ argument in
          argument.flatMap(system.deployments.contract(heldBy:))
        }).first,
        let initializer = system.implementations.initializers(of: implementation).first,
        let set = initializer.entry.function,
        !calls(call.function, functionNamed: set.name, in: system),
        !callsAnything(on: call.expression, in: call.function, system)
      else { return nil }
      return Finding.make(
        rule: ProxyRules.initializerFrontRun, at: call.expression, in: system.program,
        message:
          "A clone of `\(implementation.name)` is made here, but `\(set.name)` is not called in the same transaction. "
          + "Whoever calls it first owns the clone.",
        contract: call.contract, role: "the clone",
        related: [system.location(set, "the initializer anyone can call")],
        evidence: [.note("`\(set.name)` can be called once, by anyone.")])
    }
  }
}
