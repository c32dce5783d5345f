import BigInt
import Solidity
import SoliditySyntax

/// Finds signatures that prove less than the code believes.
struct SignatureDetector: Detector {
  var rules: [Rule] { [Self.zero, Self.malleable, Self.replay, Self.domain, Self.packed] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for frame in entry.frames {
        for value in frame.graph.index.builtins {
          guard case .builtin(let name, let arguments) = frame.graph[value].operation else {
            continue
          }
          let place = Place(frame: frame.id, value: value)
          let operands = arguments.map { entry.operand($0, of: place) }
          switch name {
          case "ecrecover" where operands.count == 4:
            findings += recoveryFindings(place, operands, entry, subject, context)
          case "abi.encodePacked":
            if let finding = packedFinding(place, operands, entry, subject, context) {
              findings.append(finding)
            }
          default: continue
          }
        }
      }
    }
    return findings
  }

  // MARK: - Recovery

  private func recoveryFindings(
    _ place: Place, _ operands: [Place], _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    let flows = [place] + entry.flows(from: place)
    let comparisons = flows.filter {
      if case .binary(let operation, _, _, _, _) = entry[$0].operation {
        return operation == .equal || operation == .notEqual
      }
      return false
    }
    if !comparisons.contains(where: { excludesZero($0, flows, entry) }),
      let risky = comparisons.first(where: { mayMeetZero($0, place, entry, subject) })
        ?? firstUnchecked(place, comparisons, entry)
    {
      findings.append(
        .make(
          rule: Self.zero, at: entry.sourcePlace(place), in: context.program,
          message: """
            For a malformed signature `ecrecover` answers the zero address instead of failing. \
            Nothing excludes zero before `\(entry.sourceText(risky))`, so anyone can pass where the \
            expected account is zero.
            """,
          contract: subject.contract, role: "recovered here",
          related: risky == place ? [] : [entry.findingLocation(risky, role: "trusted here")]))
    }
    if !boundsHalf(operands[3], entry) {
      let keyed = keysBySignature(operands, entry)
      findings.append(
        .make(
          rule: Self.malleable, at: entry.sourcePlace(place), in: context.program,
          message: """
            For every signature there is a second one of the same message and signer, with the other \
            `s`. \(keyed != nil ? "Used signatures are remembered by their own bytes, so the second one passes again." : "Nothing here tells the two apart; do not use signatures as identifiers.")
            """,
          severity: keyed != nil ? .high : .informational, contract: subject.contract,
          role: "recovered here",
          related: keyed.map { [entry.findingLocation($0.place, role: "remembered by signature")] }
            ?? []))
    }
    guard entry.hasCallerInput, !entry.isView, hasEffect(entry),
      isDecisive(place, comparisons, entry)
    else { return findings }
    let digest = entry.sources(
      of: operands[0], options: [.throughExternalCalls, .selectors])
    if !digest.isTruncated, !digest.contains(.unknown) {
      if !isSpent(digest, operands, entry) {
        findings.append(
          .make(
            rule: Self.replay, at: entry.sourcePlace(place), in: context.program,
            message: """
              `\(entry.name)` acts on a signature and changes nothing that the signed message depends \
              on: no nonce is counted up and no message is marked as used. The same signature works \
              again.
              """,
            contract: subject.contract, role: "recovered here",
            evidence: [entry.callPathEvidence(to: place, "the signature is checked")].compactMap {
              $0
            }))
      }
      let bound =
        digest.contains(.environment(.this)) || digest.contains(.environment(.chainID))
        || digest.sources.contains { source in
          switch source {
          case .immutable: true
          case .storage(let field): field.isScalar && field.variable.map(isFixedBytes) ?? true
          case .externalCall: true
          default: false
          }
        }
      if !bound {
        findings.append(
          .make(
            rule: Self.domain, at: entry.sourcePlace(place), in: context.program,
            message: """
              The signed message names neither this contract nor the chain. A signature given to \
              another deployment of the code, or on another chain, is accepted here too.
              """,
            contract: subject.contract, role: "recovered here"))
      }
    }
    return findings
  }

  private func isFixedBytes(_ variable: VariableDeclaration) -> Bool {
    if case .elementary(.fixedBytes(32))? = variable.typeName?.kind { return true }
    return false
  }

  private func excludesZero(_ comparison: Place, _ flows: [Place], _ entry: EntryPoint) -> Bool {
    guard case .binary(_, let left, let right, _, _) = entry[comparison].operation else {
      return false
    }
    return [left, right].contains { entry.isZero(entry.operand($0, of: comparison)) }
  }

  /// Whether a comparison holds the recovered account against one that can be zero: given by the caller, or an
  /// element of a mapping.
  private func mayMeetZero(
    _ comparison: Place, _ recovered: Place, _ entry: EntryPoint, _ subject: ContractFacts
  ) -> Bool {
    guard case .binary(_, let left, let right, _, _) = entry[comparison].operation else {
      return false
    }
    return [left, right].contains { side in
      let place = entry.operand(side, of: comparison)
      let sources = entry.sources(of: place)
      if sources.sources.contains(where: { if case .signer = $0 { true } else { false } }) {
        return false
      }
      if sources.hasInput {
        // A value the code itself has held against zero before is safe.
        return !entry.guards(of: comparison).contains { guardCondition in
          guard case .comparison(.notEqual, let a, let b) = guardCondition.predicate else {
            return false
          }
          return entry.isZero(a) && entry.origin(of: b) == entry.origin(of: place)
            || entry.isZero(b) && entry.origin(of: a) == entry.origin(of: place)
        }
      }
      return sources.storage.contains { !$0.isScalar || isNeverSet($0, subject) }
    }
  }

  /// Whether nothing ever gives the variable a value.
  private func isNeverSet(_ field: StorageField, _ subject: ContractFacts) -> Bool {
    field.variable != nil && subject.writers(of: field).isEmpty
      && !(subject.deployment?.storageWrites ?? []).contains { $0.location.field.overlaps(field) }
  }

  /// Where a recovered account is used without any comparison: as a key, or returned from a public function.
  private func firstUnchecked(_ place: Place, _ comparisons: [Place], _ entry: EntryPoint) -> Place?
  {
    comparisons.isEmpty && entry.kind != .unreached ? place : nil
  }

  private func boundsHalf(_ s: Place, _ entry: EntryPoint) -> Bool {
    // Half of the order of secp256k1, SEC 2 section 2.4.1.
    let half = BigInt(
      "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", radix: 16)
    let origin = entry.origin(of: s)
    let input = entry.sources(of: s).sources
    for frame in entry.frames {
      for value in frame.graph.index.comparisons {
        guard case .binary(let operation, let left, let right, _, _) = frame.graph[value].operation,
          operation != .equal, operation != .notEqual
        else { continue }
        let sides = [left, right].map { Place(frame: frame.id, value: $0) }
        guard
          let limit = sides.firstIndex(where: { side in
            guard case .number(let number)? = entry.constant(side), let half,
              let value = number.integer
            else { return false }
            return value == half || value == half + 1
          })
        else { continue }
        let other = sides[1 - limit]
        if entry.origin(of: other) == origin || entry.sources(of: other).sources == input {
          return true
        }
      }
    }
    return false
  }

  private func keysBySignature(_ operands: [Place], _ entry: EntryPoint) -> StorageAccess? {
    let parts = operands[1...].flatMap { entry.sources(of: $0).sources }
      .filter { if case .parameter = $0 { true } else { $0 == .callData } }
    guard !parts.isEmpty else { return nil }
    let message = entry.sources(of: operands[0]).sources
    return entry.storageWrites.first { write in
      write.location.indexes.contains { index in
        let sources = entry.sources(of: index).sources
        return sources.contains { parts.contains($0) && !message.contains($0) }
      }
    }
  }

  private func hasEffect(_ entry: EntryPoint) -> Bool {
    !entry.storageWrites.isEmpty
      || entry.externalCalls.contains { !(entry.externalCall(at: $0)?.isStatic ?? true) }
  }

  private func isDecisive(_ place: Place, _ comparisons: [Place], _ entry: EntryPoint) -> Bool {
    let effects = entry.storageWrites.map(\.place) + entry.externalCalls
    return effects.contains { effect in
      entry.guards(of: effect).contains { guardCondition in
        entry.sources(of: guardCondition.condition, options: .selectors).contains(.signer(place))
      }
    }
  }

  /// Whether the entry changes something the signed message or its acceptance depends on.
  private func isSpent(_ digest: SourceSet, _ operands: [Place], _ entry: EntryPoint) -> Bool {
    let signed = Set(
      digest.sources.filter { if case .constant = $0 { false } else { true } }
        + operands[1...].flatMap { entry.sources(of: $0).sources })
    let effects = entry.storageWrites.map(\.place) + entry.externalCalls
    let compared = entry.frames.flatMap { frame in
      frame.graph.index.comparisons.map { Place(frame: frame.id, value: $0) }
    }
    let asked =
      (effects.prefix(32).flatMap { entry.guards(of: $0) }.map(\.condition) + compared.prefix(256))
      .flatMap { entry.sources(of: $0).storage }
    for write in entry.storageWrites {
      let field = write.location.field
      if digest.storage.contains(where: { $0.overlaps(field) }) { return true }
      // Some condition looks at it, under a key from the message: a mark that it was used.
      guard asked.contains(where: { $0.overlaps(field) }) else { continue }
      if field.isScalar { return true }
      for index in write.location.indexes
      where entry.sources(of: index).sources.contains(where: { signed.contains($0) }) {
        return true
      }
    }
    return false
  }

  // MARK: - Packed encodings

  private func packedFinding(
    _ place: Place, _ operands: [Place], _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    let isOpen = operands.map { operand in
      isDynamic(entry[operand].type) && entry.constant(operand) == nil
        && entry.isCallerChosen(operand)
    }
    guard zip(isOpen, isOpen.dropFirst()).contains(where: { $0 && $1 }) else { return nil }
    let hashed = entry.flows(from: place).contains { flow in
      if case .builtin(let name, _) = entry[flow].operation {
        return ["keccak256", "sha3", "sha256", "ripemd160"].contains(name)
      }
      return false
    }
    guard hashed else { return nil }
    return .make(
      rule: Self.packed, at: entry.sourcePlace(place), in: context.program,
      message: """
        Two neighbouring arguments of `\(entry.sourceText(place))` have any length the caller likes. \
        Moving bytes from one to the other gives the same hash for different values.
        """,
      contract: subject.contract, role: "packed here")
  }

  private func isDynamic(_ type: SolidityType) -> Bool {
    switch type {
    case .bytes, .string: true
    case .array(_, let length, _): length == nil
    default: false
    }
  }
}
