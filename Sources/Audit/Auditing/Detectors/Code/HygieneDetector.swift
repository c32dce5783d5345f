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
        let check = effects.lazy.flatMap({ entry.callerChecks(of: $0) }).first(where: { check in
          guard case .isNotContract = check.kind else { return false }
          // tx.origin == msg.sender does keep contracts out; an account's code size does not.
          return entry.sources(of: check.condition).contains(.accountCode)
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
        case .builtin(let name) where name == "block.blockhash": return ("block.blockhash", "`blockhash`")
        default:
          _ = callee
          return nil
        }
      case .memberAccess(let base, let member):
        if member.text == "gas", case .identifier("msg") = base.kind { return ("msg.gas", "`gasleft()`") }
        return nil
      case .identifier("now"):
        return context.program.declaration(of: expression) == nil ? ("now", "`block.timestamp`") : nil
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
    guard unit.language.oldest.minor != newest.minor || unit.language.oldest < CompilerVersion(0, 8, 0)
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
    func isUnsigned(_ side: Expression) -> Bool {
      if case .integer(_, false) = program.type(of: side) { return true }
      return false
    }
    func number(_ side: Expression) -> BigInt? {
      if case .number(let value)? = program.constantValue(of: side) { return value.integer }
      return nil
    }
    let always: Bool
    switch operation {
    case .greaterOrEqual where isUnsigned(left) && number(right) == 0 && number(left) == nil: always = true
    case .lessOrEqual where isUnsigned(right) && number(left) == 0 && number(right) == nil: always = true
    case .less where isUnsigned(left) && number(right) == 0 && number(left) == nil: always = false
    case .greater where isUnsigned(right) && number(left) == 0 && number(right) == nil: always = false
    case .equal, .lessOrEqual, .greaterOrEqual, .notEqual, .less, .greater:
      guard let a = plainName(left), let b = plainName(right), a == b,
        program.declaration(of: left)?.id == program.declaration(of: right)?.id,
        program.declaration(of: left) != nil
      else { return nil }
      always = [.equal, .lessOrEqual, .greaterOrEqual].contains(operation)
    default: return nil
    }
    return .make(
      rule: Self.tautology, at: expression, in: program,
      message: """
        This is always \(always): \(plainName(left) == nil || plainName(left) != plainName(right) ? "the number has no sign" : "both sides are the same").
        """,
      role: "always \(always)")
  }

  private func plainName(_ expression: Expression) -> String? {
    if case .identifier(let name) = expression.withoutParentheses.kind { return name }
    return nil
  }

  // MARK: - Operators

  private func exponentFinding(_ expression: Expression, _ context: AuditContext) -> Finding? {
    guard case .binary(.bitXor, let left, let right) = expression.kind,
      case .literal(.number(let base, nil)) = left.kind, !base.hasPrefix("0x"),
      case .literal(.number(let exponent, nil)) = right.kind, !exponent.hasPrefix("0x")
    else { return nil }
    return .make(
      rule: Self.exponent, at: expression, in: context.program,
      message: "`^` is exclusive or; a power is written `\(base) ** \(exponent)`.",
      role: "exclusive or")
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
      operand.range.start > value.range.start + 1, target.range.end < value.range.start
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
      (2...255).contains(number), number % 8 == 0
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

// MARK: - Rule pages

extension HygieneDetector {
  static let deprecated = Rule(
    id: "deprecated-construct",
    title: "Deprecated language construct",
    severity: .informational, confidence: .high, category: .hygiene,
    summary: "`throw`, `var`, `sha3`, `suicide`, `callcode`, `now`, `msg.gas`, `block.blockhash`.",
    why: "Newer compilers refuse them; some hide what they do.",
    howToFix: "Use the construct named in the finding.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Old {
        function check(bool fine) public pure { if (!fine) throw; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Old {
        function check(bool fine) public pure { require(fine); }
      }
      """,
    references: [.swc(111), .cwe(477)])

  static let pragma = Rule(
    id: "compiler-version",
    title: "Old or widely differing compilers are admitted",
    severity: .informational, confidence: .high, category: .hygiene,
    summary: """
      A pragma admits only compilers before 0.8, or compilers of several language versions. One \
      finding per pragma text.
      """,
    why: "Old compilers have known bugs; different ones give the same source different meaning.",
    howToFix: "Fix the version that was tested, 0.8 or later.",
    exampleThatFires: """
      pragma solidity >=0.6.0 <0.9.0;

      contract Anything { uint256 public value; }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.8.28;

      contract Anything { uint256 public value; }
      """,
    references: [.swc(102), .swc(103), .cwe(937)])

  static let noEffect = Rule(
    id: "statement-without-effect",
    title: "A statement does nothing",
    severity: .low, confidence: .high, category: .hygiene,
    summary: """
      A comparison or calculation stands alone as a statement, or a call is prepared (`to.call.value(x)`) \
      and never made.
      """,
    why: "Something was meant to happen, and does not: `==` for `=`, or a payment never sent.",
    howToFix: "Write the assignment or make the call.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Switch {
        bool public on;
        function turnOn() external view { on == true; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Switch {
        bool public on;
        function turnOn() external { on = true; }
      }
      """,
    references: [.swc(135), .cwe(1164)])

  static let tautology = Rule(
    id: "tautology",
    title: "A condition never changes",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "An unsigned number is held against zero in a way that is always or never true, or a name against itself.",
    why: "A check that was meant to protect something does not.",
    howToFix: "Write the condition that was meant.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bounds {
        function check(uint256 amount) external pure returns (bool) { return amount >= 0; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bounds {
        function check(uint256 amount) external pure returns (bool) { return amount > 0; }
      }
      """,
    references: [.cwe(571)])

  static let exponent = Rule(
    id: "incorrect-exponent",
    title: "Exclusive or in the place of a power",
    severity: .medium, confidence: .high, category: .hygiene,
    summary: "`^` between two decimal literals.",
    why: "`10 ^ 18` is 24, not a quintillion.",
    howToFix: "Write `**`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Unit { uint256 public constant ONE = 10 ^ 18; }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Unit { uint256 public constant ONE = 10 ** 18; }
      """,
    references: [.cwe(480)])

  static let typo = Rule(
    id: "assignment-typo",
    title: "Assignment of a signed value that looks like a compound assignment",
    severity: .low, confidence: .high, category: .hygiene,
    summary: "`x =- y` or `x =+ y`, written with the sign at the equals sign.",
    why: "The value is replaced instead of changed.",
    howToFix: "Write `-=` or `+=`, or move the sign to its operand.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Sum {
        int public total;
        function take(int amount) public { total =- amount; }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.4.26;

      contract Sum {
        int public total;
        function take(int amount) public { total -= amount; }
      }
      """,
    references: [.swc(129), .cwe(480)])

  static let shift = Rule(
    id: "swapped-shift",
    title: "Operands of a shift in assembly look swapped",
    severity: .medium, confidence: .medium, category: .assembly,
    summary: "`shl`, `shr` or `sar` with a variable as the number of bits and a multiple of 8 as the value.",
    why: "The instructions take the number of bits first; swapped, the result is garbage.",
    howToFix: "Write the number of bits first: `shr(8, x)`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bits {
        function high(uint256 x) external pure returns (uint256 y) {
          assembly { y := shr(x, 8) }
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Bits {
        function high(uint256 x) external pure returns (uint256 y) {
          assembly { y := shr(8, x) }
        }
      }
      """,
    references: [.cwe(683)])

  static let codeSize = Rule(
    id: "code-size-check",
    title: "A check of the caller's code does not keep contracts out",
    severity: .low, confidence: .high, category: .accessControl,
    summary: "An effect depends on the caller having no code.",
    why: "During its construction a contract has no code.",
    howToFix: "Do not rely on callers being ordinary accounts.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract People {
        mapping(address => bool) public seen;
        function register() external {
          require(msg.sender.code.length == 0, "no contracts");
          seen[msg.sender] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract People {
        mapping(address => bool) public seen;
        function register() external {
          seen[msg.sender] = true;
        }
      }
      """,
    references: [.cwe(284)])
}
