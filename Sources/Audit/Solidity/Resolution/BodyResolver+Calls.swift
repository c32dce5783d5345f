import BigInt
import SoliditySyntax

extension BodyResolver {
  /// Resolves the call `node` of `callee`; its arguments are resolved already.
  func call(
    _ node: Expression, of callee: Operand, _ arguments: CallArguments, _ types: ArgumentTypes
  ) -> Operand {
    var record = CallRecord(callee: .unknown)
    var result = Operand.unknown
    switch callee.target {
    case .functions(let candidates):
      guard case .functions(let chosen) = functions(candidates, arguments: types).target,
        let candidate = chosen.first
      else { break }
      record.callee = .function(
        candidate.function, candidate.dispatch, isBound: candidate.isBound)
      if candidate.isBound { record.boundArgument = node.receiver }
      let parameters = candidate.function.parameters
      record.parameterNames = names(
        candidate.isBound ? Array(parameters.dropFirst()) : parameters, types)
      result.type = resultType(of: candidate)
    case .events(let events):
      guard let event = choose(among: events, arguments: types).first else { break }
      record.callee = .event(event)
      record.parameterNames = names(event.parameters, types)
      result.type = .nothing
    case .error(let error):
      record.callee = .error(error)
      record.parameterNames = names(error.parameters, types)
      result.type = .nothing
    case .builtin(let name):
      record.callee = .builtin(name)
      result = builtinResult(name, callee: callee, types: types)
    case .callOption(let name, let operand):
      record.callee = .builtin(name)
      result = operand
    case .lowLevel(let call):
      record.callee = .lowLevel(call)
      result.type = lowLevelResult(call)
    case .getter(let variable):
      record.callee = .getter(variable)
      result.type = .result(of: resolver.getterParts(of: variable).returns)
    case .creation(let contract):
      record.callee = .creation(contract)
      let constructor = contract.functions.first { $0.kind == .constructor }
      record.parameterNames = names(constructor?.parameters ?? [], types)
      result.type = .contract(Reference(contract), isSuper: false)
    case .allocation(let type):
      record.callee = .allocation(type)
      result.type = type
    case .modifier: break
    case .value:
      (record, result) = callOfValue(callee.type, types)
    }
    resolver.set(record, at: node.id)
    return result
  }

  private func names(
    _ parameters: [VariableDeclaration], _ types: ArgumentTypes
  ) -> [String]? {
    types.names == nil ? nil : parameters.map(\.name)
  }

  private func callOfValue(
    _ type: SolidityType, _ types: ArgumentTypes
  ) -> (CallRecord, Operand) {
    switch type {
    case .metatype(.structure(let definition, _)):
      var record = CallRecord(callee: .structConstructor(definition.node))
      record.parameterNames = names(constructorMembers(of: definition.node), types)
      return (record, Operand(type: .structure(definition, .memory)))
    case .metatype(let target):
      let converted = conversion(of: types.types.first ?? .unknown, to: target)
      return (CallRecord(callee: .conversion(target)), Operand(type: converted))
    case .function(let function):
      return (
        CallRecord(callee: .functionPointer(function)),
        Operand(type: .result(of: function.returns))
      )
    default: return (CallRecord(callee: .unknown), .unknown)
    }
  }

  /// Until 0.7 struct constructors left out members that cannot live in memory.
  private func constructorMembers(of definition: StructDefinition) -> [VariableDeclaration] {
    guard dialect < CompilerVersion(0, 7, 0) else { return definition.members }
    return definition.members.filter {
      if case .mapping = resolver.type(of: $0) { false } else { true }
    }
  }

  private func conversion(of source: SolidityType, to target: SolidityType) -> SolidityType {
    switch target {
    case .bytes, .string, .array, .structure:
      return target.located(source.location ?? .memory)
    case .address(let payable):
      return .address(payable: payable || conversionIsPayable(from: source))
    default: return target
    }
  }

  /// From 0.5 until 0.8 `address(x)` was payable for numbers, bytes and contracts that take ether.
  private func conversionIsPayable(from source: SolidityType) -> Bool {
    guard dialect >= CompilerVersion(0, 5, 0), dialect < CompilerVersion(0, 8, 0) else {
      return false
    }
    switch source {
    case .integer(let bits, _): return bits <= 160
    case .rational, .fixedBytes: return true
    case .address(let payable): return payable
    case .contract(let contract, _):
      return resolver.linearizedBases(of: contract.node).contains { base in
        base.functions.contains {
          ($0.kind == .fallback || $0.kind == .receive) && $0.mutability == .payable
        }
      }
    default: return false
    }
  }

  private func resultType(of candidate: Operand.Candidate) -> SolidityType {
    let returns = candidate.function.returnParameters.map { parameter -> SolidityType in
      let type = resolver.type(of: parameter)
      switch candidate.dispatch {
      case .external: return type.isReference ? type.located(.memory) : type
      case .libraryDelegate: return type.location == .calldata ? type.located(.memory) : type
      case .virtual, .exact, .super: return type
      }
    }
    return .result(of: returns)
  }

  private func lowLevelResult(_ call: LowLevelCall) -> SolidityType {
    switch call {
    case .transfer: .nothing
    case .send: .bool
    case .call, .delegatecall, .staticcall, .callcode:
      dialect < CompilerVersion(0, 5, 0) ? .bool : .tuple([.bool, .bytesMemory])
    }
  }

  private func builtinResult(
    _ name: String, callee: Operand, types: ArgumentTypes
  ) -> Operand {
    switch name {
    case "abi.decode":
      guard types.types.count == 2 else { return .unknown }
      return Operand(type: decoded(types.types[1]))
    case "type":
      guard case .metatype(let type)? = types.types.first else { return .unknown }
      return Operand(type: .typeInformation(type))
    case "push":
      if dialect < CompilerVersion(0, 6, 0) { return Operand(type: .uint256) }
      return Operand(type: types.types.isEmpty ? callee.result ?? .unknown : .nothing)
    default: return Operand(type: callee.result ?? Builtins.result(of: name))
    }
  }

  private func decoded(_ type: SolidityType) -> SolidityType {
    switch type {
    case .metatype(let inner): inner.located(.memory)
    case .tuple(let parts): .result(of: parts.map { $0.map { decoded($0) } ?? .unknown })
    default: .unknown
    }
  }
}

extension Expression {
  /// The `x` of a call `x.f(...)`, call options and parentheses looked through.
  var receiver: Expression? {
    guard case .call(var callee, _) = kind else { return nil }
    while true {
      switch callee.kind {
      case .callOptions(let inner, _): callee = inner
      case .tuple(let parts):
        guard parts.count == 1, let only = parts[0] else { return nil }
        callee = only
      case .memberAccess(let base, _): return base
      default: return nil
      }
    }
  }
}
