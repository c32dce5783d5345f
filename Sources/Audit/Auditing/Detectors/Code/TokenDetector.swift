import Solidity
import SoliditySyntax

/// Finds tokens and vaults that differ from their standards or break their own books.
struct TokenDetector: Detector {
  var rules: [Rule] { [Self.interface, Self.inflation, Self.selfTransfer, Self.approval] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings = inflationFindings(subject, context)
    for entry in subject.entryPoints where entry.hasCallerInput && !entry.isView {
      if let finding = selfTransferFinding(entry, subject, context) { findings.append(finding) }
      if let finding = approvalFinding(entry, subject, context) { findings.append(finding) }
    }
    return findings
  }

  func findings(in context: AuditContext) -> [Finding] {
    context.program.contracts.flatMap { interfaceFindings($0, context) }
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
      if let function = entry.declaration as? FunctionDefinition { functions[entry.signature] = function }
    }
    let names = Set(context.program.interface(of: contract).map(\.signature))
    let standard: (name: String, signatures: [Signature], reference: Int)
    if names.contains("ownerOf(uint256)"), names.contains("setApprovalForAll(address,bool)") {
      standard = ("ERC-721", Self.erc721, 721)
    } else if names.contains("convertToShares(uint256)"), names.contains("totalAssets()") {
      standard = ("ERC-4626", Self.erc4626, 4626)
    } else if names.contains("transfer(address,uint256)"),
      names.contains("balanceOf(address)"),
      names.contains("approve(address,uint256)") || names.contains("transferFrom(address,address,uint256)")
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
          case .binary(.add, let left, let right, _, _) = entry[entry.origin(of: secondValue)].operation
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
        let excluded = entry.guards(of: second.place).contains { condition in
          guard case .comparison(.notEqual, let a, let b) = condition.predicate else { return false }
          let sides = Set([entry.origin(of: a), entry.origin(of: b)])
          return sides == Set([entry.origin(of: giver), entry.origin(of: receiver)])
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
      related: [entry.findingLocation(write.place, role: "written without a look at the old amount")])
  }
}

// MARK: - Rule pages

extension TokenDetector {
  static let interface = Rule(
    id: "token-interface",
    title: "A token function answers something else than its standard says",
    severity: .medium, confidence: .high, category: .tokens,
    summary: """
      A contract with the functions of ERC-20, ERC-721 or ERC-4626 declares one of them with other \
      return values. Low for interfaces.
      """,
    why: "Contracts compiled for the standard revert when they decode the answer; tokens get stuck.",
    howToFix: "Return what the standard says.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        mapping(address => mapping(address => uint256)) public allowance;
        function transfer(address to, uint256 amount) external {
          balanceOf[msg.sender] -= amount;
          balanceOf[to] += amount;
        }
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balanceOf;
        mapping(address => mapping(address => uint256)) public allowance;
        function transfer(address to, uint256 amount) external returns (bool) {
          balanceOf[msg.sender] -= amount;
          balanceOf[to] += amount;
          return true;
        }
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    references: [.erc(20), .erc(721), .erc(4626), .cwe(573)])

  static let inflation = Rule(
    id: "share-inflation",
    title: "The price of a vault's shares can be raised by a gift",
    severity: .medium, confidence: .medium, category: .tokens,
    summary: """
      Shares are minted as deposit times supply over the contract's own token balance, without \
      virtual shares or assets.
      """,
    why: "The first depositor can make later deposits round down to nothing and keep them.",
    howToFix: """
      Keep own books of assets, or add virtual shares and assets to the formula, as OpenZeppelin's \
      ERC4626 does.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function balanceOf(address account) external view returns (uint256);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Vault {
        Token immutable token;
        uint256 public supply;
        mapping(address => uint256) public shares;
        constructor(Token token_) { token = token_; }
        function deposit(uint256 amount) external {
          uint256 minted = supply == 0 ? amount : (amount * supply) / token.balanceOf(address(this));
          supply += minted;
          shares[msg.sender] += minted;
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      interface Token {
        function balanceOf(address account) external view returns (uint256);
        function transferFrom(address from, address to, uint256 amount) external returns (bool);
      }

      contract Vault {
        Token immutable token;
        uint256 public supply;
        mapping(address => uint256) public shares;
        constructor(Token token_) { token = token_; }
        function deposit(uint256 amount) external {
          uint256 minted = (amount * (supply + 1000)) / (token.balanceOf(address(this)) + 1);
          supply += minted;
          shares[msg.sender] += minted;
          require(token.transferFrom(msg.sender, address(this), amount), "not paid");
        }
      }
      """,
    references: [.erc(4626), .cwe(682)])

  static let selfTransfer = Rule(
    id: "self-transfer",
    title: "A transfer to oneself creates tokens",
    severity: .high, confidence: .high, category: .tokens,
    summary: """
      Both balances of a transfer are read before either is written, and giver and receiver may be \
      the same account.
      """,
    why: "The second write overwrites the first, so the amount is gained instead of moved.",
    howToFix: "Read the receiver's balance after writing the giver's, or refuse equal accounts.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function move(address to, uint256 amount) external {
          uint256 mine = balances[msg.sender];
          uint256 theirs = balances[to];
          balances[msg.sender] = mine - amount;
          balances[to] = theirs + amount;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function move(address to, uint256 amount) external {
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    references: [.cwe(682)])

  static let approval = Rule(
    id: "approval-front-running",
    title: "A changed approval can be spent twice",
    severity: .informational, confidence: .high, category: .tokens,
    summary: """
      `approve` overwrites the old amount without looking at it, and the token offers no way to \
      change an approval by a difference or a signature.
      """,
    why: "A spender who sees the change in time spends the old amount before and the new one after.",
    howToFix: "Offer functions that raise and lower approvals, or require zero in between.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => mapping(address => uint256)) public allowance;
        function approve(address spender, uint256 amount) external returns (bool) {
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => mapping(address => uint256)) public allowance;
        function approve(address spender, uint256 amount) external returns (bool) {
          require(amount == 0 || allowance[msg.sender][spender] == 0, "set to zero first");
          allowance[msg.sender][spender] = amount;
          return true;
        }
      }
      """,
    references: [.swc(114), .erc(20)])
}
