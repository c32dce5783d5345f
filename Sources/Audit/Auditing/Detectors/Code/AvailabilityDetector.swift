import Solidity
import SoliditySyntax

/// Finds ways to stop a contract from working: calls others can make fail, work without bound, conditions anyone can
/// break, ether nobody can take out.
struct AvailabilityDetector: Detector {
  var rules: [Rule] {
    [Self.callInLoop, Self.unboundedLoop, Self.failingRecipient, Self.strictBalance, Self.locked]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    let entries = subject.entryPoints.filter { $0.hasCallerInput }
    for entry in entries {
      if !entry.isView {
        findings += loopFindings(entry, subject, context)
        findings += recipientFindings(entry, subject, context)
      }
    }
    for entry in entries + subject.unreachedFunctions {
      findings += equalityFindings(entry, subject, context)
    }
    if let finding = lockedFinding(subject, context) { findings.append(finding) }
    return findings
  }

  // MARK: - Loops

  private func loopFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for place in entry.externalCalls where entry.isInLoop(place) {
      guard let call = entry.externalCall(at: place), let target = call.target, !call.isTry,
        !call.isStatic
      else { continue }
      if case .creation = call.kind { continue }
      // Batches the caller composes fail the caller only.
      let account = entry.sources(of: entry.operand(target, of: place), options: .selectors)
      guard !account.storage.isEmpty, entry.successHandling(of: place) != .ignored else { continue }
      let pushes = call.value.map { !entry.isZero(entry.operand($0, of: place)) } ?? false
      // A list that is only ever stored whole is the work of one account and fails for that one alone.
      let lists = entry.sources(of: entry.operand(target, of: place)).storage.filter {
        !$0.isScalar
      }
      guard lists.contains(where: { isExtended($0, subject) }) else { continue }
      findings.append(
        .make(
          rule: Self.callInLoop, at: entry.sourcePlace(place), in: context.program,
          message: """
            Each round of the loop calls an account kept in a list. One of them that reverts or burns \
            its gas keeps all the others from being \(pushes ? "paid" : "served").
            """,
          severity: pushes ? .medium : .low, contract: subject.contract, role: "call in a loop"))
    }
    findings += unboundedFindings(entry, subject, context)
    findings += clearingFindings(entry, subject, context)
    return findings
  }

  /// Whether elements are added to or changed in a list one by one.
  private func isExtended(_ list: StorageField, _ subject: ContractFacts) -> Bool {
    let deployed =
      subject.deployment?.storageWrites.filter { $0.location.field.overlaps(list) } ?? []
    return (subject.writers(of: list) + deployed).contains { write in
      if write.kind == .push || write.location.steps.last == .length { return true }
      return write.entry.kind == .deployment
        || write.location.field.members.count >= list.members.count
    }
  }

  /// Clearing a dynamic array writes every element, a loop in all but name.
  private func clearingFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    entry.storageWrites.compactMap { write in
      guard let variable = write.location.variable, write.location.steps.isEmpty,
        case .array(_, nil, _) = context.program.type(of: variable)
      else { return nil }
      switch write.kind {
      case .delete: break
      case .assign:
        guard let value = write.value,
          case .aggregate(.allocation, _) = entry[entry.origin(of: value)].operation
        else { return nil }
      default: return nil
      }
      guard
        let grows = subject.writers(of: write.location.field).first(where: { other in
          !other.entry.isRestricted(other.place)
            && (other.kind == .push || other.location.steps.last == .length)
        })
      else { return nil }
      return .make(
        rule: Self.unboundedLoop, at: entry.sourcePlace(write.place), in: context.program,
        message: """
          Clearing `\(write.location.field.text)` writes every element it has, and anyone can \
          lengthen it through `\(grows.entry.name)`. Past some length `\(entry.name)` no longer fits \
          into a block.
          """,
        contract: subject.contract, role: "clears all elements",
        related: [grows.entry.findingLocation(grows.place, role: "grows here")])
    }
  }

  private func unboundedFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for frame in entry.frames {
      for loop in frame.graph.loops {
        guard let exit = loop.exits.first(where: { $0.block == loop.header }) ?? loop.exits.first,
          case .binary(_, let left, let right, _, _) = frame.graph[exit.condition].operation
        else { continue }
        let condition = Place(frame: frame.id, value: exit.condition)
        let hasEffect = loop.blocks.contains { block in
          frame.graph[block].values.contains { value in
            switch frame.graph[value].operation {
            case .write, .externalCall: true
            case .internalCall: true
            default: false
            }
          }
        }
        guard hasEffect else { continue }
        for side in [left, right] {
          let limit = Place(frame: frame.id, value: side)
          guard let location = lengthLocation(limit, entry) else { continue }
          let grows = subject.writers(of: location.field).first { write in
            guard !write.entry.isRestricted(write.place), write.entry !== entry else {
              return false
            }
            return write.kind == .push || write.location.steps.last == .length
              || write.kind == .assign && write.location.field == location.field
          }
          guard let grows else { continue }
          findings.append(
            .make(
              rule: Self.unboundedLoop, at: entry.sourcePlace(condition), in: context.program,
              message: """
                The loop goes over all of `\(location.field.text)`, which anyone can lengthen through \
                `\(grows.entry.name)`. Past some length `\(entry.name)` no longer fits into a block.
                """,
              contract: subject.contract, role: "loop over all elements",
              related: [grows.entry.findingLocation(grows.place, role: "grows here")]))
        }
      }
    }
    return findings
  }

  /// The array whose length a value is read from.
  private func lengthLocation(_ place: Place, _ entry: EntryPoint) -> StorageLocation? {
    let origin = entry.origin(of: place)
    guard case .read = entry[origin].operation, let location = entry.location(at: origin),
      location.steps.last == .length
    else { return nil }
    return location
  }

  // MARK: - Recipients that refuse

  private func recipientFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    entry.externalCalls.compactMap { place in
      guard let call = entry.externalCall(at: place), call.value != nil, let target = call.target,
        !entry.isInLoop(place)
      else { return nil }
      switch entry.successHandling(of: place) {
      case .implied, .branch: break
      case .passedOn, .ignored: return nil
      }
      let account = entry.operand(target, of: place)
      guard !entry.isSender(account), !entry.isCallerChosen(account) else { return nil }
      let fields = entry.sources(of: account).storage.filter(\.isScalar)
      guard
        let field = fields.first(where: { field in
          // Whoever stands there now is to be replaced by the one who calls.
          entry.storageWrites.contains { write in
            write.location.field == field && entry.canFollow(write.place, after: place)
              && (write.value.map { entry.isSender($0) } ?? false)
          }
        })
      else { return nil }
      return .make(
        rule: Self.failingRecipient, at: entry.sourcePlace(place), in: context.program,
        message: """
          `\(entry.name)` must pay the account in `\(field.text)` before another can take its place. \
          A contract there that refuses ether keeps the place for ever.
          """,
        contract: subject.contract, role: "payment that can be refused")
    }
  }

  // MARK: - Strict equalities

  private func equalityFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for frame in entry.frames {
      for value in frame.graph.index.comparisons {
        guard
          case .binary(let comparison, let left, let right, _, _) = frame.graph[value].operation,
          comparison == .equal || comparison == .notEqual
        else { continue }
        let place = Place(frame: frame.id, value: value)
        let sides = [left, right].map { entry.operand($0, of: place) }
        guard let index = sides.firstIndex(where: { isOwnBalance($0, entry) }),
          !entry.isZero(sides[1 - index]), !dependsOnBalance(sides[1 - index], entry)
        else { continue }
        findings.append(
          .make(
            rule: Self.strictBalance, at: entry.sourcePlace(place), in: context.program,
            message: """
              Anyone can send ether or tokens here, ether even without the contract's consent, so \
              `\(entry.sourceText(place))` can be made false for ever by a gift.
              """,
            contract: subject.contract, role: "exact comparison"))
      }
    }
    return findings
  }

  /// Whether a balance enters the value: two balances compared, or one held against what was computed from it, move
  /// together.
  private func dependsOnBalance(_ place: Place, _ entry: EntryPoint) -> Bool {
    let sources = entry.sources(of: place)
    return sources.contains(.balance) || sources.contains(.environment(.selfBalance))
      || sources.externalCalls.contains { entry.externalCall(at: $0)?.name == "balanceOf" }
  }

  private func isOwnBalance(_ place: Place, _ entry: EntryPoint) -> Bool {
    let origin = entry.origin(of: place)
    switch entry[origin].operation {
    case .balance(let account): return entry.isThis(Place(frame: origin.frame, value: account))
    case .environment(.selfBalance): return true
    case .result(let call, 0):
      let call = Place(frame: origin.frame, value: call)
      guard let external = entry.externalCall(at: call), external.name == "balanceOf",
        let owner = external.arguments.first
      else { return false }
      return entry.isThis(entry.operand(owner, of: call))
    default: return false
    }
  }

  // MARK: - Locked ether

  private func lockedFinding(_ subject: ContractFacts, _ context: AuditContext) -> Finding? {
    let contract = subject.contract
    guard contract.kind == .contract, !contract.isAbstract,
      let payable = subject.entryPoints.first(where: { $0.isPayable && $0.hasCallerInput })
    else { return nil }
    let all =
      subject.entryPoints + subject.unreachedFunctions + [subject.deployment].compactMap { $0 }
    for entry in all {
      if !entry.selfdestructs.isEmpty || entry.isTruncated { return nil }
      // A receiver that always reverts takes nothing.
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place) else { continue }
        let sends = call.value.map { !entry.isZero(entry.operand($0, of: place)) } ?? false
        if sends || call.isDelegate { return nil }
      }
      if !entry.isFullyFollowed { return nil }
    }
    let accepting = subject.entryPoints.first { entry in
      entry.isPayable && entry.hasCallerInput && entry[FrameID.root].graph.exit != nil
        && !refusesEther(entry)
    }
    guard let accepting, let function = accepting.function ?? payable.function else { return nil }
    return .make(
      rule: Self.locked, at: function, in: context.program,
      message: """
        `\(contract.name)` accepts ether here, and no function of it can send any out. What comes in \
        is lost.
        """,
      contract: contract, rootCause: function, role: "ether comes in")
  }

  private func refusesEther(_ entry: EntryPoint) -> Bool {
    guard let exit = entry[FrameID.root].graph.exit,
      let last = entry[FrameID.root].graph[exit].values.last
    else { return false }
    return entry.guards(of: Place(frame: .root, value: last)).contains { condition in
      guard case .comparison(.equal, let a, let b) = condition.predicate else { return false }
      let sides = [a, b]
      return sides.contains { entry.isZero($0) }
        && sides.contains { entry.sources(of: $0).sources == [.environment(.callValue)] }
    }
  }
}
