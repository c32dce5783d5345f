import Solidity
import SoliditySyntax

/// Finds ways to stop a contract from working: calls others can make fail, work without bound, conditions anyone can
/// break, ether nobody can take out.
struct AvailabilityDetector: Detector {
  var rules: [Rule] {
    [Self.callInLoop, Self.unboundedLoop, Self.failingRecipient, Self.strictBalance, Self.locked]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    let entries = subject.entryPoints.filter { $0.hasCallerInput }
    for entry in entries {
      if !entry.isView {
        findings += loopFindings(entry, subject, context)
        findings += recipientFindings(entry, subject, context)
      }
    }
    for entry in entries + subject.unreachedFunctions {
      findings += equalityFindings(entry, subject, context)
    }
    if let finding = lockedFinding(subject, context) { findings.append(finding) }
    return findings
  }

  // MARK: - Loops

  private func loopFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for place in entry.externalCalls where entry.isInLoop(place) {
      guard let call = entry.externalCall(at: place), let target = call.target, !call.isTry,
        !call.isStatic
      else { continue }
      if case .creation = call.kind { continue }
      // Batches the caller composes fail the caller only.
      let account = entry.sources(of: entry.operand(target, of: place), options: .selectors)
      guard !account.storage.isEmpty, entry.successHandling(of: place) != .ignored else { continue }
      let pushes = call.value != nil
      let isElement = entry.sources(of: entry.operand(target, of: place)).storage.contains { !$0.isScalar }
      guard isElement else { continue }
      findings.append(
        .make(
          rule: Self.callInLoop, at: entry.sourcePlace(place), in: context.program,
          message: """
            Each round of the loop calls an account kept in a list. One of them that reverts or burns \
            its gas keeps all the others from being \(pushes ? "paid" : "served").
            """,
          severity: pushes ? .medium : .low, contract: subject.contract, role: "call in a loop"))
    }
    findings += unboundedFindings(entry, subject, context)
    findings += clearingFindings(entry, subject, context)
    return findings
  }

  /// Clearing a dynamic array writes every element, a loop in all but name.
  private func clearingFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    entry.storageWrites.compactMap { write in
      guard let variable = write.location.variable, write.location.steps.isEmpty,
        case .array(_, nil, _) = context.program.type(of: variable)
      else { return nil }
      switch write.kind {
      case .delete: break
      case .assign:
        guard let value = write.value,
          case .aggregate(.allocation, _) = entry[entry.origin(of: value)].operation
        else { return nil }
      default: return nil
      }
      guard
        let grows = subject.writers(of: write.location.field).first(where: { other in
          !other.entry.isRestricted(other.place)
            && (other.kind == .push || other.location.steps.last == .length)
        })
      else { return nil }
      return .make(
        rule: Self.unboundedLoop, at: entry.sourcePlace(write.place), in: context.program,
        message: """
          Clearing `\(write.location.field.text)` writes every element it has, and anyone can \
          lengthen it through `\(grows.entry.name)`. Past some length `\(entry.name)` no longer fits \
          into a block.
          """,
        contract: subject.contract, role: "clears all elements",
        related: [grows.entry.findingLocation(grows.place, role: "grows here")])
    }
  }

  private func unboundedFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for frame in entry.frames {
      for loop in frame.graph.loops {
        guard let exit = loop.exits.first(where: { $0.block == loop.header }) ?? loop.exits.first,
          case .binary(_, let left, let right, _, _) = frame.graph[exit.condition].operation
        else { continue }
        let condition = Place(frame: frame.id, value: exit.condition)
        let hasEffect = loop.blocks.contains { block in
          frame.graph[block].values.contains { value in
            switch frame.graph[value].operation {
            case .write, .externalCall: true
            case .internalCall: true
            default: false
            }
          }
        }
        guard hasEffect else { continue }
        for side in [left, right] {
          let limit = Place(frame: frame.id, value: side)
          guard let location = lengthLocation(limit, entry) else { continue }
          let grows = subject.writers(of: location.field).first { write in
            guard !write.entry.isRestricted(write.place), write.entry !== entry else { return false }
            return write.kind == .push || write.location.steps.last == .length
              || write.kind == .assign && write.location.field == location.field
          }
          guard let grows else { continue }
          findings.append(
            .make(
              rule: Self.unboundedLoop, at: entry.sourcePlace(condition), in: context.program,
              message: """
                The loop goes over all of `\(location.field.text)`, which anyone can lengthen through \
                `\(grows.entry.name)`. Past some length `\(entry.name)` no longer fits into a block.
                """,
              contract: subject.contract, role: "loop over all elements",
              related: [grows.entry.findingLocation(grows.place, role: "grows here")]))
        }
      }
    }
    return findings
  }

  /// The array whose length a value is read from.
  private func lengthLocation(_ place: Place, _ entry: EntryPoint) -> StorageLocation? {
    let origin = entry.origin(of: place)
    guard case .read = entry[origin].operation, let location = entry.location(at: origin),
      location.steps.last == .length
    else { return nil }
    return location
  }

  // MARK: - Recipients that refuse

  private func recipientFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    entry.externalCalls.compactMap { place in
      guard let call = entry.externalCall(at: place), call.value != nil, let target = call.target,
        !entry.isInLoop(place)
      else { return nil }
      switch entry.successHandling(of: place) {
      case .implied, .branch: break
      case .passedOn, .ignored: return nil
      }
      let account = entry.operand(target, of: place)
      guard !entry.isSender(account), !entry.isCallerChosen(account) else { return nil }
      let fields = entry.sources(of: account).storage.filter(\.isScalar)
      guard
        let field = fields.first(where: { field in
          // Whoever stands there now is to be replaced by the one who calls.
          entry.storageWrites.contains { write in
            write.location.field == field && entry.canFollow(write.place, after: place)
              && (write.value.map { entry.isSender($0) } ?? false)
          }
        })
      else { return nil }
      return .make(
        rule: Self.failingRecipient, at: entry.sourcePlace(place), in: context.program,
        message: """
          `\(entry.name)` must pay the account in `\(field.text)` before another can take its place. \
          A contract there that refuses ether keeps the place for ever.
          """,
        contract: subject.contract, role: "payment that can be refused")
    }
  }

  // MARK: - Strict equalities

  private func equalityFindings(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for frame in entry.frames {
      for value in frame.graph.index.comparisons {
        guard case .binary(let comparison, let left, let right, _, _) = frame.graph[value].operation,
          comparison == .equal || comparison == .notEqual
        else { continue }
        let place = Place(frame: frame.id, value: value)
        let sides = [left, right].map { entry.operand($0, of: place) }
        guard let index = sides.firstIndex(where: { isOwnBalance($0, entry) }),
          !entry.isZero(sides[1 - index])
        else { continue }
        findings.append(
          .make(
            rule: Self.strictBalance, at: entry.sourcePlace(place), in: context.program,
            message: """
              Anyone can send ether or tokens here, ether even without the contract's consent, so \
              `\(entry.sourceText(place))` can be made false for ever by a gift.
              """,
            contract: subject.contract, role: "exact comparison"))
      }
    }
    return findings
  }

  private func isOwnBalance(_ place: Place, _ entry: EntryPoint) -> Bool {
    let origin = entry.origin(of: place)
    switch entry[origin].operation {
    case .balance(let account): return entry.isThis(Place(frame: origin.frame, value: account))
    case .environment(.selfBalance): return true
    case .result(let call, 0):
      let call = Place(frame: origin.frame, value: call)
      guard let external = entry.externalCall(at: call), external.name == "balanceOf",
        let owner = external.arguments.first
      else { return false }
      return entry.isThis(entry.operand(owner, of: call))
    default: return false
    }
  }

  // MARK: - Locked ether

  private func lockedFinding(_ subject: ContractFacts, _ context: AuditContext) -> Finding? {
    let contract = subject.contract
    guard contract.kind == .contract, !contract.isAbstract,
      let payable = subject.entryPoints.first(where: { $0.isPayable && $0.hasCallerInput })
    else { return nil }
    let all = subject.entryPoints + subject.unreachedFunctions + [subject.deployment].compactMap { $0 }
    for entry in all {
      if !entry.selfdestructs.isEmpty || entry.isTruncated { return nil }
      // A receiver that always reverts takes nothing.
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place) else { continue }
        if call.value != nil || call.isDelegate { return nil }
      }
      if entry.frames.contains(where: { !$0.graph.isComplete }) { return nil }
    }
    let accepting = subject.entryPoints.first { entry in
      entry.isPayable && entry.hasCallerInput && entry[FrameID.root].graph.exit != nil
        && !refusesEther(entry)
    }
    guard let accepting, let function = accepting.function ?? payable.function else { return nil }
    return .make(
      rule: Self.locked, at: function, in: context.program,
      message: """
        `\(contract.name)` accepts ether here, and no function of it can send any out. What comes in \
        is lost.
        """,
      contract: contract, rootCause: function, role: "ether comes in")
  }

  private func refusesEther(_ entry: EntryPoint) -> Bool {
    guard let exit = entry[FrameID.root].graph.exit,
      let last = entry[FrameID.root].graph[exit].values.last
    else { return false }
    return entry.guards(of: Place(frame: .root, value: last)).contains { condition in
      guard case .comparison(.equal, let a, let b) = condition.predicate else { return false }
      let sides = [a, b]
      return sides.contains { entry.isZero($0) }
        && sides.contains { entry.sources(of: $0).sources == [.environment(.callValue)] }
    }
  }
}

// MARK: - Rule pages

extension AvailabilityDetector {
  static let callInLoop = Rule(
    id: "external-call-in-loop",
    title: "One failing account stops a loop over all",
    severity: .medium, confidence: .medium, category: .denialOfService,
    summary: """
      A loop calls accounts kept in storage, and the failure of one call fails the whole. Medium \
      where ether is sent, else low.
      """,
    why: "One recipient that reverts keeps everybody else from being served.",
    howToFix: "Let each account withdraw its own share, or skip calls that fail.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Split {
        address payable[] public holders;
        function join() external { holders.push(payable(msg.sender)); }
        function share() external payable {
          uint256 part = msg.value / holders.length;
          for (uint256 i; i < holders.length; ++i) holders[i].transfer(part);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Split {
        mapping(address => uint256) public owed;
        function deposit(address to) external payable { owed[to] += msg.value; }
        function withdraw() external {
          uint256 amount = owed[msg.sender];
          owed[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(113), .cwe(703)])

  static let unboundedLoop = Rule(
    id: "unbounded-loop",
    title: "A loop grows with a list anyone can lengthen",
    severity: .low, confidence: .medium, category: .denialOfService,
    summary: """
      A loop with writes or calls goes over all elements of an array that unprivileged callers can \
      lengthen.
      """,
    why: "Gas per transaction is limited; past some length the function always fails.",
    howToFix: "Process a bounded range per call, or keep running totals instead of lists.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Points {
        address[] public members;
        mapping(address => uint256) public points;
        function join() external { members.push(msg.sender); }
        function reward() external {
          for (uint256 i; i < members.length; ++i) points[members[i]] += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Points {
        address[] public members;
        mapping(address => uint256) public points;
        function join() external { members.push(msg.sender); }
        function reward(uint256 from, uint256 to) external {
          for (uint256 i = from; i < to; ++i) points[members[i]] += 1;
        }
      }
      """,
    references: [.swc(128), .cwe(400)])

  static let failingRecipient = Rule(
    id: "refusing-recipient",
    title: "A recipient that refuses ether keeps its place",
    severity: .medium, confidence: .high, category: .denialOfService,
    summary: """
      An account in storage must be paid successfully before the caller can replace it there.
      """,
    why: "A contract without payable receive function cannot be outbid or replaced.",
    howToFix: "Record what the old account is owed and let it withdraw.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Throne {
        address payable public king;
        uint256 public price;
        function claim() external payable {
          require(msg.value > price, "too little");
          king.transfer(price);
          king = payable(msg.sender);
          price = msg.value;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Throne {
        address public king;
        uint256 public price;
        mapping(address => uint256) public owed;
        function claim() external payable {
          require(msg.value > price, "too little");
          owed[king] += price;
          king = msg.sender;
          price = msg.value;
        }
        function withdraw() external {
          uint256 amount = owed[msg.sender];
          owed[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(113), .cwe(703)])

  static let strictBalance = Rule(
    id: "strict-balance-equality",
    title: "An exact comparison of the contract's balance can be broken by a gift",
    severity: .medium, confidence: .high, category: .denialOfService,
    summary: "`==` or `!=` with the contract's own ether or token balance, other than with zero.",
    why: "Ether can be forced into any contract, tokens can be sent to it, by anyone.",
    howToFix: "Keep own books, or compare with `>=`.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Goal {
        bool public reached;
        receive() external payable {}
        function close() external {
          require(address(this).balance == 10 ether, "not reached");
          reached = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Goal {
        bool public reached;
        receive() external payable {}
        function close() external {
          require(address(this).balance >= 10 ether, "not reached");
          reached = true;
        }
      }
      """,
    references: [.swc(132), .cwe(667)])

  static let locked = Rule(
    id: "locked-ether",
    title: "Ether can come in but not out",
    severity: .medium, confidence: .high, category: .funds,
    summary: "A contract has a payable function and no code that could send ether.",
    why: "Whatever is paid in is lost.",
    howToFix: "Remove `payable`, or add a way to withdraw.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Jar {
        uint256 public count;
        function put() external payable { count += 1; }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Jar {
        uint256 public count;
        function put() external { count += 1; }
      }
      """,
    references: [.cwe(561)])
}
