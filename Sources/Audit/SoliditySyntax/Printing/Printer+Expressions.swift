extension Printer {
  /// An expression. Goes down its left side in a loop, so that chains of operators need no stack.
  mutating func write(_ expression: Expression) {
    nested { printer in
      var spine: [Expression] = []
      var current = expression
      while let left = current.leftmost {
        spine.append(current)
        current = left
      }
      printer.writeLeaf(current)
      for node in spine.reversed() { printer.writeRest(node) }
    }
  }

  /// An expression that does not begin with another one.
  private mutating func writeLeaf(_ expression: Expression) {
    switch expression.kind {
    case .identifier(let name): put(name)
    case .literal(let literal): write(literal)
    case .elementaryType(let type): put(type == .addressPayable ? "payable" : type.name)
    case .new(let type):
      put("new ")
      write(type)
    case .tuple(let components):
      put("(")
      list(components) { printer, component in
        if let component { printer.write(component) }
      }
      put(")")
    case .inlineArray(let elements):
      put("[")
      list(elements) { printer, element in printer.write(element) }
      put("]")
    case .prefix(let symbol, let operand):
      put(symbol.rawValue)
      // Apart, so that two signs do not become another token.
      if symbol == .delete || operand.beginsWithSign { put(" ") }
      write(operand)
    default:
      put("/* missing */")
    }
  }

  /// What stands behind the leftmost part of an expression.
  private mutating func writeRest(_ expression: Expression) {
    switch expression.kind {
    case .memberAccess(let base, let member):
      // A point directly behind a number would be part of it.
      if case .literal(.number) = base.kind { put(" ") }
      put(".\(member.text)")
    case .index(_, let index):
      put("[")
      if let index { write(index) }
      put("]")
    case .slice(_, let start, let end):
      put("[")
      if let start { write(start) }
      put(":")
      if let end { write(end) }
      put("]")
    case .call(_, let arguments): write(arguments)
    case .callOptions(_, let options):
      put("{")
      writeNamed(options)
      put("}")
    case .postfix(let symbol, _): put(symbol.rawValue)
    case .binary(let symbol, _, let right):
      put(" \(symbol.rawValue) ")
      write(right)
    case .assignment(let symbol, _, let right):
      put(" \(symbol?.rawValue ?? "")= ")
      write(right)
    case .conditional(_, let then, let otherwise):
      put(" ? ")
      write(then)
      put(" : ")
      write(otherwise)
    default: break
    }
  }

  mutating func write(_ arguments: CallArguments) {
    put("(")
    switch arguments {
    case .positional(let values):
      list(values) { printer, value in printer.write(value) }
    case .named(let pairs):
      put("{")
      writeNamed(pairs)
      put("}")
    }
    put(")")
  }

  private mutating func writeNamed(_ arguments: [NamedArgument]) {
    list(arguments) { printer, argument in
      printer.put("\(argument.name.text): ")
      printer.write(argument.value)
    }
  }

  private mutating func write(_ literal: Literal) {
    switch literal {
    case .bool(let value): put(value ? "true" : "false")
    case .number(let text, let unit):
      put(text)
      if let unit { put(" \(unit)") }
    case .string(let bytes): putString(bytes)
    case .unicodeString(let bytes): putUnicodeString(bytes)
    case .hexString(let bytes): putHexString(bytes)
    }
  }
}

extension Expression {
  /// The expression this one begins with; nil where it begins with a token of its own.
  fileprivate var leftmost: Expression? {
    switch kind {
    case .memberAccess(let base, _), .index(let base, _), .slice(let base, _, _),
      .call(let base, _), .callOptions(let base, _), .postfix(_, let base), .binary(_, let base, _),
      .assignment(_, let base, _), .conditional(let base, _, _):
      base
    default: nil
    }
  }

  fileprivate var beginsWithSign: Bool {
    var current = self
    while let left = current.leftmost { current = left }
    if case .prefix = current.kind { return true }
    return false
  }
}
