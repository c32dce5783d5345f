import SoliditySyntax
import Solidity

extension PathStep {
  /// The step with its index replaced.
  func map(_ transform: (ValueID) -> ValueID) -> PathStep {
    if case .index(let value) = self { return .index(transform(value)) }
    return self
  }
}

extension StoragePath {
  /// The path with its operands replaced.
  func map(_ transform: (ValueID) -> ValueID) -> StoragePath {
    var root = root
    if case .pointer(let value) = root { root = .pointer(transform(value)) }
    return StoragePath(root: root, steps: steps.map { $0.map(transform) }, isTransient: isTransient)
  }

  /// The values the path is made of.
  func forEachOperand(_ body: (ValueID) -> Void) {
    if case .pointer(let value) = root { body(value) }
    for case .index(let value) in steps { body(value) }
  }
}

extension ExternalCall {
  /// The call with its operands replaced.
  func map(_ transform: (ValueID) -> ValueID) -> ExternalCall {
    ExternalCall(
      kind: kind, name: name, target: target.map(transform), value: value.map(transform),
      gas: gas.map(transform), salt: salt.map(transform), arguments: arguments.map(transform),
      resultCount: resultCount, isStatic: isStatic, isEnforcedStatic: isEnforcedStatic,
      isTry: isTry, isAssembly: isAssembly)
  }
}

extension Operation {
  /// Calls `body` with each operand in order.
  func forEachOperand(_ body: (ValueID) -> Void) {
    switch self {
    case .parameter, .constant, .environment, .zero, .memory, .readImmutable: break
    case .balance(let a), .accountCode(_, let a), .unary(_, let a, _), .convert(let a, _, _),
      .writeImmutable(_, let a), .result(let a, _), .trySuccess(let a), .caughtError(let a, _),
      .selfdestruct(let a):
      body(a)
    case .binary(_, let a, let b, _, _), .shortCircuit(_, let a, let b):
      body(a)
      body(b)
    case .select(let a, let b, let c):
      body(a)
      body(b)
      body(c)
    case .phi(let inputs): inputs.forEach(body)
    case .read(let path), .storagePointer(let path): path.forEachOperand(body)
    case .write(let path, let value, _):
      path.forEachOperand(body)
      if let value { body(value) }
    case .load(let base, let steps):
      body(base)
      for case .index(let value) in steps { body(value) }
    case .update(let base, let steps, let value):
      body(base)
      for case .index(let index) in steps { body(index) }
      body(value)
    case .aggregate(_, let parts): parts.forEach(body)
    case .slice(let base, let start, let end):
      body(base)
      if let start { body(start) }
      if let end { body(end) }
    case .memoryLoad(let memory, let address):
      body(memory)
      body(address)
    case .memoryStore(let memory, let address, let value, let length):
      body(memory)
      body(address)
      body(value)
      if let length { body(length) }
    case .memoryRange(let memory, let address, let length):
      body(memory)
      body(address)
      body(length)
    case .builtin(_, let arguments), .emit(_, let arguments), .unknown(let arguments):
      arguments.forEach(body)
    case .internalCall(let call):
      call.arguments.forEach(body)
      if let pointer = call.pointer { body(pointer) }
    case .externalCall(let call):
      if let target = call.target { body(target) }
      if let value = call.value { body(value) }
      if let gas = call.gas { body(gas) }
      if let salt = call.salt { body(salt) }
      call.arguments.forEach(body)
    case .functionReference(_, let receiver):
      if let receiver { body(receiver) }
    }
  }

  /// The operation with its operands replaced.
  func map(_ f: (ValueID) -> ValueID) -> Operation {
    switch self {
    case .parameter, .constant, .environment, .zero, .memory, .readImmutable: self
    case .balance(let a): .balance(f(a))
    case .accountCode(let name, let a): .accountCode(name, f(a))
    case .unary(let op, let a, let isChecked): .unary(op, f(a), isChecked: isChecked)
    case .convert(let a, let from, let isExplicit):
      .convert(f(a), from: from, isExplicit: isExplicit)
    case .writeImmutable(let variable, let a): .writeImmutable(variable, f(a))
    case .result(let a, let index): .result(f(a), index)
    case .trySuccess(let a): .trySuccess(f(a))
    case .caughtError(let a, let index): .caughtError(f(a), index)
    case .selfdestruct(let a): .selfdestruct(f(a))
    case .binary(let op, let a, let b, let isChecked, let isSigned):
      .binary(op, f(a), f(b), isChecked: isChecked, isSigned: isSigned)
    case .shortCircuit(let op, let a, let b): .shortCircuit(op, f(a), f(b))
    case .select(let a, let b, let c): .select(f(a), f(b), f(c))
    case .phi(let inputs): .phi(inputs.map(f))
    case .read(let path): .read(path.map(f))
    case .storagePointer(let path): .storagePointer(path.map(f))
    case .write(let path, let value, let kind): .write(path.map(f), value.map(f), kind)
    case .load(let base, let steps): .load(f(base), steps.map { $0.map(f) })
    case .update(let base, let steps, let value):
      .update(f(base), steps.map { $0.map(f) }, f(value))
    case .aggregate(let kind, let parts): .aggregate(kind, parts.map(f))
    case .slice(let base, let start, let end): .slice(f(base), start.map(f), end.map(f))
    case .memoryLoad(let memory, let address):
      .memoryLoad(memory: f(memory), address: f(address))
    case .memoryStore(let memory, let address, let value, let length):
      .memoryStore(
        memory: f(memory), address: f(address), value: f(value), length: length.map(f))
    case .memoryRange(let memory, let address, let length):
      .memoryRange(memory: f(memory), address: f(address), length: f(length))
    case .builtin(let name, let arguments): .builtin(name, arguments.map(f))
    case .emit(let event, let arguments): .emit(event, arguments.map(f))
    case .unknown(let arguments): .unknown(arguments.map(f))
    case .internalCall(let call):
      .internalCall(
        InternalCall(
          callee: call.callee, dispatch: call.dispatch, caller: call.caller,
          arguments: call.arguments.map(f), pointer: call.pointer.map(f),
          resultCount: call.resultCount))
    case .externalCall(let call): .externalCall(call.map(f))
    case .functionReference(let function, let receiver):
      .functionReference(function, receiver: receiver.map(f))
    }
  }
}

extension Terminator {
  /// Calls `body` with each operand in order.
  func forEachOperand(_ body: (ValueID) -> Void) {
    switch self {
    case .jump, .unreachable: break
    case .branch(let condition, _, _): body(condition)
    case .return(let values): values.forEach(body)
    case .revert(let revert): revert.arguments.forEach(body)
    case .stop(let value): if let value { body(value) }
    }
  }

  /// The terminator with its operands and blocks replaced.
  func map(_ f: (ValueID) -> ValueID, block: (BlockID) -> BlockID) -> Terminator {
    switch self {
    case .jump(let target): .jump(block(target))
    case .branch(let condition, let then, let otherwise):
      .branch(f(condition), then: block(then), otherwise: block(otherwise))
    case .return(let values): .return(values.map(f))
    case .revert(let revert):
      .revert(
        Revert(kind: revert.kind, error: revert.error, arguments: revert.arguments.map(f)))
    case .stop(let value): .stop(value.map(f))
    case .unreachable: .unreachable
    }
  }

  /// The blocks control may go to, as written.
  var targets: [BlockID] {
    switch self {
    case .jump(let target): [target]
    case .branch(_, let then, let otherwise): then == otherwise ? [then] : [then, otherwise]
    case .return, .revert, .stop, .unreachable: []
    }
  }
}
