import Foundation
import Solidity
import SoliditySyntax

/// A program made from texts, for tests.
struct TestProgram {
  let program: Program

  /// Resolves files given by path; imports are taken relative to the importing file, or as full
  /// paths.
  init(files: [(path: String, text: String)], remappings: [(String, String)] = []) {
    let units = files.enumerated().map { number, file in
      Parser.parse(SourceFile(path: file.path, text: file.text), unit: Int32(number))
    }
    var imports = ImportTable()
    for unit in units {
      for case .import(let directive) in unit.items {
        let path = TestProgram.target(
          of: directive.path, from: unit.source.path, remappings: remappings)
        imports[directive] = files.firstIndex { $0.path == path }.map(Int32.init)
      }
    }
    program = Program.resolve(units: units, imports: imports)
  }

  /// Resolves one file.
  init(_ text: String) { self.init(files: [("test.sol", text)]) }

  private static func target(
    of path: String, from importer: String, remappings: [(String, String)]
  ) -> String {
    for (from, to) in remappings where path.hasPrefix(from) {
      return to + path.dropFirst(from.count)
    }
    guard path.hasPrefix("./") || path.hasPrefix("../") else { return path }
    var parts = importer.split(separator: "/").dropLast().map(String.init)
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { parts.removeLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }

  var messages: [String] { program.diagnostics.map(\.message) }

  func contract(_ name: String) -> ContractDefinition {
    program.contracts.first { $0.name == name }!
  }

  func function(_ name: String, of contract: String) -> FunctionDefinition {
    self.contract(contract).functions.first { $0.name == name }!
  }

  /// The only expression whose source text is `text`, or the `occurrence`th from 0.
  func expression(_ text: String, occurrence: Int = 0) -> SoliditySyntax.Expression {
    var found: [SoliditySyntax.Expression] = []
    for unit in program.units {
      ExpressionCollector.visit(unit) { expression in
        if unit.source.text(expression.range) == text { found.append(expression) }
      }
    }
    found.sort { ($0.id.unit, $0.range.start) < ($1.id.unit, $1.range.start) }
    precondition(occurrence < found.count, "the source has no expression \(text)")
    return found[occurrence]
  }

  /// The name of what an expression refers to, with the line it is declared on: `x:3`.
  func target(_ text: String, occurrence: Int = 0) -> String? {
    program.declaration(of: expression(text, occurrence: occurrence)).map { declaration in
      let position = program.unit(of: declaration).source.position(
        at: Int(declaration.nameRange.start))
      return "\(declaration.name):\(position.line)"
    }
  }

  /// The type of an expression as the compiler writes it.
  func type(_ text: String, occurrence: Int = 0) -> String {
    program.typeString(of: expression(text, occurrence: occurrence))
  }

  /// The value of the constant state variable or file constant of this name.
  func constant(_ name: String) -> String? {
    for contract in program.contracts {
      for variable in contract.stateVariables where variable.name == name {
        return program.constantValue(of: variable).map(TestProgram.text)
      }
    }
    for unit in program.units {
      for case .variable(let variable) in unit.items where variable.name == name {
        return program.constantValue(of: variable).map(TestProgram.text)
      }
    }
    return nil
  }

  static func text(_ value: ConstantValue) -> String {
    switch value {
    case .number(let number):
      number.integer.map { String($0) } ?? "\(number.numerator)/\(number.denominator)"
    case .bool(let value): String(value)
    case .bytes(let bytes): "0x" + bytes.map { String(format: "%02x", $0) }.joined()
    }
  }
}

/// Visits every expression of a unit.
enum ExpressionCollector {
  static func visit(_ unit: SourceUnit, _ body: (SoliditySyntax.Expression) -> Void) {
    for item in unit.items {
      switch item {
      case .function(let function): visit(function, body)
      case .variable(let variable): if let value = variable.value { visit(value, body) }
      case .contract(let contract):
        for specifier in contract.bases {
          specifier.arguments?.values.forEach { visit($0, body) }
        }
        for member in contract.members {
          switch member {
          case .function(let function): visit(function, body)
          case .modifier(let modifier):
            modifier.body?.statements.forEach { visit($0, body) }
          case .variable(let variable): if let value = variable.value { visit(value, body) }
          default: break
          }
        }
      default: break
      }
    }
  }

  private static func visit(
    _ function: FunctionDefinition, _ body: (SoliditySyntax.Expression) -> Void
  ) {
    for modifier in function.modifiers { modifier.arguments?.forEach { visit($0, body) } }
    function.body?.statements.forEach { visit($0, body) }
  }

  private static func visit(
    _ statement: Statement, _ body: (SoliditySyntax.Expression) -> Void
  ) {
    switch statement.kind {
    case .block(let block): block.statements.forEach { visit($0, body) }
    case .if(let condition, let then, let otherwise):
      visit(condition, body)
      visit(then, body)
      if let otherwise { visit(otherwise, body) }
    case .while(let condition, let inner), .doWhile(let inner, let condition):
      visit(condition, body)
      visit(inner, body)
    case .for(let initial, let condition, let step, let inner):
      if let initial { visit(initial, body) }
      if let condition { visit(condition, body) }
      if let step { visit(step, body) }
      visit(inner, body)
    case .return(let value): if let value { visit(value, body) }
    case .revert(let call), .emit(let call), .expression(let call): visit(call, body)
    case .try(let call, _, let block, let catches):
      visit(call, body)
      block.statements.forEach { visit($0, body) }
      for clause in catches { clause.body.statements.forEach { visit($0, body) } }
    case .variables(_, let value): if let value { visit(value, body) }
    default: break
    }
  }

  private static func visit(
    _ expression: SoliditySyntax.Expression, _ body: (SoliditySyntax.Expression) -> Void
  ) {
    body(expression)
    switch expression.kind {
    case .memberAccess(let base, _), .prefix(_, let base), .postfix(_, let base):
      visit(base, body)
    case .index(let base, let index):
      visit(base, body)
      if let index { visit(index, body) }
    case .slice(let base, let start, let end):
      visit(base, body)
      if let start { visit(start, body) }
      if let end { visit(end, body) }
    case .call(let callee, let arguments):
      visit(callee, body)
      arguments.values.forEach { visit($0, body) }
    case .callOptions(let callee, let options):
      visit(callee, body)
      options.forEach { visit($0.value, body) }
    case .tuple(let components): components.forEach { if let part = $0 { visit(part, body) } }
    case .inlineArray(let elements): elements.forEach { visit($0, body) }
    case .binary(_, let left, let right), .assignment(_, let left, let right):
      visit(left, body)
      visit(right, body)
    case .conditional(let condition, let then, let otherwise):
      visit(condition, body)
      visit(then, body)
      visit(otherwise, body)
    case .identifier, .literal, .elementaryType, .new, .missing: break
    }
  }
}
