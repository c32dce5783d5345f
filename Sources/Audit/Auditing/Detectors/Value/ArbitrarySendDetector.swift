import Solidity
import SoliditySyntax

/// Finds ether and tokens that anyone can direct to an account of their choice.
struct ArbitrarySendDetector: Detector {
  var rules: [Rule] { [Self.ether, Self.repeatable, Self.token, Self.ordering] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    // A library's functions that change state run only inside the contracts that call them.
    guard subject.contract.kind != .library else { return [] }
    var findings: [Finding] = []
    for entry in subject.entryPoints where entry.hasCallerInput && !entry.isView {
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place), !entry.isRestricted(place),
          !entry.hasUnknownModifier(at: place)
        else { continue }
        if let finding = etherFinding(call, at: place, entry, subject, context) {
          findings.append(finding)
        }
        if let finding = tokenFinding(call, at: place, entry, subject, context) {
          findings.append(finding)
        }
      }
      findings += wrappedTokenFindings(entry, subject, context)
    }
    return findings
  }

  // MARK: - Ether

  private func etherFinding(
    _ call: ExternalCall, at place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard let amount = call.value, let target = call.target, !call.isDelegate else { return nil }
    if case .creation = call.kind { return nil }
    let amountPlace = entry.operand(amount, of: place)
    let account = entry.operand(target, of: place)
    guard !entry.isZero(amountPlace), !entry.isThis(account), !entry.isBoundToDelegation(place),
      !entry.hasOpenHook(subject)
    else { return nil }
    let amountSources = entry.sources(of: amountPlace)
    if entry.isSigned(place) { return nil }
    let toSender = entry.isSender(account)
    let toChosen = entry.isCallerChosen(account)
    // Ether that came with this very call may go where its sender likes.
    if toSender || toChosen, amountSources.contains(.environment(.callValue)) { return nil }
    if !toSender, !toChosen, entry.storageWrites.isEmpty,
      let setting = openSetting(of: account, entry, subject)
    {
      return .make(
        rule: Self.ether, at: entry.sourcePlace(place), in: context.program,
        message: """
          Anyone can put an account of their choice into `\(setting.location.field.text)` through \
          `\(setting.entry.name)` and then have `\(entry.sourceText(place))` pay it.
          """,
        contract: subject.contract, role: "ether leaves here",
        related: [setting.entry.findingLocation(setting.place, role: "set by anyone")])
    }
    guard toSender || toChosen else {
      return orderingFinding(
        account, amountSources, at: place, toSender: false, entry, subject, context)
    }
    // Somebody must have been owed the ether: books of any kind that are kept here, or elsewhere by a call.
    let books = entry.storageWrites.filter { write in
      !subject.reentrancyLocks.contains { $0.overlaps(write.location.field) }
    }
    let asksOthers = entry.externalCalls.contains { other in
      other != place
        && entry.externalCall(at: other).map { !$0.isStatic && $0.lowLevel == nil } ?? false
    }
    let ownAmount = amountSources.storage.first { field in !field.isScalar }
    if let field = ownAmount {
      guard !books.contains(where: { $0.location.field.overlaps(field) }), !asksOthers,
        books.isEmpty
      else {
        return orderingFinding(
          account, amountSources, at: place, toSender: toSender, entry, subject, context)
      }
      return .make(
        rule: Self.repeatable, at: entry.sourcePlace(place), in: context.program,
        message: """
          The amount comes from `\(field.text)`, which `\(entry.name)` never reduces. The same \
          entitlement can be paid out again and again until the contract is empty.
          """,
        contract: subject.contract, role: "ether leaves here",
        evidence: [entry.callPathEvidence(to: place, "ether is sent")].compactMap { $0 })
    }
    if toSender, !asksOthers, !books.isEmpty,
      isUnlimited(amountPlace, books, at: place, entry)
    {
      return .make(
        rule: Self.ether, at: entry.sourcePlace(place), in: context.program,
        message: """
          The caller of `\(entry.name)` chooses how much ether `\(entry.sourceText(place))` sends, \
          and nothing limits it to what the caller is owed: the record is reduced without a check \
          and wraps around.
          """,
        contract: subject.contract, role: "ether leaves here",
        related: books.prefix(1).map { entry.findingLocation($0.place, role: "reduced unchecked") })
    }
    guard books.isEmpty, !asksOthers else {
      return orderingFinding(
        account, amountSources, at: place, toSender: toSender, entry, subject, context)
    }
    let checks = entry.callerChecks(of: place)
    if checks.contains(where: { check in
      if case .amount = check.kind { return true }
      return false
    }) {
      return nil
    }
    let secret = entry.guards(of: place).first { guardCondition in
      entry.sources(of: guardCondition.condition).hasInput
    }
    if secret != nil, !amountSources.hasInput, toSender {
      return orderingFinding(
        account, amountSources, at: place, toSender: true, entry, subject, context)
    }
    guard canHoldEther(subject, besides: entry) else { return nil }
    return .make(
      rule: Self.ether, at: entry.sourcePlace(place), in: context.program,
      message: """
        Anyone can call `\(entry.name)`, and `\(entry.sourceText(place))` sends ether to \
        \(toSender ? "the caller" : "an account the caller names"). No check of the caller and no \
        book of who is owed what stands in between.
        """,
      contract: subject.contract, role: "ether leaves here",
      related: [entry.entryLocation].compactMap { $0 },
      evidence: [entry.callPathEvidence(to: place, "ether is sent")].compactMap { $0 })
  }

  /// A write, open to everyone and without any condition or payment, of the variable a receiver is read from.
  private func openSetting(
    of account: Place, _ entry: EntryPoint, _ subject: ContractFacts
  ) -> StorageAccess? {
    guard let location = entry.location(at: entry.origin(of: account)), location.field.isScalar
    else { return nil }
    return subject.writers(of: location.field).first { write in
      let setter = write.entry
      guard setter.hasCallerInput, !setter.isPayable, setter.guards(of: write.place).isEmpty,
        !setter.hasUnknownModifier(at: write.place), let value = write.value
      else { return false }
      let sources = setter.sources(of: value)
      return sources.hasInput || sources.hasSender
    }
  }

  /// Whether the caller picks an amount that no guard bounds from above and that all books merely subtract, wrapping.
  private func isUnlimited(
    _ amount: Place, _ books: [StorageAccess], at place: Place, _ entry: EntryPoint
  ) -> Bool {
    guard case .parameter = entry[entry.origin(of: amount)].operation,
      entry.isCallerChosen(amount)
    else { return false }
    let isSubtracted = books.allSatisfy { write in
      guard let value = write.value,
        case .binary(.subtract, _, let taken, false, _) = entry[entry.origin(of: value)].operation
      else { return false }
      return entry.isSame(
        Place(frame: entry.origin(of: value).frame, value: taken), amount)
    }
    guard isSubtracted else { return false }
    // Anything said about the amount other than a lower bound may limit it.
    return !entry.guards(of: place).flatMap(\.predicate.parts).contains { part in
      switch part {
      case .comparison(.greater, let left, let right),
        .comparison(.greaterOrEqual, let left, let right):
        return !entry.isSame(left, amount) && entry.sources(of: right).hasInput
          || entry.sources(of: right).sources.contains { source in
            entry.sources(of: amount).contains(source)
          }
      case .comparison(.less, let left, let right), .comparison(.lessOrEqual, let left, let right):
        return !(entry.isSame(right, amount) && !entry.sources(of: left).hasInput)
      case .comparison(_, let left, let right):
        return [left, right].contains { entry.sources(of: $0).hasInput }
      case .caller(let check):
        if case .amount = check.kind {
          guard
            case .binary(let operation, let left, let right, _, _) =
              entry[entry.origin(of: check.condition)].operation
          else { return true }
          let source = entry.origin(of: check.condition)
          let isLeft = entry.isSame(Place(frame: source.frame, value: left), amount)
          let isRight = entry.isSame(Place(frame: source.frame, value: right), amount)
          let isLower =
            isLeft && (operation == .greater || operation == .greaterOrEqual)
            || isRight && (operation == .less || operation == .lessOrEqual)
          return !isLower
        }
        return true
      default: return false
      }
    }
  }

  /// Whether ether can come in by another way than the call that sends it on.
  private func canHoldEther(_ subject: ContractFacts, besides entry: EntryPoint) -> Bool {
    if !entry.isPayable { return true }
    return subject.entryPoints.contains { $0 !== entry && $0.isPayable }
      || subject.deployment?.isPayable ?? false
  }

  // MARK: - Order of transactions

  private func orderingFinding(
    _ account: Place, _ amount: SourceSet, at place: Place, toSender: Bool, _ entry: EntryPoint,
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let fields: [StorageField]
    if toSender {
      fields = amount.storage.filter(\.isScalar)
    } else {
      fields = entry.sources(of: account).storage.filter { field in
        field.isScalar || hasFixedIndexes(entry.origin(of: account), entry)
      }
    }
    for field in fields {
      // One participant's turn decides what the next one's brings.
      for write in subject.writers(of: field) where write.entry !== entry || !field.isScalar {
        guard toSender || !write.entry.isRestricted(write.place) else { continue }
        guard let value = write.value else { continue }
        let sources = write.entry.sources(of: value)
        guard sources.hasInput || sources.hasSender || sources.contains(.environment(.callValue))
        else { continue }
        return .make(
          rule: Self.ordering, at: entry.sourcePlace(place), in: context.program,
          message: """
            \(toSender ? "How much" : "Who") is paid depends on `\(field.text)`, which \
            `\(write.entry.name)` can change in a transaction placed just before this one.
            """,
          contract: subject.contract, role: "ether leaves here",
          related: [write.entry.findingLocation(write.place, role: "changed here")])
      }
    }
    if toSender, let condition = guessed(at: place, entry) {
      return .make(
        rule: Self.ordering, at: entry.sourcePlace(place), in: context.program,
        message: """
          Whoever supplies the right value is paid. The value is visible in the waiting transaction, \
          so anyone can send it first.
          """,
        contract: subject.contract, role: "ether leaves here",
        related: [entry.findingLocation(condition, role: "the value is checked here")])
    }
    return nil
  }

  /// Whether the value is read from storage under constant indexes: `players[0].account`.
  private func hasFixedIndexes(_ source: Place, _ entry: EntryPoint) -> Bool {
    guard let location = entry.location(at: source), !location.indexes.isEmpty else { return false }
    return location.indexes.allSatisfy { entry.constant($0) != nil }
  }

  /// A guard that compares a hash of what the caller supplies with something else.
  private func guessed(at place: Place, _ entry: EntryPoint) -> Place? {
    for guardCondition in entry.guards(of: place) {
      guard case .comparison(.equal, let left, let right) = guardCondition.predicate else {
        continue
      }
      for side in [left, right] {
        if case .builtin(let name, _) = entry[entry.origin(of: side)].operation,
          ["keccak256", "sha3", "sha256", "ripemd160"].contains(name),
          entry.isCallerChosen(side), !entry.sources(of: side).hasSender
        {
          return guardCondition.condition
        }
      }
    }
    return nil
  }

  // MARK: - Tokens

  private func tokenFinding(
    _ call: ExternalCall, at place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    let arguments: [ValueID]
    switch (call.name, call.arguments.count) {
    case ("transferFrom", 3), ("safeTransferFrom", 3), ("safeTransferFrom", 4):
      arguments = call.arguments
    default: return nil
    }
    return tokenFinding(
      from: entry.operand(arguments[0], of: place), to: entry.operand(arguments[1], of: place),
      at: place, entry, subject, context)
  }

  /// Transfers through a library such as SafeERC20, which hides the call behind encoded data.
  private func wrappedTokenFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for frame in entry.frames {
      for call in frame.calls {
        guard case .internalCall(let site) = frame.graph[call.site].operation,
          let name = site.callee?.name,
          ["safeTransferFrom", "trySafeTransferFrom"].contains(name), site.arguments.count == 4,
          // Only wrappers that take the token first; a token's own function of that name takes `from` first.
          case let first = frame.graph[site.arguments[0]].type, !isPlainToken(first, site)
        else { continue }
        let place = Place(frame: frame.id, value: call.site)
        guard !entry.isRestricted(place), !entry.hasUnknownModifier(at: place) else { continue }
        let from = entry.operand(site.arguments[1], of: place)
        let to = entry.operand(site.arguments[2], of: place)
        if let finding = tokenFinding(from: from, to: to, at: place, entry, subject, context) {
          findings.append(finding)
        }
      }
    }
    return findings
  }

  private func isPlainToken(_ first: SolidityType, _ call: InternalCall) -> Bool {
    guard let callee = call.callee else { return true }
    // (token, from, to, value): the second and third parameters are addresses.
    let names = callee.parameters.dropFirst().prefix(2)
    return names.contains { parameter in
      guard case .elementary(let type)? = parameter.typeName?.kind else { return true }
      return type != .address && type != .addressPayable
    }
  }

  private func tokenFinding(
    from: Place, to: Place, at place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard !entry.isSender(from), !entry.isThis(from) else { return nil }
    guard case .parameter = entry[entry.origin(of: from)].operation, entry.isCallerChosen(from)
    else {
      return nil
    }
    guard !entry.isSigned(place) else { return nil }
    for check in entry.callerChecks(of: place) {
      switch check.kind {
      case .equalsInput, .amount, .equalsCallResult, .authority: return nil
      default: continue
      }
    }
    // The account was called itself on the way here, and could have refused.
    let agrees = entry.externalCalls.contains { other in
      guard let call = entry.externalCall(at: other), let target = call.target, !call.isStatic,
        other != place, entry.canFollow(place, after: other)
      else { return false }
      let called = entry.sources(of: entry.operand(target, of: other)).sources
      return entry.sources(of: from).sources.allSatisfy(called.contains)
    }
    if agrees { return nil }
    // An allowance or a right kept under the giver's address is a permission too.
    let owner = entry.sources(of: from).sources
    for guardCondition in entry.guards(of: place) {
      for part in guardCondition.predicate.parts {
        switch part {
        case .flag(let location, _) where mentions(location, owner, entry): return nil
        case .comparison(_, let left, let right):
          for side in [left, right] {
            if entry.sources(of: side, options: .selectors).hasSender { return nil }
          }
        default: continue
        }
      }
    }
    let permit = entry.externalCalls.contains { entry.externalCall(at: $0)?.name == "permit" }
    return .make(
      rule: Self.token, at: entry.sourcePlace(place), in: context.program,
      message: """
        Anyone can call `\(entry.name)` and name the account whose tokens are taken. Whoever has \
        approved this contract can be robbed\
        \(permit ? "; the call of `permit` does not help with tokens that lack it" : "").
        """,
      contract: subject.contract, role: "tokens leave the named account",
      evidence: [entry.callPathEvidence(to: place, "tokens are taken")].compactMap { $0 })
  }

  private func mentions(
    _ location: StorageLocation, _ sources: [ValueSource], _ entry: EntryPoint
  ) -> Bool {
    location.indexes.contains { index in
      entry.sources(of: index).sources.contains { sources.contains($0) }
    }
  }
}
