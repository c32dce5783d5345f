import SoliditySyntax
import Solidity

/// What an expression designates before it is read or written.
enum DesignatedPlace {
  /// A value that is nowhere else.
  case value(ValueID)
  /// A local variable or a part of what it holds in memory or call data.
  case local(Int32, [PathStep])
  /// Storage.
  case storage(StoragePath)
  /// An immutable.
  case immutable(VariableDeclaration)
}

extension SolidityType {
  /// The type with its values in storage.
  var inStorage: SolidityType {
    switch self {
    case .array(let element, let length, _):
      .array(element: element, length: length, location: .storage)
    case .structure(let reference, _): .structure(reference, .storage)
    case .bytes: .bytes(.storage)
    case .string: .string(.storage)
    default: self
    }
  }

  /// The type with its values in memory.
  var inMemory: SolidityType {
    switch self {
    case .array(let element, let length, .storage):
      .array(element: element, length: length, location: .memory)
    case .structure(let reference, .storage): .structure(reference, .memory)
    case .bytes(.storage): .bytes(.memory)
    case .string(.storage): .string(.memory)
    default: self
    }
  }
}

extension FunctionLowering {
  /// What an expression designates, with its type.
  func place(of expression: Expression) -> (DesignatedPlace, SolidityType) {
    descend(
      { placeUnbounded(of: expression) },
      otherwise: { (.value(unknown([], expression)), .unknown) })
  }

  private func placeUnbounded(of expression: Expression) -> (DesignatedPlace, SolidityType) {
    let expression = expression.withoutParentheses
    let type = program.type(of: expression)
    switch expression.kind {
    case .identifier:
      if let variable = program.declaration(of: expression) as? VariableDeclaration {
        return (place(of: variable, expression), known(type, program.type(of: variable)))
      }
    case .memberAccess(let base, let name):
      if let declaration = program.declaration(of: expression) {
        if let variable = declaration as? VariableDeclaration {
          if variable.role == .structMember {
            return (
              extend(place(of: base), .member(name.text), expression),
              known(type, program.type(of: variable))
            )
          }
          if !isValue(base) {
            return (place(of: variable, expression), known(type, program.type(of: variable)))
          }
        }
      } else if name.text == "length" {
        let base = place(of: base)
        if base.1.isReference || isUnknown(base.1) {
          return (extend(base, .length, expression), .integer(bits: 256, signed: false))
        }
        return (.value(load(base, .length, expression)), .integer(bits: 8, signed: false))
      } else if case .structure = program.type(of: base) {
        return (extend(place(of: base), .member(name.text), expression), type)
      }
    case .index(let base, .some(let index)):
      let whole = place(of: base)
      let number = lowerToMemory(index)
      let element = known(type, whole.1.element(.index(number), in: program))
      return (extend(whole, .index(number), expression), element)
    case .call(_, let arguments):
      if case .builtin("push") = program.callee(of: expression), arguments.values.isEmpty,
        let (path, element) = pushPath(expression)
      {
        perform(.write(path, nil, .push), expression)
        return (.storage(path), element)
      }
    default: break
    }
    let value = lowerValue(expression)
    return (.value(value), builder.type(value))
  }

  /// Whether the expression is a value rather than the name of a contract, library, enum or file.
  func isValue(_ expression: Expression) -> Bool {
    switch program.type(of: expression) {
    case .metatype, .module, .typeInformation, .magic: false
    case .contract(_, let isSuper): !isSuper
    case .unknown:
      !(program.declaration(of: expression) is ContractDefinition
        || program.declaration(of: expression) is ImportDirective)
    default: true
    }
  }

  private func isUnknown(_ type: SolidityType) -> Bool {
    if case .unknown = type { return true }
    return false
  }

  private func known(_ type: SolidityType, _ fallback: SolidityType) -> SolidityType {
    isUnknown(type) ? fallback : type
  }

  private func place(
    of variable: VariableDeclaration, _ expression: Expression
  ) -> DesignatedPlace {
    switch (variable.role, variable.mutability) {
    case (.state, .constant), (.fileConstant, _):
      return .value(lowerConstant(variable, expression))
    case (.state, .immutable):
      return .immutable(variable)
    case (.state, .mutable):
      return .storage(
        StoragePath(
          root: .variable(Reference(variable)), steps: [], isTransient: variable.isTransient))
    default:
      return .local(slot(of: variable, type: program.type(of: variable)), [])
    }
  }

  /// The value of a constant: folded, else its expression lowered here.
  private func lowerConstant(
    _ variable: VariableDeclaration, _ expression: Expression
  ) -> ValueID {
    let type = program.type(of: variable)
    if let value = program.constantValue(of: variable) {
      return emit(.constant(value), type, expression)
    }
    guard let value = variable.value, !constantsInProgress.contains(variable.id) else {
      return unknown([], expression, type: type)
    }
    constantsInProgress.append(variable.id)
    defer { constantsInProgress.removeLast() }
    return coerce(lower(value), to: type, expression)
  }

  func isStorageSlot(_ slot: Int32) -> Bool { builder.slotType(slot).isStoragePointer }

  /// The place one step into another.
  func extend(
    _ base: (DesignatedPlace, SolidityType), _ step: PathStep, _ node: Expression
  ) -> DesignatedPlace {
    switch base.0 {
    case .storage(let path):
      return .storage(
        StoragePath(root: path.root, steps: path.steps + [step], isTransient: path.isTransient))
    case .local(let slot, let steps):
      if steps.isEmpty, isStorageSlot(slot) {
        return .storage(
          StoragePath(root: .pointer(builder.read(slot)), steps: [step], isTransient: false))
      }
      return .local(slot, steps + [step])
    case .value(let value):
      if builder.type(value).isStoragePointer {
        return .storage(StoragePath(root: .pointer(value), steps: [step], isTransient: false))
      }
      return .value(
        emit(.load(value, [step]), base.1.element(step, in: program), node))
    case .immutable:
      return .value(load(base, step, node))
    }
  }

  private func load(
    _ base: (DesignatedPlace, SolidityType), _ step: PathStep, _ node: Expression
  ) -> ValueID {
    emit(.load(read(base.0, base.1, node), [step]), base.1.element(step, in: program), node)
  }

  /// The value a place holds. Reference types in storage give a pointer.
  func read(_ place: DesignatedPlace, _ type: SolidityType, _ node: some SyntaxNode) -> ValueID {
    switch place {
    case .value(let value): return value
    case .local(let slot, let steps):
      let value = builder.read(slot)
      return steps.isEmpty ? value : emit(.load(value, steps), type, node)
    case .storage(let path):
      return type.isReference
        ? emit(.storagePointer(path), type.inStorage, node) : emit(.read(path), type, node)
    case .immutable(let variable):
      return emit(.readImmutable(variable), program.type(of: variable), node)
    }
  }

  /// Sets a place.
  func store(
    _ place: DesignatedPlace, _ type: SolidityType, _ value: ValueID, _ kind: WriteKind,
    _ node: some SyntaxNode
  ) {
    switch place {
    case .local(let slot, let steps):
      if steps.isEmpty {
        builder.write(slot, coerce(value, to: builder.slotType(slot), node))
      } else {
        let whole = builder.read(slot)
        builder.write(
          slot,
          emit(
            .update(whole, steps, loadFromStorage(value, node)), builder.slotType(slot), node))
      }
    case .storage(let path):
      perform(.write(path, loadFromStorage(value, node), kind), node)
    case .immutable(let variable):
      perform(.writeImmutable(variable, value), node)
    case .value(let target):
      // A part of something that has no name: nothing can see the change but its owner, which is not tracked.
      perform(.unknown([target, value]), node)
    }
  }

  /// The value as a variable of the type holds it: storage is copied unless the type is a storage pointer.
  func coerce(_ value: ValueID, to type: SolidityType, _ node: some SyntaxNode) -> ValueID {
    if type.isStoragePointer || isUnknown(type) { return value }
    return loadFromStorage(value, node)
  }

  /// The value itself; for a storage pointer what it points to.
  func loadFromStorage(_ value: ValueID, _ node: some SyntaxNode) -> ValueID {
    let type = builder.type(value)
    if case .mapping = type { return value }
    guard type.isStoragePointer else { return value }
    return emit(
      .read(StoragePath(root: .pointer(value), steps: [], isTransient: false)), type.inMemory,
      node)
  }

  /// The place `push` makes in a storage array, and the type of the element.
  func pushPath(_ call: Expression) -> (StoragePath, SolidityType)? {
    guard case .call(let callee, _) = call.withoutParentheses.kind,
      case .memberAccess(let base, _) = callee.withoutParentheses.kind
    else { return nil }
    let array = place(of: base)
    guard case .storage(let path) = extend(array, .push, callee) else { return nil }
    return (path, array.1.element(.push, in: program))
  }
}
