extension Printer {
  /// A block from brace to brace, without a line end.
  mutating func write(_ block: Block) {
    if block.isUnchecked { put("unchecked ") }
    put("{")
    endLine()
    indented { printer in
      for statement in block.statements { printer.write(statement) }
    }
    startLine()
    put("}")
  }

  /// A statement on lines of its own.
  mutating func write(_ statement: Statement) {
    write(statement.documentation)
    startLine()
    writeInline(statement)
    endLine()
  }

  /// A statement that goes on in the current line.
  private mutating func writeInline(_ statement: Statement) {
    nested { printer in printer.writeKind(statement.kind) }
  }

  /// The statement that a condition or loop governs; a comment may stand before it.
  private mutating func writeGoverned(_ statement: Statement) {
    if case .block = statement.kind, statement.documentation == nil {
      put(" ")
      writeInline(statement)
      return
    }
    endLine()
    indented { printer in
      printer.write(statement.documentation)
      printer.startLine()
      printer.writeInline(statement)
    }
  }

  private mutating func writeKind(_ kind: Statement.Kind) {
    switch kind {
    case .block(let block): write(block)
    case .placeholder: put("_;")
    case .if(let condition, let then, let otherwise):
      put("if (")
      write(condition)
      put(")")
      writeGoverned(then)
      if let otherwise {
        endLine()
        startLine()
        put("else")
        if case .if = otherwise.kind, otherwise.documentation == nil {
          put(" ")
          writeInline(otherwise)
        } else {
          writeGoverned(otherwise)
        }
      }
    case .while(let condition, let body):
      put("while (")
      write(condition)
      put(")")
      writeGoverned(body)
    case .doWhile(let body, let condition):
      put("do")
      writeGoverned(body)
      put(" while (")
      write(condition)
      put(");")
    case .for(let initial, let condition, let step, let body):
      put("for (")
      if let initial { writeInline(initial) } else { put(";") }
      if let condition {
        put(" ")
        write(condition)
      }
      put(";")
      if let step {
        put(" ")
        write(step)
      }
      put(")")
      writeGoverned(body)
    case .continue: put("continue;")
    case .break: put("break;")
    case .return(let value):
      put("return")
      if let value {
        put(" ")
        write(value)
      }
      put(";")
    case .throw: put("throw;")
    case .revert(let call):
      put("revert ")
      write(call)
      put(";")
    case .emit(let call):
      put("emit ")
      write(call)
      put(";")
    case .try(let call, let parameters, let body, let catches):
      writeTry(call, parameters, body, catches)
    case .variables(let variables, let value): writeVariables(variables, value)
    case .expression(let expression):
      write(expression)
      put(";")
    case .assembly(let assembly): write(assembly)
    case .missing: put("/* missing */")
    }
  }

  private mutating func writeTry(
    _ call: Expression, _ parameters: [VariableDeclaration], _ body: Block, _ catches: [CatchClause]
  ) {
    put("try ")
    write(call)
    writeReturns(parameters)
    put(" ")
    write(body)
    for clause in catches {
      put(" catch ")
      if let name = clause.name { put(name.text) }
      if let parameters = clause.parameters {
        writeParameters(parameters)
        put(" ")
      }
      write(clause.body)
    }
  }

  private mutating func writeVariables(_ variables: [VariableDeclaration?], _ value: Expression?) {
    if variables.count == 1, let only = variables[0], only.typeName != nil || isPlainVar(only) {
      write(only)
    } else if variables.contains(where: { $0 != nil && $0?.typeName == nil }) || variables.isEmpty
      || !variables.contains(where: { $0 != nil })
    {
      put("var (")
      list(variables) { printer, variable in
        if let variable {
          if let location = variable.location { printer.put("\(location.rawValue) ") }
          printer.put(variable.name)
        }
      }
      put(")")
    } else {
      put("(")
      list(variables) { printer, variable in if let variable { printer.write(variable) } }
      put(")")
    }
    if let value {
      put(" = ")
      write(value)
    }
    put(";")
  }

  /// `var x` and `var (x)` differ: the first covers the word, the second only the name.
  private func isPlainVar(_ variable: VariableDeclaration) -> Bool {
    variable.range.start < variable.nameRange.start || variable.location != nil
  }

  // MARK: Assembly

  private mutating func write(_ assembly: InlineAssembly) {
    put("assembly ")
    if let dialect = assembly.dialect {
      putString(Array(dialect.utf8))
      put(" ")
    }
    if !assembly.flags.isEmpty {
      put("(")
      list(assembly.flags) { printer, flag in printer.putString(Array(flag.utf8)) }
      put(") ")
    }
    write(assembly.body)
  }

  private mutating func write(_ block: YulBlock) {
    nested { printer in
      printer.put("{")
      printer.endLine()
      printer.indented { printer in
        for statement in block.statements {
          printer.startLine()
          printer.write(statement.kind)
          printer.endLine()
        }
      }
      printer.startLine()
      printer.put("}")
    }
  }

  private mutating func write(_ kind: YulStatement.Kind) {
    switch kind {
    case .block(let block): write(block)
    case .variables(let variables, let value):
      put("let ")
      list(variables) { printer, variable in printer.put(variable.name) }
      if let value {
        put(" := ")
        write(value)
      }
    case .assignment(let targets, let value):
      list(targets) { printer, target in printer.write(target) }
      put(" := ")
      write(value)
    case .expression(let expression): write(expression)
    case .if(let condition, let block):
      put("if ")
      write(condition)
      put(" ")
      write(block)
    case .switch(let subject, let cases):
      put("switch ")
      write(subject)
      for entry in cases {
        endLine()
        startLine()
        if let value = entry.value {
          put("case ")
          write(value)
          put(" ")
        } else {
          put("default ")
        }
        write(entry.body)
      }
    case .for(let initial, let condition, let step, let body):
      put("for ")
      write(initial)
      put(" ")
      write(condition)
      put(" ")
      write(step)
      put(" ")
      write(body)
    case .break: put("break")
    case .continue: put("continue")
    case .leave: put("leave")
    case .function(let function): write(function)
    case .label(let name): put("\(name.text):")
    case .stackAssignment(let target):
      put("=: ")
      write(target)
    case .missing: put("/* missing */")
    }
  }

  private mutating func write(_ function: YulFunction) {
    put("function \(function.name)(")
    list(function.parameters) { printer, parameter in printer.put(parameter.name) }
    put(")")
    if !function.returnVariables.isEmpty {
      put(" -> ")
      list(function.returnVariables) { printer, variable in printer.put(variable.name) }
    }
    put(" ")
    write(function.body)
  }

  private mutating func write(_ expression: YulExpression) {
    nested { printer in
      switch expression.kind {
      case .literal(let literal): printer.write(literal)
      case .identifier(let name): printer.put(name)
      case .call(let name, let arguments):
        printer.put("\(name.text)(")
        printer.list(arguments) { printer, argument in printer.write(argument) }
        printer.put(")")
      case .missing: printer.put("/* missing */")
      }
    }
  }

  private mutating func write(_ literal: YulLiteral) {
    switch literal {
    case .number(let text): put(text)
    case .string(let bytes): putString(bytes)
    case .hexString(let bytes): putHexString(bytes)
    case .bool(let value): put(value ? "true" : "false")
    }
  }
}
