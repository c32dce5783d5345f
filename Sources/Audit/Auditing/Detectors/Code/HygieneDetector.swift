import BigInt
import Solidity
import SoliditySyntax

/// Finds forms of code that hide mistakes: old constructs, statements without effect, conditions that never change,
/// operators that are not what they look like.
struct HygieneDetector: Detector {
  var rules: [Rule] {
    [
      Self.deprecated, Self.pragma, Self.noEffect, Self.tautology, Self.exponent, Self.typo,
      Self.shift, Self.codeSize,
    ]
  }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    var pragmas: [String: PragmaDirective] = [:]
    for unit in context.program.units {
      var deprecated: Set<String> = []
      AnySyntax.walk(unit.items.map { AnySyntax($0) }) { node in
        switch node {
        case .pragma(let directive):
          if directive.name == "solidity", pragmas[directive.value] == nil {
            pragmas[directive.value] = directive
            if let finding = pragmaFinding(directive, unit, context) { findings.append(finding) }
          }
        case .statement(let statement):
          if let finding = noEffectFinding(statement, context) { findings.append(finding) }
        case .expression(let expression):
          findings += [
            tautologyFinding(expression, context), exponentFinding(expression, context),
            typoFinding(expression, unit, context),
          ].compactMap { $0 }
        case .yulExpression(let expression):
          if let finding = shiftFinding(expression, context) { findings.append(finding) }
        default: break
        }
        if let construct = deprecatedConstruct(node, unit, context),
          deprecated.insert(construct.name).inserted
        {
          findings.append(
            .make(
              rule: Self.deprecated, at: node.node, in: context.program,
              message: "`\(construct.name)` is deprecated; use \(construct.instead).",
              role: "first of its kind in this file", discriminator: construct.name))
        }
        return .into
      }
    }
    return findings
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints where entry.hasCallerInput && !entry.isView {
      let effects = entry.storageWrites.map(\.place) + entry.externalCalls
      guard
        let check = effects.lazy.flatMap({ entry.guards(of: $0) }).first(where: { held in
          // tx.origin == msg.sender does keep contracts out; an account's code size does not.
          asksForCodeOfSender(held.condition, entry, depth: 6)
        })
      else { continue }
      findings.append(
        .make(
          rule: Self.codeSize, at: entry.sourcePlace(check.condition), in: context.program,
          message: """
            A contract has no code while its constructor runs, so it passes this check of the \
            caller's code and can act from its constructor.
            """,
          contract: subject.contract, role: "check that can be passed"))
    }
    return findings
  }

  private func asksForCodeOfSender(_ place: Place, _ entry: EntryPoint, depth: Int) -> Bool {
    guard depth > 0 else { return false }
    let origin = entry.origin(of: place)
    func inner(_ value: ValueID) -> Bool {
      asksForCodeOfSender(Place(frame: origin.frame, value: value), entry, depth: depth - 1)
    }
    switch entry[origin].operation {
    case .accountCode(_, let account):
      return entry.isSender(Place(frame: origin.frame, value: account))
    case .binary(_, let left, let right, _, _), .shortCircuit(_, let left, let right):
      return inner(left) || inner(right)
    case .unary(_, let operand, _), .convert(let operand, _, _), .load(let operand, _):
      return inner(operand)
    default: return false
    }
  }

  // MARK: - Deprecated constructs

  private func deprecatedConstruct(
    _ node: AnySyntax, _ unit: SourceUnit, _ context: AuditContext
  ) -> (name: String, instead: String)? {
    switch node {
    case .statement(let statement):
      if case .throw = statement.kind { return ("throw", "`revert`, `require` or `assert`") }
      return nil
    case .variable(let variable):
      return variable.role == .local && variable.typeName == nil ? ("var", "an explicit type") : nil
    case .expression(let expression):
      switch expression.kind {
      case .call(let callee, _):
        switch context.program.callee(of: expression) {
        case .builtin("suicide"): return ("suicide", "`selfdestruct`")
        case .builtin("sha3"): return ("sha3", "`keccak256`")
        case .lowLevel(.callcode): return ("callcode", "`delegatecall`")
        case .builtin(let name) where name == "block.blockhash":
          return ("block.blockhash", "`blockhash`")
        default:
          _ = callee
          return nil
        }
      case .memberAccess(let base, let member):
        if member.text == "gas", case .identifier("msg") = base.kind {
          return ("msg.gas", "`gasleft()`")
        }
        return nil
      case .identifier("now"):
        return context.program.declaration(of: expression) == nil
          ? ("now", "`block.timestamp`") : nil
      default: return nil
      }
    default: return nil
    }
  }

  // MARK: - Pragmas

  private func pragmaFinding(
    _ directive: PragmaDirective, _ unit: SourceUnit, _ context: AuditContext
  ) -> Finding? {
    let newest = unit.language.dialect
    if newest < CompilerVersion(0, 8, 0) {
      return .make(
        rule: Self.pragma, at: directive, in: context.program,
        message: """
          No compiler from 0.8 on is admitted: arithmetic is unchecked and known bugs of old \
          compilers stay in. First of the files with this pragma.
          """,
        role: "old compilers only", discriminator: directive.value)
    }
    guard
      unit.language.oldest.minor != newest.minor || unit.language.oldest < CompilerVersion(0, 8, 0)
    else { return nil }
    return .make(
      rule: Self.pragma, at: directive, in: context.program,
      message: """
        Compilers with different meanings of the same code are admitted (\
        \(unit.language.oldest) to \(newest)); what was tested need not be what is deployed. First of \
        the files with this pragma.
        """,
      role: "wide range of compilers", discriminator: directive.value)
  }

  // MARK: - Statements without effect

  private func noEffectFinding(_ statement: Statement, _ context: AuditContext) -> Finding? {
    guard case .expression(let expression) = statement.kind else { return nil }
    let inner = expression.withoutParentheses
    switch inner.kind {
    case .binary(let operation, _, _) where operation != .and && operation != .or: break
    case .callOptions: break
    case .call(let callee, _):
      // `a.call.value(x)` prepares a call and never makes it.
      guard case .memberAccess(let base, let member) = callee.kind,
        member.text == "value" || member.text == "gas",
        case .memberAccess(_, let method) = base.withoutParentheses.kind,
        ["call", "delegatecall", "callcode"].contains(method.text)
      else { return nil }
    default: return nil
    }
    return .make(
      rule: Self.noEffect, at: statement, in: context.program,
      message: """
        This statement computes something and drops it\
        \({ if case .binary = inner.kind { "" } else { ": the call is prepared and never made" } }()).
        """,
      role: "no effect")
  }

  // MARK: - Conditions that never change

  private func tautologyFinding(_ expression: Expression, _ context: AuditContext) -> Finding? {
    guard case .binary(let operation, let left, let right) = expression.kind else { return nil }
    let program = context.program
    let always: Bool
    let reason: String
    if let decided = literalDecides(operation, left, right) {
      always = decided
      reason = "a literal decides it"
    } else if let decided = rangeDecides(operation, left, right, program) {
      always = decided
      reason = "the type of the number leaves no other outcome"
    } else {
      switch operation {
      case .equal, .lessOrEqual, .greaterOrEqual, .notEqual, .less, .greater: break
      default: return nil
      }
      guard let a = plainName(left), let b = plainName(right), a == b,
        let declaration = program.declaration(of: left),
        declaration.id == program.declaration(of: right)?.id
      else { return nil }
      always = [.equal, .lessOrEqual, .greaterOrEqual].contains(operation)
      reason = "both sides are the same"
    }
    return .make(
      rule: Self.tautology, at: expression, in: program,
      message: "This is always \(always): \(reason).", role: "always \(always)")
  }

  /// The outcome of `x || true` and `x && false`.
  private func literalDecides(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression
  ) -> Bool? {
    for side in [left, right] {
      guard case .literal(.bool(let value)) = side.withoutParentheses.kind else { continue }
      if operation == .or, value { return true }
      if operation == .and, !value { return false }
    }
    return nil
  }

  /// The outcome of a comparison with a constant outside of what the other side's type can hold.
  private func rangeDecides(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ program: Program
  ) -> Bool? {
    func number(_ side: Expression) -> BigInt? {
      program.constantValue(of: side)?.wholeNumber
    }
    let isMirrored: Bool
    let constant: BigInt
    let type: SolidityType
    switch (number(left), number(right)) {
    case (nil, let value?): (isMirrored, constant, type) = (false, value, program.type(of: left))
    case (let value?, nil): (isMirrored, constant, type) = (true, value, program.type(of: right))
    default: return nil
    }
    guard case .integer(let bits, let isSigned) = type else { return nil }
    let limit = BigInt(1) << (isSigned ? bits - 1 : bits)
    let least = isSigned ? -limit : BigInt(0)
    // As if the constant stood on the right.
    let comparison: BinaryOperator
    switch operation {
    case .less: comparison = isMirrored ? .greater : .less
    case .lessOrEqual: comparison = isMirrored ? .greaterOrEqual : .lessOrEqual
    case .greater: comparison = isMirrored ? .less : .greater
    case .greaterOrEqual: comparison = isMirrored ? .lessOrEqual : .greaterOrEqual
    default: comparison = operation
    }
    switch comparison {
    case .less, .lessOrEqual:
      if constant >= limit { return true }
      return constant < least || (comparison == .less && constant == least) ? false : nil
    case .greater, .greaterOrEqual:
      if constant >= limit { return false }
      return constant < least || (comparison == .greaterOrEqual && constant == least) ? true : nil
    case .equal: return constant >= limit || constant < least ? false : nil
    case .notEqual: return constant >= limit || constant < least ? true : nil
    default: return nil
    }
  }

  private func plainName(_ expression: Expression) -> String? {
    if case .identifier(let name) = expression.withoutParentheses.kind { return name }
    return nil
  }

  // MARK: - Operators

  private func exponentFinding(_ expression: Expression, _ context: AuditContext) -> Finding? {
    guard case .binary(.bitXor, let left, let right) = expression.kind,
      !isHexadecimal(left), !isHexadecimal(right)
    else { return nil }
    let base: String
    if case .literal(.number(let text, nil)) = left.kind, text == "2" || text == "10" {
      base = text
    } else if let name = plainName(left), case .identifier = left.kind,
      case .literal(.number("2", nil)) = right.kind
    {
      base = name
    } else if case .literal(.number(let text, nil)) = left.kind,
      case .literal(.number(_, nil)) = right.kind
    {
      base = text
    } else {
      return nil
    }
    let unit = context.program.unit(of: right)
    let exponent = unit.source.text(right.range)
    return .make(
      rule: Self.exponent, at: expression, in: context.program,
      message: "`^` is exclusive or; a power is written `\(base) ** \(exponent)`.",
      role: "exclusive or")
  }

  private func isHexadecimal(_ expression: Expression) -> Bool {
    if case .literal(.number(let text, _)) = expression.withoutParentheses.kind {
      return text.hasPrefix("0x")
    }
    return false
  }

  private func typoFinding(
    _ expression: Expression, _ unit: SourceUnit, _ context: AuditContext
  ) -> Finding? {
    guard case .assignment(nil, let target, let value) = expression.kind,
      case .prefix(let sign, let operand) = value.kind, sign == .plus || sign == .negate
    else { return nil }
    let start = Int(value.range.start)
    // `=-` or `=+` written together, with a gap behind: `x =- 1`.
    let bytes = unit.source.bytes
    guard start > 0, start < bytes.count, bytes[start - 1] == UInt8(ascii: "="),
      sign == .plus || operand.range.start > value.range.start + 1,
      target.range.end < value.range.start
    else { return nil }
    return .make(
      rule: Self.typo, at: expression, in: context.program,
      message: """
        `=\(sign.rawValue)` assigns; `\(sign.rawValue)=` \(sign == .plus ? "adds" : "subtracts"). One \
        was probably meant for the other.
        """,
      role: "assigns")
  }

  private func shiftFinding(_ expression: YulExpression, _ context: AuditContext) -> Finding? {
    guard case .call(let name, let arguments) = expression.kind,
      ["shl", "shr", "sar"].contains(name.text), arguments.count == 2,
      case .literal(.number(let amount)) = arguments[1].kind,
      case .identifier = arguments[0].kind, !amount.hasPrefix("0x"), let number = Int(amount),
      (2...255).contains(number), number % 8 == 0,
      // Assembly counts bits in names of its own; a variable of the function is what gets shifted.
      context.program.reference(of: arguments[0]) != nil
    else { return nil }
    return .make(
      rule: Self.shift, at: expression, in: context.program,
      message: """
        `\(name.text)` takes the number of bits first. Here the constant \(amount) is shifted by a \
        variable; the operands look swapped.
        """,
      role: "operands swapped")
  }
}
