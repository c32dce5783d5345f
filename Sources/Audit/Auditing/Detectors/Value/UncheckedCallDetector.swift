import Solidity
import SoliditySyntax

/// Finds calls whose failure goes unnoticed.
struct UncheckedCallDetector: Detector {
  var rules: [Rule] { [Self.lowLevel, Self.transfer, Self.result] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place) else { continue }
        if let lowLevel = call.lowLevel {
          if let finding = ignoredFlag(of: lowLevel, call, at: place, entry, subject, context) {
            findings.append(finding)
          }
        } else if let finding = ignoredResult(of: call, at: place, entry, subject, context) {
          findings.append(finding)
        }
      }
    }
    return findings
  }

  private func ignoredFlag(
    of lowLevel: LowLevelCall, _ call: ExternalCall, at place: Place, _ entry: EntryPoint,
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard lowLevel != .transfer else { return nil }
    switch entry.successHandling(of: place) {
    case .ignored: break
    case .branch:
      return uselessCheck(of: place, entry, subject, context)
    case .implied, .passedOn: return nil
    }
    let sendsEther = lowLevel == .send || call.value != nil
    // In assembly dropping the flag is written out (`pop(call(...))`): a decision, if a risky one.
    let severity: Severity = call.isAssembly ? .low : .medium
    return .make(
      rule: Self.lowLevel, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` does not revert when it fails; it answers false, and nothing \
        looks at the answer. \(sendsEther ? "Ether that was not sent counts as sent" : "What should have happened is taken as done").
        """,
      severity: severity, contract: subject.contract, role: "call")
  }

  /// A branch on the success flag that makes no difference, or reverts when the call succeeded.
  private func uselessCheck(
    of place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let graph = entry[place.frame].graph
    guard let check = graph.check(of: place.value) else { return nil }
    let message: String
    if check.isIdle {
      message = """
        The success of `\(entry.sourceText(place))` is asked for, but nothing different is done \
        when it fails.
        """
    } else if check.isInverted {
      message = """
        When `\(entry.sourceText(place))` succeeds, everything is reverted; when it fails, the \
        function goes on. The check is the wrong way round.
        """
    } else {
      return nil
    }
    return .make(
      rule: Self.lowLevel, at: entry.sourcePlace(place), in: context.program, message: message,
      contract: subject.contract, role: "call",
      related: [
        entry.findingLocation(
          Place(frame: place.frame, value: check.condition), role: "checked here")
      ])
  }

  // MARK: - Calls that are never made

  func findings(in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for function in context.facts.functions {
      guard let body = function.body else { continue }
      for statement in body.statements {
        AnySyntax.statement(statement).walk { node in
          if case .statement(let inner) = node, case .expression(let expression) = inner.kind,
            isOnlyPrepared(expression, context.program)
          {
            findings.append(
              .make(
                rule: Self.lowLevel, at: expression, in: context.program,
                message: """
                  The ether is only stated here; the call itself, a pair of parentheses after it, \
                  is missing. Nothing is sent, and what follows takes it as sent.
                  """,
                role: "call is never made"))
          }
          return .into
        }
      }
    }
    return findings
  }

  /// `to.call.value(amount)` without the parentheses that make the call.
  private func isOnlyPrepared(_ expression: Expression, _ program: Program) -> Bool {
    guard case .call(let callee, let arguments) = expression.withoutParentheses.kind,
      arguments.values.count == 1,
      case .memberAccess(let base, let option) = callee.withoutParentheses.kind,
      option.text == "value",
      case .memberAccess(let account, let name) = base.withoutParentheses.kind,
      ["call", "callcode"].contains(name.text), program.declaration(of: base) == nil
    else { return false }
    if case .address = program.type(of: account) { return true }
    return false
  }

  private func ignoredResult(
    of call: ExternalCall, at place: Place, _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    guard let function = call.function, !function.returnParameters.isEmpty, !call.isStatic,
      !call.isTry, !entry.usesReturnedData(of: place)
    else { return nil }
    let isVerdict =
      function.returnParameters.count == 1
      && context.program.type(of: function.returnParameters[0]) == .bool
    // A body tells that this very token reverts instead of answering false.
    if function.body != nil { return nil }
    if isVerdict, ["transfer", "transferFrom"].contains(function.name),
      [2, 3].contains(function.parameters.count)
    {
      return .make(
        rule: Self.transfer, at: entry.sourcePlace(place), in: context.program,
        message: """
          Some tokens answer false instead of reverting. `\(entry.sourceText(place))` then moves \
          nothing, and the function goes on as if it had.
          """,
        contract: subject.contract, role: "token transfer")
    }
    return .make(
      rule: Self.result, at: entry.sourcePlace(place), in: context.program,
      message: isVerdict
        ? """
        `\(function.name)` answers whether it succeeded; here nothing looks at the answer of \
        `\(entry.sourceText(place))`.
        """
        : "`\(function.name)` answers something, and nothing here looks at it.",
      severity: isVerdict ? nil : .informational, contract: subject.contract, role: "call")
  }
}

extension FunctionGraph {
  /// How the success flag of a call is checked.
  fileprivate struct SuccessCheck {
    let condition: ValueID
    /// Both ways lead to the same place without doing anything.
    let isIdle: Bool
    /// Success never returns normally, failure does.
    let isInverted: Bool
  }

  /// The branch that a call's success flag decides, through negations.
  fileprivate func check(of call: ValueID) -> SuccessCheck? {
    for block in blocks {
      guard case .branch(let condition, let then, let otherwise) = block.terminator else {
        continue
      }
      var value = condition
      var polarity = true
      while case .unary(.not, let inner, _) = self[value].operation {
        value = inner
        polarity.toggle()
      }
      guard case .result(call, 0) = self[value].operation else { continue }
      let success = polarity ? then : otherwise
      let failure = polarity ? otherwise : then
      let ends = [success, failure].map { end(of: $0) }
      let returns = [success, failure].map { way in
        exit.map { way == $0 || canReach(way, $0) } ?? false
      }
      return SuccessCheck(
        condition: condition, isIdle: ends[0] == ends[1], isInverted: !returns[0] && returns[1])
    }
    return nil
  }

  /// The first block at or after one that does something or can be reached otherwise.
  private func end(of start: BlockID) -> BlockID {
    var block = start
    for _ in 0..<16 {
      guard case .jump(let next) = self[block].terminator, self[block].values.isEmpty else { break }
      block = next
    }
    return block
  }
}

// MARK: - Rule pages

extension UncheckedCallDetector {
  static let lowLevel = Rule(
    id: "unchecked-call",
    title: "Success of a low-level call is ignored",
    severity: .medium, confidence: .high, category: .externalCalls,
    summary: """
      The success flag of `call`, `send`, `delegatecall`, `staticcall` or `callcode` is never \
      looked at.
      """,
    why: """
      Low-level calls answer false instead of reverting. State then says that something happened \
      which did not.
      """,
    howToFix: "Require success, or handle the failure: `(bool ok, ) = to.call(data); require(ok);`",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Payroll {
        address payable immutable worker;
        uint256 public paid;

        constructor(address payable worker_) { worker = worker_; }

        function pay() external {
          paid += 1;
          worker.send(1 ether);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Payroll {
        address payable immutable worker;
        uint256 public paid;

        constructor(address payable worker_) { worker = worker_; }

        function pay() external {
          paid += 1;
          require(worker.send(1 ether), "not paid");
        }
      }
      """,
    references: [.swc(104), .cwe(252)])

  static let transfer = Rule(
    id: "unchecked-transfer",
    title: "Answer of a token transfer is ignored",
    severity: .medium, confidence: .high, category: .tokens,
    summary: """
      The bool answered by an ERC-20 `transfer` or `transferFrom` of another contract is not used.
      """,
    why: "Tokens that answer false instead of reverting make deposits free and withdrawals empty.",
    howToFix: """
      Require the answer, or use a wrapper that also accepts tokens without an answer, such as \
      SafeERC20.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Savings {
        Token immutable token;
        mapping(address => uint256) public saved;

        constructor(Token token_) { token = token_; }

        function save(uint256 amount) external {
          saved[msg.sender] += amount;
          token.transferFrom(msg.sender, address(this), amount);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Savings {
        Token immutable token;
        mapping(address => uint256) public saved;

        constructor(Token token_) { token = token_; }

        function save(uint256 amount) external {
          saved[msg.sender] += amount;
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    references: [.swc(104), .cwe(252), .erc(20)])

  static let result = Rule(
    id: "unused-return",
    title: "Answer of an external call is ignored",
    severity: .low, confidence: .medium, category: .externalCalls,
    summary: """
      A function of another contract that may change state is called, and its answer is not used. \
      Low for a bool, which usually tells success; informational for others.
      """,
    why: "The answer usually says whether the call did its work.",
    howToFix: "Require the answer, or handle the case that it is false.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Registry { function register(bytes32 name) external returns (bool); }

      contract Names {
        Registry immutable registry;
        constructor(Registry registry_) { registry = registry_; }
        function take(bytes32 name) external { registry.register(name); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Registry { function register(bytes32 name) external returns (bool); }

      contract Names {
        Registry immutable registry;
        constructor(Registry registry_) { registry = registry_; }
        function take(bytes32 name) external { require(registry.register(name), "taken"); }
      }
      """,
    references: [.cwe(252)])
}
