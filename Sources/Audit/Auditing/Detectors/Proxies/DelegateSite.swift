import BigInt
import SoliditySyntax
import Solidity

/// A delegatecall (or callcode) reached from an entry point, with what is known of its target and its data.
struct DelegateSite {
  /// The entry point.
  let entry: EntryPoint
  /// The call.
  let place: Place
  /// The call's parts.
  let call: ExternalCall

  /// Where the target address comes from.
  var target: SourceSet {
    guard let target = call.target else {
      return SourceSet(sources: [.unknown], isTruncated: false)
    }
    return entry.sources(of: Place(frame: place.frame, value: target))
  }

  /// Where the target comes from, what selects it among several included.
  var targetWithSelectors: SourceSet {
    guard let target = call.target else {
      return SourceSet(sources: [.unknown], isTruncated: false)
    }
    return entry.sources(of: Place(frame: place.frame, value: target), options: .selectors)
  }

  /// Whether the call passes on the call data the entry received, whole.
  var forwardsCallData: Bool {
    guard entry.kind == .fallback || entry.kind == .receive || entry.kind == .function else {
      return false
    }
    return call.arguments.contains { argument in
      let sources = entry.sources(of: Place(frame: place.frame, value: argument))
      return sources.contains(.callData) || sources.contains(.environment(.callData))
        || (entry.kind == .fallback && sources.hasInput)
    }
  }

  /// Whether it stands in a fallback or receive function and passes on what came in.
  var isForwarding: Bool {
    (entry.kind == .fallback || entry.kind == .receive) && (forwardsCallData || isSilentForward)
  }

  /// A fallback in assembly whose memory could not be followed still forwards: nothing else fills the data.
  private var isSilentForward: Bool { call.isAssembly && entry.kind == .fallback }

  /// Whether the target is this contract itself.
  var targetsItself: Bool {
    let sources = target.sources
    return !sources.isEmpty && sources.allSatisfy { $0 == .environment(.this) }
  }
}

/// What stands between an arbitrary caller and a place.
enum Protection {
  /// Only accounts someone else chose may pass.
  case caller
  /// A signature over the request decides.
  case signature
  /// Passes only while a field still has its first value, which the same entry changes.
  case once(StorageField)
  /// Runs only through a proxy, or only directly.
  case delegationOnly
  /// Nothing.
  case none
}

extension EntryPoint {
  /// What protects a place against arbitrary callers. `locks` are reentrancy locks, `memberships` numbers kept per
  /// account that say who may do things.
  func protection(
    of place: Place, locks: [StorageField], memberships: [StorageField], program: Program
  ) -> Protection {
    if isRestricted(place) || hasUnseenModifier(to: place, program) { return .caller }
    let guards = guards(of: place)
    let isMember = guards.contains { held in
      held.predicate.parts.contains { part in
        guard case .caller(let check) = part, case .amount(let location) = check.kind else {
          return false
        }
        return memberships.contains(location.field)
      }
    }
    if isMember || guards.contains(where: { isDuringConstruction($0.predicate) }) { return .caller }
    var isDelegationOnly = false
    for held in guards {
      for part in held.predicate.parts {
        switch part {
        case .signature(_, _, isTrusted: true): return .signature
        case .caller(let check):
          if case .delegation = check.kind { isDelegationOnly = true }
        default: continue
        }
      }
    }
    if let field = onceField(guards, locks: locks) { return .once(field) }
    return isDelegationOnly ? .delegationOnly : .none
  }

  /// Whether a condition holds only while a constructor runs: this account has no code yet.
  private func isDuringConstruction(_ predicate: Predicate) -> Bool {
    switch predicate {
    case .all(let parts): return parts.contains(where: isDuringConstruction)
    case .comparison(.equal, let left, let right):
      return [left, right].contains { side in
        let source = origin(of: side)
        guard case .accountCode(_, let account) = self[source].operation else { return false }
        let owner = origin(of: Place(frame: source.frame, value: account))
        guard case .environment(.this) = self[owner].operation else { return false }
        return true
      }
    default: return false
    }
  }

  /// Whether a function on the way has a modifier whose source is not at hand. Most of those check the caller, and what
  /// cannot be seen is not held against the code; a few names are known to check something else.
  private func hasUnseenModifier(to place: Place, _ program: Program) -> Bool {
    var frame: FrameID? = place.frame
    while let current = frame {
      for invocation in self[current].graph.function?.modifiers ?? []
      where program.isUnseen(invocation.path) {
        switch invocation.path.parts.last?.text {
        case "nonReentrant", "lock", "whenNotPaused", "whenPaused", nil: continue
        default: return true
        }
      }
      frame = self[current].parent
    }
    return false
  }

  /// The field by which the guards let the place be reached only once: it is compared with nothing the caller
  /// supplies, and this entry overwrites it with something that does not come from its old value.
  private func onceField(_ guards: [Guard], locks: [StorageField]) -> StorageField? {
    guard !guards.isEmpty else { return nil }
    let writes = storageWrites.filter { access in
      switch access.kind {
      case .assign:
        !(access.location.steps.contains { if case .index = $0 { true } else { false } })
      case .modify, .push: true
      case .delete, .pop, nil: false
      }
    }
    guard !writes.isEmpty else { return nil }
    for held in guards {
      let sources = sources(of: held.condition)
      if sources.hasSender || sources.hasBlockData || sources.hasInput { continue }
      for field in sources.storage where !field.members.contains("[]") {
        guard !locks.contains(where: { $0.overlaps(field) }) else { continue }
        if writes.contains(where: { $0.location.field.overlaps(field) && !isReset($0) }) {
          return field
        }
      }
    }
    return nil
  }

  /// Whether a write sets a field back to zero: the end of a lock, not the mark of a thing done.
  private func isReset(_ access: StorageAccess) -> Bool {
    guard let value = access.value, let constant = constant(value) else { return false }
    switch constant {
    case .bool(let flag): return !flag
    case .number(let number): return number.numerator == 0
    case .bytes(let bytes): return bytes.allSatisfy { $0 == 0 }
    }
  }

  /// Whether the value could be anything an outsider likes: supplied by the caller, or the caller itself.
  func isOutsiders(_ place: Place) -> Bool {
    let sources = sources(of: place)
    return sources.hasInput || sources.hasSender
  }

  /// Whether every way on from a place ends in a revert: what it did never stays.
  func alwaysReverts(after place: Place) -> Bool {
    var place = place
    while true {
      let frame = self[place.frame]
      switch frame.graph.endings(after: place.value) {
      case .revertsOnly: return true
      case .stops: return false
      case .returns:
        guard let parent = frame.parent, let site = frame.callSite else { return false }
        place = Place(frame: parent, value: site)
      }
    }
  }
}

/// How control can end after an instruction.
enum Endings {
  /// Only by reverting.
  case revertsOnly
  /// Perhaps by a normal return.
  case returns
  /// Perhaps by ending the whole call successfully.
  case stops
}

extension FunctionGraph {
  /// How control can end after an instruction; a successful end of the whole call counts most.
  func endings(after value: ValueID) -> Endings {
    var seen: Set<BlockID> = [self[value].block]
    var pending = [self[value].block]
    var result = Endings.revertsOnly
    while let id = pending.popLast() {
      let block = self[id]
      switch block.terminator {
      case .stop: return .stops
      case .return: result = .returns
      case .jump, .branch, .revert, .unreachable: break
      }
      for next in block.successors where seen.insert(next).inserted { pending.append(next) }
    }
    return result
  }
}
