import BigInt
import Solidity
import SoliditySyntax

/// Finds numbers that wrap, lose their high bits, or lose precision.
struct ArithmeticDetector: Detector {
  var rules: [Rule] { [Self.wrapping, Self.narrowing, Self.precision] }

  func findings(of subject: ContractFacts, in context: AuditContext) -> [Finding] {
    var findings: [Finding] = []
    var budget = VisitBudget()
    let undecided = undecidedUnits(context.program)
    for entry in subject.entryPoints + subject.unreachedFunctions {
      for frame in entry.frames {
        for value in frame.graph.index.arithmetic + frame.graph.index.conversions {
          let instruction = frame.graph[value]
          guard isCandidate(instruction, undecided), budget.take(instruction.origin.node) else {
            continue
          }
          let place = Place(frame: frame.id, value: value)
          let found = [
            wrappingFinding(place, entry, subject, context, undecided),
            precisionFinding(place, entry, subject, context),
            narrowingFinding(place, entry, subject, context),
          ].compactMap { $0 }
          if found.contains(where: { $0.severity == .medium }) {
            budget.close(instruction.origin.node)
          }
          findings += found
        }
      }
    }
    return findings
  }

  /// How often one piece of source is looked at: a library function may run in hundreds of activations.
  private struct VisitBudget {
    private static let maximum = 48
    private var visits: [NodeID: Int] = [:]

    mutating func take(_ node: NodeID) -> Bool {
      let count = visits[node, default: 0]
      visits[node] = count + 1
      return count < Self.maximum
    }

    mutating func close(_ node: NodeID) { visits[node] = Self.maximum }
  }

  /// Files whose pragma leaves open whether arithmetic is checked.
  private func undecidedUnits(_ program: Program) -> Set<Int32> {
    let checking = CompilerVersion(0, 8, 0)
    let units = program.units.filter { unit in
      unit.language.oldest < checking && unit.language.dialect >= checking
        && unit.items.contains {
          if case .pragma(let pragma) = $0 { pragma.name == "solidity" } else { false }
        }
    }
    return Set(units.map(\.number))
  }

  private func isCandidate(_ instruction: Value, _ undecided: Set<Int32>) -> Bool {
    switch instruction.operation {
    case .binary(let operation, _, _, let isChecked, _):
      guard !instruction.origin.surroundings.contains(.assembly) else { return false }
      if operation == .multiply { return true }
      return [.add, .subtract, .power].contains(operation)
        && (!isChecked && instruction.origin.surroundings.contains(.wrapping)
          || undecided.contains(instruction.origin.node.unit))
    case .convert(_, _, let isExplicit): return isExplicit
    default: return false
    }
  }

  // MARK: - Wrapping

  private func wrappingFinding(
    _ place: Place, _ entry: EntryPoint, _ subject: ContractFacts, _ context: AuditContext,
    _ undecided: Set<Int32>
  ) -> Finding? {
    let instruction = entry[place]
    guard
      case .binary(let operation, let left, let right, let isChecked, let isSigned) = instruction
        .operation,
      [.add, .subtract, .multiply, .power].contains(operation), entry.hasCallerInput
    else { return nil }
    let isUndecided = isChecked && undecided.contains(instruction.origin.node.unit)
    guard isUndecided || !isChecked && instruction.origin.surroundings.contains(.wrapping) else {
      return nil
    }
    let isOld = !instruction.origin.surroundings.contains(.uncheckedBlock)
    let sides = [left, right].map { entry.operand($0, of: place) }
    let constants = sides.map { entry.constant($0) }
    if let a = constants[0]?.wholeNumber, let b = constants[1]?.wholeNumber {
      guard isOld, doesNotFit(a, operation, b, instruction.type) else { return nil }
      return finding(
        place, .low, "\(a) \(operation.rawValue) \(b) is outside of its type.", entry, subject,
        context)
    }
    // Counting up by a constant takes longer than anyone has, unless the counter is small.
    if operation == .add, constants.contains(where: { $0 != nil }), !isNarrow(instruction.type) {
      return nil
    }
    guard !entry.isView else { return nil }
    let isDirect = sides.contains { isSupplied($0, entry) }
    guard isDirect || isOld else { return nil }
    guard isDirect || sides.contains(where: { entry.sources(of: $0).hasInput }) else { return nil }
    guard !self.isChecked(place, sides, operation, entry) else { return nil }
    let use = use(of: place, entry)
    let isRestricted = entry.isRestricted(place)
    let severity: Severity
    if isOld {
      guard isDirect || use.isKept else { return nil }
      let isGrave = isDirect && !isRestricted && !isSigned && (use.isKept || use.decides)
      if isUndecided, !isGrave { return nil }
      severity = isGrave && !isUndecided ? .medium : .low
    } else {
      guard isDirect, use.isKept, !isRestricted else { return nil }
      severity = .low
    }
    return finding(
      place, severity,
      """
      \(isDirect ? "The caller supplies an operand, and no" : "No") comparison of the operands \
      makes sure that the result fits.
      """, entry, subject, context)
  }

  private func finding(
    _ place: Place, _ severity: Severity, _ reason: String, _ entry: EntryPoint,
    _ subject: ContractFacts, _ context: AuditContext
  ) -> Finding {
    let isOld = !entry[place].origin.surroundings.contains(.uncheckedBlock)
    return .make(
      rule: Self.wrapping, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` wraps around silently \
        \(isOld ? "in compilers before 0.8, which the pragma admits" : "in this unchecked block"). \
        \(reason)
        """,
      severity: severity, contract: subject.contract, role: "may wrap",
      related: [entry.entryLocation].compactMap { $0 })
  }

  private func isNarrow(_ type: SolidityType) -> Bool {
    if case .integer(let bits, _) = type { return bits < 64 }
    return false
  }

  private func doesNotFit(
    _ left: BigInt, _ operation: BinaryOperator, _ right: BigInt, _ type: SolidityType
  ) -> Bool {
    guard case .integer(let bits, let isSigned) = type else { return false }
    let result: BigInt
    switch operation {
    case .add: result = left + right
    case .subtract: result = left - right
    case .multiply: result = left * right
    default: return false
    }
    let limit = BigInt(1) << (isSigned ? bits - 1 : bits)
    return result >= limit || result < (isSigned ? -limit : 0)
  }

  /// Whether a value is what the caller supplies: a parameter, a part of one, or a product or sum of these.
  private func isSupplied(_ place: Place, _ entry: EntryPoint, depth: Int = 4) -> Bool {
    guard depth > 0 else { return false }
    let origin = entry.origin(of: place)
    func inner(_ value: ValueID) -> Bool {
      isSupplied(Place(frame: origin.frame, value: value), entry, depth: depth - 1)
    }
    switch entry[origin].operation {
    case .parameter: return origin.frame == .root
    case .load(let base, _): return inner(base)
    case .convert(let value, _, _): return inner(value)
    case .binary(let operation, let left, let right, _, _):
      guard operation == .add || operation == .multiply else { return false }
      return inner(left) || inner(right)
    default: return false
    }
  }

  /// What becomes of a value: whether it is stored or sent, and whether an order comparison depends on it.
  private func use(of place: Place, _ entry: EntryPoint) -> (isKept: Bool, decides: Bool) {
    var seen: Set<Place> = [place]
    var queue = [place]
    var next = 0
    var decides = false
    while next < queue.count, next < 200 {
      let current = queue[next]
      next += 1
      if next > 1 {
        switch entry[current].operation {
        case .externalCall(let call):
          if !call.isStatic { return (true, decides) }
          continue
        case .write, .writeImmutable, .internalCall, .emit, .selfdestruct: continue
        case .binary(let operation, _, _, _, _):
          switch operation {
          case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual:
            decides = true
            continue
          default: break
          }
        default: break
        }
      }
      for user in entry.uses(of: current) where seen.insert(user).inserted {
        // To choose an element is not to store.
        if case .write(_, let value, _) = entry[user].operation, user.frame == current.frame,
          value == current.value
        {
          return (true, decides)
        }
        queue.append(user)
      }
    }
    return (false, decides)
  }

  /// Whether some condition on the way there, or between there and a normal end, makes sure that the result fits.
  private func isChecked(
    _ place: Place, _ sides: [Place], _ operation: BinaryOperator, _ entry: EntryPoint
  ) -> Bool {
    let result = ComparedValue(place, entry)
    let operands = sides.map { ComparedValue($0, entry) }
    var bounded = Set(operands.indices.filter { operands[$0].isFixed })
    let fixedCount = bounded.count
    var guards = entry.guards(of: place)
    var frame: FrameID? = place.frame
    while let current = frame {
      guards += entry.returnGuards(of: current)
      frame = entry[current].parent
    }
    for (comparison, left, right) in comparisons(in: guards, entry) {
      let small: Place
      let large: Place
      switch comparison {
      case .less, .lessOrEqual: (small, large) = (left, right)
      case .greater, .greaterOrEqual: (small, large) = (right, left)
      case .equal:
        if operation == .multiply, [left, right].contains(where: { isQuotient($0, entry) }) {
          return true
        }
        if operands.contains(where: { $0.matches(left, entry) || $0.matches(right, entry) }) {
          return true
        }
        continue
      default: continue
      }
      switch operation {
      case .subtract:
        if operands[0].matches(large, entry) {
          if operands[1].matches(small, entry) || result.matches(small, entry) { return true }
          if operands[1].isFixed, entry.constant(small) != nil, !entry.isZero(small) { return true }
        }
      default:
        if result.matches(large, entry) {
          if operands.contains(where: { $0.matches(small, entry) }) { return true }
          continue
        }
        // An upper bound of an operand; that it is above zero says nothing. A product needs one of each factor.
        for (index, operand) in operands.enumerated() where operand.matches(small, entry) {
          bounded.insert(index)
        }
        if operation == .multiply ? bounded.count == 2 : bounded.count > fixedCount { return true }
      }
    }
    return false
  }

  /// The comparisons conditions are made of, as they held; whose balance it is does not matter here.
  private func comparisons(
    in guards: [Guard], _ entry: EntryPoint
  ) -> [(BinaryOperator, Place, Place)] {
    var result: [(BinaryOperator, Place, Place)] = []
    var queue = guards.map { (condition: $0.condition, polarity: $0.polarity) }
    var next = 0
    while next < queue.count, next < 256 {
      let (condition, polarity) = queue[next]
      next += 1
      let origin = entry.origin(of: condition)
      func inner(_ value: ValueID) -> Place { Place(frame: origin.frame, value: value) }
      switch entry[origin].operation {
      case .unary(.not, let operand, _): queue.append((inner(operand), !polarity))
      case .shortCircuit(_, let left, let right):
        queue.append((inner(left), polarity))
        queue.append((inner(right), polarity))
      case .binary(let comparison, let left, let right, _, _) where comparison.isComparison:
        result.append((polarity ? comparison : comparison.negated, inner(left), inner(right)))
      default: continue
      }
    }
    return result
  }

  private func isQuotient(_ place: Place, _ entry: EntryPoint) -> Bool {
    if case .binary(.divide, _, _, _, _) = entry[entry.origin(of: place)].operation { return true }
    return false
  }

  /// A value as conditions may name it: itself, or another read of the same.
  private struct ComparedValue {
    let origin: Place
    let sources: [ValueSource]
    let isFixed: Bool
    let isCombined: Bool

    init(_ place: Place, _ entry: EntryPoint) {
      origin = entry.origin(of: place)
      sources = entry.sources(of: origin).sources
      isFixed = entry.constant(place) != nil
      isCombined = Self.combines(origin, entry)
    }

    private static func combines(_ place: Place, _ entry: EntryPoint) -> Bool {
      if case .binary = entry[place].operation { return true }
      return false
    }

    private func isSameKey(_ first: Place, _ second: Place, _ entry: EntryPoint) -> Bool {
      if entry.origin(of: first) == entry.origin(of: second) { return true }
      if entry.isSender(first), entry.isSender(second) { return true }
      let sources = entry.sources(of: first).sources
      return !sources.contains(.environment(.sender))
        && sources == entry.sources(of: second).sources
    }

    func matches(_ other: Place, _ entry: EntryPoint) -> Bool {
      let found = entry.origin(of: other)
      if found == origin { return true }
      if case .read = entry[origin].operation, case .read = entry[found].operation,
        let own = entry.location(at: origin), let named = entry.location(at: found)
      {
        // The balance of one account says nothing about that of another.
        return own.field == named.field && own.indexes.count == named.indexes.count
          && zip(own.indexes, named.indexes).allSatisfy { isSameKey($0, $1, entry) }
      }
      guard !isFixed, !sources.isEmpty, sources != [.constant],
        Self.combines(found, entry) == isCombined
      else { return false }
      return entry.sources(of: found).sources == sources
    }
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
    let room = isSigned && !wasSigned ? narrow - 1 : narrow
    guard wasSigned || width(source, entry, depth: 8) > room else { return nil }
    guard isSupplied(source, entry), entry.hasCallerInput, !entry.isView,
      !entry.isRestricted(place), use(of: place, entry).isKept
    else { return nil }
    let compared = ComparedValue(source, entry)
    var guards = entry.guards(of: place)
    var frame: FrameID? = place.frame
    while let current = frame {
      guards += entry.returnGuards(of: current)
      frame = entry[current].parent
    }
    for (_, left, right) in comparisons(in: guards, entry) {
      guard !entry.isZero(left), !entry.isZero(right) || wasSigned else { continue }
      if compared.matches(left, entry) || compared.matches(right, entry) { return nil }
      // `uint128(x) == x` compares what is left with what was there.
      if [left, right].contains(where: { entry.origin(of: $0) == entry.origin(of: place) }) {
        return nil
      }
    }
    return .make(
      rule: Self.narrowing, at: entry.sourcePlace(place), in: context.program,
      message: """
        `\(entry.sourceText(place))` keeps only what fits \
        \(isSigned ? "int" : "uint")\(narrow) of a number the caller supplies, without an error, and \
        the rest is stored or sent as if nothing had been lost.
        """,
      contract: subject.contract, role: "conversion")
  }

  /// How many bits an unsigned value needs at most, as far as its making shows.
  private func width(_ place: Place, _ entry: EntryPoint, depth: Int) -> Int {
    let origin = entry.origin(of: place)
    let value = entry[origin]
    var declared = 256
    if case .integer(let bits, _) = value.type { declared = bits }
    guard depth > 0 else { return declared }
    func inner(_ operand: ValueID) -> Int {
      width(Place(frame: origin.frame, value: operand), entry, depth: depth - 1)
    }
    func fixed(_ operand: ValueID) -> BigInt? {
      entry.constant(Place(frame: origin.frame, value: operand))?.wholeNumber
    }
    let needed: Int
    switch value.operation {
    case .constant(let constant): needed = constant.wholeNumber?.magnitude.bitWidth ?? declared
    case .zero: needed = 0
    // Time and block numbers fit 48 bits for millions of years; all ether there is fits 96.
    case .environment(.timestamp), .environment(.blockNumber): needed = 48
    case .environment(.callValue): needed = 96
    case .convert(let operand, _, _): needed = inner(operand)
    case .select(_, let first, let second): needed = max(inner(first), inner(second))
    case .phi(let inputs):
      needed = inputs.count > 4 ? declared : inputs.map(inner).max() ?? declared
    case .binary(let operation, let left, let right, let isChecked, false):
      switch operation {
      case .bitAnd: needed = min(inner(left), inner(right))
      case .modulo:
        needed = min(inner(left), fixed(right).map { ($0 - 1).magnitude.bitWidth } ?? inner(right))
      case .divide:
        needed = inner(left) - (fixed(right).map { max(0, $0.magnitude.bitWidth - 1) } ?? 0)
      case .shiftRight:
        needed = inner(left) - max(0, fixed(right).flatMap { Int(exactly: $0) } ?? 0)
      case .add: needed = max(inner(left), inner(right)) + 1
      case .multiply: needed = inner(left) + inner(right)
      case .bitOr, .bitXor: needed = max(inner(left), inner(right))
      case .subtract: needed = isChecked ? inner(left) : declared
      default: needed = declared
      }
    default: needed = declared
    }
    return max(0, min(declared, needed))
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

extension ConstantValue {
  /// The number, if it is a whole one.
  var wholeNumber: BigInt? {
    if case .number(let number) = self { return number.integer }
    return nil
  }
}
