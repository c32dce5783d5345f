import BigInt
import Solidity
import SoliditySyntax

/// Finds chance drawn from what block producers and callers can foresee, and decisions by the clock.
struct RandomnessDetector: Detector {
  var rules: [Rule] { [Self.randomness, Self.time] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    let entries = subject.entryPoints + subject.unreachedFunctions
    for entry in entries + (subject.deployment.map { [$0] } ?? []) {
      // A helper nothing here reaches may do anything with blocks, such as burning gas.
      guard entry.kind != .unreached || hasOutcome(entry) else { continue }
      var reported: Set<Place> = []
      for frame in entry.frames {
        for value in frame.graph.index.builtins + frame.graph.index.arithmetic {
          let place = Place(frame: frame.id, value: value)
          guard let drawn = draw(at: place, entry), decides(drawn, entry),
            reported.insert(drawn).inserted
          else { continue }
          findings.append(
            .make(
              rule: Self.randomness, at: entry.sourcePlace(drawn), in: context.program,
              message: """
                `\(entry.sourceText(drawn))` is computed from data of the block, which its producer \
                chooses and every contract in the same block can compute beforehand. It decides \
                something in `\(entry.name)`.
                """,
              contract: subject.contract, role: "drawn here", related: reads(into: drawn, entry),
              evidence: [entry.callPathEvidence(to: drawn, "the draw")].compactMap { $0 }))
        }
        for value in frame.graph.index.comparisons {
          let place = Place(frame: frame.id, value: value)
          if let finding = timeFinding(place, entry, subject, context) { findings.append(finding) }
        }
      }
    }
    return findings
  }

  // MARK: - Chance

  /// The place itself if it makes a number from block data in the way chance is drawn.
  private func draw(at place: Place, _ entry: EntryPoint) -> Place? {
    switch entry[place].operation {
    case .builtin(let name, let arguments):
      switch name {
      case "keccak256", "sha3", "sha256", "ripemd160":
        let drawn = arguments.contains {
          entry.sources(of: entry.operand($0, of: place)).hasBlockData
        }
        return drawn ? place : nil
      case "blockhash", "block.blockhash": return place
      default: return nil
      }
    case .binary(.divide, let left, _, _, _):
      // Parts of a block's number or hash picked by division.
      let sources = entry.sources(of: entry.operand(left, of: place), options: .stopAtHashes)
      return sources.contains(.blockHash) ? place : nil
    case .binary(.modulo, let left, let right, _, _):
      let number = entry.operand(left, of: place)
      if entry.sources(of: number, options: .stopAtHashes).contains(.environment(.blockNumber)),
        entry.constant(entry.operand(right, of: place)) == nil
      {
        return place
      }
      guard case .environment(let environment) = entry[entry.origin(of: number)].operation,
        environment.isBlockData
      else { return nil }
      // Rounding the clock down to minutes, hours or days draws nothing.
      if environment == .timestamp || environment == .blockNumber,
        case .number(let period)? = entry.constant(entry.operand(right, of: place)),
        let period = period.integer,
        period >= 60 && (period % 60 == 0 || environment == .blockNumber) || period >= 1 << 16
      {
        return nil
      }
      return place
    default: return nil
    }
  }

  /// Where the block data that enters a draw is read.
  private func reads(into draw: Place, _ entry: EntryPoint) -> [FindingLocation] {
    var reads: [FindingLocation] = []
    for frame in entry.frames {
      for value in frame.graph.index.environment where reads.count < 6 {
        guard case .environment(let environment) = frame.graph[value].operation,
          environment.isBlockData
        else { continue }
        let place = Place(frame: frame.id, value: value)
        if place != draw, entry.flows(from: place).contains(draw) {
          reads.append(entry.findingLocation(place, role: "block data read"))
        }
      }
    }
    return reads
  }

  /// Whether a draw ends in a choice: a remainder, a comparison, or a branch.
  private func decides(_ draw: Place, _ entry: EntryPoint) -> Bool {
    if case .binary(.modulo, _, _, _, _) = entry[draw].operation { return true }
    let flows = entry.flows(from: draw)
    // The hash of a block held against one computed from a header is a proof of history.
    if case .builtin(let name, _) = entry[draw].operation, name.hasSuffix("blockhash"),
      flows.contains(where: { isHeldAgainstHash($0, entry) })
    {
      return false
    }
    for flow in flows {
      switch entry[flow].operation {
      case .binary(let operation, _, _, _, _):
        switch operation {
        case .modulo, .less, .greater, .lessOrEqual, .greaterOrEqual, .divide, .bitAnd: return true
        case .equal, .notEqual:
          if case .builtin(let name, _) = entry[draw].operation, name.hasSuffix("blockhash") {
            guard case .binary(_, let left, let right, _, _) = entry[flow].operation,
              ![left, right].contains(where: { entry.isZero(entry.operand($0, of: flow)) })
            else { continue }
            // A view that compares what it is given answers a question about the chain.
            if entry.isView,
              [left, right].contains(where: {
                entry.sources(of: entry.operand($0, of: flow)).hasInput
              })
            {
              continue
            }
            return true
          }
          if entry.sources(of: flow).sources.allSatisfy({ source in
            switch source {
            case .environment, .constant, .parameter, .blockHash, .storage: true
            default: false
            }
          }) {
            return true
          }
        default: continue
        }
      case .convert(_, let from, _):
        // The low bits of a hash kept as a small number.
        if case .integer(let bits, _) = entry[flow].type, bits <= 64, !from.isReference {
          return true
        }
      default: continue
      }
    }
    return false
  }

  private func isHeldAgainstHash(_ comparison: Place, _ entry: EntryPoint) -> Bool {
    guard case .binary(let operation, let left, let right, _, _) = entry[comparison].operation,
      operation == .equal || operation == .notEqual
    else { return false }
    return [left, right].contains { side in
      let source = entry.origin(of: entry.operand(side, of: comparison))
      if case .builtin("keccak256", _) = entry[source].operation { return true }
      return false
    }
  }

  /// Whether the entry changes or answers anything: a draw without outcome decides nothing.
  private func hasOutcome(_ entry: EntryPoint) -> Bool {
    let acts = entry.externalCalls.contains { !(entry.externalCall(at: $0)?.isStatic ?? true) }
    return acts || !entry.storageWrites.isEmpty
      || !(entry.function?.returnParameters.isEmpty ?? true) || !entry.selfdestructs.isEmpty
  }

  // MARK: - Time

  private func timeFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard case .binary(let comparison, let left, let right, _, _) = entry[place].operation else {
      return nil
    }
    let sides = [left, right].map { entry.operand($0, of: place) }
    guard let clock = sides.firstIndex(where: { readsClock($0, entry) }) else { return nil }
    let other = sides[1 - clock]
    let exact = comparison == .equal || comparison == .notEqual
    // A stored time that is zero has not been set yet.
    if exact, entry.isZero(other), !entry.isEnvironment(sides[clock], .timestamp) { return nil }
    // A deadline the caller states protects the caller.
    if !exact, case .parameter = entry[entry.origin(of: other)].operation,
      entry.isCallerChosen(other)
    {
      return nil
    }
    return .make(
      rule: Self.time, at: entry.sourcePlace(place), in: context.program,
      message: exact
        ? """
        `\(entry.sourceText(place))` holds in one exact second only. A block producer can make it \
        true or false, and others may never hit it.
        """
        : """
        `\(entry.sourceText(place))` depends on the time a block producer states, which may be off \
        by some seconds.
        """,
      severity: exact ? .low : .informational, contract: subject.contract,
      role: "decided by the clock", related: clockSources(of: sides, at: place, entry, subject))
  }

  /// Where the time compared was read in another function, or stored by one.
  private func clockSources(
    of sides: [Place], at place: Place, _ entry: EntryPoint, _ subject: ContractFacts
  ) -> [FindingLocation] {
    var result: [FindingLocation] = []
    for side in sides {
      let source = entry.origin(of: side)
      if source.frame != place.frame, case .environment(.timestamp) = entry[source].operation {
        result.append(entry.findingLocation(source, role: "the time is read here"))
      }
      for field in entry.sources(of: side).storage where field.isScalar {
        let write = subject.writers(of: field).first { write in
          write.value.map { readsClock($0, write.entry) } ?? false
        }
        if let write, result.count < 4 {
          result.append(write.entry.findingLocation(write.place, role: "the time is stored here"))
        }
      }
    }
    return result
  }

  private func readsClock(_ place: Place, _ entry: EntryPoint) -> Bool {
    switch entry[entry.origin(of: place)].operation {
    case .environment(.timestamp): return true
    case .binary, .read, .phi:
      let sources = entry.sources(of: place, options: .stopAtHashes)
      return sources.contains(.environment(.timestamp))
    default: return false
    }
  }
}
