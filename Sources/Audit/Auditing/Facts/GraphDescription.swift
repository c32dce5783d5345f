import SoliditySyntax
import Solidity

extension FunctionGraph: CustomStringConvertible {
  /// The graph as text: one line per instruction, blocks with their predecessors. For people and tests.
  public var description: String {
    var lines: [String] = []
    switch unit {
    case .function(let function):
      let name = function.name.isEmpty ? function.kind.rawValue : function.name
      lines.append("function \((contract?.name).map { $0 + "." } ?? "")\(name)")
    case .deployment(let contract): lines.append("deployment \(contract.name)")
    }
    for (number, block) in blocks.enumerated() {
      let from = block.predecessors.map { "b\($0.index)" }.joined(separator: ", ")
      lines.append("b\(number):" + (from.isEmpty ? "" : "  <- \(from)"))
      for id in block.values { lines.append("  " + describe(id)) }
      lines.append("  " + describe(block.terminator))
    }
    return lines.joined(separator: "\n")
  }

  /// One instruction as text.
  public func describe(_ id: ValueID) -> String {
    let value = self[id]
    let text = describe(value.operation)
    var marks: [String] = []
    if value.origin.surroundings.contains(.modifier) { marks.append("modifier") }
    if value.origin.surroundings.contains(.assembly) { marks.append("assembly") }
    if value.origin.surroundings.contains(.uncheckedBlock) { marks.append("unchecked") }
    let suffix = marks.isEmpty ? "" : "  ; " + marks.joined(separator: " ")
    if case .tuple(let parts) = value.type, parts.isEmpty, !value.operation.isCall {
      return text + suffix
    }
    return "\(name(id)) = \(text)\(suffix)"
  }

  private func name(_ id: ValueID) -> String { "%\(id.index)" }

  private func list(_ ids: [ValueID]) -> String { ids.map(name).joined(separator: ", ") }

  private func describe(_ steps: [PathStep]) -> String {
    steps.map { step in
      switch step {
      case .member(let name): "." + name
      case .index(let value): "[\(name(value))]"
      case .length: ".length"
      case .push: "[push]"
      }
    }.joined()
  }

  private func describe(_ path: StoragePath) -> String {
    let root =
      switch path.root {
      case .variable(let reference): reference.node.name
      case .pointer(let value): "*\(name(value))"
      }
    return (path.isTransient ? "transient " : "") + root + describe(path.steps)
  }

  private func describe(_ operation: Operation) -> String {
    switch operation {
    case .parameter(let position, let variable):
      "parameter \(position)\(variable.map { " " + $0.name } ?? "")"
    case .constant(let value): "constant \(Self.describe(value))"
    case .environment(let environment): environment.rawValue
    case .balance(let account): "balance \(name(account))"
    case .accountCode(let what, let account): "\(what) \(name(account))"
    case .binary(let op, let a, let b, let isChecked, let isSigned):
      "\(name(a)) \(op.rawValue)\(isSigned ? "s" : "") \(name(b))\(isChecked ? " checked" : "")"
    case .unary(let op, let a, _): "\(op.rawValue)\(name(a))"
    case .shortCircuit(let op, let a, let b): "\(name(a)) \(op.rawValue) \(name(b))"
    case .select(let c, let a, let b): "\(name(c)) ? \(name(a)) : \(name(b))"
    case .convert(let a, _, let isExplicit): "convert \(name(a))\(isExplicit ? "" : " implied")"
    case .phi(let inputs): "phi \(list(inputs))"
    case .zero: "zero"
    case .read(let path): "read \(describe(path))"
    case .write(let path, let value, let kind):
      "write \(describe(path)) \(kind)\(value.map { " " + name($0) } ?? "")"
    case .storagePointer(let path): "pointer \(describe(path))"
    case .readImmutable(let variable): "immutable \(variable.name)"
    case .writeImmutable(let variable, let value): "set immutable \(variable.name) \(name(value))"
    case .load(let base, let steps): "load \(name(base))\(describe(steps))"
    case .update(let base, let steps, let value):
      "update \(name(base))\(describe(steps)) := \(name(value))"
    case .aggregate(let kind, let parts):
      switch kind {
      case .structure(let reference): "\(reference.node.name)(\(list(parts)))"
      case .inlineArray: "[\(list(parts))]"
      case .allocation: "new(\(list(parts)))"
      case .tuple: "(\(list(parts)))"
      }
    case .slice(let base, let start, let end):
      "slice \(name(base))[\(start.map(name) ?? ""):\(end.map(name) ?? "")]"
    case .memoryLoad(let memory, let address): "mload \(name(address)) in \(name(memory))"
    case .memoryStore(let memory, let address, let value, let length):
      "mstore \(name(address)) \(name(value))\(length.map { " length \(name($0))" } ?? "") in "
        + name(memory)
    case .memoryRange(let memory, let address, let length):
      "memory \(name(address)) length \(name(length)) in \(name(memory))"
    case .memory: "memory"
    case .builtin(let name, let arguments): "\(name)(\(list(arguments)))"
    case .internalCall(let call): describe(call)
    case .externalCall(let call): describe(call)
    case .result(let call, let index): "result \(name(call)) \(index)"
    case .argumentAfter(let call, let index): "argument \(index) after \(name(call))"
    case .trySuccess(let call): "succeeded \(name(call))"
    case .caughtError(let call, let index): "error \(name(call)) \(index)"
    case .emit(let event, let arguments): "emit \(event?.name ?? "log")(\(list(arguments)))"
    case .selfdestruct(let beneficiary): "selfdestruct \(name(beneficiary))"
    case .functionReference(let function, let receiver):
      "function \(function.name)\(receiver.map { " of " + name($0) } ?? "")"
    case .unknown(let parts): "unknown(\(list(parts)))"
    }
  }

  private func describe(_ call: InternalCall) -> String {
    let callee = call.callee?.name ?? call.pointer.map { "*" + name($0) } ?? "?"
    return "call \(call.dispatch) \(callee)(\(list(call.arguments)))"
  }

  private func describe(_ call: ExternalCall) -> String {
    var text =
      switch call.kind {
      case .function(let reference): "external \(reference?.node.name ?? call.name)"
      case .getter(let reference): "getter \(reference.node.name)"
      case .pointer: "pointer"
      case .lowLevel(let kind): kind.rawValue
      case .creation(let reference): "new \(reference?.node.name ?? call.name)"
      }
    if let target = call.target { text += " on \(name(target))" }
    if let value = call.value { text += " value \(name(value))" }
    if let gas = call.gas { text += " gas \(name(gas))" }
    if let salt = call.salt { text += " salt \(name(salt))" }
    return text + " (\(list(call.arguments)))" + (call.isTry ? " try" : "")
      + (call.isStatic ? " static" : "")
  }

  private static func describe(_ value: ConstantValue) -> String {
    switch value {
    case .number(let number):
      return number.integer.map { "\($0)" } ?? "\(number.numerator)/\(number.denominator)"
    case .bool(let value): return value ? "true" : "false"
    case .bytes(let bytes):
      let shown = bytes.prefix(32).map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
      return "0x" + shown + (bytes.count > 32 ? "..." : "")
    }
  }

  private func describe(_ terminator: Terminator) -> String {
    switch terminator {
    case .jump(let target): "jump b\(target.index)"
    case .branch(let condition, let then, let otherwise):
      "branch \(name(condition)) b\(then.index) b\(otherwise.index)"
    case .return(let values): "return" + (values.isEmpty ? "" : " " + list(values))
    case .revert(let revert):
      "revert \(revert.kind)\(revert.error.map { " " + $0.name } ?? "")"
        + (revert.arguments.isEmpty ? "" : " " + list(revert.arguments))
    case .stop(let data): "stop" + (data.map { " " + name($0) } ?? "")
    case .unreachable: "unreachable"
    }
  }
}

extension Operation {
  /// Whether it is a call, the results of which are read through `.result`.
  var isCall: Bool {
    switch self {
    case .internalCall, .externalCall: true
    default: false
    }
  }
}
