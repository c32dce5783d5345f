import SoliditySyntax
import Solidity

extension FunctionLowering {
  func lower(_ block: Block) {
    let outer = surroundings
    if block.isUnchecked {
      surroundings.insert(.wrapping)
      surroundings.insert(.uncheckedBlock)
    }
    for statement in block.statements { lower(statement) }
    surroundings = outer
  }

  func lower(_ statement: Statement) {
    // Blocks count with the statement that holds them.
    if case .block(let block) = statement.kind { return lower(block) }
    descend({ lowerUnbounded(statement) }, otherwise: {})
  }

  private func lowerUnbounded(_ statement: Statement) {
    switch statement.kind {
    case .block(let block): lower(block)
    case .placeholder: placeholder?()
    case .if(let condition, let then, let otherwise):
      lowerIf(condition, then, otherwise, statement)
    case .while(let condition, let body):
      lowerLoop(statement, condition: condition, step: nil, body: body)
    case .doWhile(let body, let condition): lowerDoWhile(statement, body, condition)
    case .for(let initial, let condition, let step, let body):
      if let initial { lower(initial) }
      lowerLoop(statement, condition: condition, step: step, body: body)
    case .continue:
      if let target = loops.last?.onContinue { jump(target, origin(statement)) }
    case .break:
      if let target = loops.last?.onBreak { jump(target, origin(statement)) }
    case .return(let value): lowerReturn(value, statement)
    case .throw:
      builder.terminate(
        .revert(Revert(kind: .throw, error: nil, arguments: [])), origin(statement))
    case .revert(let call): lowerRevert(call, statement)
    case .emit(let call): lowerEmit(call)
    case .try(let call, let returns, let body, let catches):
      lowerTry(statement, call, returns, body, catches)
    case .variables(let variables, let initial): lowerVariables(variables, initial, statement)
    case .expression(let expression): lowerForEffect(expression)
    case .assembly(let assembly): lower(assembly)
    case .missing: isComplete = false
    }
  }

  private func lowerIf(
    _ condition: Expression, _ then: Statement, _ otherwise: Statement?, _ statement: Statement
  ) {
    let value = lower(condition)
    let thenBlock = builder.makeBlock()
    let join = builder.makeBlock()
    let otherwiseBlock = otherwise == nil ? join : builder.makeBlock()
    branch(value, thenBlock, otherwiseBlock, condition)
    builder.enterSealed(thenBlock)
    lower(then)
    jump(join, origin(statement, implied: true))
    if let otherwise {
      builder.enterSealed(otherwiseBlock)
      lower(otherwise)
      jump(join, origin(statement, implied: true))
    }
    builder.enterSealed(join)
  }

  private func lowerLoop(
    _ statement: Statement, condition: Expression?, step: Expression?, body: Statement
  ) {
    let header = builder.makeBlock()
    let bodyBlock = builder.makeBlock()
    let stepBlock = builder.makeBlock()
    let after = builder.makeBlock()
    jump(header, origin(statement, implied: true))
    builder.enter(header)
    if let condition {
      branch(lower(condition), bodyBlock, after, condition)
    } else {
      jump(bodyBlock, origin(statement, implied: true))
    }
    builder.enterSealed(bodyBlock)
    loops.append(LoopTargets(onBreak: after, onContinue: stepBlock))
    lower(body)
    loops.removeLast()
    jump(stepBlock, origin(statement, implied: true))
    builder.enterSealed(stepBlock)
    if let step { lowerForEffect(step) }
    jump(header, origin(statement, implied: true))
    builder.seal(header)
    builder.enterSealed(after)
  }

  private func lowerDoWhile(_ statement: Statement, _ body: Statement, _ condition: Expression) {
    let header = builder.makeBlock()
    let test = builder.makeBlock()
    let after = builder.makeBlock()
    jump(header, origin(statement, implied: true))
    builder.enter(header)
    loops.append(LoopTargets(onBreak: after, onContinue: test))
    lower(body)
    loops.removeLast()
    jump(test, origin(statement, implied: true))
    builder.enterSealed(test)
    branch(lower(condition), header, after, condition)
    builder.seal(header)
    builder.enterSealed(after)
  }

  private func lowerReturn(_ value: Expression?, _ statement: Statement) {
    if let value {
      if returnSlots.count == 1 {
        builder.write(returnSlots[0], coerce(lower(value), to: returnTypes[0], value))
      } else {
        let values = lowerSeveral(
          value, wanted: Array(repeating: true, count: returnSlots.count))
        for (position, slot) in returnSlots.enumerated() where position < values.count {
          guard let part = values[position] else { continue }
          builder.write(slot, coerce(part, to: returnTypes[position], value))
        }
      }
    }
    jump(returnTarget, origin(statement))
  }

  private func lowerRevert(_ call: Expression, _ statement: Statement) {
    let arguments = program.arguments(of: call).compactMap { $0.map { lowerToMemory($0) } }
    var error: ErrorDefinition?
    if case .error(let definition) = program.callee(of: call) { error = definition }
    builder.terminate(
      .revert(Revert(kind: .revert, error: error, arguments: arguments)), origin(statement))
  }

  func lowerEmit(_ call: Expression) {
    let arguments = program.arguments(of: call).compactMap { $0.map { lowerToMemory($0) } }
    var event: EventDefinition?
    if case .event(let definition) = program.callee(of: call) { event = definition }
    perform(.emit(event, arguments), call)
  }

  private func lowerVariables(
    _ variables: [VariableDeclaration?], _ initial: Expression?, _ statement: Statement
  ) {
    guard let initial else {
      for case .some(let variable) in variables {
        let type = program.type(of: variable)
        let slot = bind(variable, type: type)
        builder.write(
          slot,
          builder.append(.zero, type: type, origin: origin(variable, implied: true)))
      }
      return
    }
    if variables.count == 1, let variable = variables[0] {
      let value = lower(initial)
      let type = declaredType(variable, fallback: builder.type(value))
      let slot = bind(variable, type: type)
      builder.write(slot, coerce(value, to: type, initial))
      return
    }
    let values = lowerSeveral(initial, wanted: variables.map { $0 != nil })
    for (position, variable) in variables.enumerated() {
      guard let variable else { continue }
      let part = position < values.count ? values[position] : nil
      let value = part ?? unknown([], initial)
      let type = declaredType(variable, fallback: builder.type(value))
      let slot = bind(variable, type: type)
      builder.write(slot, coerce(value, to: type, initial))
    }
  }

  /// The declared type; for `var` (before 0.5) that of the value.
  private func declaredType(
    _ variable: VariableDeclaration, fallback: SolidityType
  ) -> SolidityType {
    let type = program.type(of: variable)
    if case .unknown = type { return fallback }
    return type
  }

  private func lowerTry(
    _ statement: Statement, _ call: Expression, _ returns: [VariableDeclaration], _ body: Block,
    _ catches: [CatchClause]
  ) {
    let (site, results) = lowerTriedCall(call, wanted: returns.count)
    let success = emit(.trySuccess(site), .bool, call)
    let bodyBlock = builder.makeBlock()
    var next = builder.makeBlock()
    let after = builder.makeBlock()
    branch(success, bodyBlock, next, call)
    builder.enterSealed(bodyBlock)
    for (position, variable) in returns.enumerated() {
      let slot = bind(variable, type: program.type(of: variable))
      let value = position < results.count ? results[position] : nil
      builder.write(slot, value ?? unknown([site], variable))
    }
    lower(body)
    jump(after, origin(statement, implied: true))
    builder.enterSealed(next)
    for (number, clause) in catches.enumerated() {
      // Clauses for a certain error are taken or not; a bare one, standing last, takes everything.
      let takesAll = clause.name == nil
      if !takesAll {
        let chosen = emit(.unknown([site]), .bool, clause)
        let clauseBlock = builder.makeBlock()
        next = builder.makeBlock()
        branch(chosen, clauseBlock, next, clause)
        builder.enterSealed(clauseBlock)
      }
      for (position, parameter) in (clause.parameters ?? []).enumerated() {
        let slot = bind(parameter, type: program.type(of: parameter))
        builder.write(
          slot, emit(.caughtError(site, position), program.type(of: parameter), parameter))
      }
      lower(clause.body)
      jump(after, origin(clause, implied: true))
      if takesAll { break }
      builder.enterSealed(next)
      if number == catches.count - 1 {
        builder.terminate(
          .revert(Revert(kind: .revert, error: nil, arguments: [])),
          origin(statement, implied: true))
      }
    }
    if catches.isEmpty { builder.terminate(.unreachable, origin(statement, implied: true)) }
    builder.enterSealed(after)
  }
}
