extension Printer {
  mutating func writeUnit(_ unit: SourceUnit) {
    // NatSpec before a definition can hold the licence; then it is written there.
    let isInNatSpec = unit.items.contains { item in
      item.documentation?.text.contains("SPDX-License-Identifier:") ?? false
    }
    if let licence = unit.licence, !isInNatSpec {
      put("// SPDX-License-Identifier: \(licence)")
      endLine()
    }
    for item in unit.items { write(item) }
  }

  private mutating func write(_ item: SourceUnitItem) {
    switch item {
    case .pragma(let node):
      put("pragma \(node.name)")
      if !node.value.isEmpty { put(" \(node.value)") }
      put(";")
      endLine()
    case .import(let node): write(node)
    case .contract(let node): write(node)
    case .function(let node): write(node)
    case .structure(let node): write(node)
    case .enumeration(let node): write(node)
    case .userDefinedValueType(let node): write(node)
    case .error(let node): write(node)
    case .event(let node): write(node)
    case .variable(let node): writeMember(node)
    case .using(let node): write(node)
    }
  }

  private mutating func write(_ node: ImportDirective) {
    put("import ")
    switch node.form {
    case .everything: break
    case .namespace(let name): put("* as \(name.text) from ")
    case .symbols(let symbols):
      put("{")
      list(symbols) { printer, symbol in
        printer.put(symbol.name.text)
        if let alias = symbol.alias { printer.put(" as \(alias.text)") }
      }
      put("} from ")
    }
    putString(Array(node.path.utf8))
    put(";")
    endLine()
  }

  private mutating func write(_ node: ContractDefinition) {
    write(node.documentation)
    startLine()
    if node.isAbstract { put("abstract ") }
    put("\(node.kind.rawValue) \(node.name)")
    if !node.bases.isEmpty {
      put(" is ")
      list(node.bases) { printer, base in
        printer.put(base.base.text)
        if let arguments = base.arguments { printer.write(arguments) }
      }
    }
    if let layoutBase = node.layoutBase {
      put(" layout at ")
      write(layoutBase)
    }
    put(" {")
    endLine()
    indented { printer in
      for member in node.members { printer.write(member) }
    }
    put("}")
    endLine()
  }

  private mutating func write(_ member: ContractMember) {
    switch member {
    case .function(let node): write(node)
    case .modifier(let node): write(node)
    case .variable(let node): writeMember(node)
    case .structure(let node): write(node)
    case .enumeration(let node): write(node)
    case .userDefinedValueType(let node): write(node)
    case .error(let node): write(node)
    case .event(let node): write(node)
    case .using(let node): write(node)
    }
  }

  private mutating func write(_ node: FunctionDefinition) {
    write(node.documentation)
    startLine()
    switch node.kind {
    case .function, .freeFunction:
      put("function \(node.name)")
    case .constructor:
      put(node.name.isEmpty ? "constructor" : "function \(node.name)")
    case .fallback:
      put(version < 600 ? "function " : "fallback")
    case .receive:
      put("receive")
    }
    writeParameters(node.parameters)
    if let visibility = node.writtenVisibility { put(" \(visibility.rawValue)") }
    write(node.mutability)
    if node.isVirtual { put(" virtual") }
    write(node.override)
    for modifier in node.modifiers {
      put(" \(modifier.path.text)")
      if let arguments = modifier.arguments { write(.positional(arguments)) }
    }
    writeReturns(node.returnParameters)
    writeBody(node.body)
  }

  private mutating func write(_ node: ModifierDefinition) {
    write(node.documentation)
    startLine()
    put("modifier \(node.name)")
    if let parameters = node.parameters { writeParameters(parameters) }
    if node.isVirtual { put(" virtual") }
    write(node.override)
    writeBody(node.body)
  }

  private mutating func writeBody(_ body: Block?) {
    if let body {
      put(" ")
      write(body)
    } else {
      put(";")
    }
    endLine()
  }

  mutating func write(_ mutability: StateMutability) {
    switch mutability {
    case .nonpayable: break
    // Both words are known from 0.4.16 to 0.4.26.
    case .view: put(version < 500 ? " constant" : " view")
    case .pure: put(" pure")
    case .payable: put(" payable")
    }
  }

  private mutating func write(_ override: OverrideSpecifier?) {
    guard let override else { return }
    put(" override")
    if override.contracts.isEmpty { return }
    put("(")
    list(override.contracts) { printer, path in printer.put(path.text) }
    put(")")
  }

  mutating func writeParameters(_ parameters: [VariableDeclaration]) {
    put("(")
    list(parameters) { printer, parameter in printer.write(parameter) }
    put(")")
  }

  mutating func writeReturns(_ parameters: [VariableDeclaration]) {
    if parameters.isEmpty { return }
    put(" returns ")
    writeParameters(parameters)
  }

  /// A state variable, constant or struct member on its own line.
  private mutating func writeMember(_ node: VariableDeclaration) {
    write(node.documentation)
    startLine()
    write(node)
    put(";")
    endLine()
  }

  mutating func write(_ node: VariableDeclaration) {
    if let type = node.typeName { write(type) } else { put("var") }
    writeAttributes(node)
    if !node.name.isEmpty { put(" \(node.name)") }
    if let value = node.value {
      put(" = ")
      write(value)
    }
  }

  private mutating func writeAttributes(_ node: VariableDeclaration) {
    if let visibility = node.writtenVisibility { put(" \(visibility.rawValue)") }
    switch node.mutability {
    case .mutable: break
    case .immutable: put(" immutable")
    case .constant: put(" constant")
    }
    if node.isTransient { put(" transient") }
    if node.isIndexed { put(" indexed") }
    if let location = node.location { put(" \(location.rawValue)") }
    write(node.override)
  }

  private mutating func write(_ node: StructDefinition) {
    write(node.documentation)
    startLine()
    put("struct \(node.name) {")
    endLine()
    indented { printer in
      for member in node.members { printer.writeMember(member) }
    }
    startLine()
    put("}")
    endLine()
  }

  private mutating func write(_ node: EnumDefinition) {
    write(node.documentation)
    startLine()
    put("enum \(node.name) { ")
    list(node.values) { printer, value in printer.put(value.name) }
    put(" }")
    endLine()
  }

  private mutating func write(_ node: UserDefinedValueTypeDefinition) {
    startLine()
    put("type \(node.name) is ")
    write(node.underlying)
    put(";")
    endLine()
  }

  private mutating func write(_ node: ErrorDefinition) {
    write(node.documentation)
    startLine()
    put("error \(node.name)")
    writeParameters(node.parameters)
    put(";")
    endLine()
  }

  private mutating func write(_ node: EventDefinition) {
    write(node.documentation)
    startLine()
    put("event \(node.name)")
    writeParameters(node.parameters)
    if node.isAnonymous { put(" anonymous") }
    put(";")
    endLine()
  }

  private mutating func write(_ node: UsingForDirective) {
    startLine()
    put("using ")
    switch node.functions {
    case .library(let path): put(path.text)
    case .list(let functions):
      put("{")
      list(functions) { printer, entry in
        printer.put(entry.function.text)
        if let symbol = entry.operator { printer.put(" as \(symbol)") }
      }
      put("}")
    }
    put(" for ")
    if let target = node.target { write(target) } else { put("*") }
    if node.isGlobal { put(" global") }
    put(";")
    endLine()
  }

  // MARK: Types

  mutating func write(_ type: TypeName) {
    nested { printer in
      switch type.kind {
      case .elementary(let elementary): printer.put(elementary.name)
      case .userDefined(let path): printer.put(path.text)
      case .mapping(let key, let keyName, let value, let valueName):
        printer.put("mapping(")
        printer.write(key)
        if let keyName { printer.put(" \(keyName.text)") }
        printer.put(" => ")
        printer.write(value)
        if let valueName { printer.put(" \(valueName.text)") }
        printer.put(")")
      case .array(let element, let length):
        printer.write(element)
        printer.put("[")
        if let length { printer.write(length) }
        printer.put("]")
      case .function(let function):
        printer.put("function")
        printer.writeParameters(function.parameters)
        // Written even where it is the default: a visibility behind it belongs to the variable.
        printer.put(" \(function.visibility.rawValue)")
        printer.write(function.mutability)
        printer.writeReturns(function.returnParameters)
      case .missing:
        printer.put("/* missing */")
      }
    }
  }
}

extension SourceUnitItem {
  fileprivate var documentation: Documentation? {
    switch self {
    case .pragma, .import, .userDefinedValueType, .using: nil
    case .contract(let node): node.documentation
    case .function(let node): node.documentation
    case .structure(let node): node.documentation
    case .enumeration(let node): node.documentation
    case .error(let node): node.documentation
    case .event(let node): node.documentation
    case .variable(let node): node.documentation
    }
  }
}

extension ElementaryType {
  /// The name as the language writes it: `uint256`, `bytes1`, `fixed128x18`.
  public var name: String {
    switch self {
    case .address: "address"
    case .addressPayable: "address payable"
    case .bool: "bool"
    case .string: "string"
    case .bytes: "bytes"
    case .fixedBytes(let size): "bytes\(size)"
    case .unsignedInteger(let bits): "uint\(bits)"
    case .signedInteger(let bits): "int\(bits)"
    case .unsignedFixed(let bits, let decimals): "ufixed\(bits)x\(decimals)"
    case .signedFixed(let bits, let decimals): "fixed\(bits)x\(decimals)"
    }
  }
}
