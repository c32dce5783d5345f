import Ethereum
import Solidity
import SoliditySyntax

/// Finds tokens and vaults that differ from their standards or break their own books.
struct TokenDetector: Detector {
  var rules: [Rule] {
    [Self.interface, Self.separator, Self.inflation, Self.selfTransfer, Self.approval]
  }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings = inflationFindings(subject, context)
    for entry in subject.entryPoints where entry.hasCallerInput && !entry.isView {
      if let finding = selfTransferFinding(entry, subject, context) { findings.append(finding) }
      if let finding = approvalFinding(entry, subject, context) { findings.append(finding) }
    }
    return findings
  }

  func findings(in context: AuditContext) -> [Finding] {
    context.program.contracts.flatMap { contract in
      interfaceFindings(contract, context)
        + [separatorFinding(contract, context)].compactMap { $0 }
    }
  }

  // MARK: - Interfaces

  /// A function of a standard: what it is called with and what it answers.
  private struct Signature {
    let text: String
    let returns: [SolidityType]
  }

  private static let word = SolidityType.integer(bits: 256, signed: false)
  private static let account = SolidityType.address(payable: false)

  private static let erc20: [Signature] = [
    Signature(text: "transfer(address,uint256)", returns: [.bool]),
    Signature(text: "transferFrom(address,address,uint256)", returns: [.bool]),
    Signature(text: "approve(address,uint256)", returns: [.bool]),
    Signature(text: "totalSupply()", returns: [word]),
    Signature(text: "balanceOf(address)", returns: [word]),
    Signature(text: "allowance(address,address)", returns: [word]),
  ]

  private static let erc721: [Signature] = [
    Signature(text: "ownerOf(uint256)", returns: [account]),
    Signature(text: "balanceOf(address)", returns: [word]),
    Signature(text: "safeTransferFrom(address,address,uint256,bytes)", returns: []),
    Signature(text: "safeTransferFrom(address,address,uint256)", returns: []),
    Signature(text: "transferFrom(address,address,uint256)", returns: []),
    Signature(text: "approve(address,uint256)", returns: []),
    Signature(text: "setApprovalForAll(address,bool)", returns: []),
    Signature(text: "getApproved(uint256)", returns: [account]),
    Signature(text: "isApprovedForAll(address,address)", returns: [.bool]),
  ]

  private static let erc4626: [Signature] = [
    Signature(text: "asset()", returns: [account]),
    Signature(text: "totalAssets()", returns: [word]),
    Signature(text: "convertToShares(uint256)", returns: [word]),
    Signature(text: "convertToAssets(uint256)", returns: [word]),
    Signature(text: "deposit(uint256,address)", returns: [word]),
    Signature(text: "mint(uint256,address)", returns: [word]),
    Signature(text: "withdraw(uint256,address,address)", returns: [word]),
    Signature(text: "redeem(uint256,address,address)", returns: [word]),
  ]

  private func interfaceFindings(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> [Finding] {
    guard contract.kind != .library else { return [] }
    var functions: [String: FunctionDefinition] = [:]
    for entry in context.program.interface(of: contract) {
      if let function = entry.declaration as? FunctionDefinition {
        functions[entry.signature] = function
      }
    }
    let names = Set(context.program.interface(of: contract).map(\.signature))
    let standard: (name: String, signatures: [Signature], reference: Int)
    if names.contains("ownerOf(uint256)"), names.contains("setApprovalForAll(address,bool)") {
      standard = ("ERC-721", Self.erc721, 721)
    } else if names.contains("convertToShares(uint256)"), names.contains("totalAssets()") {
      standard = ("ERC-4626", Self.erc4626, 4626)
    } else if names.contains("transfer(address,uint256)"),
      names.contains("balanceOf(address)"),
      names.contains("approve(address,uint256)")
        || names.contains("transferFrom(address,address,uint256)")
    {
      standard = ("ERC-20", Self.erc20, 20)
    } else {
      return []
    }
    return standard.signatures.compactMap { signature in
      guard let function = functions[signature.text],
        // Reported where it is declared.
        context.program.contract(containing: function)?.id == contract.id
      else { return nil }
      let returns = function.returnParameters.map { context.program.type(of: $0) }
      guard !agree(returns, signature.returns) else { return nil }
      let expected = signature.returns.map { context.program.typeString(of: $0) }
      let isDeclarationOnly = contract.kind == .interface
      return .make(
        rule: Self.interface, at: function, in: context.program,
        message: """
          \(standard.name) says that `\(signature.text)` answers \
          \(expected.isEmpty ? "nothing" : "`" + expected.joined(separator: ", ") + "`"), here it \
          answers \(returns.isEmpty ? "nothing" : "something else"). Callers compiled for the \
          standard fail when they decode the answer.
          """,
        severity: isDeclarationOnly ? .low : .medium, contract: contract, rootCause: function,
        role: "differs from the standard")
    }
  }

  private func agree(_ a: [SolidityType], _ b: [SolidityType]) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy { given, expected in
        switch (given, expected) {
        case (.address, .address), (.contract, .address), (.unknown, _): true
        case (.userDefinedValue, _): true
        default: given == expected
        }
      }
  }

  // MARK: - Domain separators

  private static let separatorName = "DOMAIN_SEPARATOR()"

  private func separatorFinding(
    _ contract: ContractDefinition, _ context: AuditContext
  ) -> Finding? {
    let expected = Selector(signature: Self.separatorName)
    for entry in context.program.interface(of: contract) where entry.selector == expected {
      guard context.program.contract(containing: entry.declaration)?.id == contract.id else {
        continue
      }
      let problem: String
      if entry.signature != Self.separatorName {
        problem = "has the same selector as"
      } else if let variable = entry.declaration as? VariableDeclaration,
        context.program.type(of: variable) != .fixedBytes(32)
      {
        problem = "does not answer `bytes32` as"
      } else if let function = entry.declaration as? FunctionDefinition,
        function.returnParameters.map({ context.program.type(of: $0) }) != [.fixedBytes(32)]
      {
        problem = "does not answer `bytes32` as"
      } else {
        continue
      }
      return .make(
        rule: Self.separator, at: entry.declaration, in: context.program,
        message: """
          `\(entry.signature)` \(problem) `\(Self.separatorName)` of ERC-2612. Signers and routers \
          that ask for the domain get something else.
          """,
        contract: contract, role: "answers for the domain separator")
    }
    return nil
  }

  // MARK: - Inflation of shares

  private func inflationFindings(_ subject: ContractFacts, _ context: AuditContext) -> [Finding] {
    guard subject.contract.kind == .contract else { return [] }
    for entry in subject.entryPoints where entry.hasCallerInput && !entry.isView {
      for frame in entry.frames {
        for value in frame.graph.index.arithmetic {
          guard case .binary(.divide, let above, let below, _, _) = frame.graph[value].operation
          else { continue }
          let place = Place(frame: frame.id, value: value)
          let assets = entry.operand(below, of: place)
          guard let balance = plainOwnBalance(assets, entry) else { continue }
          // amount * supply / assets, with a supply kept here.
          let numerator = entry.origin(of: entry.operand(above, of: place))
          guard case .binary(.multiply, _, _, _, _) = entry[numerator].operation else { continue }
          let sources = entry.sources(of: numerator)
          guard sources.hasInput, sources.storage.contains(where: \.isScalar) else { continue }
          let minted = entry.flows(from: place).contains { flow in
            if case .write = entry[flow].operation { return true }
            return false
          }
          guard minted else { continue }
          return [
            .make(
              rule: Self.inflation, at: entry.sourcePlace(place), in: context.program,
              message: """
                Shares are the deposit times the supply over the contract's own balance, rounded \
                down. The first depositor can mint one share, send tokens to the contract directly, \
                and later deposits round down to no shares at all.
                """,
              contract: subject.contract, role: "shares computed",
              related: [entry.findingLocation(balance, role: "balance anyone can raise")])
          ]
        }
      }
    }
    return []
  }

  /// The read of the contract's own token balance that a divisor is, with nothing virtual added.
  private func plainOwnBalance(_ place: Place, _ entry: EntryPoint) -> Place? {
    let origin = entry.origin(of: place)
    guard case .result(let value, 0) = entry[origin].operation else { return nil }
    let call = Place(frame: origin.frame, value: value)
    guard let external = entry.externalCall(at: call), external.name == "balanceOf",
      let owner = external.arguments.first, entry.isThis(entry.operand(owner, of: call))
    else { return nil }
    return call
  }

  // MARK: - Transfers to oneself

  private func selfTransferFinding(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let writes = entry.storageWrites.filter {
      $0.location.indexes.count == 1 && $0.kind == .assign && !$0.location.isTransient
    }
    for first in writes {
      for second in writes where second.place != first.place {
        guard first.location.field == second.location.field,
          entry.canFollow(second.place, after: first.place),
          let firstValue = first.value, let secondValue = second.value,
          case .binary(.subtract, _, _, _, _) = entry[entry.origin(of: firstValue)].operation,
          case .binary(.add, let left, let right, _, _) = entry[entry.origin(of: secondValue)]
            .operation
        else { continue }
        let giver = first.location.indexes[0]
        let receiver = second.location.indexes[0]
        guard entry.isCallerChosen(receiver), entry.origin(of: giver) != entry.origin(of: receiver)
        else { continue }
        let sum = entry.origin(of: secondValue)
        // The receiver's balance was read before the giver's was written.
        guard
          let early = [left, right].map({ entry.origin(of: Place(frame: sum.frame, value: $0)) })
            .first(where: { place in
              guard case .read = entry[place].operation,
                entry.location(at: place)?.field == second.location.field
              else { return false }
              return entry.canFollow(first.place, after: place)
                && !entry.canFollow(place, after: first.place)
            })
        else { continue }
        let excluded = entry.guards(of: second.place).contains { held in
          let condition = entry.origin(of: held.condition)
          guard case .binary(let comparison, let a, let b, _, _) = entry[condition].operation,
            comparison == (held.polarity ? .notEqual : .equal)
          else { return false }
          let sides = [a, b].map { entry.origin(of: Place(frame: condition.frame, value: $0)) }
          return Set(sides) == Set([entry.origin(of: giver), entry.origin(of: receiver)])
            || sides.contains(entry.origin(of: receiver)) && sides.contains { entry.isSender($0) }
              && entry.isSender(giver)
        }
        guard !excluded else { continue }
        return .make(
          rule: Self.selfTransfer, at: entry.sourcePlace(second.place), in: context.program,
          message: """
            The receiver's balance was read before the giver's was reduced. When both are the same \
            account, the second write undoes the first and the account gains the amount.
            """,
          contract: subject.contract, role: "undoes the first write",
          related: [
            entry.findingLocation(early, role: "read too early"),
            entry.findingLocation(first.place, role: "first write"),
          ])
      }
    }
    return nil
  }

  // MARK: - Approvals

  private func approvalFinding(
    _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    guard let function = entry.function, function.name == "approve", function.parameters.count == 2,
      // Where it is declared, so that each token reports its own.
      let write = entry.storageWrites.first(where: { write in
        write.location.indexes.count == 2 && entry.isSender(write.location.indexes[0])
          && write.kind == .assign
      }), let value = write.value, case .parameter = entry[entry.origin(of: value)].operation
    else { return nil }
    let asksOld = entry.guards(of: write.place).contains { condition in
      entry.sources(of: condition.condition).storage.contains {
        $0.overlaps(write.location.field)
      }
    }
    let hasIncrease = subject.entryPoints.contains { other in
      ["increaseAllowance", "increaseApproval", "permit"].contains(other.name)
    }
    guard !asksOld, !hasIncrease else { return nil }
    return .make(
      rule: Self.approval, at: function, in: context.program,
      message: """
        An approval replaces the old amount at once. A spender who sees the change coming can spend \
        the old amount first and the new one after it.
        """,
      contract: subject.contract, rootCause: function, role: "replaces the old approval",
      related: [
        entry.findingLocation(write.place, role: "written without a look at the old amount")
      ])
  }
}
