import BigInt
import SoliditySyntax
import Solidity

extension FunctionLowering {
  /// The value of an expression.
  func lower(_ expression: Expression) -> ValueID {
    descend({ lowerUnbounded(expression) }, otherwise: { unknown([], expression) })
  }

  /// The value of an expression, copied from storage if it is there.
  func lowerToMemory(_ expression: Expression) -> ValueID {
    loadFromStorage(lower(expression), expression)
  }

  /// Runs an expression for its effects.
  func lowerForEffect(_ expression: Expression) {
    descend(
      {
        let expression = expression.withoutParentheses
        switch expression.kind {
        case .call: _ = lowerCall(expression, wanted: [])
        case .prefix(.delete, let operand): delete(operand, expression)
        case .assignment(nil, let target, let value):
          if case .tuple(let components) = target.withoutParentheses.kind {
            _ = assign(components, value, expression)
          } else {
            _ = lower(expression)
          }
        default: _ = lower(expression)
        }
      }, otherwise: {})
  }

  /// The parts of an expression that stands for several values.
  func lowerSeveral(_ expression: Expression, wanted: [Bool]) -> [ValueID?] {
    let expression = expression.withoutParentheses
    switch expression.kind {
    case .tuple(let components):
      return components.map { $0.map { lower($0) } }
    case .call:
      return descend(
        { lowerCall(expression, wanted: wanted) }, otherwise: { wanted.map { _ in nil } })
    case .conditional(let condition, let then, let otherwise):
      let chosen = lower(condition)
      let (left, right) = (builder.makeBlock(), builder.makeBlock())
      let join = builder.makeBlock()
      branch(chosen, left, right, condition)
      builder.enterSealed(left)
      let first = lowerSeveral(then, wanted: wanted)
      jump(join, origin(expression, implied: true))
      builder.enterSealed(right)
      let second = lowerSeveral(otherwise, wanted: wanted)
      jump(join, origin(expression, implied: true))
      builder.enterSealed(join)
      return zip(first, second).map { a, b in
        guard let a, let b else { return nil }
        return builder.appendHead(
          .select(chosen, a, b), type: builder.type(a), origin: origin(expression))
      }
    default:
      return [lower(expression)]
    }
  }

  private func lowerUnbounded(_ expression: Expression) -> ValueID {
    let expression = expression.withoutParentheses
    switch expression.kind {
    case .identifier, .memberAccess, .index:
      let (place, type) = place(of: expression)
      return read(place, type, expression)
    default:
      return lowerValue(expression)
    }
  }

  /// The value of an expression that designates no place.
  func lowerValue(_ expression: Expression) -> ValueID {
    let type = program.type(of: expression)
    switch expression.kind {
    case .identifier(let name): return lowerName(name, expression)
    case .memberAccess(let base, let name): return lowerMember(base, name.text, expression)
    case .literal(let literal): return lowerLiteral(literal, expression)
    case .index(let base, nil): return unknown([lower(base)], expression, type: type)
    case .index(let base, .some(let index)):
      return emit(.load(lower(base), [.index(lower(index))]), type, expression)
    case .slice(let base, let start, let end):
      let whole = lowerToMemory(base)
      return emit(
        .slice(whole, start.map { lower($0) }, end.map { lower($0) }), type, expression)
    case .call:
      return lowerCall(expression, wanted: [true]).first.flatMap { $0 }
        ?? unknown([], expression, type: type)
    case .callOptions(let inner, let options):
      let parts = options.map { lower($0.value) }
      return unknown([lower(inner)] + parts, expression, type: type)
    case .tuple(let components):
      if components.count == 1, let only = components[0] { return lower(only) }
      return emit(
        .aggregate(.tuple, components.compactMap { $0.map { lower($0) } }), type, expression)
    case .inlineArray(let parts):
      return emit(.aggregate(.inlineArray, parts.map { lowerToMemory($0) }), type, expression)
    case .prefix(let op, let operand): return lowerPrefix(op, operand, expression)
    case .postfix(let op, let operand):
      return step(op, operand, expression, givesOld: true)
    case .binary: return lowerBinaryChain(expression)
    case .assignment(let op, let target, let value):
      return lowerAssignment(op, target, value, expression)
    case .conditional(let condition, let then, let otherwise):
      return lowerConditional(condition, then, otherwise, expression)
    case .elementaryType, .new: return unknown([], expression, type: type)
    case .missing:
      isComplete = false
      return unknown([], expression)
    }
  }

  // MARK: Names and members

  private func lowerName(_ name: String, _ expression: Expression) -> ValueID {
    let type = program.type(of: expression)
    if name == "this" { return emit(.environment(.this), type, expression) }
    switch program.declaration(of: expression) {
    case let function as FunctionDefinition:
      return emit(.functionReference(function, receiver: nil), type, expression)
    case nil:
      if name == "now" { return emit(.environment(.timestamp), type, expression) }
      return unknown([], expression, type: type)
    default:
      return unknown([], expression, type: type)
    }
  }

  private func lowerMember(_ base: Expression, _ name: String, _ expression: Expression)
    -> ValueID
  {
    let type = program.type(of: expression)
    if let declaration = program.declaration(of: expression) {
      if let function = declaration as? FunctionDefinition {
        let receiver = isValue(base) ? lower(base) : nil
        return emit(.functionReference(function, receiver: receiver), type, expression)
      }
      if let value = declaration as? EnumValue {
        if let (_, ordinal) = program.enumeration(of: value) {
          return constant(ordinal, type, expression)
        }
        return unknown([], expression, type: type)
      }
      if declaration is VariableDeclaration {
        // A getter used as a function value.
        return unknown(isValue(base) ? [lower(base)] : [], expression, type: type)
      }
    }
    if let environment = environment(base, name) {
      return emit(.environment(environment), type, expression)
    }
    let baseType = program.type(of: base)
    switch name {
    case "balance" where isAddressOrUnknown(baseType):
      return emit(.balance(lower(base)), type, expression)
    case "code" where isAddressOrUnknown(baseType), "codehash" where isAddressOrUnknown(baseType):
      return emit(.accountCode(name, lower(base)), type, expression)
    default: break
    }
    if let value = program.constantValue(of: expression) {
      return emit(.constant(value), type, expression)
    }
    guard isValue(base) else {
      return emit(.builtin("type." + name, []), type, expression)
    }
    return emit(.load(lower(base), [.member(name)]), type, expression)
  }

  private func isAddressOrUnknown(_ type: SolidityType) -> Bool {
    if case .unknown = type { return true }
    return type.isAddressLike
  }

  private func environment(_ base: Expression, _ name: String) -> Environment? {
    guard case .identifier(let object) = base.withoutParentheses.kind,
      ["msg", "tx", "block"].contains(object), program.declaration(of: base) == nil
    else { return nil }
    if object == "msg", name == "gas" { return .gasLeft }
    return Environment(rawValue: object + "." + name)
  }

  private func lowerLiteral(_ literal: Literal, _ expression: Expression) -> ValueID {
    let type = program.type(of: expression)
    if let value = program.constantValue(of: expression) {
      return emit(.constant(value), type, expression)
    }
    switch literal {
    case .bool(let value): return emit(.constant(.bool(value)), .bool, expression)
    case .string(let bytes), .unicodeString(let bytes), .hexString(let bytes):
      return emit(.constant(.bytes(bytes)), type, expression)
    case .number: return unknown([], expression, type: type)
    }
  }

  // MARK: Operators

  private func lowerPrefix(
    _ op: UnaryOperator, _ operand: Expression, _ expression: Expression
  ) -> ValueID {
    let type = program.type(of: expression)
    switch op {
    case .increment, .decrement: return step(op, operand, expression, givesOld: false)
    case .delete:
      delete(operand, expression)
      return unknown([], expression, type: .tuple([]))
    case .plus: return lower(operand)
    case .not, .bitNot, .negate:
      let value = lower(operand)
      if case .constant = builder.operation(value),
        let folded = program.constantValue(of: expression)
      {
        return emit(.constant(folded), type, expression)
      }
      return emit(
        .unary(op, value, isChecked: op == .negate && isChecked),
        op == .not ? .bool : type, expression)
    }
  }

  var isChecked: Bool { !surroundings.contains(.wrapping) }

  private func step(
    _ op: UnaryOperator, _ operand: Expression, _ expression: Expression, givesOld: Bool
  ) -> ValueID {
    let (place, type) = place(of: operand)
    let old = read(place, type, operand)
    let one = constant(1, type, expression)
    let new = emit(
      .binary(
        op == .increment ? .add : .subtract, old, one, isChecked: isChecked,
        isSigned: type.isSigned), type, expression)
    store(place, type, new, .modify, expression)
    return givesOld ? old : new
  }

  private func delete(_ operand: Expression, _ expression: Expression) {
    let (place, type) = place(of: operand)
    switch place {
    case .storage(let path): perform(.write(path, nil, .delete), expression)
    case .local(let slot, []) where isStorageSlot(slot):
      let path = StoragePath(root: .pointer(builder.read(slot)), steps: [], isTransient: false)
      perform(.write(path, nil, .delete), expression)
    case .local, .immutable, .value:
      store(place, type, emit(.zero, type, expression), .delete, expression)
    }
  }

  /// Binary operators, looping down the left operands: chains may be long.
  private func lowerBinaryChain(_ expression: Expression) -> ValueID {
    var spine: [(BinaryOperator, Expression, Expression)] = []
    var leftmost = expression
    while case .binary(let op, let left, let right) = leftmost.kind {
      spine.append((op, right, leftmost))
      leftmost = left.withoutParentheses
    }
    var value = lower(leftmost)
    for (op, right, node) in spine.reversed() { value = combine(op, value, right, node) }
    return value
  }

  private func combine(
    _ op: BinaryOperator, _ left: ValueID, _ right: Expression, _ node: Expression
  ) -> ValueID {
    if op == .and || op == .or { return lowerShortCircuit(op, left, right, node) }
    let other = lower(right)
    let type = program.type(of: node)
    if case .constant = builder.operation(left), case .constant = builder.operation(other),
      let folded = program.constantValue(of: node)
    {
      return emit(.constant(folded), type, node)
    }
    return arithmetic(op, left, other, type, node)
  }

  func arithmetic(
    _ op: BinaryOperator, _ left: ValueID, _ right: ValueID, _ type: SolidityType,
    _ node: some SyntaxNode
  ) -> ValueID {
    let canOverflow = op == .add || op == .subtract || op == .multiply || op == .power
    let isSigned = builder.type(left).isSigned || builder.type(right).isSigned
    return emit(
      .binary(op, left, right, isChecked: canOverflow && isChecked, isSigned: isSigned),
      op.isComparison ? .bool : type, node)
  }

  private func lowerShortCircuit(
    _ op: BinaryOperator, _ left: ValueID, _ right: Expression, _ node: Expression
  ) -> ValueID {
    var fuel = 48
    if isFreeOfEffects(right, &fuel) {
      return emit(.shortCircuit(op, left, lower(right)), .bool, node)
    }
    let rightBlock = builder.makeBlock()
    let join = builder.makeBlock()
    if op == .and {
      branch(left, rightBlock, join, node)
    } else {
      branch(left, join, rightBlock, node)
    }
    builder.enterSealed(rightBlock)
    let other = lower(right)
    jump(join, origin(node, implied: true))
    builder.enterSealed(join)
    return builder.appendHead(.shortCircuit(op, left, other), type: .bool, origin: origin(node))
  }

  private func lowerConditional(
    _ condition: Expression, _ then: Expression, _ otherwise: Expression, _ node: Expression
  ) -> ValueID {
    let type = program.type(of: node)
    let chosen = lower(condition)
    var fuel = 48
    if isFreeOfEffects(then, &fuel), isFreeOfEffects(otherwise, &fuel) {
      let first = lower(then)
      let second = lower(otherwise)
      return emit(.select(chosen, first, second), type, node)
    }
    let (left, right) = (builder.makeBlock(), builder.makeBlock())
    let join = builder.makeBlock()
    branch(chosen, left, right, condition)
    builder.enterSealed(left)
    let first = lower(then)
    jump(join, origin(node, implied: true))
    builder.enterSealed(right)
    let second = lower(otherwise)
    jump(join, origin(node, implied: true))
    builder.enterSealed(join)
    return builder.appendHead(.select(chosen, first, second), type: type, origin: origin(node))
  }

  /// Whether an expression can be evaluated where it would not be without anyone noticing. Spends `fuel`.
  private func isFreeOfEffects(_ expression: Expression, _ fuel: inout Int) -> Bool {
    fuel -= 1
    guard fuel > 0 else { return false }
    switch expression.kind {
    case .identifier, .literal, .elementaryType, .missing: return true
    case .memberAccess(let base, _): return isFreeOfEffects(base, &fuel)
    case .index(let base, let index):
      guard isFreeOfEffects(base, &fuel) else { return false }
      return index.map { isFreeOfEffects($0, &fuel) } ?? true
    case .tuple(let components):
      return components.allSatisfy { $0.map { isFreeOfEffects($0, &fuel) } ?? true }
    case .prefix(let op, let operand):
      return (op == .not || op == .bitNot || op == .negate) && isFreeOfEffects(operand, &fuel)
    case .binary(_, let left, let right):
      return isFreeOfEffects(left, &fuel) && isFreeOfEffects(right, &fuel)
    case .call(_, let arguments):
      switch program.callee(of: expression) {
      case .conversion: break
      case .builtin(let name) where name == "keccak256" || name.hasPrefix("abi.encode"): break
      default: return false
      }
      return arguments.values.allSatisfy { isFreeOfEffects($0, &fuel) }
    case .slice, .callOptions, .new, .inlineArray, .postfix, .assignment, .conditional:
      return false
    }
  }

  // MARK: Assignment

  private func lowerAssignment(
    _ op: BinaryOperator?, _ target: Expression, _ value: Expression, _ node: Expression
  ) -> ValueID {
    let target = target.withoutParentheses
    if let op {
      let (place, type) = place(of: target)
      let old = read(place, type, target)
      let new = arithmetic(op, old, lower(value), type, node)
      store(place, type, new, .modify, node)
      return new
    }
    if case .tuple(let components) = target.kind {
      let values = assign(components, value, node)
      return emit(
        .aggregate(.tuple, values.compactMap { $0 }), program.type(of: node), node)
    }
    let new = lower(value)
    let (place, type) = place(of: target)
    store(place, type, new, .assign, node)
    return new
  }

  private func assign(
    _ components: [Expression?], _ value: Expression, _ node: Expression
  ) -> [ValueID?] {
    let values = lowerSeveral(value, wanted: components.map { $0 != nil })
    // The compiler assigns from the right; with distinct targets the order cannot be told.
    for (position, component) in components.enumerated() {
      guard let component, position < values.count, let part = values[position] else { continue }
      let (place, type) = place(of: component)
      store(place, type, part, .assign, node)
    }
    return values
  }
}

extension BinaryOperator {
  /// Whether it compares.
  var isComparison: Bool {
    switch self {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
    default: false
    }
  }
}
