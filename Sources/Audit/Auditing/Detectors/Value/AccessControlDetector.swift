import Solidity
import SoliditySyntax

/// Finds powers that anyone can use or take.
struct AccessControlDetector: Detector {
  var rules: [Rule] { [Self.selfdestruct, Self.ownership, Self.setter, Self.balance, Self.length] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    // A library's functions that change state run only inside the contracts that call them.
    guard subject.contract.kind != .library else { return [] }
    let entries = subject.entryPoints.filter { $0.hasCallerInput }
    var findings: [Finding] = []
    for entry in entries {
      findings += selfdestructFindings(entry, subject, context)
    }
    let keys = permissionFields(of: entries)
    let balances = balanceFields(of: entries, subject, context.program)
    for entry in entries where !entry.isView {
      for write in entry.storageWrites
      where !entry.isRestricted(write.place) && !entry.hasUnknownModifier(at: write.place) {
        if let finding = ownershipFinding(write, entry, keys, subject, context)
          ?? deployerFinding(write, entry, subject, context)
        {
          findings.append(finding)
        } else if let finding = balanceFinding(write, entry, balances, subject, context) {
          findings.append(finding)
        } else if let finding = setterFinding(write, entry, entries, subject, context) {
          findings.append(finding)
        }
        if let finding = lengthFinding(write, entry, subject, context) { findings.append(finding) }
      }
    }
    return findings
  }

  // MARK: - Self-destruction

  private func selfdestructFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    entry.selfdestructs.compactMap { place in
      guard !subject.isProtected(place, in: entry), !entry.hasUnknownModifier(at: place) else {
        return nil
      }
      return .make(
        rule: Self.selfdestruct, at: entry.sourcePlace(place), in: context.program,
        message: """
          Anyone can call `\(entry.name)` and reach `\(entry.sourceText(place))`: the contract's \
          ether goes to the beneficiary, and before the Cancun upgrade its code and storage are gone.
          """,
        contract: subject.contract, role: "reached without permission",
        evidence: [entry.callPathEvidence(to: place, "self-destruction")].compactMap { $0 })
    }
  }

  // MARK: - Ownership

  /// A storage field that decides who may call, with a place where it does.
  private struct Permission {
    let field: StorageField
    let entry: EntryPoint
    let condition: Place
  }

  private func permissionFields(of entries: [EntryPoint]) -> [Permission] {
    var permissions: [Permission] = []
    for entry in entries {
      let effects =
        entry.storageWrites.map(\.place) + entry.externalCalls + entry.selfdestructs
      for place in effects.prefix(64) {
        for check in entry.callerChecks(of: place) {
          guard check.restricts, let location = check.location,
            !permissions.contains(where: { $0.field == location.field })
          else { continue }
          permissions.append(
            Permission(field: location.field, entry: entry, condition: check.condition))
        }
      }
    }
    return permissions
  }

  private func ownershipFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ permissions: [Permission],
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let field = write.location.field
    guard let permission = permissions.first(where: { $0.field.overlaps(field) }),
      let value = write.value, !entry.isSigned(write.place)
    else { return nil }
    let guards = entry.guards(of: write.place)
    // First come, first served: initialisers and claims of a vacant place have rules of their own.
    for part in guards.flatMap(\.predicate.parts) {
      switch part {
      case .flag: return nil
      case .comparison(_, let left, let right):
        for side in [left, right] {
          let asked = entry.sources(of: side, options: .selectors).storage
          if asked.contains(where: { $0.root == field.root }) { return nil }
          if asked.contains(where: { scalar in
            scalar.isScalar && entry.storageWrites.contains { $0.location.field == scalar }
          }) {
            return nil
          }
        }
      default: continue
      }
    }
    if entry.hasOpenHook(subject) || entry.isBoundToDelegation(write.place) { return nil }
    let sources = entry.sources(of: value)
    if field.isScalar {
      guard sources.hasInput || sources.hasSender else { return nil }
      // Somebody who pays more than the last one may take a place by design.
      if sources.hasSender, entry.isPayable, !sources.hasInput, !guards.isEmpty { return nil }
    } else {
      // Signing oneself up is what open registers are for; naming another is not.
      let keys = write.location.indexes
      guard !keys.contains(where: { entry.isProvenSender($0, at: write.place) }),
        !entry.isZero(value),
        keys.contains(where: { key in
          guard case .parameter = entry[entry.origin(of: key)].operation else { return false }
          return entry.isCallerChosen(key)
        })
      else { return nil }
    }
    return .make(
      rule: Self.ownership, at: entry.sourcePlace(write.place), in: context.program,
      message: """
        Anyone can call `\(entry.name)`, which sets `\(field.text)`. That value decides who may call \
        `\(permission.entry.name)`, so anyone can take that right.
        """,
      contract: subject.contract, role: "written without permission",
      related: [
        entry.entryLocation,
        permission.entry.findingLocation(permission.condition, role: "decides who may call"),
      ].compactMap { $0 },
      evidence: [entry.callPathEvidence(to: write.place, "the write")].compactMap { $0 })
  }

  /// A variable that deployment gives to the deployer, as is done for roles, and that anyone can overwrite.
  private func deployerFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let field = write.location.field
    guard field.isScalar, case .function = entry.kind, !entry.isPayable,
      let value = write.value, entry.isCallerChosen(value) || entry.isSender(value),
      entry.guards(of: write.place).isEmpty, !entry.hasOpenHook(subject),
      let deployment = subject.deployment,
      let given = deployment.storageWrites.first(where: { initial in
        initial.location.field == field && initial.value.map { deployment.isSender($0) } ?? false
      })
    else { return nil }
    return .make(
      rule: Self.ownership, at: entry.sourcePlace(write.place), in: context.program,
      message: """
        Anyone can call `\(entry.name)`, which sets `\(field.text)`. Deployment gives it to the \
        deployer, so it stands for a right that anyone can take.
        """,
      severity: .medium, contract: subject.contract, role: "written without permission",
      related: [
        entry.entryLocation, deployment.findingLocation(given.place, role: "given to the deployer"),
      ].compactMap { $0 })
  }

  // MARK: - Balances

  /// The mappings behind `balanceOf(address)` views: what people own.
  private func balanceFields(
    of entries: [EntryPoint], _ subject: ContractFacts, _ program: Program
  ) -> [StorageField] {
    // A public mapping has its getter from the compiler.
    let getters = entries.flatMap(\.storageWrites).map(\.location.field).filter { field in
      guard let variable = field.variable, variable.visibility == .public else { return false }
      return variable.name == "balanceOf" && field.members == ["[]"]
    }
    return entries.filter { $0.isView && ["balanceOf", "balances"].contains($0.name) }
      .flatMap { $0.storageReads.map(\.location.field) }
      .filter { !$0.isScalar && $0.members.count == 1 } + getters
  }

  private func balanceFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ balances: [StorageField],
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard balances.contains(where: { $0.overlaps(write.location.field) }), let value = write.value,
      let key = write.location.indexes.first, entry.isCallerChosen(key), !entry.isSender(key),
      case .binary(let sign, _, let change, _, _) = entry[entry.origin(of: value)].operation,
      sign == .add || sign == .subtract
    else { return nil }
    let amount = Place(frame: entry.origin(of: value).frame, value: change)
    guard entry.isCallerChosen(amount), !entry.isPayable, !entry.isSigned(write.place) else {
      return nil
    }
    // Anything else taken into account (a right to spend, a payment, a sender's own books) makes it a trade.
    let others = entry.storageWrites.filter { other in
      !other.location.field.isScalar
        && (other.location.field != write.location.field
          || other.location.indexes.contains { index in
            entry.isSender(index) || (entry.sources(of: index).hasSender)
          })
    }
    let paid = entry.externalCalls.contains {
      entry.externalCall(at: $0).map { !$0.isStatic } ?? false
    }
    let checked = entry.guards(of: write.place).contains { guardCondition in
      entry.sources(of: guardCondition.condition, options: .selectors).hasSender
    }
    guard others.isEmpty, !paid, !checked, !entry.hasOpenHook(subject) else { return nil }
    let decreases = entry.storageWrites.contains { other in
      guard let value = other.value, other.location.field == write.location.field,
        case .binary(.subtract, _, _, _, _) = entry[entry.origin(of: value)].operation
      else { return false }
      return true
    }
    // The receiving side of a transfer is reported at the giving side.
    if sign == .add, decreases { return nil }
    return .make(
      rule: Self.balance, at: entry.sourcePlace(write.place), in: context.program,
      message: """
        Anyone can call `\(entry.name)` and \(sign == .add ? "add to" : "take from") \
        `\(write.location.field.text)` of any account, by any amount: no check of the caller, no \
        allowance, no payment.
        """,
      contract: subject.contract, role: "written without permission",
      evidence: [entry.callPathEvidence(to: write.place, "the write")].compactMap { $0 })
  }

  // MARK: - Settings

  private func setterFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ entries: [EntryPoint],
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let field = write.location.field
    guard field.isScalar, write.kind == .assign, let value = write.value, !entry.isPayable,
      case .parameter = entry[entry.origin(of: value)].operation, entry.isCallerChosen(value),
      entry.externalCalls.isEmpty, case .function = entry.kind, !write.location.isTransient
    else { return nil }
    // Any condition beyond the shape of the argument itself is taken as a rule about who or when.
    let conditions = entry.guards(of: write.place).filter { guardCondition in
      let sources = entry.sources(of: guardCondition.condition, options: .selectors)
      return sources.hasSender || !sources.storage.isEmpty || !sources.externalCalls.isEmpty
        || sources.hasBlockData || sources.contains(.environment(.callValue))
    }
    guard conditions.isEmpty else { return nil }
    for other in entries where other !== entry && !other.isView {
      for place in other.externalCalls {
        guard let call = other.externalCall(at: place) else { continue }
        let parts = [call.target, call.value].compactMap { $0 } + call.arguments
        for part in parts {
          let sources = other.sources(
            of: other.operand(part, of: place), options: .throughExternalCalls)
          guard sources.storage.contains(where: { $0.overlaps(field) }) else { continue }
          return .make(
            rule: Self.setter, at: entry.sourcePlace(write.place), in: context.program,
            message: """
              Anyone can set `\(field.text)` through `\(entry.name)`, and `\(other.name)` relies on it \
              in `\(other.sourceText(place))`.
              """,
            contract: subject.contract, role: "written without permission",
            related: [other.findingLocation(place, role: "relies on it")])
        }
      }
    }
    return nil
  }

  // MARK: - Lengths

  private func lengthFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard case .length? = write.location.steps.last, let value = write.value,
      case .assign = write.kind
    else {
      guard case .length? = write.location.steps.last, case .modify = write.kind,
        let value = write.value,
        case .binary(.subtract, _, _, false, _) = entry[entry.origin(of: value)].operation,
        !isCompared(write.location, before: write.place, entry)
      else { return nil }
      return lengthFinding(
        write, entry, subject, context,
        "an empty array's length wraps to 2**256 - 1")
    }
    guard entry.isCallerChosen(value) else { return nil }
    return lengthFinding(write, entry, subject, context, "the caller chooses the length")
  }

  private func isCompared(
    _ location: StorageLocation, before place: Place, _ entry: EntryPoint
  ) -> Bool {
    entry.guards(of: place).contains { guardCondition in
      entry.sources(of: guardCondition.condition).storage.contains {
        $0.overlaps(location.field)
      }
    }
  }

  private func lengthFinding(
    _ write: StorageAccess, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext,
    _ how: String
  ) -> Finding {
    let element = entry.storageWrites.first { other in
      other.location.root == write.location.root
        && other.location.indexes.contains { entry.isCallerChosen($0) }
    }
    return .make(
      rule: Self.length, at: entry.sourcePlace(write.place), in: context.program,
      message: """
        `\(entry.name)` sets the length of `\(write.location.field.text)`: \(how). Elements of an \
        array that long cover all of storage, so a write of an element can change any variable.
        """,
      contract: subject.contract, role: "length is written",
      related: element.map { [entry.findingLocation($0.place, role: "any element is written")] }
        ?? [])
  }
}
