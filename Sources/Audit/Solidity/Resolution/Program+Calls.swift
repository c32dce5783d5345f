import SoliditySyntax

extension Program {
  /// What a call expression calls. Call options and parentheses are looked through.
  public func callee(of call: Expression) -> Callee {
    tables.call(at: call.withoutParentheses.id)?.callee ?? .unknown
  }

  /// The `x` of `x.f(y)` when `f` is attached by `using for` (or a member of an array, such as
  /// `push`, is not: nil).
  public func boundArgument(of call: Expression) -> Expression? {
    tables.call(at: call.withoutParentheses.id)?.boundArgument
  }

  /// The arguments of a call in the order of the parameters: named ones put in order (nil where one
  /// is missing), a bound receiver first.
  public func arguments(of call: Expression) -> [Expression?] {
    let call = call.withoutParentheses
    guard case .call(_, let arguments) = call.kind else { return [] }
    let record = tables.call(at: call.id)
    var result: [Expression?] = record?.boundArgument.map { [$0] } ?? []
    switch arguments {
    case .positional(let values):
      result += values
    case .named(let values):
      guard let names = record?.parameterNames else { return result + values.map(\.value) }
      for name in names { result.append(values.first { $0.name.text == name }?.value) }
    }
    return result
  }

  /// The modifier that an invocation in a function's header runs, when the most derived contract is
  /// `contract`; nil for the call of a base constructor and where it is not known.
  public func modifier(
    of invocation: ModifierInvocation, in contract: ContractDefinition
  ) -> ModifierDefinition? {
    guard let named = tables.declaration(at: invocation.path.id) as? ModifierDefinition else {
      return nil
    }
    // `Base.only` names one modifier for good; a bare name is looked up from the most derived
    // contract.
    guard invocation.path.parts.count == 1 else { return named }
    for base in linearizedBases(of: contract) {
      for case let found as ModifierDefinition in tables.contract(base)?.members[named.name] ?? [] {
        return found
      }
    }
    return named
  }

  /// The base contract whose constructor a header invocation calls; nil when it is a modifier.
  public func baseContract(of invocation: ModifierInvocation) -> ContractDefinition? {
    tables.declaration(at: invocation.path.id) as? ContractDefinition
  }

  /// The arguments that `contract` and its bases give to constructors of bases, most derived giver
  /// first.
  ///
  /// A base appears more than once only in programs that the compiler refuses.
  public func baseConstructorArguments(
    of contract: ContractDefinition
  ) -> [BaseConstructorArguments] {
    var result: [BaseConstructorArguments] = []
    for giver in linearizedBases(of: contract) {
      for (specifier, base) in tables.contract(giver)?.directBases ?? [] {
        guard let arguments = specifier.arguments else { continue }
        result.append(
          BaseConstructorArguments(
            base: base, giver: giver, arguments: arguments, place: .inheritance(specifier)))
      }
      for constructor in giver.functions where constructor.kind == .constructor {
        for invocation in constructor.modifiers {
          guard let base = baseContract(of: invocation) else { continue }
          result.append(
            BaseConstructorArguments(
              base: base, giver: giver, arguments: .positional(invocation.arguments ?? []),
              place: .constructor(constructor, invocation)))
        }
      }
    }
    return result
  }
}
