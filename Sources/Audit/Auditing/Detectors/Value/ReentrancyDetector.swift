import Solidity
import SoliditySyntax

/// Finds external calls that hand control away while the contract's own books are not yet in order.
struct ReentrancyDetector: Detector {
  var rules: [Rule] {
    [Self.state, Self.crossFunction, Self.readOnly, Self.events, Self.stipend]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    // A library's functions run in the contracts that call it, and are looked at there.
    guard subject.contract.kind != .library else { return [] }
    let entries = subject.entryPoints.filter { $0.hasCallerInput && !$0.isView }
    var findings: [Finding] = []
    for entry in entries {
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place) else { continue }
        findings += self.findings(call, at: place, in: entry, entries, subject, context)
      }
    }
    return findings
  }

  private func findings(
    _ call: ExternalCall, at place: Place, in entry: EntryPoint, _ entries: [EntryPoint],
    _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    let isKept = subject.isProtected(place, in: entry)
    guard handsControl(call, at: place, in: entry) else {
      guard call.hasStipendOnly, !isKept else { return [] }
      return stipendFinding(place, entry, subject, context).map { [$0] } ?? []
    }
    let locks = subject.reentrancyLocks
    var exposure = exposure(of: call, at: place, in: entry, subject)
    if entry.hasUnknownModifier(at: place) { exposure = .trusted }
    let late = lateWrites(after: place, in: entry).filter { write in
      !locks.contains { $0.overlaps(write.location.field) }
    }
    if isKept {
      // Only keepers start it, but whoever receives the ether can still come in by other ways.
      guard sendsEther(call, at: place, in: entry), !isFixed(call, at: place, in: entry),
        entry.lock(at: place) == nil
      else { return [] }
      return stateFinding(call: place, .kept, late, entry, subject, context).map { [$0] } ?? []
    }
    var findings: [Finding] = []
    if entry.lock(at: place) == nil {
      if let finding = stateFinding(call: place, exposure, late, entry, subject, context) {
        findings.append(finding)
      } else if let finding = crossFunctionFinding(
        call: place, exposure, late, entry, entries, subject, context)
      {
        findings.append(finding)
      } else if exposure == .chosen,
        let event = entry.events.first(where: { entry.canFollow($0, after: place) })
      {
        findings.append(eventFinding(call: place, event: event, entry, subject, context))
      }
    }
    if exposure == .chosen,
      let finding = readOnlyFinding(call: place, late, entry, subject, context)
    {
      findings.append(finding)
    }
    return findings
  }

  // MARK: - What counts

  /// How much say the caller has in who gets control.
  private enum Exposure {
    /// The caller, or an account the caller names.
    case chosen
    /// An account kept in storage that anyone can replace, or of unknown origin.
    case uncertain
    /// An account only the contract's keepers choose.
    case trusted
    /// Any account, but only the contract's keepers can make the call.
    case kept
  }

  private func handsControl(_ call: ExternalCall, at place: Place, in entry: EntryPoint) -> Bool {
    if case .creation = call.kind { return false }
    // Before 0.5 a `view` function of another contract was called like any other.
    guard !call.hasStipendOnly, !(call.isStatic && call.isEnforcedStatic), !call.isDelegate,
      let target = call.target
    else { return false }
    if call.isStatic, call.lowLevel == nil, exposure(of: call, at: place, in: entry) != .chosen {
      return false
    }
    if let gas = call.gas, case .number(let limit)? = entry.constant(entry.operand(gas, of: place)),
      let limit = limit.integer, limit <= 2300, limit > 0
    {
      return false
    }
    let account = entry.operand(target, of: place)
    if entry.isThis(account) { return false }
    // Precompiled contracts and other small constants run no foreign code.
    if case .number(let number)? = entry.constant(account), let address = number.integer,
      address < 0x10000
    {
      return false
    }
    return true
  }

  private func sendsEther(_ call: ExternalCall, at place: Place, in entry: EntryPoint) -> Bool {
    call.value.map { !entry.isZero(entry.operand($0, of: place)) } ?? false
  }

  private func exposure(
    of call: ExternalCall, at place: Place, in entry: EntryPoint, _ subject: ContractFacts? = nil
  ) -> Exposure {
    guard let target = call.target else { return .trusted }
    let account = entry.operand(target, of: place)
    // Neither the function nor what it belongs to is known: as likely a library's as another contract's.
    if case .function(nil) = call.kind, case .unknown = entry[account].type { return .trusted }
    if entry.isSender(account) { return .chosen }
    let sources = entry.sources(of: account)
    if sources.hasInput {
      if entry.isVouchedFor(account, at: place) { return .trusted }
      // A part of an aggregate that mixes input with what is kept or answered elsewhere.
      let isMixed = sources.sources.contains { source in
        switch source {
        case .storage, .externalCall, .unknown: true
        default: false
        }
      }
      return isMixed ? .uncertain : .chosen
    }
    if sources.hasSender { return .chosen }
    if sources.isFixed { return .trusted }
    if let subject,
      sources.storage.contains(where: { field in
        mayHoldAddress(field, subject.facts.program) && subject.isAttackerWritable(field)
      })
    {
      return .chosen
    }
    let onlyKept = sources.sources.allSatisfy { source in
      switch source {
      case .storage, .immutable, .constant, .creation: true
      default: false
      }
    }
    return onlyKept ? .trusted : .uncertain
  }

  /// Whether a value of the field's type can be an account: the parts of an aggregate in memory are not told apart by
  /// data flow, and its rates and amounts name nobody.
  private func mayHoldAddress(_ field: StorageField, _ program: Program) -> Bool {
    guard let variable = field.variable else { return true }
    var type = program.type(of: variable)
    for member in field.members {
      switch type {
      case .mapping(_, let value) where member == "[]": type = value
      case .array(let element, _, _) where member == "[]": type = element
      case .structure(let reference, _):
        guard let declared = reference.node.members.first(where: { $0.name == member }) else {
          return true
        }
        type = program.type(of: declared)
      default: return true
      }
    }
    switch type {
    case .bool, .enumeration: return false
    case .integer(let bits, _): return bits >= 160
    case .fixedBytes(let count): return count >= 20
    default: return true
    }
  }

  private func isFixed(_ call: ExternalCall, at place: Place, in entry: EntryPoint) -> Bool {
    call.target.map { entry.sources(of: entry.operand($0, of: place)).isFixed } ?? true
  }

  private func lateWrites(after call: Place, in entry: EntryPoint) -> [StorageAccess] {
    entry.storageWrites.filter { write in
      !write.location.isTransient && entry.canFollow(write.place, after: call)
        && write.place != call
    }
  }

  /// Reads before a call of values that the entry has not brought up to date before the call.
  private func staleReads(before call: Place, in entry: EntryPoint) -> [StorageAccess] {
    entry.storageReads.filter { read in
      guard entry.canFollow(call, after: read.place) else { return false }
      return !entry.storageWrites.contains { write in
        write.location.field == read.location.field
          && zip(write.location.indexes, read.location.indexes).allSatisfy { entry.isSame($0, $1) }
          && entry.canFollow(write.place, after: read.place)
          && entry.canFollow(call, after: write.place)
          && !entry.canFollow(write.place, after: call)
      }
    }
  }

  // MARK: - The four kinds

  private func stateFinding(
    call place: Place, _ exposure: Exposure, _ late: [StorageAccess], _ entry: EntryPoint,
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let reads = staleReads(before: place, in: entry)
    let stale = late.filter { write in
      reads.contains { $0.location.field.overlaps(write.location.field) }
    }
    guard let write = stale.first, let call = entry.externalCall(at: place) else { return nil }
    let read = reads.first { $0.location.field.overlaps(write.location.field) }
    let sendsEther = sendsEther(call, at: place, in: entry)
    let severity: Severity
    let confidence: Confidence
    switch (exposure, sendsEther) {
    case (.chosen, true): (severity, confidence) = (.high, .high)
    case (.chosen, false): (severity, confidence) = (.medium, .medium)
    case (.uncertain, true): (severity, confidence) = (.medium, .medium)
    case (.trusted, true), (.uncertain, false): (severity, confidence) = (.low, .medium)
    case (.trusted, false): (severity, confidence) = (.low, .low)
    case (.kept, _): (severity, confidence) = (.low, .medium)
    }
    let fields = unique(stale.map { "`\($0.location.field.text)`" })
    var related = [entry.findingLocation(write.place, role: "written after the call")]
    if let read { related.append(entry.findingLocation(read.place, role: "read before the call")) }
    return .make(
      rule: Self.state, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` hands control to \(describe(exposure)) while \(fields.joined(separator: ", ")) \
        still \(fields.count == 1 ? "holds" : "hold") the value from before: \
        \(fields.count == 1 ? "it is" : "they are") read before the call and written only after it. Whoever is \
        called can enter the contract again and act on the old value.
        """,
      severity: severity, confidence: confidence, contract: subject.contract,
      role: "external call", related: related,
      evidence: [entry.callPathEvidence(to: place, "the external call")].compactMap { $0 })
  }

  private func stipendFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard entry.lock(at: place) == nil else { return nil }
    let reads = staleReads(before: place, in: entry)
    guard
      let write = lateWrites(after: place, in: entry).first(where: { write in
        reads.contains { $0.location.field.overlaps(write.location.field) }
      })
    else { return nil }
    return .make(
      rule: Self.stipend, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(write.location.field.text)` is read before and written after \
        `\(entry.sourceText(place))`. Only the 2300 gas that come with the ether keep the receiver \
        from entering again, and what that gas can do has changed with upgrades of the chain.
        """,
      contract: subject.contract, role: "ether is sent",
      related: [entry.findingLocation(write.place, role: "written after the call")])
  }

  private func crossFunctionFinding(
    call place: Place, _ exposure: Exposure, _ late: [StorageAccess], _ entry: EntryPoint,
    _ entries: [EntryPoint], _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    // A named function of another contract asks it for something; ether or a bare call hands over what is owed, and
    // the books are then half-way.
    guard exposure == .chosen, let call = entry.externalCall(at: place),
      sendsEther(call, at: place, in: entry) || call.lowLevel != nil && !call.isAssembly
    else { return nil }
    for write in late {
      for other in entries where other !== entry {
        guard
          let read = other.storageReads.first(where: { read in
            read.location.field.overlaps(write.location.field) && other.lock(at: read.place) == nil
              && !other.isRestricted(read.place)
          }),
          other.storageWrites.contains(where: { other.canFollow($0.place, after: read.place) })
            || other.externalCalls.contains(where: { other.canFollow($0, after: read.place) })
        else { continue }
        return .make(
          rule: Self.crossFunction, at: entry.sourcePlace(place), in: context.program,
          message: """
            `\(entry.sourceText(place))` hands control away before `\(write.location.field.text)` is written. The \
            called account can enter through `\(other.name)`, which relies on that value and holds no lock.
            """,
          contract: subject.contract, role: "external call",
          related: [
            entry.findingLocation(write.place, role: "written after the call"),
            other.findingLocation(read.place, role: "relied on by `\(other.name)`"),
          ],
          evidence: [entry.callPathEvidence(to: place, "the external call")].compactMap { $0 })
      }
    }
    return nil
  }

  private func readOnlyFinding(
    call place: Place, _ late: [StorageAccess], _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard let call = entry.externalCall(at: place), call.value != nil else { return nil }
    // A view of one entry of a mapping shows what its owner could take anyway; sums and prices mislead others.
    let totals = late.filter { $0.location.field.isScalar }
    for view in subject.entryPoints where view.isView && view.hasCallerInput {
      guard view.function?.body != nil else { continue }
      let reads = view.storageReads.filter { view.lock(at: $0.place) == nil }
      guard reads.count >= 2 else { continue }
      for write in totals {
        guard
          let read = reads.first(where: { $0.location.field.overlaps(write.location.field) })
        else { continue }
        return .make(
          rule: Self.readOnly, at: entry.sourcePlace(place), in: context.program,
          message: """
            During `\(entry.sourceText(place))` the view `\(view.name)` computes from \
            `\(write.location.field.text)`, which is brought up to date only after the call. A contract that prices \
            something by this view can be misled from inside the call.
            """,
          contract: subject.contract, role: "external call",
          related: [
            entry.findingLocation(write.place, role: "written after the call"),
            view.findingLocation(read.place, role: "read by the view"),
          ],
          discriminator: view.name)
      }
    }
    return nil
  }

  private func eventFinding(
    call place: Place, event: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding {
    .make(
      rule: Self.events, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(event))` is logged after `\(entry.sourceText(place))`. If the called account enters \
        again, events appear in the wrong order, which can mislead programs that follow the log.
        """,
      contract: subject.contract, role: "external call",
      related: [entry.findingLocation(event, role: "logged after the call")])
  }

  private func describe(_ exposure: Exposure) -> String {
    switch exposure {
    case .chosen: "an account the caller chooses"
    case .kept: "the account paid"
    case .uncertain: "another contract"
    case .trusted: "a contract fixed by this contract's keepers"
    }
  }

  private func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}
