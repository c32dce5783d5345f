import Solidity
import SoliditySyntax

/// Finds prices and other data from outside that are taken as they come, and trades without limits.
struct OracleDetector: Detector {
  var rules: [Rule] {
    [Self.stale, Self.spot, Self.midway, Self.slippage, Self.callback, Self.callValue]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place) else { continue }
        findings += [
          staleFinding(call, place, entry, subject, context),
          midwayFinding(call, place, entry, subject, context),
          slippageFinding(call, place, entry, subject, context),
        ].compactMap { $0 }
      }
      if let finding = spotFinding(entry, subject, context) { findings.append(finding) }
      if entry.hasCallerInput {
        if let finding = callbackFinding(entry, subject, context) { findings.append(finding) }
        if let finding = callValueFinding(entry, subject, context) { findings.append(finding) }
      }
    }
    return findings
  }

  // MARK: - Feeds

  private func staleFinding(
    _ call: ExternalCall, _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    switch call.name {
    case "latestAnswer":
      guard call.arguments.isEmpty, call.resultCount == 1 else { return nil }
      let answer = entry.uses(of: place).first {
        if case .result = entry[$0].operation { true } else { false }
      }
      // A sanity check when a feed is set up, or a view that hands the number on as it is, decides nothing.
      let flows = answer.map { entry.flows(from: $0) } ?? []
      let isComputed = flows.contains { isArithmetic($0, entry) }
      let isPassedOn = answer != nil && entry.isView && !isComputed
      let isOnlyCompared =
        !isComputed && !flows.isEmpty
        && flows.allSatisfy { isComparison($0, entry) || isPlain($0, entry) }
        && !(answer.map { isReturned($0, entry) } ?? true)
      if isOnlyCompared { return nil }
      return .make(
        rule: Self.stale, at: entry.sourcePlace(place), in: context.program,
        message: """
          `latestAnswer` does not say when the answer was given, so an old price cannot be told from \
          a fresh one.
          """,
        severity: isPassedOn ? .low : nil, contract: subject.contract, role: "price read")
    case "latestRoundData":
      guard call.resultCount == 5 else { return nil }
      let results = results(of: place, entry)
      guard results[1] != nil else { return nil }
      // 3 is updatedAt; 2, startedAt, is what feeds on the state of a sequencer are asked for.
      for position in [3, 2] {
        guard let time = results[position] else { continue }
        let isLookedAt = ([time] + entry.flows(from: time)).contains { flow in
          isComparison(flow, entry) || isReturned(flow, entry)
        }
        if isLookedAt { return nil }
      }
      return .make(
        rule: Self.stale, at: entry.sourcePlace(place), in: context.program,
        message: """
          The price is used without a look at `updatedAt`, the fourth answer. When the feed stops, \
          the last price stays in force.
          """,
        contract: subject.contract, role: "price read")
    default: return nil
    }
  }

  private func results(of call: Place, _ entry: EntryPoint) -> [Int: Place] {
    var results: [Int: Place] = [:]
    for use in entry.uses(of: call) {
      if case .result(_, let index) = entry[use].operation,
        !entry.uses(of: use).isEmpty || entry[use.frame].graph.isUsedByTerminator(use.value)
      {
        results[index] = use
      }
    }
    return results
  }

  private func isComparison(_ place: Place, _ entry: EntryPoint) -> Bool {
    guard case .binary(let operation, _, _, _, _) = entry[place].operation else { return false }
    switch operation {
    case .less, .greater, .lessOrEqual, .greaterOrEqual, .equal, .notEqual, .subtract: return true
    default: return false
    }
  }

  private func isArithmetic(_ place: Place, _ entry: EntryPoint) -> Bool {
    guard case .binary(let operation, _, _, _, _) = entry[place].operation else { return false }
    switch operation {
    case .multiply, .divide, .add, .subtract, .modulo: return true
    default: return false
    }
  }

  /// Whether the instruction only hands a value on within the function.
  private func isPlain(_ place: Place, _ entry: EntryPoint) -> Bool {
    switch entry[place].operation {
    case .convert, .phi, .shortCircuit, .select, .unary, .parameter, .result: true
    default: false
    }
  }

  private func isReturned(_ place: Place, _ entry: EntryPoint) -> Bool {
    guard let exit = entry[FrameID.root].graph.exit,
      case .return(let values) = entry[FrameID.root].graph[exit].terminator
    else { return false }
    return values.contains { value in
      entry.origin(of: Place(frame: .root, value: value)) == place
    }
  }

  // MARK: - Spot prices

  /// Reads of a pool's momentary holdings.
  private static let holdings: Set<String> = [
    "balanceOf", "getReserves", "slot0", "getReserve", "reserve0", "reserve1", "get_balances",
    "totalAssets",
  ]

  private func spotFinding(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    for frame in entry.frames {
      for value in frame.graph.index.arithmetic {
        guard case .binary(.divide, let left, let right, _, _) = frame.graph[value].operation else {
          continue
        }
        let place = Place(frame: frame.id, value: value)
        // (x * y) / y == x checks for overflow; it prices nothing.
        let uses = entry.uses(of: place)
        let isReturned = frame.graph.isUsedByTerminator(value)
        guard isReturned || !uses.allSatisfy({ isEquality($0, entry) }) else { continue }
        guard let above = holding(entry.operand(left, of: place), entry),
          let below = holding(entry.operand(right, of: place), entry)
        else { continue }
        // Two answers of one call (getReserves), or the same account asked of two tokens: a pool's price.
        let isPool: Bool
        if above == below {
          isPool = entry.externalCall(at: above)?.name != "balanceOf"
        } else {
          let mixed =
            entry.sources(of: entry.operand(left, of: place)).externalCalls.contains(below)
            || entry.sources(of: entry.operand(right, of: place)).externalCalls.contains(above)
          isPool = !mixed && sameAccount(above, below, entry) && !sameToken(above, below, entry)
        }
        guard isPool else { continue }
        return .make(
          rule: Self.spot, at: entry.sourcePlace(place), in: context.program,
          message: """
            The ratio of what a pool holds at this moment is taken as a price. A large trade, paid \
            with a flash loan and undone afterwards, sets it to anything.
            """,
          contract: subject.contract, role: "price computed",
          related: [
            entry.findingLocation(above, role: "one holding"),
            entry.findingLocation(below, role: "the other holding"),
          ])
      }
    }
    return nil
  }

  private func isEquality(_ place: Place, _ entry: EntryPoint) -> Bool {
    guard case .binary(let operation, _, _, _, _) = entry[place].operation else { return false }
    return operation == .equal || operation == .notEqual
  }

  private func holding(_ place: Place, _ entry: EntryPoint) -> Place? {
    entry.sources(of: place).externalCalls.first { call in
      entry.externalCall(at: call).map { Self.holdings.contains($0.name) } ?? false
    }
  }

  private func sameAccount(_ a: Place, _ b: Place, _ entry: EntryPoint) -> Bool {
    guard let first = entry.externalCall(at: a)?.arguments.first,
      let second = entry.externalCall(at: b)?.arguments.first
    else { return false }
    let places = [entry.operand(first, of: a), entry.operand(second, of: b)]
    if places.contains(where: { entry.isThis($0) || entry.isSender($0) }) { return false }
    return entry.sources(of: places[0]).sources == entry.sources(of: places[1]).sources
  }

  private func sameToken(_ a: Place, _ b: Place, _ entry: EntryPoint) -> Bool {
    guard let first = entry.externalCall(at: a)?.target,
      let second = entry.externalCall(at: b)?.target
    else { return false }
    let sources = [
      entry.sources(of: entry.operand(first, of: a)).sources,
      entry.sources(of: entry.operand(second, of: b)).sources,
    ]
    return sources[0] == sources[1]
  }

  // MARK: - Views of other contracts in the middle of a call

  private static let manipulableViews: Set<String> = [
    "get_virtual_price", "getRate", "getPoolTokens", "getVirtualPrice", "calc_withdraw_one_coin",
    "get_p",
  ]

  private func midwayFinding(
    _ call: ExternalCall, _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard Self.manipulableViews.contains(call.name), entry.usesReturnedData(of: place) else {
      return nil
    }
    let guarded = entry.externalCalls.contains { other in
      guard let name = entry.externalCall(at: other)?.name, other != place else { return false }
      // Calls that revert while the pool's own lock is held.
      return [
        "manageUserBalance", "remove_liquidity", "withdraw_admin_fees", "claim_admin_fees",
        "ensureNotInVaultContext",
      ].contains(name) && entry.alwaysPrecedes(other, place)
    }
    guard !guarded else { return nil }
    return .make(
      rule: Self.midway, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(call.name)` answers a wrong value while the pool is inside a withdrawal that hands control \
        away. Nothing here makes sure that the pool is not.
        """,
      contract: subject.contract, role: "value read")
  }

  // MARK: - Trades

  private func slippageFinding(
    _ call: ExternalCall, _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard let function = call.function, !call.isStatic else { return nil }
    let name = function.name.lowercased()
    guard
      name.contains("swap") || name.contains("liquidity") || name.hasPrefix("exactinput")
        || name.hasPrefix("exchange")
    else { return nil }
    for (parameter, argument) in zip(function.parameters, call.arguments) {
      let text = parameter.name.lowercased()
      guard text.contains("min"),
        text.contains("amount") || text.contains("out") || text.contains("dy")
      else { continue }
      guard entry.isZero(entry.operand(argument, of: place)) else { continue }
      return .make(
        rule: Self.slippage, at: entry.sourcePlace(place), in: context.program,
        message: """
          `\(parameter.name)` is zero, so the trade is accepted at any price. Whoever orders \
          transactions can trade before and after it and keep the difference.
          """,
        contract: subject.contract, role: "trade")
    }
    return nil
  }

  // MARK: - Callbacks

  private static let callbacks: Set<String> = [
    "uniswapV2Call", "uniswapV3SwapCallback", "uniswapV3MintCallback", "uniswapV3FlashCallback",
    "pancakeCall", "pancakeV3SwapCallback", "onFlashLoan", "executeOperation", "receiveFlashLoan",
    "unlockCallback", "lockAcquired", "algebraSwapCallback", "callFunction", "afterSwap",
    "beforeSwap", "tokensReceived",
  ]

  private func callbackFinding(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard let function = entry.function, Self.callbacks.contains(function.name),
      !function.modifiers.contains(where: {
        context.program.modifier(of: $0, in: subject.contract) == nil
      })
    else { return nil }
    let effects =
      entry.externalCalls.filter { !(entry.externalCall(at: $0)?.isStatic ?? true) }
      + entry.storageWrites.filter { write in
        !subject.reentrancyLocks.contains { $0.overlaps(write.location.field) }
      }.map(\.place)
    guard
      let open = effects.first(where: { effect in
        !entry.isRestricted(effect)
          && !entry.guards(of: effect).contains {
            entry.sources(of: $0.condition, options: [.selectors, .throughExternalCalls]).hasSender
          }
      })
    else { return nil }
    return .make(
      rule: Self.callback, at: function, in: context.program,
      message: """
        `\(function.name)` is meant to be called by a pool or lender in the middle of a trade, but it \
        does not check who calls. Anyone can call it with made-up arguments and reach \
        `\(entry.sourceText(open))`.
        """,
      contract: subject.contract, role: "callback",
      related: [entry.findingLocation(open, role: "reached without check of the caller")])
  }

  // MARK: - msg.value in loops

  private func callValueFinding(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard entry.isPayable else { return nil }
    for frame in entry.frames {
      for value in frame.graph.index.environment {
        guard case .environment(.callValue) = frame.graph[value].operation else { continue }
        let place = Place(frame: frame.id, value: value)
        guard
          let use = entry.flows(from: place).first(where: { flow in
            guard entry.isInLoop(flow) else { return false }
            switch entry[flow].operation {
            case .externalCall, .write: return true
            case .binary(let operation, let left, let right, _, _):
              // That no ether came is true in every round.
              let isNothing = [left, right].contains { entry.isZero(entry.operand($0, of: flow)) }
              return !isNothing
                && [.add, .greaterOrEqual, .equal, .lessOrEqual].contains(operation)
            default: return false
            }
          }),
          // A running remainder (msg.value less what was spent) is counted down, not reused.
          !entry.flows(from: place).contains(where: { flow in
            if case .binary(.subtract, _, _, _, _) = entry[flow].operation { return true }
            if case .binary(.divide, _, _, _, _) = entry[flow].operation { return true }
            return false
          })
        else { continue }
        return .make(
          rule: Self.callValue, at: entry.sourcePlace(use), in: context.program,
          message: """
            `msg.value` is the same in every round of the loop, but the ether came only once. Each \
            round counts it again.
            """,
          contract: subject.contract, role: "counted in every round",
          related: [entry.findingLocation(place, role: "read here")])
      }
    }
    return nil
  }
}
