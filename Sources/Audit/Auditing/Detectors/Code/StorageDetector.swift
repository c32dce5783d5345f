import Solidity
import SoliditySyntax

extension EntryPoint {
  /// Whether all that runs was understood and followed: no missing parts, no callee without source.
  var isFullyFollowed: Bool {
    !isTruncated
      && frames.allSatisfy { frame in
        frame.graph.isComplete && !frame.graph.hasUnstructuredJumps
          && frame.graph.index.internalCalls.allSatisfy { site in
            guard case .internalCall(let call) = frame.graph[site].operation else { return true }
            return call.callee != nil || call.pointer != nil
          }
          // A library whose source is missing reads as a call of something unknown.
          && frame.graph.index.externalCalls.allSatisfy { site in
            guard case .externalCall(let call) = frame.graph[site].operation else { return true }
            if case .function(nil) = call.kind { return false }
            return true
          }
          && !frame.graph.values.contains {
            if case .unknown = $0.operation { true } else { false }
          }
      }
  }
}

/// Finds state that is not what the code takes it for: never set, set through a wild pointer, or changed in a copy.
struct StorageDetector: Detector {
  var rules: [Rule] {
    [Self.uninitialized, Self.pointer, Self.arbitrary, Self.lostCopy, Self.mappingDeletion]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    uninitializedFindings(subject, context) + arbitraryFindings(subject, context)
  }

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for unit in context.program.units {
      let isOld = unit.language.dialect < CompilerVersion(0, 5, 0)
      AnySyntax.walk(unit.items.map { AnySyntax($0) }) { node in
        switch node {
        case .statement(let statement):
          guard case .variables(let variables, let value) = statement.kind else { return .into }
          if isOld, value == nil { findings += pointerFindings(variables, context) }
        case .function(let function):
          if let body = function.body { findings += lostCopyFindings(body, context) }
        case .expression(let expression):
          if let finding = mappingDeletion(expression, context) { findings.append(finding) }
        case .yulBlock: return .over
        default: break
        }
        return .into
      }
    }
    return findings
  }

  // MARK: - State never set

  private func uninitializedFindings(
    _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    let contract = subject.contract
    guard contract.kind == .contract, !contract.isAbstract else { return [] }
    let candidates = context.program.stateVariables(of: contract).filter { variable in
      variable.mutability == .mutable && variable.value == nil && !variable.name.isEmpty
        && !variable.name.hasPrefix("__")
    }
    guard !candidates.isEmpty else { return [] }
    let entries =
      subject.entryPoints + subject.unreachedFunctions + [subject.deployment].compactMap { $0 }
    var written: Set<NodeID> = []
    var read: [NodeID: (EntryPoint, Place)] = [:]
    for entry in entries {
      // Code that was cut short, runs foreign code in this storage, or writes computed slots may set anything.
      if !entry.isFullyFollowed { return [] }
      for write in entry.storageWrites {
        if let variable = write.location.variable { written.insert(variable.id) }
        if case .computed = write.location.root { return [] }
      }
      for place in entry.externalCalls where entry.externalCall(at: place)?.isDelegate ?? false {
        return []
      }
      for access in entry.storageReads {
        if let variable = access.location.variable, entry.hasCallerInput, read[variable.id] == nil,
          !entry.isBoundToDelegation(access.place)
        {
          read[variable.id] = (entry, access.place)
        }
      }
      for frame in entry.frames {
        for value in frame.graph.values {
          // A pointer handed to code that is not followed.
          if case .storagePointer(let path) = value.operation, let variable = path.variable {
            if escapes(value, frame, entry) { written.insert(variable.id) }
          }
        }
      }
    }
    return candidates.compactMap { variable in
      guard !written.contains(variable.id), let (entry, place) = read[variable.id],
        !isSetElsewhere(variable, contract, context)
      else { return nil }
      return .make(
        rule: Self.uninitialized, at: variable, in: context.program,
        message: """
          Nothing ever sets `\(variable.name)`, so `\(entry.name)` always finds zero in it.
          """,
        contract: contract, rootCause: variable, role: "never set",
        related: [entry.findingLocation(place, role: "relied on here")])
    }
  }

  /// Whether another contract with the same variable sets it: a proxy and its implementation, or a helper that runs
  /// by delegatecall, share their storage through a common base.
  private func isSetElsewhere(
    _ variable: VariableDeclaration, _ contract: ContractDefinition, _ context: AuditContext
  ) -> Bool {
    guard let declaring = context.program.contract(containing: variable),
      declaring.id != contract.id
    else { return false }
    let own = Set(context.program.linearizedBases(of: contract).map(\.id))
    return context.facts.functions.contains { function in
      guard let home = context.program.contract(containing: function), !own.contains(home.id),
        let graph = context.facts.graph(of: function)
      else { return false }
      return graph.index.storageWrites.contains { value in
        if case .write(let path, _, _) = graph[value].operation {
          return path.variable?.id == variable.id
        }
        return false
      }
    }
  }

  private func escapes(_ value: Value, _ frame: Frame, _ entry: EntryPoint) -> Bool {
    frame.graph.index.internalCalls.contains { site in
      frame.callee(at: site) == nil
    }
  }

  // MARK: - Wild pointers

  private func pointerFindings(
    _ variables: [VariableDeclaration?], _ context: AuditContext
  ) -> [Finding] {
    variables.compactMap { variable in
      guard let variable, variable.location == nil || variable.location == .storage else {
        return nil
      }
      let type = context.program.type(of: variable)
      switch type {
      case .structure, .array: break
      default: return nil
      }
      return .make(
        rule: Self.pointer, at: variable, in: context.program,
        message: """
          `\(variable.name)` is a pointer into storage that nothing has set, so it points to slot 0. \
          What is written through it overwrites the first state variables.
          """,
        role: "points to slot 0")
    }
  }

  // MARK: - Writes of any slot

  private func arbitraryFindings(_ subject: ContractFacts, _ context: AuditContext) -> [Finding] {
    guard subject.contract.kind == .contract else { return [] }
    var findings: [Finding] = []
    for entry in subject.entryPoints where entry.hasCallerInput {
      for write in entry.storageWrites {
        guard case .computed(let slot) = write.location.root, !write.location.isTransient,
          entry.sources(of: slot, options: .stopAtHashes).hasInput,
          !entry.isRestricted(write.place), !entry.isVouchedFor(slot, at: write.place),
          !isOffsetOfHash(slot, entry, depth: 6)
        else { continue }
        findings.append(
          .make(
            rule: Self.arbitrary, at: entry.sourcePlace(write.place), in: context.program,
            message: """
              Anyone can call `\(entry.name)` and choose which storage slot is written: owner, \
              balances, implementation.
              """,
            contract: subject.contract, role: "slot chosen by the caller",
            related: [entry.entryLocation].compactMap { $0 }))
      }
    }
    return findings
  }

  /// Whether the slot lies at some distance from a hash, as mappings and arrays laid out by hand do.
  private func isOffsetOfHash(_ slot: Place, _ entry: EntryPoint, depth: Int) -> Bool {
    guard depth > 0 else { return false }
    let origin = entry.origin(of: slot)
    switch entry[origin].operation {
    case .builtin(let name, _): return name == "keccak256"
    case .binary(.add, let left, let right, _, _), .binary(.bitOr, let left, let right, _, _),
      .binary(.bitXor, let left, let right, _, _):
      return [left, right].contains {
        isOffsetOfHash(Place(frame: origin.frame, value: $0), entry, depth: depth - 1)
      }
    default: return false
    }
  }

  // MARK: - Lost copies

  private func lostCopyFindings(_ body: Block, _ context: AuditContext) -> [Finding] {
    var copies: [(VariableDeclaration, Expression)] = []
    AnySyntax.block(body).walk { node in
      if case .statement(let statement) = node,
        case .variables(let variables, let value?) = statement.kind, variables.count == 1,
        let variable = variables[0], variable.location == .memory,
        isStoredStruct(value, context)
      {
        copies.append((variable, value))
      }
      return .into
    }
    guard !copies.isEmpty else { return [] }
    var changed: [NodeID: Expression] = [:]
    var used: Set<NodeID> = []
    let identifiers = Set(copies.map(\.0.id))
    var targets: Set<NodeID> = []
    AnySyntax.block(body).walk { node in
      guard case .expression(let expression) = node else { return .into }
      if let target = assignedTarget(expression) {
        var base = target.withoutParentheses
        var depth = 0
        while depth < 64 {
          if case .memberAccess(let inner, _) = base.kind { base = inner } else { break }
          depth += 1
        }
        if depth > 0, let declaration = context.program.declaration(of: base),
          identifiers.contains(declaration.id)
        {
          changed[declaration.id] = changed[declaration.id] ?? expression
          targets.insert(base.id)
        }
      }
      if case .identifier = expression.kind, !targets.contains(expression.id),
        let declaration = context.program.declaration(of: expression),
        identifiers.contains(declaration.id)
      {
        used.insert(declaration.id)
      }
      return .into
    }
    return copies.compactMap { variable, value in
      guard let change = changed[variable.id], !used.contains(variable.id) else { return nil }
      return .make(
        rule: Self.lostCopy, at: change, in: context.program,
        message: """
          `\(variable.name)` is a copy in memory of what is in storage. It is changed here and never \
          used again, so storage keeps the old value.
          """,
        role: "changes the copy only",
        related: [FindingLocation(of: variable, in: context.program, role: "copied here")])
    }
  }

  private func isStoredStruct(_ value: Expression, _ context: AuditContext) -> Bool {
    if case .structure(_, .storage) = context.program.type(of: value) { return true }
    return false
  }

  private func assignedTarget(_ expression: Expression) -> Expression? {
    switch expression.kind {
    case .assignment(_, let target, _): target
    case .prefix(.increment, let target), .prefix(.decrement, let target),
      .postfix(_, let target):
      target
    default: nil
    }
  }

  // MARK: - Deletion

  private func mappingDeletion(_ expression: Expression, _ context: AuditContext) -> Finding? {
    guard case .prefix(.delete, let target) = expression.kind,
      case .structure(let reference, let location) = context.program.type(of: target),
      location != .memory, holdsMapping(reference.node, context, depth: 0)
    else { return nil }
    return .make(
      rule: Self.mappingDeletion, at: expression, in: context.program,
      message: """
        `delete` leaves the mappings inside `\(reference.node.name)` as they are. Entries from before \
        are back as soon as the struct is filled again.
        """,
      role: "deleted here",
      related: [FindingLocation(of: reference.node, in: context.program, role: "holds a mapping")])
  }

  private func holdsMapping(
    _ definition: StructDefinition, _ context: AuditContext, depth: Int
  ) -> Bool {
    guard depth < 8 else { return false }
    return definition.members.contains { member in
      switch context.program.type(of: member) {
      case .mapping: true
      case .structure(let inner, _): holdsMapping(inner.node, context, depth: depth + 1)
      case .array(.mapping, _, _): true
      default: false
      }
    }
  }
}
