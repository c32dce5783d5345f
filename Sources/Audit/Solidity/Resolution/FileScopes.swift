import SoliditySyntax

/// The names of one scope and the declarations each stands for, in order of registration.
typealias Scope = [String: [any Declaration]]

extension Dictionary where Key == String, Value == [any Declaration] {
  /// Adds the declarations that are not there yet; whether there were any.
  mutating func register(_ declarations: [any Declaration], as name: String) -> Bool {
    guard !name.isEmpty, !declarations.isEmpty else { return false }
    guard let present = self[name] else {
      self[name] = declarations
      return true
    }
    let known = Set(present.map(\.id))
    let new = declarations.filter { !known.contains($0.id) }
    if !new.isEmpty { self[name, default: []] += new }
    return !new.isEmpty
  }

  /// Adds a declaration unless it is there already.
  mutating func register(_ declaration: any Declaration, as name: String) -> Bool {
    guard !name.isEmpty else { return false }
    if let present = self[name], present.contains(where: { $0.id == declaration.id }) {
      return false
    }
    self[name, default: []].append(declaration)
    return true
  }
}

/// The global names of every file, imports included.
struct FileScopes {
  /// By unit number.
  private(set) var scopes: [Scope]
  /// Units that may declare more than is known: they were not understood in the whole, or bring in
  /// everything from a file that was not found, directly or through others.
  private(set) var isIncomplete: [Bool]

  /// Collects the names declared in each file and carries them along the imports.
  ///
  /// `import "x"` brings all global names of x, those that x imported included. Imports may be
  /// cyclic: names travel until nothing changes.
  init(units: [SourceUnit], imports: ImportTable, report: (ResolutionDiagnostic) -> Void) {
    scopes = units.map { FileScopes.ownNames(of: $0) }
    isIncomplete = units.map { !$0.understood }
    let directives = units.map { unit in
      unit.items.compactMap { item -> ImportDirective? in
        if case .import(let directive) = item { directive } else { nil }
      }
    }
    for (number, list) in directives.enumerated() {
      for directive in list where target(of: directive, in: imports) == nil {
        report(
          ResolutionDiagnostic(
            message: "the imported file \"\(directive.path)\" was not found",
            unit: Int32(number), range: directive.pathRange))
        if case .everything = directive.form { isIncomplete[number] = true }
      }
    }
    let order = FileScopes.importedFirst(
      directives: directives, imports: imports, count: units.count)
    // A directive is applied again only after the scope it takes from has grown.
    var versions = Array(repeating: 0, count: units.count)
    var applied = directives.map { Array(repeating: -1, count: $0.count) }
    var changed = true
    while changed {
      changed = false
      for number in order {
        for (place, directive) in directives[number].enumerated() {
          let version = target(of: directive, in: imports).map { versions[$0] } ?? 0
          guard applied[number][place] != version else { continue }
          applied[number][place] = version
          if apply(directive, to: number, imports: imports) {
            versions[number] += 1
            changed = true
          }
        }
      }
    }
    reportMissingSymbols(directives: directives, imports: imports, report: report)
  }

  private func target(of directive: ImportDirective, in imports: ImportTable) -> Int? {
    imports[directive].flatMap { scopes.indices.contains(Int($0)) ? Int($0) : nil }
  }

  private mutating func apply(
    _ directive: ImportDirective, to number: Int, imports: ImportTable
  ) -> Bool {
    let target = target(of: directive, in: imports)
    var changed = false
    switch directive.form {
    case .namespace(let name):
      changed = scopes[number].register(directive, as: name.text)
    case .everything:
      guard let target, target != number else { return false }
      if isIncomplete[target], !isIncomplete[number] {
        isIncomplete[number] = true
        changed = true
      }
      // The order of names within a scope does not matter, that of declarations under one name does
      // and is kept.
      for (name, declarations) in scopes[target]
      where scopes[number].register(declarations, as: name) {
        changed = true
      }
    case .symbols(let symbols):
      for symbol in symbols {
        let local = (symbol.alias ?? symbol.name).text
        guard let target else {
          // Stands for what the missing file would have declared.
          changed = scopes[number].register(directive, as: local) || changed
          continue
        }
        let found = scopes[target][symbol.name.text] ?? []
        changed = scopes[number].register(found, as: local) || changed
      }
    }
    return changed
  }

  private mutating func reportMissingSymbols(
    directives: [[ImportDirective]], imports: ImportTable,
    report: (ResolutionDiagnostic) -> Void
  ) {
    for (number, list) in directives.enumerated() {
      for directive in list {
        guard case .symbols(let symbols) = directive.form,
          let target = target(of: directive, in: imports)
        else { continue }
        for symbol in symbols where scopes[target][symbol.name.text] == nil {
          if !isIncomplete[target] {
            report(
              ResolutionDiagnostic(
                message: "\"\(symbol.name.text)\" is not declared in \"\(directive.path)\"",
                unit: Int32(number), range: symbol.name.range))
          }
          _ = scopes[number].register(directive, as: (symbol.alias ?? symbol.name).text)
        }
      }
    }
  }

  private static func ownNames(of unit: SourceUnit) -> Scope {
    var scope: Scope = [:]
    for item in unit.items {
      guard let declaration = item.declaration, !(declaration is ImportDirective) else { continue }
      if !declaration.name.isEmpty { scope[declaration.name, default: []].append(declaration) }
    }
    return scope
  }

  /// Units in an order that has imported ones before those that import them, as far as there are no
  /// cycles.
  private static func importedFirst(
    directives: [[ImportDirective]], imports: ImportTable, count: Int
  ) -> [Int] {
    var order: [Int] = []
    var isVisited = Array(repeating: false, count: count)
    for start in 0..<count where !isVisited[start] {
      isVisited[start] = true
      var path = [(unit: start, next: 0)]
      while let (unit, next) = path.last {
        guard next < directives[unit].count else {
          order.append(unit)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        guard let target = imports[directives[unit][next]], target >= 0, target < count,
          !isVisited[Int(target)]
        else { continue }
        isVisited[Int(target)] = true
        path.append((Int(target), 0))
      }
    }
    return order
  }
}

extension SourceUnitItem {
  /// The declaration the item makes, if it makes one.
  var declaration: (any Declaration)? {
    switch self {
    case .pragma, .using: nil
    case .import(let value): value
    case .contract(let value): value
    case .function(let value): value
    case .structure(let value): value
    case .enumeration(let value): value
    case .userDefinedValueType(let value): value
    case .error(let value): value
    case .event(let value): value
    case .variable(let value): value
    }
  }
}

extension ContractMember {
  /// The declaration the member makes, if it makes one.
  var declaration: (any Declaration)? {
    switch self {
    case .using: nil
    case .function(let value): value
    case .modifier(let value): value
    case .variable(let value): value
    case .structure(let value): value
    case .enumeration(let value): value
    case .userDefinedValueType(let value): value
    case .error(let value): value
    case .event(let value): value
    }
  }
}
