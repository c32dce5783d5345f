import Solidity
import SoliditySyntax

/// Finds prices and other data from outside that are taken as they come, and trades without limits.
struct OracleDetector: Detector {
  var rules: [Rule] { [Self.stale, Self.spot, Self.midway, Self.slippage, Self.callback, Self.callValue] }

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
      return .make(
        rule: Self.stale, at: entry.sourcePlace(place), in: context.program,
        message: """
          `latestAnswer` does not say when the answer was given, so an old price cannot be told from \
          a fresh one.
          """,
        contract: subject.contract, role: "price read")
    case "latestRoundData":
      guard call.resultCount == 5 else { return nil }
      let results = results(of: place, entry)
      guard results[1] != nil else { return nil }
      // 3 is updatedAt.
      if let updated = results[3], entry.flows(from: updated).contains(where: { isComparison($0, entry) }) {
        return nil
      }
      if results[3].map({ isReturned($0, entry) }) ?? false { return nil }
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
      if case .result(_, let index) = entry[use].operation, !entry.uses(of: use).isEmpty {
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
        guard !uses.isEmpty, !uses.allSatisfy({ isEquality($0, entry) }) else { continue }
        guard let above = holding(entry.operand(left, of: place), entry),
          let below = holding(entry.operand(right, of: place), entry)
        else { continue }
        // Two answers of one call (getReserves), or the same account asked of two tokens: a pool's price.
        let isPool: Bool
        if above == below {
          isPool = entry.externalCall(at: above)?.name != "balanceOf"
        } else {
          isPool = sameAccount(above, below, entry) && !sameToken(above, below, entry)
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
    guard let first = entry.externalCall(at: a)?.target, let second = entry.externalCall(at: b)?.target
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
    guard Self.manipulableViews.contains(call.name), entry.usesReturnedData(of: place) else { return nil }
    let guarded = entry.externalCalls.contains { other in
      guard let name = entry.externalCall(at: other)?.name, other != place else { return false }
      // Calls that revert while the pool's own lock is held.
      return ["manageUserBalance", "remove_liquidity", "withdraw_admin_fees", "claim_admin_fees",
        "ensureNotInVaultContext"].contains(name) && entry.alwaysPrecedes(other, place)
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
    guard name.contains("swap") || name.contains("liquidity") || name.hasPrefix("exactinput")
      || name.hasPrefix("exchange")
    else { return nil }
    for (parameter, argument) in zip(function.parameters, call.arguments) {
      let text = parameter.name.lowercased()
      guard text.contains("min"), text.contains("amount") || text.contains("out") || text.contains("dy")
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
    guard let function = entry.function, Self.callbacks.contains(function.name) else { return nil }
    let effects = entry.externalCalls.filter { !(entry.externalCall(at: $0)?.isStatic ?? true) }
      + entry.storageWrites.map(\.place)
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
            case .binary(let operation, _, _, _, _):
              return [.add, .greaterOrEqual, .equal, .lessOrEqual].contains(operation)
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

// MARK: - Rule pages

extension OracleDetector {
  static let stale = Rule(
    id: "stale-oracle-price",
    title: "A price is used without a look at its age",
    severity: .medium, confidence: .high, category: .oracles,
    summary: """
      `latestRoundData` is used without comparing `updatedAt`, or the deprecated `latestAnswer` is \
      used.
      """,
    why: "A feed that has stopped keeps answering its last price.",
    howToFix: "Require that `updatedAt` is recent, by the heartbeat of the feed.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Feed {
        function latestRoundData() external view
          returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 round);
      }

      contract Prices {
        Feed immutable feed;
        constructor(Feed feed_) { feed = feed_; }
        function price() external view returns (int256) {
          (, int256 answer, , , ) = feed.latestRoundData();
          return answer;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Feed {
        function latestRoundData() external view
          returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 round);
      }

      contract Prices {
        Feed immutable feed;
        constructor(Feed feed_) { feed = feed_; }
        function price() external view returns (int256) {
          (, int256 answer, , uint256 updatedAt, ) = feed.latestRoundData();
          require(answer > 0 && updatedAt + 1 hours > block.timestamp, "old price");
          return answer;
        }
      }
      """,
    references: [.cwe(672)])

  static let spot = Rule(
    id: "spot-price",
    title: "A pool's momentary holdings are taken as a price",
    severity: .medium, confidence: .low, category: .oracles,
    summary: "The ratio of two holdings of a pool, read in the same transaction, is used as a price.",
    why: "One large trade changes the ratio, and a flash loan pays for the trade.",
    howToFix: "Use an average over time, or a feed that does not depend on one pool.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function balanceOf(address account) external view returns (uint256); }

      contract Prices {
        Token immutable a;
        Token immutable b;
        address immutable pool;
        constructor(Token a_, Token b_, address pool_) { a = a_; b = b_; pool = pool_; }
        function price() external view returns (uint256) {
          return (a.balanceOf(pool) * 1e18) / b.balanceOf(pool);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Oracle { function average(address token) external view returns (uint256); }

      contract Prices {
        Oracle immutable oracle;
        address immutable a;
        address immutable b;
        constructor(Oracle oracle_, address a_, address b_) { oracle = oracle_; a = a_; b = b_; }
        function price() external view returns (uint256) {
          return (oracle.average(a) * 1e18) / oracle.average(b);
        }
      }
      """,
    references: [.cwe(807)])

  static let midway = Rule(
    id: "pool-view-reentrancy",
    title: "A pool's view is trusted while the pool may be in the middle of a call",
    severity: .medium, confidence: .low, category: .reentrancy,
    summary: """
      A view known to answer wrongly during a withdrawal of the pool (`get_virtual_price`, `getRate`, \
      `getPoolTokens`) is used without first calling something that the pool's lock refuses.
      """,
    why: "Inside the pool's callback the caller sees a price that is neither the old nor the new one.",
    howToFix: "First call a function of the pool that reverts while its lock is held.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Pool { function get_virtual_price() external view returns (uint256); }

      contract Collateral {
        Pool immutable pool;
        constructor(Pool pool_) { pool = pool_; }
        function value(uint256 amount) external view returns (uint256) {
          return (pool.get_virtual_price() * amount) / 1e18;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Pool {
        function get_virtual_price() external view returns (uint256);
        function withdraw_admin_fees() external;
      }

      contract Collateral {
        Pool immutable pool;
        constructor(Pool pool_) { pool = pool_; }
        function value(uint256 amount) external returns (uint256) {
          pool.withdraw_admin_fees();
          return (pool.get_virtual_price() * amount) / 1e18;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let slippage = Rule(
    id: "missing-slippage-limit",
    title: "A trade is accepted at any price",
    severity: .medium, confidence: .high, category: .oracles,
    summary: "The least amount to receive from a trade is the constant zero.",
    why: "Whoever sees the transaction first can move the price against it.",
    howToFix: "Let the caller state the least amount to receive.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Router {
        function swap(uint256 amountIn, uint256 amountOutMin, address to) external;
      }

      contract Trader {
        Router immutable router;
        constructor(Router router_) { router = router_; }
        function trade(uint256 amount) external { router.swap(amount, 0, msg.sender); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Router {
        function swap(uint256 amountIn, uint256 amountOutMin, address to) external;
      }

      contract Trader {
        Router immutable router;
        constructor(Router router_) { router = router_; }
        function trade(uint256 amount, uint256 least) external {
          router.swap(amount, least, msg.sender);
        }
      }
      """,
    references: [.cwe(682)])

  static let callback = Rule(
    id: "unprotected-callback",
    title: "Anyone can call a callback meant for a pool or lender",
    severity: .high, confidence: .medium, category: .accessControl,
    summary: """
      A function with the name of a well-known callback moves tokens or changes state without any \
      check that involves the caller.
      """,
    why: "Its arguments are taken as proof of a trade that never happened.",
    howToFix: "Require that `msg.sender` is the pool or lender expected.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function transfer(address to, uint256 amount) external returns (bool); }

      contract Swapper {
        Token immutable token;
        constructor(Token token_) { token = token_; }
        function uniswapV3SwapCallback(int256 owed, int256, bytes calldata) external {
          require(token.transfer(msg.sender, uint256(owed)), "not paid");
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token { function transfer(address to, uint256 amount) external returns (bool); }

      contract Swapper {
        Token immutable token;
        address immutable pool;
        constructor(Token token_, address pool_) { token = token_; pool = pool_; }
        function uniswapV3SwapCallback(int256 owed, int256, bytes calldata) external {
          require(msg.sender == pool, "not the pool");
          require(token.transfer(msg.sender, uint256(owed)), "not paid");
        }
      }
      """,
    references: [.cwe(284)])

  static let callValue = Rule(
    id: "msg-value-in-loop",
    title: "msg.value is counted in every round of a loop",
    severity: .high, confidence: .medium, category: .funds,
    summary: "A value computed from `msg.value` is sent, stored or checked inside a loop.",
    why: "The ether arrived once; each round treats it as new.",
    howToFix: "Add up what the rounds need and compare the sum with `msg.value` once.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Shares {
        mapping(address => uint256) public paid;
        function pay(address[] calldata accounts) external payable {
          for (uint256 i; i < accounts.length; ++i) paid[accounts[i]] += msg.value;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Shares {
        mapping(address => uint256) public paid;
        function pay(address[] calldata accounts, uint256 each) external payable {
          require(msg.value == each * accounts.length, "wrong sum");
          for (uint256 i; i < accounts.length; ++i) paid[accounts[i]] += each;
        }
      }
      """,
    references: [.cwe(682)])
}
