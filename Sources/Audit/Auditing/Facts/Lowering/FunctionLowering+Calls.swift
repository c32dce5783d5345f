import SoliditySyntax
import Solidity

/// What is written between a callee and its arguments: `{value: v, gas: g, salt: s}`, before 0.7 `.value(v).gas(g)`.
struct WrittenCallOptions {
  var value: Expression?
  var gas: Expression?
  var salt: Expression?
}

extension FunctionLowering {
  /// Lowers a call; gives the results asked for by position.
  func lowerCall(_ call: Expression, wanted: [Bool]) -> [ValueID?] {
    lowerCall(call, wanted: wanted, isTry: false).results
  }

  /// Lowers the call of a `try`; gives its instruction and results.
  func lowerTriedCall(_ call: Expression, wanted: Int) -> (site: ValueID, results: [ValueID?]) {
    let call = call.withoutParentheses
    guard case .call = call.kind else { return (lower(call), []) }
    let lowered: Lowered = descend(
      { lowerCall(call, wanted: Array(repeating: true, count: wanted), isTry: true) },
      otherwise: { (site: nil, results: []) })
    return (lowered.site ?? unknown([], call), lowered.results)
  }

  private typealias Lowered = (site: ValueID?, results: [ValueID?])

  private func lowerCall(_ call: Expression, wanted: [Bool], isTry: Bool) -> (
    site: ValueID?, results: [ValueID?]
  ) {
    guard case .call(let written, _) = call.kind else { return (nil, [lower(call)]) }
    switch program.callee(of: call) {
    case .function(let function, let dispatch, _):
      if dispatch == .external {
        return lowerExternal(
          call, .function(Reference(function)), name: function.name,
          isStatic: function.mutability == .view || function.mutability == .pure,
          parameters: function.parameters, wanted: wanted, isTry: isTry)
      }
      return lowerInternal(call, function, dispatch, wanted: wanted)
    case .getter(let variable):
      return lowerExternal(
        call, .getter(Reference(variable)), name: variable.name, isStatic: true, parameters: [],
        wanted: wanted, isTry: isTry)
    case .functionPointer(let type):
      return lowerPointerCall(call, type, wanted: wanted, isTry: isTry)
    case .lowLevel(let kind): return lowerLowLevel(call, kind, wanted: wanted)
    case .builtin(let name): return (nil, lowerBuiltin(name, call, wanted: wanted))
    case .conversion(let type): return (nil, [lowerConversion(call, to: type)])
    case .structConstructor(let definition):
      let parts = lowerArguments(call)
      return (
        nil,
        [
          emit(
            .aggregate(.structure(Reference(definition)), parts), program.type(of: call), call)
        ]
      )
    case .creation(let contract):
      return lowerCreation(call, contract, wanted: wanted, isTry: isTry)
    case .allocation(let type):
      return (nil, [emit(.aggregate(.allocation, lowerArguments(call)), type, call)])
    case .event:
      lowerEmit(call)
      return (nil, [])
    case .error:
      return (nil, [unknown(lowerArguments(call), call)])
    case .unknown:
      return lowerUnresolved(call, written, wanted: wanted, isTry: isTry)
    }
  }

  private func lowerArguments(_ call: Expression) -> [ValueID] {
    program.arguments(of: call).map { argument in
      argument.map { lowerToMemory($0) } ?? unknown([], call)
    }
  }

  /// The callee as written without options, and the options.
  private func calleeAndOptions(_ call: Expression) -> (Expression, WrittenCallOptions) {
    var options = WrittenCallOptions()
    guard case .call(var callee, _) = call.kind else { return (call, options) }
    while true {
      callee = callee.withoutParentheses
      if case .callOptions(let inner, let named) = callee.kind {
        for option in named {
          switch option.name.text {
          case "value": options.value = option.value
          case "gas": options.gas = option.value
          case "salt": options.salt = option.value
          default: break
          }
        }
        callee = inner
      } else if case .call(let inner, let arguments) = callee.kind,
        case .memberAccess(let base, let name) = inner.withoutParentheses.kind,
        name.text == "value" || name.text == "gas", arguments.values.count == 1,
        Self.isOptionCall(program.callee(of: callee))
      {
        if name.text == "value" {
          options.value = arguments.values[0]
        } else {
          options.gas = arguments.values[0]
        }
        callee = base
      } else {
        return (callee, options)
      }
    }
  }

  private static func isOptionCall(_ callee: Callee) -> Bool {
    switch callee {
    case .unknown, .builtin("value"), .builtin("gas"): true
    default: false
    }
  }

  /// The results asked for.
  private func results(_ site: ValueID, _ call: Expression, wanted: [Bool]) -> [ValueID?] {
    let type = program.type(of: call)
    return wanted.enumerated().map { position, isWanted in
      guard isWanted else { return nil }
      var part = type
      if case .tuple(let parts) = type {
        part = position < parts.count ? parts[position] ?? .unknown : .unknown
      }
      return emit(.result(site, position), part, call)
    }
  }

  private func resultCount(_ call: Expression) -> Int {
    switch program.type(of: call) {
    case .tuple(let parts): parts.count
    case .unknown: 0
    default: 1
    }
  }

  // MARK: Calls within the contract

  private func lowerInternal(
    _ call: Expression, _ function: FunctionDefinition, _ dispatch: Dispatch, wanted: [Bool]
  ) -> (site: ValueID?, results: [ValueID?]) {
    let arguments = program.arguments(of: call).enumerated().map { position, argument in
      guard let argument else { return unknown([], call) }
      let value = lower(argument)
      guard function.parameters.indices.contains(position) else { return value }
      return coerce(value, to: program.type(of: function.parameters[position]), argument)
    }
    let site = emit(
      .internalCall(
        InternalCall(
          callee: function, dispatch: dispatch, caller: declaring, arguments: arguments,
          pointer: nil, resultCount: function.returnParameters.count)), program.type(of: call),
      call)
    rebindObjects(given: program.arguments(of: call), to: function, site, call)
    if dispatch != .super, NeverReturning.holds(for: function, program: program) {
      builder.terminate(.unreachable, origin(call, implied: true))
    }
    return (site, results(site, call, wanted: wanted))
  }

  /// Variables whose objects in memory were given to a function hold them as the function left them.
  private func rebindObjects(
    given arguments: [Expression?], to function: FunctionDefinition, _ site: ValueID,
    _ call: Expression
  ) {
    guard function.body != nil else { return }
    for (position, argument) in arguments.enumerated()
    where position < function.parameters.count {
      let type = program.type(of: function.parameters[position])
      guard let argument, type.isMemoryObject, case .identifier = argument.withoutParentheses.kind,
        let variable = program.declaration(of: argument) as? VariableDeclaration,
        let slot = bindings[variable.id], builder.slotType(slot).isMemoryObject
      else { continue }
      builder.write(slot, emit(.argumentAfter(site, position), builder.slotType(slot), call))
    }
  }

  private func lowerPointerCall(
    _ call: Expression, _ type: FunctionType, wanted: [Bool], isTry: Bool
  ) -> (site: ValueID?, results: [ValueID?]) {
    let (callee, options) = calleeAndOptions(call)
    let pointer = lower(callee)
    if type.isExternal {
      let value = options.value.map { lower($0) }
      let gas = options.gas.map { lower($0) }
      let isStatic = type.mutability == .view || type.mutability == .pure
      let site = emit(
        .externalCall(
          ExternalCall(
            kind: .pointer, name: "", target: pointer, value: value, gas: gas, salt: nil,
            arguments: lowerArguments(call), resultCount: type.returns.count,
            isStatic: isStatic, isEnforcedStatic: isStatic && enforcesStatic, isTry: isTry,
            isAssembly: false)), program.type(of: call), call)
      return (site, results(site, call, wanted: wanted))
    }
    var known: FunctionDefinition?
    if case .functionReference(let function, _) = builder.operation(pointer) { known = function }
    let site = emit(
      .internalCall(
        InternalCall(
          callee: known, dispatch: .virtual, caller: declaring,
          arguments: program.arguments(of: call).map { $0.map { lower($0) } ?? unknown([], call) },
          pointer: pointer, resultCount: type.returns.count)), program.type(of: call), call)
    return (site, results(site, call, wanted: wanted))
  }

  // MARK: Calls of other accounts

  /// Whether the compiler calls `view` functions of other contracts by `staticcall`.
  private var enforcesStatic: Bool { dialect >= CompilerVersion(0, 5, 0) }

  private func lowerExternal(
    _ call: Expression, _ kind: ExternalCall.Kind, name: String, isStatic: Bool,
    parameters: [VariableDeclaration], wanted: [Bool], isTry: Bool
  ) -> (site: ValueID?, results: [ValueID?]) {
    let (callee, options) = calleeAndOptions(call)
    var target: ValueID?
    if case .memberAccess(let base, _) = callee.kind {
      target = lower(base)
    } else {
      target = lower(callee)
    }
    let value = options.value.map { lower($0) }
    let gas = options.gas.map { lower($0) }
    let arguments = lowerArguments(call)
    let site = emit(
      .externalCall(
        ExternalCall(
          kind: kind, name: name, target: target, value: value, gas: gas, salt: nil,
          arguments: arguments, resultCount: resultCount(call), isStatic: isStatic,
          isEnforcedStatic: isStatic && enforcesStatic, isTry: isTry, isAssembly: false)),
      program.type(of: call), call)
    setReturnData(site, call)
    return (site, results(site, call, wanted: wanted))
  }

  private func lowerLowLevel(
    _ call: Expression, _ kind: LowLevelCall, wanted: [Bool]
  ) -> (site: ValueID?, results: [ValueID?]) {
    let (callee, options) = calleeAndOptions(call)
    guard case .memberAccess(let base, _) = callee.kind else {
      return (nil, [unknown(lowerArguments(call), call)])
    }
    let target = lower(base)
    var value = options.value.map { lower($0) }
    let gas = options.gas.map { lower($0) }
    var arguments = lowerArguments(call)
    if kind == .send || kind == .transfer {
      value = arguments.first
      arguments = []
    }
    let site = emit(
      .externalCall(
        ExternalCall(
          kind: .lowLevel(kind), name: kind.rawValue, target: target, value: value, gas: gas,
          salt: nil, arguments: arguments,
          resultCount: kind == .transfer ? 0 : kind == .send ? 1 : 2,
          isStatic: kind == .staticcall, isEnforcedStatic: kind == .staticcall, isTry: false,
          isAssembly: false)),
      program.type(of: call), call)
    setReturnData(site, call)
    return (site, results(site, call, wanted: wanted))
  }

  private func lowerCreation(
    _ call: Expression, _ contract: ContractDefinition, wanted: [Bool], isTry: Bool
  ) -> (site: ValueID?, results: [ValueID?]) {
    let (_, options) = calleeAndOptions(call)
    let value = options.value.map { lower($0) }
    let salt = options.salt.map { lower($0) }
    let arguments = lowerArguments(call)
    let site = emit(
      .externalCall(
        ExternalCall(
          kind: .creation(Reference(contract)), name: "", target: nil, value: value, gas: nil,
          salt: salt, arguments: arguments, resultCount: 1, isStatic: false,
          isEnforcedStatic: false, isTry: isTry, isAssembly: false)), program.type(of: call), call)
    return (site, results(site, call, wanted: wanted))
  }

  /// A call nothing is known about: with `x.f(...)` most likely of another contract whose source is missing.
  private func lowerUnresolved(
    _ call: Expression, _ written: Expression, wanted: [Bool], isTry: Bool
  ) -> (site: ValueID?, results: [ValueID?]) {
    let (callee, options) = calleeAndOptions(call)
    if case .memberAccess(let base, let name) = callee.kind {
      if let kind = LowLevelCall(rawValue: name.text), isValue(base),
        !(kind == .transfer || kind == .send) || program.arguments(of: call).count == 1
      {
        return lowerLowLevel(call, kind, wanted: wanted)
      }
      if isValue(base), program.declaration(of: callee) == nil {
        // A number, a string or a list has no code: the function is a library's whose source is missing.
        guard program.type(of: base).mayHaveCode else {
          let value = unknown(
            [lowerToMemory(base)] + lowerArguments(call), call, type: program.type(of: call))
          return (nil, wanted.map { _ in value })
        }
        return lowerExternal(
          call, .function(nil), name: name.text, isStatic: false, parameters: [], wanted: wanted,
          isTry: isTry)
      }
    }
    let parts = [options.value, options.gas].compactMap { $0.map { lower($0) } }
    let value = unknown(
      parts + lowerArguments(call), call, type: program.type(of: call))
    return (nil, wanted.isEmpty ? [] : wanted.map { _ in value })
  }

  func setReturnData(_ site: ValueID, _ node: some SyntaxNode) {
    guard let slot = returnDataSlot else { return }
    builder.write(slot, emit(.result(site, 1), .bytes(.memory), node))
  }

  // MARK: Conversions

  private func lowerConversion(_ call: Expression, to type: SolidityType) -> ValueID {
    let arguments = program.arguments(of: call)
    guard arguments.count == 1, let argument = arguments[0] else {
      return unknown(lowerArguments(call), call, type: type)
    }
    let value = lower(argument)
    if case .constant = builder.operation(value), let folded = program.constantValue(of: call) {
      return emit(.constant(folded), type, call)
    }
    let from = builder.type(value)
    // Addresses and contracts are one thing: the number does not change.
    if from.isAddressLike, type.isAddressLike { return value }
    // `bytes(s)` and `string(b)` of storage stay pointers.
    if from.isStoragePointer, type.isReference {
      guard case .storagePointer(let path) = builder.operation(value) else { return value }
      return emit(.storagePointer(path), type.inStorage, call)
    }
    return emit(.convert(value, from: from, isExplicit: true), type, call)
  }

  // MARK: Built-ins

  private func lowerBuiltin(_ name: String, _ call: Expression, wanted: [Bool]) -> [ValueID?] {
    let type = program.type(of: call)
    let arguments = program.arguments(of: call)
    switch name {
    case "require", "assert":
      guard let condition = arguments.first.flatMap({ $0 }) else { return [] }
      check(lower(condition), name == "assert" ? .assert : .require, call) {
        lowerReason(arguments.dropFirst().first.flatMap { $0 })
      }
      return []
    case "revert":
      let (error, values) = lowerReason(arguments.first.flatMap { $0 })
      builder.terminate(
        .revert(Revert(kind: .revert, error: error, arguments: values)), origin(call))
      return []
    case "selfdestruct", "suicide":
      guard let beneficiary = lowerArguments(call).first else { return [] }
      perform(.selfdestruct(beneficiary), call)
      builder.terminate(.stop(nil), origin(call))
      return []
    case "push": return lowerPush(call, arguments, wanted: wanted)
    case "pop":
      if case .memberAccess(let base, _) = calleeAndOptions(call).0.kind,
        case .storage(let path) = extend(place(of: base), .push, call)
      {
        let whole = StoragePath(
          root: path.root, steps: Array(path.steps.dropLast()), isTransient: path.isTransient)
        perform(.write(whole, nil, .pop), call)
      }
      return []
    case "gasleft", "msg.gas": return [emit(.environment(.gasLeft), type, call)]
    case "wrap", "unwrap":
      guard let value = lowerArguments(call).first else { break }
      return [
        emit(.convert(value, from: builder.type(value), isExplicit: true), type, call)
      ]
    case "abi.decode":
      guard let data = arguments.first.flatMap({ $0 }).map({ lowerToMemory($0) }) else { break }
      return wanted.enumerated().map { position, isWanted in
        guard isWanted else { return nil }
        var part = type
        if case .tuple(let parts) = type {
          part = position < parts.count ? parts[position] ?? .unknown : .unknown
        }
        return emit(.builtin(name, [data]), part, call)
      }
    default: break
    }
    if let value = program.constantValue(of: call) {
      return [emit(.constant(value), type, call)]
    }
    let standard =
      switch name {
      case "sha3": "keccak256"
      case "block.blockhash": "blockhash"
      default: name
      }
    return [emit(.builtin(standard, lowerArguments(call)), type, call)]
  }

  /// The error and its arguments, or the message, of a `require` or `revert`.
  private func lowerReason(_ reason: Expression?) -> (ErrorDefinition?, [ValueID]) {
    guard let reason else { return (nil, []) }
    let inner = reason.withoutParentheses
    if case .call = inner.kind, case .error(let error) = program.callee(of: inner) {
      return (error, lowerArguments(inner))
    }
    return (nil, [lowerToMemory(reason)])
  }

  private func lowerPush(
    _ call: Expression, _ arguments: [Expression?], wanted: [Bool]
  ) -> [ValueID?] {
    let value = arguments.first.flatMap { $0 }.map { lowerToMemory($0) }
    guard let (path, element) = pushPath(call) else {
      return [unknown(value.map { [$0] } ?? [], call)]
    }
    perform(.write(path, value, .push), call)
    guard wanted.first == true else { return [] }
    if value == nil { return [read(.storage(path), element, call)] }
    // Before 0.6 `push` returns the new length.
    let length = StoragePath(
      root: path.root, steps: path.steps.dropLast() + [.length], isTransient: path.isTransient)
    return [emit(.read(length), .integer(bits: 256, signed: false), call)]
  }
}

/// Tells functions that never return normally by their text: helpers that only revert.
enum NeverReturning {
  static func holds(
    for function: FunctionDefinition, program: Program, depth: Int = 3
  ) -> Bool {
    // An override may return.
    guard let body = function.body, function.modifiers.isEmpty, !function.isVirtual, depth > 0
    else { return false }
    return holds(body.statements, program, depth)
  }

  private static func holds(_ statements: [Statement], _ program: Program, _ depth: Int) -> Bool {
    guard let last = statements.last else { return false }
    for statement in statements where mayReturn(statement) { return false }
    return holds(last, program, depth)
  }

  private static func holds(_ statement: Statement, _ program: Program, _ depth: Int) -> Bool {
    guard depth > 0 else { return false }
    switch statement.kind {
    case .throw, .revert: return true
    case .block(let block): return holds(block.statements, program, depth - 1)
    case .if(_, let then, .some(let otherwise)):
      return holds(then, program, depth - 1) && holds(otherwise, program, depth - 1)
    case .expression(let expression):
      let call = expression.withoutParentheses
      guard case .call = call.kind else { return false }
      switch program.callee(of: call) {
      case .builtin("revert"): return true
      case .function(let function, let dispatch, _)
      where dispatch == .exact || dispatch == .virtual:
        return holds(for: function, program: program, depth: depth - 1)
      default: return false
      }
    case .assembly(let assembly):
      guard case .expression(let last)? = assembly.body.statements.last?.kind,
        case .call(let name, _) = last.kind
      else { return false }
      return name.text == "revert" || name.text == "invalid"
    default: return false
    }
  }

  /// Whether a `return` stands at or directly inside the statement.
  private static func mayReturn(_ statement: Statement) -> Bool {
    switch statement.kind {
    case .return: true
    case .block(let block): block.statements.contains(where: mayReturn)
    case .if(_, let then, let otherwise):
      mayReturn(then) || (otherwise.map(mayReturn) ?? false)
    case .while(_, let body), .doWhile(let body, _), .for(_, _, _, let body): mayReturn(body)
    case .assembly, .try: statementMayStop(statement)
    default: false
    }
  }

  private static func statementMayStop(_ statement: Statement) -> Bool {
    if case .assembly(let assembly) = statement.kind {
      return assembly.body.statements.contains { inner in
        guard case .expression(let expression) = inner.kind,
          case .call(let name, _) = expression.kind
        else { return false }
        return name.text == "return" || name.text == "stop"
      }
    }
    return true
  }
}
