import BigInt
import SoliditySyntax

extension BodyResolver {
  /// Resolves an expression that is called with `arguments`, or not called.
  ///
  /// Operators, members, indices and calls chain to the left without bound: the way down is a loop.
  @discardableResult
  func resolve(_ expression: Expression, arguments: ArgumentTypes?) -> Operand {
    guard expression.leftOperand != nil else {
      return record(leaf(expression, arguments: arguments), at: expression)
    }
    var spine: [Expression] = []
    var innermost = expression
    while let left = innermost.leftOperand {
      spine.append(innermost)
      innermost = left
    }
    // The arguments of each call in the chain, resolved before what is called as they choose among
    // overloads.
    var given: [Int: ArgumentTypes] = [:]
    func argumentsForCallee(under place: Int) -> ArgumentTypes? {
      var place = place
      while place < spine.count {
        switch spine[place].kind {
        case .callOptions: place += 1
        case .call(_, let arguments):
          if let known = given[place] { return known }
          let types = resolve(arguments)
          given[place] = types
          return types
        default: return nil
        }
      }
      return arguments
    }
    spine.reverse()
    var operand = record(
      leaf(innermost, arguments: argumentsForCallee(under: 0)), at: innermost)
    var operandExpression = innermost
    for (place, node) in spine.enumerated() {
      switch node.kind {
      case .call(_, let arguments):
        operand = call(
          node, of: operand, arguments, argumentsForCallee(under: place) ?? resolve(arguments))
      case .memberAccess(_, let name):
        operand = member(
          name, of: operand, at: operandExpression, arguments: argumentsForCallee(under: place + 1))
      case .callOptions(_, let options):
        for option in options { resolve(option.value) }
      case .index(_, let index):
        if let index { resolve(index) }
        operand = element(of: operand, index: index)
      case .slice(_, let start, let end):
        if let start { resolve(start) }
        if let end { resolve(end) }
        operand = Operand(type: operand.type)
      case .postfix:
        operand = Operand(type: operand.type)
      case .binary(let operation, _, let right):
        operand = binary(operation, operand.type, resolve(right).type)
      default: break
      }
      operand = record(operand, at: node)
      operandExpression = node
    }
    return operand
  }

  func resolve(_ arguments: CallArguments) -> ArgumentTypes {
    let values = arguments.values
    var names: [String]?
    if case .named(let list) = arguments { names = list.map(\.name.text) }
    return ArgumentTypes(
      types: values.map { resolve($0).type }, names: names,
      literalWidths: values.map(\.literalWidth))
  }

  private func record(_ operand: Operand, at node: Expression) -> Operand {
    var operand = operand
    if case .functions(let candidates) = operand.target, let first = candidates.first {
      operand.declaration = first.function
      if operand.type.isUnknown { operand.type = type(of: first) }
    }
    if case .events(let events) = operand.target { operand.declaration = events.first }
    guard let row = resolver.tables.row(node.id) else { return operand }
    resolver.tables.types[row] = operand.type
    if let declaration = operand.declaration { resolver.tables.declarations[row] = declaration }
    return operand
  }

  func type(of candidate: Operand.Candidate) -> SolidityType {
    var type = resolver.functionType(
      of: candidate.function, external: candidate.dispatch == .external)
    if candidate.dispatch == .external {
      type.parameters = type.parameters.map { $0.isReference ? $0.located(.memory) : $0 }
      type.returns = type.returns.map { $0.isReference ? $0.located(.memory) : $0 }
    }
    return .function(type)
  }

  // MARK: Leaves

  private func leaf(_ expression: Expression, arguments: ArgumentTypes?) -> Operand {
    switch expression.kind {
    case .identifier(let name): return identifier(name, at: expression, arguments: arguments)
    case .literal(let literal): return Operand(type: type(of: literal))
    case .elementaryType(let elementary):
      return Operand(type: .metatype(SolidityType(elementary)))
    case .new(let typeName): return creation(of: typeName)
    case .tuple(let components):
      if components.count == 1, let only = components[0] {
        var operand = resolve(only, arguments: arguments)
        operand.declaration = nil
        return operand
      }
      return Operand(type: .tuple(components.map { $0.map { resolve($0).type } }))
    case .inlineArray(let elements): return inlineArray(elements)
    case .prefix(let operation, let operand):
      return prefix(operation, resolve(operand).type)
    case .assignment(_, let target, let value):
      let targetType = resolve(target).type
      resolve(value)
      if case .tuple = targetType { return Operand(type: .nothing) }
      return Operand(type: targetType)
    case .conditional(let condition, let then, let otherwise):
      resolve(condition)
      let (left, right) = (resolve(then).type, resolve(otherwise).type)
      return Operand(type: conversions.common(left, right))
    case .missing: return .unknown
    default: return .unknown
    }
  }

  private func type(of literal: Literal) -> SolidityType {
    switch literal {
    case .bool: return .bool
    case .number(let text, let unit):
      if unit == nil, text.isAddressLiteral { return addressLiteral }
      return RationalArithmetic.number(text, unit: unit).map { .rational($0) } ?? .unknown
    case .string(let bytes), .unicodeString(let bytes), .hexString(let bytes):
      return .stringLiteral(bytes)
    }
  }

  /// From 0.5 until 0.8 address literals were payable.
  private var addressLiteral: SolidityType {
    .address(payable: dialect >= CompilerVersion(0, 5, 0) && dialect < CompilerVersion(0, 8, 0))
  }

  private func creation(of typeName: TypeName) -> Operand {
    let type = resolver.type(of: typeName, in: context, locals: locals)
    switch type {
    case .contract(let contract, _):
      return Operand(type: .unknown, target: .creation(contract.node))
    case .array, .bytes, .string:
      return Operand(type: .unknown, target: .allocation(type.located(.memory)))
    default: return .unknown
    }
  }

  private func inlineArray(_ elements: [Expression]) -> Operand {
    let types = elements.map { resolve($0).type }
    guard let first = types.first else { return .unknown }
    var element = conversions.mobile(first)
    for type in types.dropFirst() { element = conversions.common(element, type) }
    guard !element.isUnknown else { return .unknown }
    return Operand(
      type: .array(
        element: element.located(nil), length: BigUInt(elements.count), location: .memory))
  }

  // MARK: Identifiers

  private func identifier(
    _ name: String, at expression: Expression, arguments: ArgumentTypes?
  ) -> Operand {
    let found = lookup(name)
    if !found.isEmpty {
      return operand(for: found, reachedBy: .name, arguments: arguments)
    }
    if let builtin = builtin(name) {
      if !isAvailable(name) {
        report(
          "\"\(name)\" does not exist in the compiler versions this file admits",
          at: expression.range)
      }
      return builtin
    }
    if !context.isIncomplete { report("\"\(name)\" is not declared", at: expression.range) }
    return .unknown
  }

  /// How a declaration is reached, which decides how its functions are called.
  enum Path {
    /// By its bare name.
    case name
    /// As a member of a file.
    case module
    /// As a member of a contract's name.
    case contract(ContractDefinition)
  }

  /// What one of several declarations of a name reads as.
  func operand(
    for found: [any Declaration], reachedBy path: Path, arguments: ArgumentTypes?
  ) -> Operand {
    guard let first = found.first else { return .unknown }
    switch first {
    case is FunctionDefinition:
      let candidates = found.compactMap { declaration -> Operand.Candidate? in
        guard let function = declaration as? FunctionDefinition else { return nil }
        return Operand.Candidate(
          function: function, dispatch: dispatch(of: function, reachedBy: path), isBound: false)
      }
      return functions(candidates, arguments: arguments)
    case let variable as VariableDeclaration:
      return Operand(type: valueType(of: variable), declaration: variable)
    case is EventDefinition:
      let events = found.compactMap { $0 as? EventDefinition }
      return Operand(
        type: .unknown, target: .events(choose(among: events, arguments: arguments)))
    case let error as ErrorDefinition:
      return Operand(type: .unknown, target: .error(error), declaration: error)
    case let modifier as ModifierDefinition:
      return Operand(type: .unknown, target: .modifier(modifier), declaration: modifier)
    case let directive as ImportDirective:
      guard !resolver.isMissing(directive), let target = resolver.imports[directive] else {
        return Operand(type: .unknown, declaration: directive)
      }
      return Operand(type: .module(target), declaration: directive)
    default:
      guard let type = resolver.type(denotedBy: first) else {
        return Operand(type: .unknown, declaration: first)
      }
      return Operand(type: .metatype(type), declaration: first)
    }
  }

  private func dispatch(of function: FunctionDefinition, reachedBy path: Path) -> Dispatch {
    guard let holder = resolver.contract(containing: function) else { return .exact }
    switch path {
    case .module: return .exact
    case .name:
      return holder.kind == .library || function.visibility == .private ? .exact : .virtual
    case .contract:
      if holder.kind == .library {
        return function.visibility == .public || function.visibility == .external
          ? .libraryDelegate : .exact
      }
      if let current = context.contract, resolver.contract(current, derivesFrom: holder) {
        return function.visibility == .external ? .external : .exact
      }
      return .external
    }
  }

  /// The type a variable has where it is read.
  func valueType(of variable: VariableDeclaration) -> SolidityType {
    let type = resolver.type(of: variable)
    guard type.isReference else { return type }
    switch variable.role {
    case .state: return type.located(variable.mutability == .constant ? .memory : .storage)
    case .fileConstant: return type.located(.memory)
    default: return type
    }
  }

  private func builtin(_ name: String) -> Operand? {
    switch name {
    case "this":
      guard let contract = context.contract else { return nil }
      return Operand(type: .contract(Reference(contract), isSuper: false), declaration: contract)
    case "super":
      guard let contract = context.contract, contract.kind != .library else { return nil }
      return Operand(type: .contract(Reference(contract), isSuper: true), declaration: contract)
    case "now": return Operand(type: .uint256, target: .builtin("now"))
    case "msg", "block", "tx", "abi":
      return MagicObject(rawValue: name).map { Operand(type: .magic($0)) }
    default: return Builtins.functions.contains(name) ? .builtin(name) : nil
    }
  }

  /// Whether one of the admitted compilers knows the name. Files without pragma may be of any
  /// version.
  private func isAvailable(_ name: String) -> Bool {
    guard context.language.isPinned, let range = Builtins.versions[name] else { return true }
    return context.language.oldest < range.upperBound && dialect >= range.lowerBound
  }

  // MARK: Choice among overloads

  /// The functions that can take the arguments; all, when none or no arguments are known.
  func functions(
    _ candidates: [Operand.Candidate], arguments: ArgumentTypes?
  ) -> Operand {
    guard candidates.count > 1 else {
      return Operand(type: .unknown, target: .functions(candidates))
    }
    // Of a function and those it overrides the first, most derived one counts. Within one contract
    // no two functions take the same types.
    var seen: Set<[SolidityType]> = []
    let holder = resolver.contract(containing: candidates[0].function)
    let isFromOne = candidates.allSatisfy {
      resolver.contract(containing: $0.function) === holder && $0.isBound == candidates[0].isBound
    }
    let unique =
      isFromOne
      ? candidates
      : candidates.filter { candidate in
        let parameters = candidate.function.parameters.map { resolver.type(of: $0).located(nil) }
        return seen.insert(candidate.isBound ? [.unknown] + parameters : parameters).inserted
      }
    guard unique.count > 1, let arguments else {
      return Operand(type: .unknown, target: .functions(unique))
    }
    let chosen = best(unique, arguments: arguments) { candidate in
      let parameters = candidate.function.parameters.dropFirst(candidate.isBound ? 1 : 0)
      return parameters.map { ($0.name, parameterType($0, calledBy: candidate.dispatch)) }
    }
    return Operand(type: .unknown, target: .functions(chosen))
  }

  /// The type a parameter has for the caller: call data is made from memory by external calls.
  func parameterType(
    _ parameter: VariableDeclaration, calledBy dispatch: Dispatch
  ) -> SolidityType {
    let type = resolver.type(of: parameter)
    switch dispatch {
    case .external, .libraryDelegate:
      return type.location == .calldata ? type.located(.memory) : type
    case .virtual, .exact, .super: return type
    }
  }

  func choose(among events: [EventDefinition], arguments: ArgumentTypes?) -> [EventDefinition] {
    guard events.count > 1, let arguments else { return events }
    return best(events, arguments: arguments) { event in
      event.parameters.map { ($0.name, resolver.type(of: $0)) }
    }
  }

  private typealias Parameter = (name: String, type: SolidityType)

  private func best<Item>(
    _ items: [Item], arguments: ArgumentTypes, parameters: (Item) -> [Parameter]
  ) -> [Item] {
    let fitting = items.filter { takes(parameters($0), arguments) }
    if fitting.count == 1 { return fitting }
    // What follows only happens in programs the compiler refuses, or where a type is not known.
    let exact = fitting.first { item in
      zip(arguments.types, parameters(item)).allSatisfy { $0 == $1.type }
    }
    if let exact { return [exact] }
    if !fitting.isEmpty { return fitting }
    let sameCount = items.filter { parameters($0).count == arguments.types.count }
    return sameCount.isEmpty ? items : sameCount
  }

  private func takes(_ parameters: [Parameter], _ arguments: ArgumentTypes) -> Bool {
    guard parameters.count == arguments.types.count else { return false }
    return arguments.types.indices.allSatisfy { place in
      let parameter: Parameter?
      if let names = arguments.names {
        parameter = parameters.first { $0.name == names[place] }
      } else {
        parameter = parameters[place]
      }
      guard let parameter else { return false }
      return converts(place, of: arguments, to: parameter.type)
    }
  }

  /// Whether an argument can stand where a type is asked for.
  func converts(_ place: Int, of arguments: ArgumentTypes, to type: SolidityType) -> Bool {
    if case .fixedBytes(let count) = type, arguments.literalWidths[place] == count { return true }
    return conversions.isImplicit(arguments.types[place], to: type)
  }
}

extension Expression {
  /// The part of an expression on which chains of operators, members and calls grow to the left.
  fileprivate var leftOperand: Expression? {
    switch kind {
    case .memberAccess(let base, _), .index(let base, _), .slice(let base, _, _),
      .callOptions(let base, _), .call(let base, _), .postfix(_, let base),
      .binary(_, let base, _):
      base
    default: nil
    }
  }
}

extension Expression {
  /// The bytes that a hexadecimal number literal of whole bytes spells.
  fileprivate var literalWidth: Int? {
    guard case .literal(.number(let text, nil)) = withoutParentheses.kind, text.hasPrefix("0x")
    else { return nil }
    let digits = text.utf8.dropFirst(2).filter { $0 != UInt8(ascii: "_") }.count
    return digits.isMultiple(of: 2) ? digits / 2 : nil
  }
}

extension String {
  /// Whether a number literal has the form of an address: 40 hexadecimal digits.
  fileprivate var isAddressLiteral: Bool {
    utf8.count == 42 && hasPrefix("0x") && !utf8.contains(UInt8(ascii: "_"))
  }
}
