import SoliditySyntax

extension BodyResolver {
  /// Resolves `base.name`.
  func member(
    _ name: Name, of base: Operand, at baseExpression: Expression, arguments: ArgumentTypes?
  ) -> Operand {
    let native = nativeMember(name.text, of: base, arguments: arguments)
    let attached = attachedFunctions(name.text, to: base)
    if !attached.isEmpty {
      switch native?.target {
      case .functions(let candidates):
        return functions(candidates + attached, arguments: arguments)
      case .builtin("push"):
        // An attached function of that name is meant where the argument is no element.
        guard let element = native?.result, let arguments, !fits(arguments, element) else { break }
        return functions(attached, arguments: arguments)
      case nil: return functions(attached, arguments: arguments)
      default: break
      }
    }
    if let native { return native }
    if !isExcused(base) {
      report("there is no member \"\(name.text)\" here", at: name.range)
    }
    return .unknown
  }

  private func fits(_ arguments: ArgumentTypes, _ element: SolidityType) -> Bool {
    switch arguments.types.count {
    case 0: return true
    case 1: return converts(0, of: arguments, to: element)
    default: return false
    }
  }

  /// Whether a missing member says nothing, because not all is known about the base.
  private func isExcused(_ base: Operand) -> Bool {
    switch base.type {
    case .unknown: return true
    case .tuple(let parts): return parts.contains { $0?.isUnknown ?? true }
    case .contract(let contract, _), .metatype(.contract(let contract, _)):
      return resolver.tables.contractNumbers[contract.node.id].map { resolver.isIncomplete[$0] }
        ?? true
    case .module(let number): return resolver.fileScopes.isIncomplete[Int(number)]
    default: return context.isIncomplete || context.attachments.isIncomplete
    }
  }

  private func nativeMember(
    _ name: String, of base: Operand, arguments: ArgumentTypes?
  ) -> Operand? {
    if let operand = callableMember(name, of: base) { return operand }
    switch base.type {
    case .magic(let object): return magicMember(name, of: object)
    case .metatype(let type): return staticMember(name, of: type, arguments: arguments)
    case .typeInformation(let type): return information(name, about: type)
    case .module(let number):
      let found = resolver.fileScopes.scopes[Int(number)][name] ?? []
      return found.isEmpty ? nil : operand(for: found, reachedBy: .module, arguments: arguments)
    case .address: return addressMember(name)
    case .contract(let contract, let isSuper):
      return contractMember(name, of: contract.node, isSuper: isSuper, arguments: arguments)
    case .structure(let definition, let location):
      guard let member = definition.node.members.first(where: { $0.name == name }) else {
        return nil
      }
      return Operand(
        type: resolver.type(of: member).located(location ?? .storage), declaration: member)
    case .array(let element, let length, let location):
      return arrayMember(
        name, element: element.located(location ?? .storage), isDynamic: length == nil)
    case .bytes:
      return arrayMember(name, element: .fixedBytes(1), isDynamic: true)
    case .fixedBytes:
      return name == "length" ? Operand(type: .integer(bits: 8, signed: false)) : nil
    default: return nil
    }
  }

  // MARK: Functions as values

  /// Members of functions, events and errors.
  private func callableMember(_ name: String, of base: Operand) -> Operand? {
    switch base.target {
    case .value:
      guard case .function(let function) = base.type, function.isExternal else { return nil }
    case .functions(let candidates):
      let visibility = candidates.first?.function.visibility
      guard visibility == .public || visibility == .external else { return nil }
    case .getter: break
    case .lowLevel, .creation:
      return name == "value" || name == "gas"
        ? Operand(type: .unknown, target: .callOption(name, of: base)) : nil
    case .events: return name == "selector" ? Operand(type: .bytes32) : nil
    case .error: return name == "selector" ? Operand(type: .fixedBytes(4)) : nil
    default: return nil
    }
    switch name {
    case "selector": return Operand(type: .fixedBytes(4))
    case "address": return Operand(type: .plainAddress)
    case "value", "gas": return Operand(type: .unknown, target: .callOption(name, of: base))
    default: return nil
    }
  }

  // MARK: Built-in objects

  private func magicMember(_ name: String, of object: MagicObject) -> Operand? {
    switch object {
    case .message:
      switch name {
      case "sender": return originOrSender
      case "value", "gas": return Operand(type: .uint256)
      case "data": return Operand(type: .bytes(.calldata))
      case "sig": return Operand(type: .fixedBytes(4))
      default: return nil
      }
    case .transaction:
      switch name {
      case "origin": return originOrSender
      case "gasprice": return Operand(type: .uint256)
      default: return nil
      }
    case .block:
      switch name {
      case "coinbase": return Operand(type: .address(payable: dialect >= CompilerVersion(0, 5, 0)))
      case "blockhash": return .builtin("blockhash")
      default: return Builtins.blockNumbers.contains(name) ? Operand(type: .uint256) : nil
      }
    case .abi: return Builtins.encodings.contains(name) ? .builtin("abi." + name) : nil
    }
  }

  /// From 0.5 until 0.8 these addresses were payable.
  private var originOrSender: Operand {
    let isPayable = dialect >= CompilerVersion(0, 5, 0) && dialect < CompilerVersion(0, 8, 0)
    return Operand(type: .address(payable: isPayable))
  }

  private func information(_ name: String, about type: SolidityType) -> Operand? {
    switch (type, name) {
    case (.contract, "name"): Operand(type: .stringMemory)
    case (.contract, "creationCode"), (.contract, "runtimeCode"): Operand(type: .bytesMemory)
    case (.contract, "interfaceId"): Operand(type: .fixedBytes(4))
    case (.integer, "max"), (.integer, "min"), (.enumeration, "max"), (.enumeration, "min"):
      Operand(type: type)
    default: nil
    }
  }

  private func addressMember(_ name: String) -> Operand? {
    switch name {
    case "balance": Operand(type: .uint256)
    case "code": Operand(type: .bytesMemory)
    case "codehash": Operand(type: .bytes32)
    default: LowLevelCall(rawValue: name).map { Operand(type: .unknown, target: .lowLevel($0)) }
    }
  }

  private func arrayMember(_ name: String, element: SolidityType, isDynamic: Bool) -> Operand? {
    switch name {
    case "length": Operand(type: .uint256)
    case "push" where isDynamic: .builtin("push", result: element)
    case "pop" where isDynamic: .builtin("pop")
    default: nil
    }
  }

  // MARK: Types and contracts

  private func staticMember(
    _ name: String, of type: SolidityType, arguments: ArgumentTypes?
  ) -> Operand? {
    switch (type, name) {
    case (.contract(let contract, _), _):
      let found = resolver.members(named: name, of: contract.node).declarations
      guard !found.isEmpty else { return nil }
      return operand(for: found, reachedBy: .contract(contract.node), arguments: arguments)
    case (.enumeration(let definition), _):
      return definition.node.values.first { $0.name == name }
        .map { Operand(type: type, declaration: $0) }
    case (.userDefinedValue(let definition), "unwrap"):
      return .builtin("unwrap", result: resolver.type(of: definition.node.underlying))
    case (.userDefinedValue, "wrap"): return .builtin("wrap", result: type)
    case (.bytes, "concat"): return .builtin("bytes.concat")
    case (.string, "concat"): return .builtin("string.concat")
    default: return nil
    }
  }

  private func contractMember(
    _ name: String, of contract: ContractDefinition, isSuper: Bool, arguments: ArgumentTypes?
  ) -> Operand? {
    var candidates: [Operand.Candidate] = []
    let linearization = resolver.linearizedBases(of: contract)
    for base in isSuper ? linearization.dropFirst() : linearization[...] {
      guard let number = resolver.tables.contractNumbers[base.id] else { continue }
      for declaration in resolver.tables.contracts[number].members[name] ?? [] {
        switch declaration {
        case let function as FunctionDefinition:
          guard isReachable(function, bySuper: isSuper) else { continue }
          candidates.append(
            Operand.Candidate(
              function: function, dispatch: isSuper ? .super : .external, isBound: false))
        case let variable as VariableDeclaration where !isSuper && candidates.isEmpty:
          guard variable.visibility == .public else { continue }
          return getter(variable)
        default: continue
        }
      }
    }
    if !candidates.isEmpty { return functions(candidates, arguments: arguments) }
    // Until 0.5 contracts had the members of addresses.
    return dialect < CompilerVersion(0, 5, 0) && !isSuper ? addressMember(name) : nil
  }

  private func isReachable(_ function: FunctionDefinition, bySuper: Bool) -> Bool {
    switch function.visibility {
    case .public: true
    case .external: !bySuper
    case .internal: bySuper
    case .private: false
    }
  }

  private func getter(_ variable: VariableDeclaration) -> Operand {
    let parts = resolver.getterParts(of: variable)
    return Operand(
      type: .function(
        FunctionType(
          parameters: parts.parameters, returns: parts.returns,
          mutability: variable.mutability == .constant ? .pure : .view, isExternal: true)),
      target: .getter(variable), declaration: variable)
  }

  // MARK: Attached functions

  private func attachedFunctions(_ name: String, to base: Operand) -> [Operand.Candidate] {
    switch base.type {
    case .unknown, .metatype, .typeInformation, .module, .magic, .tuple: return []
    default: break
    }
    var entries = context.attachments.members[name] ?? []
    if let unit = definingUnit(of: base.type) {
      entries += resolver.globalAttachments(of: unit).members[name] ?? []
    }
    guard !entries.isEmpty else { return [] }
    let type = base.type.located(nil)
    var result: [Operand.Candidate] = []
    for entry in entries {
      if let target = entry.target, !conversions.isSame(target, type) { continue }
      let dispatch = boundDispatch(of: entry.function)
      guard let parameter = entry.function.parameters.first,
        conversions.isImplicit(base.type, to: parameterType(parameter, calledBy: dispatch)),
        !result.contains(where: { $0.function.id == entry.function.id })
      else { continue }
      result.append(
        Operand.Candidate(function: entry.function, dispatch: dispatch, isBound: true))
    }
    return result
  }

  private func boundDispatch(of function: FunctionDefinition) -> Dispatch {
    guard resolver.contract(containing: function) != nil else { return .exact }
    return function.visibility == .internal || function.visibility == .private
      ? .exact : .libraryDelegate
  }

  private func definingUnit(of type: SolidityType) -> Int? {
    switch type {
    case .structure(let definition, _): Int(definition.node.id.unit)
    case .enumeration(let definition): Int(definition.node.id.unit)
    case .userDefinedValue(let definition): Int(definition.node.id.unit)
    case .contract(let definition, _): Int(definition.node.id.unit)
    default: nil
    }
  }
}
