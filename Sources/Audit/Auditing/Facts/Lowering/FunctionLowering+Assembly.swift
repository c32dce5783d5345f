import BigInt
import SoliditySyntax
import Solidity

extension FunctionLowering {
  static let word = SolidityType.integer(bits: 256, signed: false)
  static let maximumYulInlining = 12

  func lower(_ assembly: InlineAssembly) {
    let outer = surroundings
    surroundings.insert(.assembly)
    surroundings.insert(.wrapping)
    _ = memory(assembly.body)
    if returnDataSlot == nil { returnDataSlot = builder.makeSlot(type: .bytes(.memory)) }
    lower(assembly.body)
    surroundings = outer
  }

  // MARK: Memory

  /// The state of memory here.
  private func memory(_ node: some SyntaxNode) -> ValueID {
    if let slot = memorySlot { return builder.read(slot) }
    let slot = builder.makeSlot(type: .bytes(.memory))
    memorySlot = slot
    let start = emit(.memory, .bytes(.memory), node)
    builder.write(slot, start)
    return start
  }

  private func storeMemory(
    _ address: ValueID, _ value: ValueID, length: ValueID?, _ node: some SyntaxNode
  ) {
    let before = memory(node)
    let after = emit(
      .memoryStore(memory: before, address: address, value: value, length: length),
      .bytes(.memory), node)
    if let slot = memorySlot { builder.write(slot, after) }
  }

  private func memoryRange(_ address: ValueID, _ length: ValueID, _ node: some SyntaxNode)
    -> ValueID
  {
    emit(
      .memoryRange(memory: memory(node), address: address, length: length), .bytes(.memory), node)
  }

  // MARK: Statements

  private func lower(_ block: YulBlock) {
    for statement in block.statements { lower(statement) }
  }

  private func lower(_ statement: YulStatement) {
    descend({ lowerUnbounded(statement) }, otherwise: {})
  }

  private func lowerUnbounded(_ statement: YulStatement) {
    switch statement.kind {
    case .block(let block): lower(block)
    case .variables(let variables, let value):
      let values = value.map { lowerSeveral($0, count: variables.count) } ?? []
      for (position, variable) in variables.enumerated() {
        let slot = bind(variable, type: Self.word)
        builder.write(
          slot, position < values.count ? values[position] : constant(0, Self.word, statement))
      }
    case .assignment(let targets, let value):
      let values = lowerSeveral(value, count: targets.count)
      for (target, value) in zip(targets, values) { assign(target, value) }
    case .expression(let expression): _ = lowerSeveral(expression, count: 0)
    case .if(let condition, let body):
      let value = lower(condition)
      let then = builder.makeBlock()
      let join = builder.makeBlock()
      branch(value, then, join, condition)
      builder.enterSealed(then)
      lower(body)
      jump(join, origin(statement, implied: true))
      builder.enterSealed(join)
    case .switch(let subject, let cases): lowerSwitch(subject, cases, statement)
    case .for(let initial, let condition, let step, let body):
      lowerFor(initial, condition, step, body, statement)
    case .break:
      if let target = loops.last?.onBreak { jump(target, origin(statement)) }
    case .continue:
      if let target = loops.last?.onContinue { jump(target, origin(statement)) }
    case .leave:
      if let target = yulLeave { jump(target, origin(statement)) }
    case .function: break
    case .label, .stackAssignment:
      hasUnstructuredJumps = true
      isComplete = false
    case .missing: isComplete = false
    }
  }

  private func lowerSwitch(
    _ subject: YulExpression, _ cases: [YulCase], _ statement: YulStatement
  ) {
    let value = lower(subject)
    let after = builder.makeBlock()
    var otherwise: YulCase?
    for item in cases {
      guard let literal = item.value else {
        otherwise = item
        continue
      }
      let matches = emit(
        .binary(.equal, value, lower(literal), isChecked: false, isSigned: false), .bool, literal)
      let body = builder.makeBlock()
      let next = builder.makeBlock()
      branch(matches, body, next, literal)
      builder.enterSealed(body)
      lower(item.body)
      jump(after, origin(statement, implied: true))
      builder.enterSealed(next)
    }
    if let otherwise { lower(otherwise.body) }
    jump(after, origin(statement, implied: true))
    builder.enterSealed(after)
  }

  private func lowerFor(
    _ initial: YulBlock, _ condition: YulExpression, _ step: YulBlock, _ body: YulBlock,
    _ statement: YulStatement
  ) {
    lower(initial)
    let header = builder.makeBlock()
    let bodyBlock = builder.makeBlock()
    let stepBlock = builder.makeBlock()
    let after = builder.makeBlock()
    jump(header, origin(statement, implied: true))
    builder.enter(header)
    branch(lower(condition), bodyBlock, after, condition)
    builder.enterSealed(bodyBlock)
    loops.append(LoopTargets(onBreak: after, onContinue: stepBlock))
    lower(body)
    loops.removeLast()
    jump(stepBlock, origin(statement, implied: true))
    builder.enterSealed(stepBlock)
    lower(step)
    jump(header, origin(statement, implied: true))
    builder.seal(header)
    builder.enterSealed(after)
  }

  private func assign(_ target: YulExpression, _ value: ValueID) {
    if let variable = program.yulDeclaration(of: target) as? YulVariable {
      builder.write(slot(of: variable, type: Self.word), value)
    } else if let reference = program.reference(of: target),
      let variable = reference.declaration as? VariableDeclaration
    {
      let slot = slot(of: variable, type: program.type(of: variable))
      switch reference.suffix {
      case nil, .slot, .address, .selector: builder.write(slot, value)
      case .offset, .length:
        let whole = builder.read(slot)
        let step = reference.suffix == .length ? PathStep.length : .member("offset")
        builder.write(
          slot, emit(.update(whole, [step], value), builder.slotType(slot), target))
      }
    } else {
      isComplete = false
    }
  }

  // MARK: Expressions

  private func lower(_ expression: YulExpression) -> ValueID {
    lowerSeveral(expression, count: 1).first ?? unknown([], expression, type: Self.word)
  }

  private func lowerSeveral(_ expression: YulExpression, count: Int) -> [ValueID] {
    descend(
      { lowerUnbounded(expression, count: count) },
      otherwise: { (0..<count).map { _ in unknown([], expression) } })
  }

  private func lowerUnbounded(_ expression: YulExpression, count: Int) -> [ValueID] {
    switch expression.kind {
    case .literal(let literal): return [lower(literal, expression)]
    case .identifier: return [lowerName(expression)]
    case .call(let name, let arguments):
      if let function = program.yulDeclaration(of: expression) as? YulFunction {
        return inline(function, arguments, expression)
      }
      // Arguments are evaluated from the right.
      var values: [ValueID] = []
      for argument in arguments.reversed() { values.append(lower(argument)) }
      values.reverse()
      return lowerInstruction(name.text, values, expression).map { [$0] } ?? []
    case .missing:
      isComplete = false
      return [unknown([], expression)]
    }
  }

  private func lower(_ literal: YulLiteral, _ node: YulExpression) -> ValueID {
    switch literal {
    case .bool(let value): return constant(value ? 1 : 0, Self.word, node)
    case .string(let bytes), .hexString(let bytes):
      let padded = bytes.prefix(32) + Array(repeating: 0, count: max(0, 32 - bytes.count))
      return emit(
        .constant(.bytes(Array(padded))), .fixedBytes(32), node)
    case .number(let text):
      let isHex = text.hasPrefix("0x") || text.hasPrefix("0X")
      guard let number = BigInt(isHex ? String(text.dropFirst(2)) : text, radix: isHex ? 16 : 10),
        let rational = Rational(number)
      else { return unknown([], node, type: Self.word) }
      return emit(.constant(.number(rational)), Self.word, node)
    }
  }

  private func lowerName(_ expression: YulExpression) -> ValueID {
    if let variable = program.yulDeclaration(of: expression) as? YulVariable {
      return builder.read(slot(of: variable, type: Self.word))
    }
    guard let reference = program.reference(of: expression) else {
      // Before 0.5 instructions without arguments are also written without parentheses.
      if case .identifier(let name) = expression.kind,
        let environment = Self.environmentInstructions[name]
      {
        return emit(.environment(environment), Self.word, expression)
      }
      return unknown([], expression, type: Self.word)
    }
    if let function = reference.declaration as? FunctionDefinition {
      return emit(.functionReference(function, receiver: nil), Self.word, expression)
    }
    guard let variable = reference.declaration as? VariableDeclaration else {
      return unknown([], expression, type: Self.word)
    }
    switch (variable.role, variable.mutability) {
    case (.state, .constant), (.fileConstant, _):
      if let value = program.constantValue(of: variable) {
        return emit(.constant(value), program.type(of: variable), expression)
      }
      guard let value = variable.value, !constantsInProgress.contains(variable.id) else {
        return unknown([], expression, type: Self.word)
      }
      constantsInProgress.append(variable.id)
      defer { constantsInProgress.removeLast() }
      return lower(value)
    case (.state, .immutable):
      return emit(.readImmutable(variable), program.type(of: variable), expression)
    case (.state, .mutable):
      if reference.suffix == .offset {
        return emit(.builtin("slot.offset", []), Self.word, expression)
      }
      let path = StoragePath(
        root: .variable(Reference(variable)), steps: [], isTransient: variable.isTransient)
      return emit(.storagePointer(path), program.type(of: variable).inStorage, expression)
    default:
      let value = builder.read(slot(of: variable, type: program.type(of: variable)))
      switch reference.suffix {
      case .length: return emit(.load(value, [.length]), Self.word, expression)
      case .offset where !builder.type(value).isStoragePointer:
        return emit(.load(value, [.member("offset")]), Self.word, expression)
      case .offset: return constant(0, Self.word, expression)
      default: return value
      }
    }
  }

  /// Lowers the body of a Yul function in place of its call.
  private func inline(
    _ function: YulFunction, _ arguments: [YulExpression], _ node: YulExpression
  ) -> [ValueID] {
    var values: [ValueID] = []
    for argument in arguments.reversed() { values.append(lower(argument)) }
    values.reverse()
    guard !yulCalls.contains(function.id), yulCalls.count < Self.maximumYulInlining else {
      isComplete = false
      return function.returnVariables.map { _ in unknown(values, node, type: Self.word) }
    }
    let outer = (bindings, yulLeave, loops)
    yulCalls.append(function.id)
    let after = builder.makeBlock()
    yulLeave = after
    loops = []
    for (position, parameter) in function.parameters.enumerated() {
      let slot = bind(parameter, type: Self.word)
      builder.write(
        slot, position < values.count ? values[position] : unknown([], node, type: Self.word))
    }
    let slots = function.returnVariables.map { bind($0, type: Self.word) }
    for slot in slots { builder.write(slot, constant(0, Self.word, node)) }
    lower(function.body)
    jump(after, origin(node, implied: true))
    builder.enterSealed(after)
    let results = slots.map { builder.read($0) }
    yulCalls.removeLast()
    (bindings, yulLeave, loops) = outer
    return results
  }
}

// MARK: - Instructions

extension FunctionLowering {
  /// Lowers an EVM instruction; nil when it gives no value.
  private func lowerInstruction(
    _ name: String, _ a: [ValueID], _ node: YulExpression
  ) -> ValueID? {
    if let environment = Self.environmentInstructions[name], a.isEmpty {
      return emit(
        .environment(environment),
        environment == .sender || environment == .this || environment == .transactionOrigin
          || environment == .coinbase ? .address(payable: false) : Self.word, node)
    }
    if let op = Self.binaryInstructions[name], a.count == 2 {
      return lowerBinary(name, op, a[0], a[1], node)
    }
    switch (name, a.count) {
    case ("iszero", 1):
      if case .bool = builder.type(a[0]) {
        return emit(.unary(.not, a[0], isChecked: false), .bool, node)
      }
      let zero = constant(0, Self.word, node)
      return emit(.binary(.equal, a[0], zero, isChecked: false, isSigned: false), .bool, node)
    case ("not", 1): return emit(.unary(.bitNot, a[0], isChecked: false), Self.word, node)
    case ("sload", 1), ("tload", 1):
      return emit(.read(storagePath(a[0], isTransient: name == "tload")), Self.word, node)
    case ("sstore", 2), ("tstore", 2):
      perform(.write(storagePath(a[0], isTransient: name == "tstore"), a[1], .assign), node)
      return nil
    case ("mload", 1):
      return emit(.memoryLoad(memory: memory(node), address: a[0]), Self.word, node)
    case ("mstore", 2), ("mstore8", 2):
      storeMemory(a[0], a[1], length: nil, node)
      return nil
    case ("calldatacopy", 3), ("codecopy", 3):
      let data = emit(
        .builtin(name == "calldatacopy" ? "calldata" : "code", [a[1], a[2]]),
        .bytes(.memory), node)
      storeMemory(a[0], data, length: a[2], node)
      return nil
    case ("returndatacopy", 3):
      let data = returnDataSlot.map { builder.read($0) } ?? unknown([], node)
      storeMemory(a[0], data, length: a[2], node)
      return nil
    case ("extcodecopy", 4):
      let data = emit(.accountCode("code", a[0]), .bytes(.memory), node)
      storeMemory(a[1], data, length: a[3], node)
      return nil
    case ("mcopy", 3):
      let data = memoryRange(a[1], a[2], node)
      storeMemory(a[0], data, length: a[2], node)
      return nil
    case ("keccak256", 2), ("sha3", 2):
      return emit(.builtin("keccak256", [memoryRange(a[0], a[1], node)]), .fixedBytes(32), node)
    case ("balance", 1): return emit(.balance(a[0]), Self.word, node)
    case ("extcodesize", 1): return emit(.accountCode("code.length", a[0]), Self.word, node)
    case ("extcodehash", 1): return emit(.accountCode("codehash", a[0]), Self.word, node)
    case ("pop", 1): return nil
    case ("stop", 0):
      builder.terminate(.stop(nil), origin(node))
      return nil
    case ("return", 2):
      builder.terminate(.stop(memoryRange(a[0], a[1], node)), origin(node))
      return nil
    case ("revert", 2):
      let data = memoryRange(a[0], a[1], node)
      builder.terminate(
        .revert(Revert(kind: .revert, error: nil, arguments: [data])), origin(node))
      return nil
    case ("invalid", 0):
      builder.terminate(
        .revert(Revert(kind: .invalid, error: nil, arguments: [])), origin(node))
      return nil
    case ("selfdestruct", 1), ("suicide", 1):
      perform(.selfdestruct(a[0]), node)
      builder.terminate(.stop(nil), origin(node))
      return nil
    case ("log0", 2), ("log1", 3), ("log2", 4), ("log3", 5), ("log4", 6):
      perform(.emit(nil, Array(a.dropFirst(2)) + [memoryRange(a[0], a[1], node)]), node)
      return nil
    case ("create", 3), ("create2", 4):
      let code = memoryRange(a[1], a[2], node)
      let site = emit(
        .externalCall(
          ExternalCall(
            kind: .creation(nil), name: name, target: nil, value: a[0], gas: nil,
            salt: a.count == 4 ? a[3] : nil, arguments: [code], resultCount: 1, isStatic: false,
            isEnforcedStatic: false, isTry: false, isAssembly: true)), .tuple([]), node)
      return emit(.result(site, 0), .address(payable: false), node)
    case ("call", 7), ("callcode", 7), ("delegatecall", 6), ("staticcall", 6):
      return lowerCallInstruction(name, a, node)
    case ("addmod", 3), ("mulmod", 3):
      return emit(.builtin(name, a), Self.word, node)
    default:
      if ["jump", "jumpi"].contains(name) {
        hasUnstructuredJumps = true
        isComplete = false
        return nil
      }
      return emit(.builtin(name, a), Self.word, node)
    }
  }

  private func lowerBinary(
    _ name: String, _ op: BinaryOperator, _ a: ValueID, _ b: ValueID, _ node: YulExpression
  ) -> ValueID {
    // Shifts take the count first.
    let isShift = op == .shiftLeft || op == .shiftRight
    let left = isShift ? b : a
    let right = isShift ? a : b
    let isSigned = ["sdiv", "smod", "slt", "sgt", "sar"].contains(name)
    var type = Self.word
    if op.isComparison { type = .bool }
    if op == .bitAnd || op == .bitOr, case .bool = builder.type(a), case .bool = builder.type(b) {
      type = .bool
    }
    return emit(.binary(op, left, right, isChecked: false, isSigned: isSigned), type, node)
  }

  private func storagePath(_ slot: ValueID, isTransient: Bool) -> StoragePath {
    StoragePath(root: .pointer(slot), steps: [], isTransient: isTransient)
  }

  private func lowerCallInstruction(
    _ name: String, _ a: [ValueID], _ node: YulExpression
  ) -> ValueID {
    let hasValue = a.count == 7
    let rest = Array(a.dropFirst(hasValue ? 3 : 2))
    let data = memoryRange(rest[0], rest[1], node)
    let kind = LowLevelCall(rawValue: name) ?? .call
    let site = emit(
      .externalCall(
        ExternalCall(
          kind: .lowLevel(kind), name: name, target: a[1], value: hasValue ? a[2] : nil, gas: a[0],
          salt: nil, arguments: [data], resultCount: 2, isStatic: kind == .staticcall,
          isEnforcedStatic: kind == .staticcall, isTry: false, isAssembly: true)), .tuple([]), node)
    let success = emit(.result(site, 0), .bool, node)
    let returned = emit(.result(site, 1), .bytes(.memory), node)
    if let slot = returnDataSlot { builder.write(slot, returned) }
    storeMemory(rest[2], returned, length: rest[3], node)
    return success
  }

  private static let environmentInstructions: [String: Environment] = [
    "caller": .sender, "callvalue": .callValue, "origin": .transactionOrigin,
    "gasprice": .gasPrice, "timestamp": .timestamp, "number": .blockNumber,
    "difficulty": .difficulty, "prevrandao": .prevrandao, "coinbase": .coinbase,
    "gaslimit": .gasLimit, "chainid": .chainID, "basefee": .baseFee, "blobbasefee": .blobBaseFee,
    "address": .this, "gas": .gasLeft, "selfbalance": .selfBalance,
    "calldatasize": .callDataSize, "returndatasize": .returnDataSize,
  ]

  private static let binaryInstructions: [String: BinaryOperator] = [
    "add": .add, "sub": .subtract, "mul": .multiply, "div": .divide, "sdiv": .divide,
    "mod": .modulo, "smod": .modulo, "exp": .power, "lt": .less, "gt": .greater, "slt": .less,
    "sgt": .greater, "eq": .equal, "and": .bitAnd, "or": .bitOr, "xor": .bitXor,
    "shl": .shiftLeft, "shr": .shiftRight, "sar": .shiftRight,
  ]
}
