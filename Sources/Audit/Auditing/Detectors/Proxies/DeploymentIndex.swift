import SoliditySyntax
import Solidity

/// How the program's code deploys contracts and talks to them: constructions, upgrade calls, casts.
struct DeploymentIndex {
  /// `new C(...)`
  struct Creation {
    /// What is created.
    let created: ContractDefinition
    /// The arguments in parameter order.
    let arguments: [Expression?]
    /// The whole expression.
    let expression: Expression
    /// Where it stands; nil in initial values of state variables.
    let function: FunctionDefinition?
    /// The contract whose code creates; nil in free functions.
    let creator: ContractDefinition?
  }

  /// `T(x)` where `x` is known to hold another contract.
  struct Cast {
    /// `T`
    let target: ContractDefinition
    /// What `x` holds.
    let held: ContractDefinition
    /// The whole expression.
    let expression: Expression
  }

  /// `x.f(...)` where `x` is known to hold some contract.
  struct Call {
    /// What `x` holds.
    let receiver: ContractDefinition
    /// `f`
    let name: String
    /// The arguments.
    let arguments: [Expression?]
    /// The whole expression.
    let expression: Expression
    /// Where it stands.
    let function: FunctionDefinition?
  }

  private let program: Program
  private(set) var creations: [Creation] = []
  private(set) var casts: [Cast] = []
  private(set) var calls: [Call] = []
  /// What variables are known to hold, by declaration, from assignments.
  private var held: [NodeID: [ContractDefinition]] = [:]

  init(program: Program) {
    self.program = program
    var bodies: [(SyntaxItem, FunctionDefinition?, ContractDefinition?)] = []
    for unit in program.units {
      // Nothing is deployed or cast without these; most files of libraries hold neither.
      for item in unit.items {
        switch item {
        case .contract(let contract):
          for member in contract.members {
            switch member {
            case .function(let function): bodies.append((.function(function), function, contract))
            case .modifier(let modifier): bodies.append((.modifier(modifier), nil, contract))
            case .variable(let variable): bodies.append((.variable(variable), nil, contract))
            default: continue
            }
          }
        case .function(let function): bodies.append((.function(function), function, nil))
        default: continue
        }
      }
    }
    for (body, _, _) in bodies { noteAssignments(in: body) }
    for (body, function, contract) in bodies { noteUses(in: body, function, contract) }
  }

  /// The contract an expression is known to hold: by its type, or by what was assigned to it.
  func contract(heldBy expression: Expression) -> ContractDefinition? {
    let inner = underlying(expression)
    if case .identifier("this") = inner.kind { return nil }
    if case .contract(let reference, false) = program.type(of: inner),
      reference.node.kind == .contract
    {
      return reference.node
    }
    if let variable = program.declaration(of: inner) as? VariableDeclaration {
      let known = held[variable.id] ?? []
      if known.count == 1 { return known[0] }
    }
    return nil
  }

  /// The expression inside conversions and parentheses.
  func underlying(_ expression: Expression) -> Expression {
    var inner = expression.withoutParentheses
    while case .call(_, let arguments) = inner.kind, arguments.values.count == 1,
      case .conversion = program.callee(of: inner)
    {
      inner = arguments.values[0].withoutParentheses
    }
    return inner
  }

  private mutating func noteAssignments(in body: SyntaxItem) {
    if case .variable(let variable) = body, let value = variable.value {
      note(value, assignedTo: variable)
    }
    for item in SyntaxTraversal(body) {
      switch item {
      case .statement(let statement):
        guard case .variables(let variables, let value?) = statement.kind, variables.count == 1,
          let variable = variables[0]
        else { continue }
        note(value, assignedTo: variable)
      case .expression(let expression):
        guard case .assignment(nil, let target, let value) = expression.kind,
          let variable = program.declaration(of: target) as? VariableDeclaration
        else { continue }
        note(value, assignedTo: variable)
      default: continue
      }
    }
  }

  private mutating func note(_ value: Expression, assignedTo variable: VariableDeclaration) {
    if case .contract(let reference, false) = program.type(of: variable),
      reference.node.kind == .contract
    {
      return
    }
    let inner = underlying(value)
    guard case .contract(let reference, false) = program.type(of: inner),
      reference.node.kind == .contract,
      held[variable.id]?.contains(where: { $0.id == reference.node.id }) != true
    else { return }
    held[variable.id, default: []].append(reference.node)
  }

  private mutating func noteUses(
    in body: SyntaxItem, _ function: FunctionDefinition?, _ creator: ContractDefinition?
  ) {
    for item in SyntaxTraversal(body) {
      guard case .expression(let expression) = item, case .call(let callee, _) = expression.kind
      else { continue }
      switch program.callee(of: expression) {
      case .creation(let created):
        creations.append(
          Creation(
            created: created, arguments: program.arguments(of: expression), expression: expression,
            function: function, creator: creator))
      case .conversion(.contract(let reference, _)):
        guard let argument = program.arguments(of: expression).first ?? nil,
          let held = contract(heldBy: argument), held.id != reference.node.id
        else { continue }
        casts.append(Cast(target: reference.node, held: held, expression: expression))
      case .function, .getter, .unknown, .lowLevel:
        var inner = callee.withoutParentheses
        while case .callOptions(let base, _) = inner.kind { inner = base.withoutParentheses }
        guard case .memberAccess(let base, let name) = inner.kind,
          let receiver = contract(heldBy: base)
        else { continue }
        calls.append(
          Call(
            receiver: receiver, name: name.text, arguments: program.arguments(of: expression),
            expression: expression, function: function))
      default: continue
      }
    }
  }
}
