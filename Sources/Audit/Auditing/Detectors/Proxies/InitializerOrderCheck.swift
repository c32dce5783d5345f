import BigInt
import SoliditySyntax
import Solidity

/// Initializers of parents that are not called, called twice or out of order, and reinitializers that can never run.
struct InitializerOrderCheck: ProxyCheck {
  var rules: [Rule] {
    [
      ProxyRules.parentInitializerMissing, ProxyRules.parentInitializerRepeated,
      ProxyRules.parentInitializerOrder, ProxyRules.reinitializerVersion,
    ]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    for contract in system.implementations.candidates {
      result += parents(of: contract, in: system)
      result += versions(of: contract, in: system)
    }
    return result
  }

  private func parents(of contract: ContractDefinition, in system: ProxySystem) -> [Finding] {
    let program = system.program
    // An annotation that cannot be read is reported by the upgrade check, which shares these rules.
    guard
      let errors = try? InitializerValidation(program: system.program).errors(of: contract)
    else { return [] }
    return errors.compactMap { error in
      // A constructor with the modifier sets up or locks the implementation, no proxy.
      let isInConstructor = program.linearizedBases(of: contract).contains { base in
        base.functions.contains {
          $0.kind == .constructor && $0.id.unit == error.node.id.unit
            && $0.range.contains(error.node.range)
        }
      }
      if isInConstructor { return nil }
      let rule: Rule
      switch error.kind {
      case .missingInitializer, .missingInitializerCall: rule = ProxyRules.parentInitializerMissing
      case .duplicateInitializerCall: rule = ProxyRules.parentInitializerRepeated
      case .incorrectInitializerOrder: rule = ProxyRules.parentInitializerOrder
      default: return nil
      }
      return Finding.make(
        rule: rule, at: error.node, in: system.program, message: error.message + ".",
        contract: contract, evidence: [.note(linearization(of: contract, system.program))])
    }
  }

  private func linearization(of contract: ContractDefinition, _ program: Program) -> String {
    let names = program.linearizedBases(of: contract).reversed().filter { $0.kind == .contract }
      .map(\.name)
    return "Order of inheritance: " + names.joined(separator: ", ") + "."
  }

  // MARK: Versions

  private func versions(of contract: ContractDefinition, in system: ProxySystem) -> [Finding] {
    let program = system.program
    var taken: [BigInt: FunctionDefinition] = [:]
    var result: [Finding] = []
    // Bases first: their versions are the ones already used.
    let order = program.linearizedBases(of: contract).reversed().flatMap(\.functions)
    for function in order {
      for invocation in function.modifiers {
        guard let modifier = program.modifier(of: invocation, in: contract),
          isVersioned(modifier, program), let argument = invocation.arguments?.first,
          case .number(let number)? = program.constantValue(of: argument),
          let version = number.integer
        else { continue }
        if let other = taken[version], program.override(of: other, in: contract).id == other.id,
          other.id != function.id, !overrides(function, other, program)
        {
          result.append(
            Finding.make(
              rule: ProxyRules.reinitializerVersion, at: invocation, in: program,
              message:
                "`\(function.name)` and `\(other.name)` of `\(contract.name)` both initialise version \(version). "
                + "Whichever runs first shuts the other out for good.",
              contract: contract, role: "a version already used",
              related: [system.location(other, "the same version")],
              evidence: [.note("`\(modifier.name)` admits only versions above the one stored.")]))
        } else if version == 1, let first = plainInitializer(contract, modifier, program),
          first.id != function.id
        {
          result.append(
            Finding.make(
              rule: ProxyRules.reinitializerVersion, at: invocation, in: program,
              message:
                "`\(function.name)` initialises version 1, which `\(first.name)` of `\(contract.name)` has already used.",
              contract: contract, role: "a version already used",
              related: [system.location(first, "the first initializer")]))
        }
        taken[version] = function
      }
    }
    return result
  }

  private func overrides(
    _ function: FunctionDefinition, _ other: FunctionDefinition, _ program: Program
  ) -> Bool {
    program.overriddenFunctions(of: function).contains { $0.id == other.id }
  }

  /// Whether a modifier admits a number only above the one stored, and stores it: its one parameter is compared and
  /// then assigned to storage.
  private func isVersioned(_ modifier: ModifierDefinition, _ program: Program) -> Bool {
    guard let parameter = modifier.parameters?.first, modifier.parameters?.count == 1,
      case .integer = program.type(of: parameter)
    else { return false }
    var isCompared = false
    var isStored = false
    for item in SyntaxTraversal(.modifier(modifier)) {
      guard case .expression(let expression) = item else { continue }
      switch expression.kind {
      case .binary(let operation, let left, let right):
        switch operation {
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
          isCompared =
            isCompared || names(left, parameter, program) || names(right, parameter, program)
        default: continue
        }
      case .assignment(nil, _, let value):
        isStored = isStored || names(value, parameter, program)
      default: continue
      }
    }
    return isCompared && isStored
  }

  private func names(
    _ expression: Expression, _ parameter: VariableDeclaration, _ program: Program
  ) -> Bool {
    program.declaration(of: expression)?.id == parameter.id
  }

  /// A function with another modifier, without arguments, from the contract that declares the versioned one: the first
  /// initialisation.
  private func plainInitializer(
    _ contract: ContractDefinition, _ versioned: ModifierDefinition, _ program: Program
  ) -> FunctionDefinition? {
    guard let home = program.contract(containing: versioned) else { return nil }
    return program.functions(of: contract).first { function in
      function.kind == .function && function.visibility != .internal
        && function.visibility != .private
        && function.modifiers.contains { invocation in
          guard let modifier = program.modifier(of: invocation, in: contract) else { return false }
          return modifier.parameters?.isEmpty ?? true
            && program.contract(containing: modifier)?.id == home.id
            && writesState(modifier, program)
        }
    }
  }

  private func writesState(_ modifier: ModifierDefinition, _ program: Program) -> Bool {
    SyntaxTraversal(.modifier(modifier)).contains { item in
      guard case .expression(let expression) = item,
        case .assignment(nil, let target, _) = expression.kind
      else { return false }
      if let variable = program.declaration(of: target) as? VariableDeclaration {
        return variable.role == .state || variable.role == .structMember
      }
      return false
    }
  }
}
