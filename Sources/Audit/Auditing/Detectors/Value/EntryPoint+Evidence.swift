import Solidity
import SoliditySyntax

extension EntryPoint {
  /// Where the instruction at a place stands in the source.
  func sourcePlace(_ place: Place) -> SourcePlace { .origin(self[place].origin) }

  /// The location of an instruction, for `related` and evidence.
  func findingLocation(_ place: Place, role: String = "") -> FindingLocation {
    FindingLocation(of: self[place].origin, in: facts.program, role: role)
  }

  /// The text of an instruction as written, on one line.
  func sourceText(_ place: Place, limit: Int = 80) -> String {
    let origin = self[place].origin
    let text = facts.program.units[Int(origin.node.unit)].source.text(origin.range)
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return text.count > limit ? text.prefix(limit - 3) + "..." : text
  }

  /// The calls from the entry to a place and the place itself; nil when the place stands in the entry's own code.
  func callPathEvidence(to place: Place, _ what: String) -> Evidence? {
    let path = callPath(to: place)
    guard !path.isEmpty else { return nil }
    var steps = [EvidenceStep("`\(name)` is called from outside", at: entryLocation)]
    for site in path {
      steps.append(EvidenceStep("`\(sourceText(site))`", at: findingLocation(site)))
    }
    steps.append(EvidenceStep(what, at: findingLocation(place)))
    return .callPath(steps)
  }

  /// Where the entry is declared.
  var entryLocation: FindingLocation? {
    function.map { FindingLocation(of: $0, in: facts.program, role: "entry point") }
  }

  /// A place of an operand of the instruction at `place`.
  func operand(_ value: ValueID, of place: Place) -> Place {
    Place(frame: place.frame, value: value)
  }

  /// Whether a value is this contract's own address.
  func isThis(_ place: Place) -> Bool {
    if case .environment(.this) = self[origin(of: place)].operation { return true }
    return false
  }

  /// Whether a value is the constant 0 (of any type) or never set.
  func isZero(_ place: Place) -> Bool {
    if case .zero = self[origin(of: place)].operation { return true }
    switch constant(place) {
    case .number(let number): return number.numerator == 0
    case .bytes(let bytes): return bytes.allSatisfy { $0 == 0 }
    case .bool, nil: return false
    }
  }

  /// Whether some guard of a place holds a signature against an account the caller did not choose.
  func isSigned(_ place: Place) -> Bool {
    guards(of: place).contains { guardCondition in
      guardCondition.predicate.parts.contains {
        if case .signature = $0 { return true }
        return false
      }
    }
  }

  /// Whether storage was asked about a value before the place is reached: an allow list, a registered pool, a
  /// scheduled operation. The caller then names it, but others have chosen it.
  func isVouchedFor(_ value: Place, at place: Place) -> Bool {
    let named = sources(of: value).sources.filter { source in
      switch source {
      case .parameter, .callData: true
      default: false
      }
    }
    guard !named.isEmpty else { return false }
    for part in guards(of: place).flatMap(\.predicate.parts) {
      let conditions: [Place]
      switch part {
      case .flag(_, false): continue
      case .flag(let location, true):
        if keys(of: location).contains(where: named.contains) { return true }
        continue
      case .comparison(_, let left, let right): conditions = [left, right]
      case .truth(let condition, _): conditions = [condition]
      default: continue
      }
      for condition in conditions {
        let plain = sources(of: condition)
        guard !plain.storage.filter({ !$0.isScalar }).isEmpty else { continue }
        let withKeys = sources(of: condition, options: .selectors).sources
        if withKeys.contains(where: { named.contains($0) && !plain.contains($0) }) { return true }
      }
    }
    return isRecorded(named, at: place)
  }

  /// Whether a record kept under a hash of the values is looked up before the place, and not to find it empty: an
  /// operation that was proposed or scheduled earlier.
  private func isRecorded(_ named: [ValueSource], at place: Place) -> Bool {
    storageReads.contains { read in
      guard canFollow(place, after: read.place) else { return false }
      var keys = read.location.indexes
      if case .computed(let slot) = read.location.root { keys.append(slot) }
      let isKeyed = keys.contains { key in
        sources(of: key).sources.contains(where: named.contains)
          && !sources(of: key, options: .stopAtHashes).sources.contains(where: named.contains)
      }
      return isKeyed && !isHeldEmpty(read.location.field, at: place)
    }
  }

  /// Whether a guard of the place wants the field to be zero or false.
  private func isHeldEmpty(_ field: StorageField, at place: Place) -> Bool {
    guards(of: place).flatMap(\.predicate.parts).contains { part in
      switch part {
      case .flag(let location, false): return location.field == field
      case .comparison(.equal, let left, let right):
        return [(left, right), (right, left)].contains { side, other in
          isZero(other) && sources(of: side).storage.contains(field)
        }
      default: return false
      }
    }
  }

  private func keys(of location: StorageLocation) -> [ValueSource] {
    location.indexes.flatMap { sources(of: $0).sources }
  }

  /// Whether the entry calls an internal function that has no body yet: what it will check is not known.
  func hasOpenHook(_ subject: ContractFacts) -> Bool {
    frames.contains { frame in
      frame.graph.index.internalCalls.contains { site in
        guard case .internalCall(let call) = frame.graph[site].operation, let callee = call.callee,
          callee.body == nil
        else { return false }
        return subject.implementation(of: call)?.body == nil
      }
    }
  }

  /// Whether a function on the way to the place has a modifier whose source is missing: it may check the caller or
  /// hold a lock.
  func hasUnknownModifier(at place: Place) -> Bool {
    (callPath(to: place) + [place]).contains { site in
      guard let function = self[site.frame].graph.function else { return false }
      return function.modifiers.contains { invocation in
        facts.program.modifier(of: invocation, in: contract) == nil
          && facts.program.baseContract(of: invocation) == nil
      }
    }
  }

  /// Whether a value is the sender, or an input that a guard holds to be equal to the sender.
  func isProvenSender(_ value: Place, at place: Place) -> Bool {
    if isSender(value) { return true }
    return callerChecks(of: place).contains { check in
      guard case .equalsInput(let input) = check.kind else { return false }
      return origin(of: input) == origin(of: value)
        || sources(of: input).sources == sources(of: value).sources
    }
  }

  /// Whether two places are values made at the same place, or equal constants.
  func isSame(_ a: Place, _ b: Place) -> Bool {
    if origin(of: a) == origin(of: b) { return true }
    if let left = constant(a), let right = constant(b) { return left.isSame(as: right) }
    guard case .environment(let left) = self[origin(of: a)].operation,
      case .environment(let right) = self[origin(of: b)].operation
    else { return false }
    return left == right
  }

  /// Whether a guard makes the place run only in another contract's storage, or only there not.
  func isBoundToDelegation(_ place: Place) -> Bool {
    callerChecks(of: place).contains { check in
      if case .delegation = check.kind { return true }
      return false
    }
  }

  /// The checks of the sender that hold at a place.
  func callerChecks(of place: Place) -> [CallerCheck] {
    guards(of: place).flatMap(\.predicate.parts).compactMap {
      if case .caller(let check) = $0 { return check }
      return nil
    }
  }
}

extension StorageLocation {
  /// The places that index mappings and arrays on the way to it.
  var indexes: [Place] {
    steps.compactMap { if case .index(let place) = $0 { place } else { nil } }
  }
}

extension StorageField {
  /// Whether it is a single value rather than an element picked by an index.
  var isScalar: Bool { !members.contains("[]") }
}
