import Solidity
import SoliditySyntax

/// Finds control flow and construction that do not do what they read as: modifiers that skip the body, assembly that
/// ends the caller's caller, values overwritten before anyone sees them, constructors that compete.
struct ControlDetector: Detector {
  var rules: [Rule] {
    [
      Self.skippedBody, Self.assemblyReturn, Self.overwritten, Self.constructors,
      Self.competingArguments,
    ]
  }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for contract in context.program.contracts {
      for modifier in contract.modifiers {
        if let finding = skippedBodyFinding(modifier, context) { findings.append(finding) }
      }
      if let finding = constructorFinding(contract, context) { findings.append(finding) }
      findings += argumentFindings(contract, context)
    }
    for function in context.facts.functions {
      if let graph = context.facts.graph(of: function) {
        findings += overwrittenFindings(graph, context)
      }
    }
    return findings
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for frame in entry.frames {
        for block in frame.graph.blocks {
          guard case .stop(_?) = block.terminator,
            block.terminatorOrigin.surroundings.contains(.assembly),
            let lost = lostWork(after: block, in: frame, of: entry)
          else { continue }
          findings.append(
            .make(
              rule: Self.assemblyReturn, at: .origin(block.terminatorOrigin), in: context.program,
              message: "`return` of assembly ends the whole call, not this function: \(lost).",
              contract: subject.contract, role: "ends the call",
              related: [entry.entryLocation].compactMap { $0 }))
        }
      }
    }
    return findings
  }

  // MARK: - Assembly that returns

  /// What never happens when a block of a frame ends the call; nil if nothing is lost.
  private func lostWork(
    after block: BasicBlock, in frame: Frame, of entry: EntryPoint
  ) -> String? {
    let isInternal = frame.depth > 0 || entry.kind == .unreached
    if isInternal, frame.graph.exit == nil, let function = frame.graph.function,
      !function.returnParameters.isEmpty
    {
      return "`\(function.name)` never gives its results to the function that called it"
    }
    if frame.depth == 0, let last = block.values.last {
      let writes = frame.graph.index.storageWrites.filter { write in
        frame.graph[write].origin.surroundings.contains(.modifier)
          && !frame.graph.canFollow(last, after: write)
          && !frame.graph.dominates(frame.graph[last].block, frame.graph[write].block)
      }
      if !writes.isEmpty { return "what a modifier does after the body never happens" }
    }
    var current = frame
    while let parent = current.parent, let site = current.callSite {
      let outer = entry[parent].graph
      let effects =
        outer.index.storageWrites + outer.index.externalCalls + outer.index.events
      if effects.contains(where: { outer.canFollow($0, after: site) }) {
        return "what `\(outer.function?.name ?? entry.name)` does after the call never happens"
      }
      if outer.isUsedResult(of: site) || returnsSomethingElse(outer, after: site) {
        return "`\(outer.function?.name ?? entry.name)` never returns its own result"
      }
      current = entry[parent]
    }
    return nil
  }

  /// Whether a function with results reaches a `return` of its own behind a call.
  private func returnsSomethingElse(_ graph: FunctionGraph, after site: ValueID) -> Bool {
    guard let function = graph.function, !function.returnParameters.isEmpty, let exit = graph.exit,
      case .return(let values) = graph[exit].terminator
    else { return false }
    let block = graph[site].block
    guard block == exit || graph.canReach(block, exit) else { return false }
    // Results that nothing sets are left to the assembly on purpose.
    return values.contains { value in
      switch graph[value].operation {
      case .zero: return false
      case .phi(let inputs):
        return !inputs.contains { if case .zero = graph[$0].operation { true } else { false } }
      default: return true
      }
    }
  }

  // MARK: - Modifiers that skip the body

  private func skippedBodyFinding(
    _ modifier: ModifierDefinition, _ context: AuditContext
  ) -> Finding? {
    guard let body = modifier.body else { return nil }
    var returns = false
    let falls = mayPass(body.statements, context, &returns, depth: 0)
    guard falls || returns else { return nil }
    return .make(
      rule: Self.skippedBody, at: modifier, in: context.program,
      message: """
        `\(modifier.name)` can end without `_` and without reverting. The function then does nothing, \
        returns zeros, and the caller takes that for success.
        """,
      role: "can skip the body")
  }

  /// Whether the end of the statements can be reached without `_` or a revert; `returns` when a `return` leaves
  /// before that.
  private func mayPass(
    _ statements: [Statement], _ context: AuditContext, _ returns: inout Bool, depth: Int
  ) -> Bool {
    guard depth < 256 else { return false }
    for statement in statements {
      if !mayPass(statement, context, &returns, depth: depth + 1) { return false }
    }
    return true
  }

  private func mayPass(
    _ statement: Statement, _ context: AuditContext, _ returns: inout Bool, depth: Int
  ) -> Bool {
    guard depth < 256 else { return false }
    switch statement.kind {
    case .placeholder, .throw, .revert, .assembly, .missing: return false
    case .return:
      returns = true
      return false
    case .block(let block): return mayPass(block.statements, context, &returns, depth: depth + 1)
    case .if(_, let then, let otherwise):
      let first = mayPass(then, context, &returns, depth: depth + 1)
      let second = otherwise.map { mayPass($0, context, &returns, depth: depth + 1) } ?? true
      return first || second
    case .doWhile(let body, _): return mayPass(body, context, &returns, depth: depth + 1)
    case .try(_, _, let body, let catches):
      var passes = mayPass(body.statements, context, &returns, depth: depth + 1)
      for clause in catches {
        let clausePasses = mayPass(clause.body.statements, context, &returns, depth: depth + 1)
        passes = passes || clausePasses
      }
      return passes
    case .expression(let expression): return !neverReturns(expression, context)
    default: return true
    }
  }

  private func neverReturns(_ expression: Expression, _ context: AuditContext) -> Bool {
    guard case .call(_, let arguments) = expression.withoutParentheses.kind else { return false }
    switch context.program.callee(of: expression.withoutParentheses) {
    case .builtin("revert"), .builtin("selfdestruct"), .builtin("suicide"): return true
    case .builtin("require"), .builtin("assert"):
      if case .literal(.bool(false))? = arguments.values.first?.kind { return true }
      return false
    case .function(let function, _, _):
      guard let graph = context.facts.graph(of: function) else { return false }
      return graph.exit == nil
    default: return false
    }
  }

  // MARK: - Values overwritten

  private func overwrittenFindings(
    _ graph: FunctionGraph, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for block in graph.blocks {
      var pending: [(path: StoragePath, write: ValueID)] = []
      for value in block.values {
        switch graph[value].operation {
        case .read(let path), .storagePointer(let path):
          guard let variable = path.variable else {
            pending = []
            continue
          }
          pending.removeAll { $0.path.variable?.id == variable.id }
        case .internalCall, .externalCall, .unknown, .selfdestruct, .memoryStore: pending = []
        case .write(let path, _, let kind):
          guard path.variable != nil else {
            pending = []
            continue
          }
          if kind == .assign, let index = pending.firstIndex(where: { $0.path == path }) {
            let lost = pending.remove(at: index).write
            let place = SourcePlace.origin(graph[lost].origin)
            findings.append(
              .make(
                rule: Self.overwritten, at: place, in: context.program,
                message: """
                  What is stored here in `\(path.variable?.name ?? "")` is overwritten before anything \
                  reads it.
                  """,
                role: "lost write",
                related: [
                  FindingLocation(
                    of: graph[value].origin, in: context.program, role: "overwritten here")
                ]))
          }
          let isPlain =
            kind == .assign
            && graph[value].origin.surroundings.isDisjoint(with: [.modifier, .assembly])
          if isPlain, !path.steps.contains(.push) { pending.append((path, value)) }
        default: break
        }
      }
    }
    return findings
  }

  // MARK: - Constructors

  private func constructorFinding(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> Finding? {
    let constructors = contract.functions.filter { function in
      function.kind == .constructor
        || (function.kind == .function && function.name == contract.name)
    }
    guard constructors.count > 1 else { return nil }
    return .make(
      rule: Self.constructors, at: constructors[1], in: context.program,
      message: """
        `\(contract.name)` has a `constructor` and a function of its own name. Which of them runs at \
        deployment depends on the compiler; the other may stay callable.
        """,
      role: "second constructor",
      related: [
        FindingLocation(of: constructors[0], in: context.program, role: "first constructor")
      ])
  }

  private func argumentFindings(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> [Finding] {
    let program = context.program
    var givers: [NodeID: [any SyntaxNode]] = [:]
    var order: [ContractDefinition] = []
    func add(_ base: ContractDefinition, _ giver: any SyntaxNode) {
      if givers[base.id] == nil { order.append(base) }
      givers[base.id, default: []].append(giver)
    }
    for heir in program.linearizedBases(of: contract) {
      for specifier in heir.bases {
        guard let arguments = specifier.arguments, !arguments.values.isEmpty,
          let base = program.declaration(of: specifier.base) as? ContractDefinition
        else { continue }
        add(base, specifier)
      }
      for constructor in heir.functions where constructor.kind == .constructor {
        for invocation in constructor.modifiers {
          guard invocation.arguments?.isEmpty == false,
            let base = program.baseContract(of: invocation)
          else { continue }
          add(base, invocation)
        }
      }
    }
    return order.compactMap { base in
      guard let all = givers[base.id], all.count > 1 else { return nil }
      return .make(
        rule: Self.competingArguments, at: all[0], in: program,
        message: """
          The constructor of `\(base.name)` is given arguments more than once in `\(contract.name)`; \
          only one set is used.
          """,
        contract: contract, role: "one set of arguments",
        related: all.dropFirst().prefix(4).map {
          FindingLocation(of: $0, in: program, role: "another set")
        }, discriminator: base.name)
    }
  }
}

extension FunctionGraph {
  /// Whether a result of a call is used by anything.
  fileprivate func isUsedResult(of site: ValueID) -> Bool {
    uses(of: site).contains { user in
      guard case .result = self[user].operation else { return false }
      return !uses(of: user).isEmpty
    }
  }
}
