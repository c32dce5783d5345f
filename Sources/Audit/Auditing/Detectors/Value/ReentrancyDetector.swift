import Solidity
import SoliditySyntax

/// Finds external calls that hand control away while the contract's own books are not yet in order.
struct ReentrancyDetector: Detector {
  var rules: [Rule] {
    [Self.state, Self.crossFunction, Self.readOnly, Self.events, Self.stipend]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    let entries = subject.entryPoints.filter { $0.hasCallerInput && !$0.isView }
    let locks = subject.reentrancyLocks
    var findings: [Finding] = []
    for entry in entries {
      for place in entry.externalCalls {
        guard let call = entry.externalCall(at: place), !entry.isRestricted(place) else { continue }
        guard handsControl(call, at: place, in: entry) else {
          if call.hasStipendOnly, let finding = stipendFinding(place, entry, subject, context) {
            findings.append(finding)
          }
          continue
        }
        let exposure = exposure(of: call, at: place, in: entry, subject)
        let late = lateWrites(after: place, in: entry).filter { write in
          !locks.contains { $0.overlaps(write.location.field) }
        }
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
      }
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
  }

  private func handsControl(_ call: ExternalCall, at place: Place, in entry: EntryPoint) -> Bool {
    if case .creation = call.kind { return false }
    guard call.canReenter, !call.isDelegate, let target = call.target else { return false }
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

  private func exposure(
    of call: ExternalCall, at place: Place, in entry: EntryPoint, _ subject: ContractFacts
  ) -> Exposure {
    guard let target = call.target else { return .trusted }
    let account = entry.operand(target, of: place)
    if entry.isSender(account) { return .chosen }
    let sources = entry.sources(of: account)
    if entry.isCallerChosen(account) || sources.hasInput {
      return entry.isVouchedFor(account, at: place) ? .trusted : .chosen
    }
    if sources.hasSender { return .chosen }
    if sources.isFixed { return .trusted }
    if sources.storage.contains(where: { subject.isAttackerWritable($0) }) { return .chosen }
    let onlyKept = sources.sources.allSatisfy { source in
      switch source {
      case .storage, .immutable, .constant, .creation: true
      default: false
      }
    }
    return onlyKept ? .trusted : .uncertain
  }

  private func lateWrites(after call: Place, in entry: EntryPoint) -> [StorageAccess] {
    entry.storageWrites.filter { write in
      !write.location.isTransient && entry.canFollow(write.place, after: call)
        && write.place != call
    }
  }

  // MARK: - The four kinds

  private func stateFinding(
    call place: Place, _ exposure: Exposure, _ late: [StorageAccess], _ entry: EntryPoint,
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let reads = entry.storageReads.filter { entry.canFollow(place, after: $0.place) }
    let stale = late.filter { write in
      reads.contains { $0.location.field.overlaps(write.location.field) }
    }
    guard let write = stale.first, let call = entry.externalCall(at: place) else { return nil }
    let read = reads.first { $0.location.field.overlaps(write.location.field) }
    let sendsEther = call.value.map { !entry.isZero(entry.operand($0, of: place)) } ?? false
    let severity: Severity
    let confidence: Confidence
    switch (exposure, sendsEther) {
    case (.chosen, true): (severity, confidence) = (.high, .high)
    case (.chosen, false): (severity, confidence) = (.medium, .medium)
    case (.uncertain, true): (severity, confidence) = (.medium, .medium)
    case (.trusted, true), (.uncertain, false): (severity, confidence) = (.low, .medium)
    case (.trusted, false): (severity, confidence) = (.low, .low)
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
    let reads = entry.storageReads.filter { entry.canFollow(place, after: $0.place) }
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
    guard exposure == .chosen else { return nil }
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
    case .uncertain: "another contract"
    case .trusted: "a contract fixed by this contract's keepers"
    }
  }

  private func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}

// MARK: - Rule pages

extension ReentrancyDetector {
  static let state = Rule(
    id: "reentrancy-state",
    title: "State is brought up to date only after an external call",
    severity: .high, confidence: .high, category: .reentrancy,
    summary: """
      An external call that can run foreign code stands between a read of a state variable and its update, and no \
      reentrancy lock is held. Calls limited to 2300 gas, static calls and calls only privileged callers can make \
      do not count.
      """,
    why: """
      The called account can call back before the update and repeat an action the old value still allows, such as \
      withdrawing the same balance again.
      """,
    howToFix: """
      Write the new state before the call (checks, effects, interactions), or hold a reentrancy lock over the whole \
      function and over every function that uses the same state.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;

        function deposit() external payable {
          balances[msg.sender] += msg.value;
        }

        function withdraw() external {
          uint256 amount = balances[msg.sender];
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
          balances[msg.sender] = 0;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;

        function deposit() external payable {
          balances[msg.sender] += msg.value;
        }

        function withdraw() external {
          uint256 amount = balances[msg.sender];
          balances[msg.sender] = 0;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let crossFunction = Rule(
    id: "reentrancy-cross-function",
    title: "A function can be entered while another has not finished its books",
    severity: .medium, confidence: .medium, category: .reentrancy,
    summary: """
      State is written after an external call to an account the caller chooses, and another function without lock \
      relies on that state.
      """,
    why: """
      The called account enters through the other function and acts on a value that is about to change.
      """,
    howToFix: """
      Write the state before the call, or hold one reentrancy lock over all functions that share it.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Raffle {
        mapping(address => bool) public claimed;
        mapping(address => uint256) public points;

        function claim(address payable to) external {
          (bool sent, ) = to.call("");
          require(sent, "call failed");
          claimed[msg.sender] = true;
        }

        function swap() external {
          require(!claimed[msg.sender], "claimed");
          points[msg.sender] += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Raffle {
        mapping(address => bool) public claimed;
        mapping(address => uint256) public points;

        function claim(address payable to) external {
          claimed[msg.sender] = true;
          (bool sent, ) = to.call("");
          require(sent, "call failed");
        }

        function swap() external {
          require(!claimed[msg.sender], "claimed");
          points[msg.sender] += 1;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let readOnly = Rule(
    id: "reentrancy-read-only",
    title: "A view shows half-updated state during an external call",
    severity: .low, confidence: .medium, category: .reentrancy,
    summary: """
      While ether is sent to an account the caller chooses, a view that computes from several state variables \
      reads one that is written only after the call, and the view does not look at the lock.
      """,
    why: """
      Other contracts use such views as prices. Inside the call they see one side of the books updated and the other \
      not, even where a lock protects this contract itself.
      """,
    howToFix: "Write all state before the call, or let the view revert while the lock is held.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Pool {
        uint256 public supply;
        uint256 public reserve;
        mapping(address => uint256) public shares;

        function exit(uint256 amount) external {
          shares[msg.sender] -= amount;
          reserve -= amount;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
          supply -= amount;
        }

        function price() external view returns (uint256) {
          return (reserve * 1e18) / supply;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Pool {
        uint256 public supply;
        uint256 public reserve;
        mapping(address => uint256) public shares;

        function exit(uint256 amount) external {
          shares[msg.sender] -= amount;
          reserve -= amount;
          supply -= amount;
          (bool sent, ) = msg.sender.call{value: amount}("");
          require(sent, "send failed");
        }

        function price() external view returns (uint256) {
          return (reserve * 1e18) / supply;
        }
      }
      """,
    references: [.swc(107), .cwe(841)])

  static let stipend = Rule(
    id: "reentrancy-stipend",
    title: "Only the gas stipend prevents reentrancy",
    severity: .informational, confidence: .high, category: .reentrancy,
    summary: """
      A state variable is read before and written after `transfer` or `send`, which pass on 2300 gas.
      """,
    why: """
      The receiver cannot do much with 2300 gas today. Gas prices have changed before, and chains \
      other than mainnet have their own.
      """,
    howToFix: "Write the new state before sending.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;
        function deposit() external payable { balances[msg.sender] += msg.value; }
        function withdraw() external {
          payable(msg.sender).transfer(balances[msg.sender]);
          balances[msg.sender] = 0;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Vault {
        mapping(address => uint256) public balances;
        function deposit() external payable { balances[msg.sender] += msg.value; }
        function withdraw() external {
          uint256 amount = balances[msg.sender];
          balances[msg.sender] = 0;
          payable(msg.sender).transfer(amount);
        }
      }
      """,
    references: [.swc(107), .swc(134)])

  static let events = Rule(
    id: "reentrancy-events",
    title: "Event logged after an external call",
    severity: .informational, confidence: .medium, category: .reentrancy,
    summary: """
      An event is logged after a call to an account the caller chooses, and nothing else is changed after it.
      """,
    why: "On reentry the log shows actions in another order than they happened.",
    howToFix: "Log the event before the call, or hold a reentrancy lock.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Relay {
        event Called(address target);

        function run(address target) external {
          (bool done, ) = target.call("");
          require(done, "call failed");
          emit Called(target);
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Relay {
        event Called(address target);

        function run(address target) external {
          emit Called(target);
          (bool done, ) = target.call("");
          require(done, "call failed");
        }
      }
      """,
    references: [.swc(107)])
}
