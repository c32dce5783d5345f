import BigInt
import Solidity
import SoliditySyntax

/// Finds signatures that prove less than the code believes.
struct SignatureDetector: Detector {
  var rules: [Rule] { [Self.zero, Self.malleable, Self.replay, Self.domain, Self.packed] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for frame in entry.frames {
        for value in frame.graph.index.builtins {
          guard case .builtin(let name, let arguments) = frame.graph[value].operation else { continue }
          let place = Place(frame: frame.id, value: value)
          let operands = arguments.map { entry.operand($0, of: place) }
          switch name {
          case "ecrecover" where operands.count == 4:
            findings += recoveryFindings(place, operands, entry, subject, context)
          case "abi.encodePacked":
            if let finding = packedFinding(place, operands, entry, subject, context) {
              findings.append(finding)
            }
          default: continue
          }
        }
      }
    }
    return findings
  }

  // MARK: - Recovery

  private func recoveryFindings(
    _ place: Place, _ operands: [Place], _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> [Finding] {
    var findings: [Finding] = []
    let flows = [place] + entry.flows(from: place)
    let comparisons = flows.filter {
      if case .binary(let operation, _, _, _, _) = entry[$0].operation {
        return operation == .equal || operation == .notEqual
      }
      return false
    }
    if !comparisons.contains(where: { excludesZero($0, flows, entry) }),
      let risky = comparisons.first(where: { mayMeetZero($0, place, entry) }) ?? firstUnchecked(place, comparisons, entry)
    {
      findings.append(
        .make(
          rule: Self.zero, at: entry.sourcePlace(place), in: context.program,
          message: """
            For a malformed signature `ecrecover` answers the zero address instead of failing. \
            Nothing excludes zero before `\(entry.sourceText(risky))`, so anyone can pass where the \
            expected account is zero.
            """,
          contract: subject.contract, role: "recovered here",
          related: risky == place ? [] : [entry.findingLocation(risky, role: "trusted here")]))
    }
    if !boundsHalf(operands[3], entry) {
      let keyed = keysBySignature(operands, entry)
      findings.append(
        .make(
          rule: Self.malleable, at: entry.sourcePlace(place), in: context.program,
          message: """
            For every signature there is a second one of the same message and signer, with the other \
            `s`. \(keyed != nil ? "Used signatures are remembered by their own bytes, so the second one passes again." : "Nothing here tells the two apart; do not use signatures as identifiers.")
            """,
          severity: keyed != nil ? .high : .informational, contract: subject.contract,
          role: "recovered here",
          related: keyed.map { [entry.findingLocation($0.place, role: "remembered by signature")] } ?? []))
    }
    guard entry.hasCallerInput, !entry.isView, hasEffect(entry),
      isDecisive(place, comparisons, entry)
    else { return findings }
    let digest = entry.sources(
      of: operands[0], options: [.throughExternalCalls, .selectors])
    if !digest.isTruncated, !digest.contains(.unknown) {
      if !isSpent(digest, operands, entry) {
        findings.append(
          .make(
            rule: Self.replay, at: entry.sourcePlace(place), in: context.program,
            message: """
              `\(entry.name)` acts on a signature and changes nothing that the signed message depends \
              on: no nonce is counted up and no message is marked as used. The same signature works \
              again.
              """,
            contract: subject.contract, role: "recovered here",
            evidence: [entry.callPathEvidence(to: place, "the signature is checked")].compactMap { $0 }))
      }
      let bound = digest.contains(.environment(.this)) || digest.contains(.environment(.chainID))
        || digest.sources.contains { source in
          switch source {
          case .immutable: true
          case .storage(let field): field.isScalar && field.variable.map(isFixedBytes) ?? true
          case .externalCall: true
          default: false
          }
        }
      if !bound {
        findings.append(
          .make(
            rule: Self.domain, at: entry.sourcePlace(place), in: context.program,
            message: """
              The signed message names neither this contract nor the chain. A signature given to \
              another deployment of the code, or on another chain, is accepted here too.
              """,
            contract: subject.contract, role: "recovered here"))
      }
    }
    return findings
  }

  private func isFixedBytes(_ variable: VariableDeclaration) -> Bool {
    if case .elementary(.fixedBytes(32))? = variable.typeName?.kind { return true }
    return false
  }

  private func excludesZero(_ comparison: Place, _ flows: [Place], _ entry: EntryPoint) -> Bool {
    guard case .binary(_, let left, let right, _, _) = entry[comparison].operation else { return false }
    return [left, right].contains { entry.isZero(entry.operand($0, of: comparison)) }
  }

  /// Whether a comparison holds the recovered account against one that can be zero: given by the caller, or an
  /// element of a mapping.
  private func mayMeetZero(_ comparison: Place, _ recovered: Place, _ entry: EntryPoint) -> Bool {
    guard case .binary(_, let left, let right, _, _) = entry[comparison].operation else { return false }
    return [left, right].contains { side in
      let place = entry.operand(side, of: comparison)
      let sources = entry.sources(of: place)
      if sources.sources.contains(where: { if case .signer = $0 { true } else { false } }) { return false }
      if sources.hasInput {
        // A value the code itself has held against zero before is safe.
        return !entry.guards(of: comparison).contains { guardCondition in
          guard case .comparison(.notEqual, let a, let b) = guardCondition.predicate else { return false }
          return entry.isZero(a) && entry.origin(of: b) == entry.origin(of: place)
            || entry.isZero(b) && entry.origin(of: a) == entry.origin(of: place)
        }
      }
      return sources.storage.contains { !$0.isScalar }
    }
  }

  /// Where a recovered account is used without any comparison: as a key, or returned from a public function.
  private func firstUnchecked(_ place: Place, _ comparisons: [Place], _ entry: EntryPoint) -> Place? {
    comparisons.isEmpty && entry.kind != .unreached ? place : nil
  }

  private func boundsHalf(_ s: Place, _ entry: EntryPoint) -> Bool {
    // Half of the order of secp256k1, SEC 2 section 2.4.1.
    let half = BigInt(
      "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0", radix: 16)
    let origin = entry.origin(of: s)
    let input = entry.sources(of: s).sources
    for frame in entry.frames {
      for value in frame.graph.index.comparisons {
        guard case .binary(let operation, let left, let right, _, _) = frame.graph[value].operation,
          operation != .equal, operation != .notEqual
        else { continue }
        let sides = [left, right].map { Place(frame: frame.id, value: $0) }
        guard
          let limit = sides.firstIndex(where: { side in
            guard case .number(let number)? = entry.constant(side), let half, let value = number.integer
            else { return false }
            return value == half || value == half + 1
          })
        else { continue }
        let other = sides[1 - limit]
        if entry.origin(of: other) == origin || entry.sources(of: other).sources == input { return true }
      }
    }
    return false
  }

  private func keysBySignature(_ operands: [Place], _ entry: EntryPoint) -> StorageAccess? {
    let parts = operands[1...].flatMap { entry.sources(of: $0).sources }
      .filter { if case .parameter = $0 { true } else { $0 == .callData } }
    guard !parts.isEmpty else { return nil }
    let message = entry.sources(of: operands[0]).sources
    return entry.storageWrites.first { write in
      write.location.indexes.contains { index in
        let sources = entry.sources(of: index).sources
        return sources.contains { parts.contains($0) && !message.contains($0) }
      }
    }
  }

  private func hasEffect(_ entry: EntryPoint) -> Bool {
    !entry.storageWrites.isEmpty
      || entry.externalCalls.contains { !(entry.externalCall(at: $0)?.isStatic ?? true) }
  }

  private func isDecisive(_ place: Place, _ comparisons: [Place], _ entry: EntryPoint) -> Bool {
    let effects = entry.storageWrites.map(\.place) + entry.externalCalls
    return effects.contains { effect in
      entry.guards(of: effect).contains { guardCondition in
        entry.sources(of: guardCondition.condition, options: .selectors).contains(.signer(place))
      }
    }
  }

  /// Whether the entry changes something the signed message or its acceptance depends on.
  private func isSpent(_ digest: SourceSet, _ operands: [Place], _ entry: EntryPoint) -> Bool {
    let signed = Set(
      digest.sources.filter { if case .constant = $0 { false } else { true } }
        + operands[1...].flatMap { entry.sources(of: $0).sources })
    let effects = entry.storageWrites.map(\.place) + entry.externalCalls
    let asked = effects.prefix(32).flatMap { entry.guards(of: $0) }
      .flatMap { entry.sources(of: $0.condition).storage }
    for write in entry.storageWrites {
      let field = write.location.field
      if digest.storage.contains(where: { $0.overlaps(field) }) { return true }
      // Some condition looks at it, under a key from the message: a mark that it was used.
      guard asked.contains(where: { $0.overlaps(field) }) else { continue }
      if field.isScalar { return true }
      for index in write.location.indexes
      where entry.sources(of: index).sources.contains(where: { signed.contains($0) }) {
        return true
      }
    }
    return false
  }

  // MARK: - Packed encodings

  private func packedFinding(
    _ place: Place, _ operands: [Place], _ entry: EntryPoint, _ subject: ContractFacts,
    _ context: AuditContext
  ) -> Finding? {
    let isOpen = operands.map { operand in
      isDynamic(entry[operand].type) && entry.constant(operand) == nil
        && entry.isCallerChosen(operand)
    }
    guard zip(isOpen, isOpen.dropFirst()).contains(where: { $0 && $1 }) else { return nil }
    let hashed = entry.flows(from: place).contains { flow in
      if case .builtin(let name, _) = entry[flow].operation {
        return ["keccak256", "sha3", "sha256", "ripemd160"].contains(name)
      }
      return false
    }
    guard hashed else { return nil }
    return .make(
      rule: Self.packed, at: entry.sourcePlace(place), in: context.program,
      message: """
        Two neighbouring arguments of `\(entry.sourceText(place))` have any length the caller likes. \
        Moving bytes from one to the other gives the same hash for different values.
        """,
      contract: subject.contract, role: "packed here")
  }

  private func isDynamic(_ type: SolidityType) -> Bool {
    switch type {
    case .bytes, .string: true
    case .array(_, let length, _): length == nil
    default: false
    }
  }
}

// MARK: - Rule pages

extension SignatureDetector {
  static let zero = Rule(
    id: "ecrecover-zero",
    title: "A malformed signature recovers to the zero address",
    severity: .medium, confidence: .medium, category: .signatures,
    summary: """
      The result of `ecrecover` is trusted without excluding the zero address, and what it is held \
      against can be zero.
      """,
    why: "Anyone can make a signature that recovers to zero.",
    howToFix: "Require that the recovered address is not zero.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Claims {
        mapping(uint256 => address) public signerOf;
        mapping(uint256 => bool) public done;

        function claim(uint256 id, uint8 v, bytes32 r, bytes32 s) external {
          require(!done[id], "done");
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, id));
          require(ecrecover(digest, v, r, s) == signerOf[id], "not signed");
          done[id] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Claims {
        mapping(uint256 => address) public signerOf;
        mapping(uint256 => bool) public done;

        function claim(uint256 id, uint8 v, bytes32 r, bytes32 s) external {
          require(!done[id], "done");
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, id));
          address signer = ecrecover(digest, v, r, s);
          require(signer != address(0) && signer == signerOf[id], "not signed");
          done[id] = true;
        }
      }
      """,
    references: [.swc(122), .cwe(347)])

  static let malleable = Rule(
    id: "signature-malleability",
    title: "A second valid signature can be made from a given one",
    severity: .high, confidence: .medium, category: .signatures,
    summary: """
      `s` is not limited to the lower half of the curve order before `ecrecover`. High where used \
      signatures are remembered by their own bytes, else informational.
      """,
    why: "Flipping `s` and `v` gives another signature that passes where the first was used up.",
    howToFix: """
      Remember messages or nonces instead of signatures, and refuse `s` above half of the order, as \
      OpenZeppelin's ECDSA does.
      """,
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Once {
        address immutable signer = msg.sender;
        mapping(bytes32 => bool) public used;
        uint256 public count;

        function act(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 key = keccak256(abi.encode(v, r, s));
          require(!used[key], "used");
          require(ecrecover(digest, v, r, s) == signer, "not signed");
          used[key] = true;
          count += 1;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Once {
        address immutable signer = msg.sender;
        mapping(bytes32 => bool) public used;
        uint256 public count;

        function act(bytes32 digest, uint8 v, bytes32 r, bytes32 s) external {
          require(uint256(s) <= 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0);
          require(!used[digest], "used");
          require(ecrecover(digest, v, r, s) == signer, "not signed");
          used[digest] = true;
          count += 1;
        }
      }
      """,
    references: [.swc(117), .cwe(347)])

  static let replay = Rule(
    id: "signature-replay",
    title: "A signature can be used again",
    severity: .high, confidence: .medium, category: .signatures,
    summary: """
      A function acts on a signature and changes nothing that the signed message, or the decision to \
      accept it, depends on.
      """,
    why: "Whoever saw the signature can repeat the action.",
    howToFix: "Sign a nonce and count it up, or mark the message as used.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Escrow {
        address immutable signer = msg.sender;
        mapping(address => uint256) public paid;

        function pay(address to, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 digest = keccak256(abi.encode(address(this), block.chainid, to, amount));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          paid[to] += amount;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Escrow {
        address immutable signer = msg.sender;
        mapping(address => uint256) public paid;
        mapping(address => uint256) public nonces;

        function pay(address to, uint256 amount, uint8 v, bytes32 r, bytes32 s) external {
          bytes32 digest =
            keccak256(abi.encode(address(this), block.chainid, to, amount, nonces[to]++));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          paid[to] += amount;
        }
      }
      """,
    references: [.swc(121), .cwe(294)])

  static let domain = Rule(
    id: "signature-without-domain",
    title: "A signature is valid for other contracts and chains",
    severity: .low, confidence: .medium, category: .signatures,
    summary: """
      The signed message contains neither the contract's address nor the chain's number nor a stored \
      domain separator.
      """,
    why: "A signature meant for another deployment of the same code is accepted here.",
    howToFix: "Sign an EIP-712 message whose domain names chain and contract.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Votes {
        address immutable signer = msg.sender;
        mapping(uint256 => bool) public used;

        function vote(uint256 nonce, uint8 v, bytes32 r, bytes32 s) external {
          require(!used[nonce], "used");
          address recovered = ecrecover(keccak256(abi.encode(nonce)), v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          used[nonce] = true;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Votes {
        address immutable signer = msg.sender;
        mapping(uint256 => bool) public used;

        function vote(uint256 nonce, uint8 v, bytes32 r, bytes32 s) external {
          require(!used[nonce], "used");
          bytes32 digest = keccak256(abi.encode(block.chainid, address(this), nonce));
          address recovered = ecrecover(digest, v, r, s);
          require(recovered != address(0) && recovered == signer, "not signed");
          used[nonce] = true;
        }
      }
      """,
    references: [.swc(121), .cwe(347), .eip(712)])

  static let packed = Rule(
    id: "encode-packed-collision",
    title: "Different values can have the same packed encoding",
    severity: .medium, confidence: .high, category: .signatures,
    summary: """
      `abi.encodePacked` is hashed with two neighbouring arguments of dynamic length that the caller \
      supplies.
      """,
    why: "`(\"ab\", \"c\")` and `(\"a\", \"bc\")` give the same bytes, so a hash or signature of one fits the other.",
    howToFix: "Use `abi.encode`, or put a value of fixed length in between.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Names {
        mapping(bytes32 => address) public owner;
        function take(string calldata first, string calldata last) external {
          bytes32 key = keccak256(abi.encodePacked(first, last));
          require(owner[key] == address(0), "taken");
          owner[key] = msg.sender;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Names {
        mapping(bytes32 => address) public owner;
        function take(string calldata first, string calldata last) external {
          bytes32 key = keccak256(abi.encode(first, last));
          require(owner[key] == address(0), "taken");
          owner[key] = msg.sender;
        }
      }
      """,
    references: [.swc(133), .cwe(294)])
}
