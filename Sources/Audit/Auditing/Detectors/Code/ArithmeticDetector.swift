import BigInt
import Solidity
import SoliditySyntax

/// Finds numbers that wrap, lose their high bits, or lose precision.
struct ArithmeticDetector: Detector {
  var rules: [Rule] { [Self.wrapping, Self.narrowing, Self.precision] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for frame in entry.frames {
        for value in frame.graph.index.arithmetic {
          let place = Place(frame: frame.id, value: value)
          if let finding = wrappingFinding(place, entry, subject, context) {
            findings.append(finding)
          }
          if let finding = precisionFinding(place, entry, subject, context) {
            findings.append(finding)
          }
        }
        for value in frame.graph.index.conversions {
          let place = Place(frame: frame.id, value: value)
          if let finding = narrowingFinding(place, entry, subject, context) {
            findings.append(finding)
          }
        }
      }
    }
    return findings
  }

  // MARK: - Wrapping

  private func wrappingFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let instruction = entry[place]
    guard case .binary(let operation, let left, let right, false, _) = instruction.operation,
      instruction.origin.surroundings.contains(.wrapping),
      !instruction.origin.surroundings.contains(.assembly),
      [.add, .subtract, .multiply, .power].contains(operation)
    else { return nil }
    let sides = [left, right].map { entry.operand($0, of: place) }
    let constants = sides.map { entry.constant($0) }
    if constants.allSatisfy({ $0 != nil }) { return nil }
    // Counting up by a constant takes longer than anyone has, unless the counter is small.
    if operation == .add, constants.contains(where: { $0 != nil }), !isNarrow(instruction.type) {
      return nil
    }
    let inputs = sides.filter { side in
      entry.constant(side) == nil && entry.sources(of: side).hasInput
    }
    guard isChecked(place, sides, operation, entry) == false else { return nil }
    let isOld = !instruction.origin.surroundings.contains(.uncheckedBlock)
    let flows = entry.flows(from: place)
    let isKept = flows.contains { flow in
      switch entry[flow].operation {
      case .write: true
      case .externalCall(let call): !call.isStatic
      default: false
      }
    }
    let decides = flows.contains { flow in
      if case .binary(let comparison, _, _, _, _) = entry[flow].operation {
        return [.less, .lessOrEqual, .greater, .greaterOrEqual].contains(comparison)
      }
      return false
    }
    let isOpen = entry.hasCallerInput && !entry.isRestricted(place)
    let severity: Severity
    if entry.hasCallerInput, isOpen, !inputs.isEmpty, isKept || decides {
      severity = isOld ? .medium : .low
    } else if isOld {
      severity = .informational
    } else {
      return nil
    }
    return .make(
      rule: Self.wrapping, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` wraps around silently \
        \(isOld ? "(compilers before 0.8 do not check)" : "(the block is unchecked)")\
        \(inputs.isEmpty ? "" : ", and the caller supplies an operand"). No comparison of the \
        operands makes sure that the result fits.
        """,
      severity: severity, contract: subject.contract, role: "may wrap")
  }

  private func isNarrow(_ type: SolidityType) -> Bool {
    if case .integer(let bits, _) = type { return bits < 64 }
    return false
  }

  /// Whether some condition compares what goes in or what comes out, before the result is used or at its use.
  private func isChecked(
    _ place: Place, _ sides: [Place], _ operation: BinaryOperator, _ entry: EntryPoint
  ) -> Bool {
    let operands = Set(sides.filter { entry.constant($0) == nil }.map { entry.origin(of: $0) })
    let operandSources = operands.map { entry.sources(of: $0).sources }
    func relates(_ other: Place) -> Bool {
      let origin = entry.origin(of: other)
      if operands.contains(origin) || origin == entry.origin(of: place) { return true }
      let sources = entry.sources(of: origin).sources
      guard !sources.isEmpty, sources != [.constant] else { return false }
      return operandSources.contains(sources)
    }
    var guards = entry.guards(of: place)
    // `c = a + b; require(c >= a)` checks afterwards: look where the result arrives.
    for flow in entry.flows(from: place).prefix(12) {
      switch entry[flow].operation {
      case .write, .externalCall, .internalCall: guards += entry.guards(of: flow)
      default: continue
      }
    }
    if case .return = entry[place.frame == .root ? FrameID.root : place.frame].graph.exitTerminator {
      let graph = entry[place.frame].graph
      if let exit = graph.exit, let last = graph[exit].values.last {
        guards += entry.guards(of: Place(frame: place.frame, value: last))
      }
    }
    for condition in guards {
      for part in condition.predicate.parts {
        guard case .comparison(let comparison, let left, let right) = part else { continue }
        let both = [left, right]
        switch comparison {
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
          // `a - b >= 0` is always true for unsigned numbers and checks nothing.
          if both.contains(where: { entry.isZero($0) }),
            both.contains(where: { entry.origin(of: $0) == entry.origin(of: place) })
          {
            continue
          }
          if both.contains(where: relates) { return true }
        case .equal:
          // `c / a == b` after `c = a * b`.
          if operation == .multiply,
            both.contains(where: { side in
              if case .binary(.divide, _, _, _, _) = entry[entry.origin(of: side)].operation {
                return true
              }
              return false
            })
          {
            return true
          }
        default: continue
        }
      }
    }
    return false
  }

  // MARK: - Narrowing

  private func narrowingFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let instruction = entry[place]
    guard case .convert(let value, let from, true) = instruction.operation,
      !instruction.origin.surroundings.contains(.implied),
      case .integer(let wide, let wasSigned) = from,
      case .integer(let narrow, let isSigned) = instruction.type
    else { return nil }
    let losesBits = narrow < wide && !(wasSigned != isSigned)
    let losesSign = wasSigned && !isSigned
    let overflowsSign = !wasSigned && isSigned && narrow <= wide
    guard losesBits || losesSign || overflowsSign else { return nil }
    let source = entry.operand(value, of: place)
    guard entry.constant(source) == nil, entry.constant(place) == nil else { return nil }
    guard !isBounded(source, bits: narrow, entry) else { return nil }
    let sources = entry.sources(of: source)
    // Time fits 64 bits for longer than anyone needs; counts and hashes are cut on purpose.
    guard sources.hasInput, !sources.hasBlockData, !sources.isTruncated else { return nil }
    guard entry.hasCallerInput, !entry.isRestricted(place), !entry.isView else { return nil }
    let operands = Set([entry.origin(of: source)])
    let compared = entry.flows(from: place).prefix(24) + [place]
    for use in compared {
      for part in entry.guards(of: use).flatMap(\.predicate.parts) {
        guard case .comparison(_, let left, let right) = part else { continue }
        for side in [left, right] {
          if operands.contains(entry.origin(of: side)) { return nil }
          let other = entry.sources(of: side).sources
          if !other.isEmpty, other == sources.sources { return nil }
        }
      }
    }
    guard
      entry.flows(from: place).contains(where: { flow in
        switch entry[flow].operation {
        case .write: true
        case .externalCall(let call): !call.isStatic
        default: false
        }
      })
    else { return nil }
    return .make(
      rule: Self.narrowing, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` keeps only what fits \
        \(isSigned ? "int" : "uint")\(narrow) of a number the caller supplies, without an error, and \
        the rest is stored or sent as if nothing had been lost.
        """,
      contract: subject.contract, role: "conversion")
  }

  /// Whether a mask, remainder, shift or smaller source keeps the number within the bits.
  private func isBounded(_ place: Place, bits: Int, _ entry: EntryPoint) -> Bool {
    switch entry[entry.origin(of: place)].operation {
    case .binary(let operation, let left, let right, _, _):
      let origin = entry.origin(of: place)
      let sides = [left, right].map { Place(frame: origin.frame, value: $0) }
      switch operation {
      case .bitAnd, .modulo:
        return sides.contains { side in
          guard case .number(let number)? = entry.constant(side), let limit = number.integer else {
            return false
          }
          return limit.bitWidth <= bits + 1
        }
      case .shiftRight, .shiftRightLogical, .divide: return true
      default: return false
      }
    default: return false
    }
  }

  // MARK: - Precision

  private func precisionFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding? {
    let instruction = entry[place]
    guard case .binary(.multiply, let left, let right, _, _) = instruction.operation,
      !instruction.origin.surroundings.contains(.assembly)
    else { return nil }
    for (factor, other) in [(left, right), (right, left)] {
      let quotient = entry.origin(of: entry.operand(factor, of: place))
      guard case .binary(.divide, _, let divisor, _, _) = entry[quotient].operation,
        !entry[quotient].origin.surroundings.contains(.assembly), entry.constant(quotient) == nil
      else { continue }
      // (a / b) * b rounds down to a multiple on purpose.
      let by = Place(frame: quotient.frame, value: divisor)
      let times = entry.operand(other, of: place)
      if entry.origin(of: by) == entry.origin(of: times) { continue }
      if let a = entry.constant(by), let b = entry.constant(times), a == b { continue }
      let sources = entry.sources(of: by).sources
      if !sources.isEmpty, sources != [.constant], sources == entry.sources(of: times).sources {
        continue
      }
      return .make(
        rule: Self.precision, at: entry.sourcePlace(place), in: context.program,
        message: """
          The quotient `\(entry.sourceText(quotient))` is rounded down before it is multiplied, and \
          the rounding error is multiplied with it.
          """,
        contract: subject.contract, role: "multiplied here",
        related: [entry.findingLocation(quotient, role: "divided here")])
    }
    return nil
  }
}

extension FunctionGraph {
  /// How the block that returns normally ends, if any does.
  var exitTerminator: Terminator {
    guard let exit else { return .unreachable }
    return self[exit].terminator
  }
}

// MARK: - Rule pages

extension ArithmeticDetector {
  static let wrapping = Rule(
    id: "arithmetic-overflow",
    title: "Arithmetic can wrap around",
    severity: .medium, confidence: .medium, category: .arithmetic,
    summary: """
      An addition, subtraction, multiplication or power in code compiled before 0.8, or in an \
      `unchecked` block, works on a number the caller supplies, and nothing compares the operands \
      or the result. Low in unchecked blocks; informational where the caller supplies nothing.
      """,
    why: "A wrapped number passes checks and corrupts books: a tiny payment buys everything.",
    howToFix: "Compile with 0.8 or later, use checked arithmetic, or require the bounds first.",
    exampleThatFires: """
      pragma solidity 0.4.26;

      contract Coin {
        mapping(address => uint256) public balances;
        function give(address to, uint256 amount) public {
          require(balances[msg.sender] - amount >= 0);
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    exampleThatDoesNot: """
      pragma solidity 0.8.28;

      contract Coin {
        mapping(address => uint256) public balances;
        function give(address to, uint256 amount) public {
          balances[msg.sender] -= amount;
          balances[to] += amount;
        }
      }
      """,
    references: [.swc(101), .cwe(190)])

  static let narrowing = Rule(
    id: "unsafe-cast",
    title: "A conversion silently drops high bits or the sign",
    severity: .medium, confidence: .medium, category: .arithmetic,
    summary: """
      A number the caller supplies is converted to a type that cannot hold all its values, nothing \
      bounds it before, and the result is stored or sent.
      """,
    why: "Conversions do not revert in any version; a large amount becomes a small one.",
    howToFix: "Require that the number fits, or use a checked conversion such as SafeCast.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Locks {
        mapping(address => uint128) public locked;
        function lock(uint256 amount) external { locked[msg.sender] += uint128(amount); }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Locks {
        mapping(address => uint128) public locked;
        function lock(uint256 amount) external {
          require(amount <= type(uint128).max, "too much");
          locked[msg.sender] += uint128(amount);
        }
      }
      """,
    references: [.swc(101), .cwe(681)])

  static let precision = Rule(
    id: "divide-before-multiply",
    title: "A quotient is multiplied after it was rounded",
    severity: .low, confidence: .medium, category: .arithmetic,
    summary: "The result of a division is a factor of a multiplication by something else.",
    why: "Integer division rounds down; multiplying afterwards multiplies the error.",
    howToFix: "Multiply first, then divide.",
    exampleThatFires: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fees {
        function fee(uint256 amount, uint256 parts, uint256 rate) external pure returns (uint256) {
          return (amount / parts) * rate;
        }
      }
      """,
    exampleThatDoesNot: """
      // SPDX-License-Identifier: MIT
      pragma solidity 0.8.28;

      contract Fees {
        function fee(uint256 amount, uint256 parts, uint256 rate) external pure returns (uint256) {
          return (amount * rate) / parts;
        }
      }
      """,
    references: [.cwe(682)])
}
