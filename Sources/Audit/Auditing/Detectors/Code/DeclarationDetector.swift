import Solidity
import SoliditySyntax

/// Finds declarations that hide others or say less than they should.
struct DeclarationDetector: Detector {
  var rules: [Rule] { [Self.shadowedState, Self.shadowedName, Self.visibility, Self.zeroCheck] }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for contract in context.program.contracts {
      findings += shadowedStateFindings(contract, context)
      findings += shadowedNameFindings(contract, context)
      findings += visibilityFindings(contract, context)
    }
    return findings
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    zeroCheckFindings(subject, context)
  }

  // MARK: - State that hides state

  private func shadowedStateFindings(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> [Finding] {
    let bases = context.program.linearizedBases(of: contract).dropFirst()
    return contract.stateVariables.compactMap { variable in
      guard !variable.name.isEmpty, !variable.name.hasPrefix("__gap") else { return nil }
      for base in bases {
        guard
          let hidden = base.stateVariables.first(where: {
            $0.name == variable.name && $0.visibility != .private
          })
        else { continue }
        return .make(
          rule: Self.shadowedState, at: variable, in: context.program,
          message: """
            `\(contract.name)` declares a second variable `\(variable.name)`. Functions of \
            `\(base.name)` go on using the first one, so the two fall apart.
            """,
          contract: contract, role: "second variable",
          related: [FindingLocation(of: hidden, in: context.program, role: "hidden variable")])
      }
      return nil
    }
  }

  // MARK: - Names that hide names

  private static let builtins: Set<String> = [
    "abi", "addmod", "assert", "block", "blockhash", "ecrecover", "gasleft", "keccak256", "msg",
    "mulmod", "now", "require", "revert", "ripemd160", "selfdestruct", "sha256", "sha3", "suicide",
    "this", "super", "tx", "log0", "log1", "log2", "log3", "log4",
  ]

  private func shadowedNameFindings(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for declaration in contract.functions as [any Declaration] + contract.stateVariables
    where Self.builtins.contains(declaration.name) {
      findings.append(
        .make(
          rule: Self.shadowedName, at: declaration, in: context.program,
          message: "`\(declaration.name)` hides what the language provides under that name.",
          contract: contract, role: "hides a built-in"))
    }
    guard contract.kind == .contract else { return findings }
    var state: [String: VariableDeclaration] = [:]
    for base in context.program.linearizedBases(of: contract) {
      for variable in base.stateVariables
      where variable.visibility != .private || base.id == contract.id {
        state[variable.name] = state[variable.name] ?? variable
      }
    }
    guard !state.isEmpty else { return findings }
    for function in contract.functions where function.kind != .constructor {
      guard let body = function.body else { continue }
      AnySyntax.block(body).walk { node in
        if case .statement(let statement) = node, case .variables(let variables, _) = statement.kind
        {
          for case let local? in variables where !local.name.isEmpty {
            guard let hidden = state[local.name] else { continue }
            findings.append(
              .make(
                rule: Self.shadowedName, at: local, in: context.program,
                message: """
                  The local variable `\(local.name)` hides the state variable of that name: writes \
                  here do not reach storage.
                  """,
                contract: contract, role: "hides a state variable",
                related: [FindingLocation(of: hidden, in: context.program, role: "hidden")]))
          }
        }
        if case .expression = node { return .over }
        return .into
      }
    }
    return findings
  }

  // MARK: - Visibility left out

  private func visibilityFindings(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> [Finding] {
    guard contract.kind != .interface else { return [] }
    return contract.functions.compactMap { function in
      guard function.kind == .function, function.writtenVisibility == nil, function.body != nil
      else { return nil }
      return .make(
        rule: Self.visibility, at: function, in: context.program,
        message: """
          `\(function.name)` has no visibility, which before 0.5 makes it public: anyone can call it.
          """,
        contract: contract, role: "public by default")
    }
  }

  // MARK: - Zero addresses

  private func zeroCheckFindings(_ subject: ContractFacts, _ context: AuditContext) -> [Finding] {
    guard subject.contract.kind == .contract else { return [] }
    var findings: [Finding] = []
    for entry in subject.entryPoints + [subject.deployment].compactMap({ $0 }) {
      guard entry.kind == .deployment || entry.hasCallerInput else { continue }
      for write in entry.storageWrites {
        guard write.location.field.isScalar, write.kind == .assign, let value = write.value,
          isAddress(entry[write.place], value, entry),
          case .parameter(_, let parameter?) = entry[entry.origin(of: value)].operation
        else { continue }
        let origin = entry.origin(of: value)
        let checked = entry.guards(of: write.place).contains { condition in
          condition.predicate.parts.contains { part in
            guard case .comparison(_, let a, let b) = part else { return false }
            return entry.origin(of: a) == origin || entry.origin(of: b) == origin
          }
            || entry.sources(of: condition.condition).sources == entry.sources(of: origin).sources
        }
        guard !checked, !checkedLater(origin, entry) else { continue }
        findings.append(
          .make(
            rule: Self.zeroCheck, at: entry.sourcePlace(write.place), in: context.program,
            message: """
              `\(parameter.name)` is stored in `\(write.location.field.text)` without a check that it \
              is not the zero address.
              """,
            contract: subject.contract, role: "stored unchecked"))
      }
    }
    return findings
  }

  private func isAddress(_ write: Value, _ value: Place, _ entry: EntryPoint) -> Bool {
    if case .address = entry[value].type { return true }
    return false
  }

  private func checkedLater(_ origin: Place, _ entry: EntryPoint) -> Bool {
    entry.flows(from: origin).contains { flow in
      guard case .binary(let comparison, let left, let right, _, _) = entry[flow].operation else {
        return false
      }
      return (comparison == .equal || comparison == .notEqual)
        && [left, right].contains { entry.isZero(entry.operand($0, of: flow)) }
    }
  }
}
