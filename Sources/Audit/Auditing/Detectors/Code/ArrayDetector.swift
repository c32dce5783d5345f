import Solidity
import SoliditySyntax

/// Finds arrays and structs of storage that are changed only in a copy, and elements deleted without closing the gap.
struct ArrayDetector: Detector {
  var rules: [Rule] { [Self.changedCopy, Self.gap] }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for function in context.facts.functions {
      guard let body = function.body else { continue }
      AnySyntax.block(body).walk { node in
        guard case .expression(let expression) = node else { return .into }
        findings += changedCopyFindings(expression, context)
        if let finding = gapFinding(expression, in: body, context) { findings.append(finding) }
        return .into
      }
    }
    return findings
  }

  // MARK: - Copies changed by a callee

  private func changedCopyFindings(
    _ call: Expression, _ context: AuditContext
  ) -> [Finding] {
    guard case .call = call.kind,
      case .function(let callee, _, _) = context.program.callee(of: call), let body = callee.body,
      callee.returnParameters.isEmpty
    else { return [] }
    let arguments = context.program.arguments(of: call)
    return zip(callee.parameters, arguments).compactMap { parameter, argument in
      guard let argument, isInStorage(context.program.type(of: argument)),
        isInMemory(parameter, callee, context),
        let change = onlyChange(of: parameter, in: body, context)
      else { return nil }
      return .make(
        rule: Self.changedCopy, at: call, in: context.program,
        message: """
          `\(callee.name)` gets a copy in memory of \
          `\(context.program.unit(of: argument).source.text(argument.range))` and changes only that; \
          storage keeps the old value.
          """,
        role: "copied to memory",
        related: [FindingLocation(of: change, in: context.program, role: "changes the copy")],
        discriminator: parameter.name)
    }
  }

  private func isInStorage(_ type: SolidityType) -> Bool {
    switch type {
    case .array(_, _, .storage), .structure(_, .storage), .bytes(.storage): true
    default: false
    }
  }

  private func isInMemory(
    _ parameter: VariableDeclaration, _ function: FunctionDefinition, _ context: AuditContext
  ) -> Bool {
    switch context.program.type(of: parameter) {
    case .array(_, _, let location), .structure(_, let location), .bytes(let location):
      location == .memory
    default: false
    }
  }

  /// Where a parameter's parts are assigned, when that is all that happens to it apart from reads of its length.
  private func onlyChange(
    of parameter: VariableDeclaration, in body: Block, _ context: AuditContext
  ) -> Expression? {
    var change: Expression?
    var expected: Set<NodeID> = []
    var isUsed = false
    AnySyntax.block(body).walk { node in
      switch node {
      case .expression(let expression):
        if let target = Self.target(of: expression),
          let base = Self.base(of: target), base.id != target.withoutParentheses.id,
          context.program.declaration(of: base)?.id == parameter.id
        {
          change = change ?? expression
          expected.insert(base.id)
        }
        if case .memberAccess(let base, let member) = expression.kind, member.text == "length" {
          expected.insert(base.id)
        }
        if case .identifier = expression.kind, !expected.contains(expression.id),
          context.program.declaration(of: expression)?.id == parameter.id
        {
          isUsed = true
        }
        return .into
      case .yulBlock:
        isUsed = true
        return .over
      default: return .into
      }
    }
    return isUsed ? nil : change
  }

  private static func target(of expression: Expression) -> Expression? {
    switch expression.kind {
    case .assignment(_, let target, _): target
    case .prefix(.increment, let target), .prefix(.decrement, let target),
      .prefix(.delete, let target), .postfix(_, let target):
      target
    default: nil
    }
  }

  /// The variable a chain of members and indexes starts from.
  private static func base(of expression: Expression) -> Expression? {
    var current = expression.withoutParentheses
    for _ in 0..<64 {
      switch current.kind {
      case .memberAccess(let inner, _), .index(let inner, _): current = inner.withoutParentheses
      case .identifier: return current
      default: return nil
      }
    }
    return nil
  }

  // MARK: - Gaps

  private func gapFinding(
    _ expression: Expression, in body: Block, _ context: AuditContext
  ) -> Finding? {
    let program = context.program
    guard case .prefix(.delete, let target) = expression.kind,
      case .index(let array, _?) = target.withoutParentheses.kind,
      case .array(_, nil, .storage) = program.type(of: array),
      let variable = Self.base(of: array).flatMap({ program.declaration(of: $0) })
    else { return nil }
    var isClosed = false
    AnySyntax.block(body).walk { node in
      guard case .expression(let other) = node, other.id != expression.id else { return .into }
      switch other.kind {
      case .memberAccess(let base, let member) where member.text == "pop":
        isClosed = isClosed || names(base, variable, program)
      case .assignment(_, let assigned, _), .prefix(.delete, let assigned),
        .prefix(.decrement, let assigned), .postfix(.decrement, let assigned):
        // Moving the last element, shortening, or clearing the whole.
        if names(assigned, variable, program) { isClosed = true }
      default: break
      }
      return .into
    }
    guard !isClosed else { return nil }
    return .make(
      rule: Self.gap, at: expression, in: program,
      message: """
        `delete` zeroes the element and leaves it in `\(variable.name)`: the length stays, and later \
        loops and lookups meet an empty entry.
        """,
      role: "leaves a gap",
      related: [FindingLocation(of: variable, in: program, role: "the array")])
  }

  private func names(
    _ expression: Expression, _ variable: any Declaration, _ program: Program
  ) -> Bool {
    Self.base(of: expression).flatMap { program.declaration(of: $0) }?.id == variable.id
  }
}
