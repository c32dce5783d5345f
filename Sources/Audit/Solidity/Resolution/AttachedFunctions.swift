import SoliditySyntax

/// What `using ... for ...` directives attach to types at one place.
struct AttachedFunctions {
  /// One function and the type it is attached to; nil for `*`.
  struct Entry {
    let function: FunctionDefinition
    let target: SolidityType?
  }
  private(set) var members: [String: [Entry]] = [:]
  private(set) var operators: [String: [Entry]] = [:]
  /// Whether a directive names something that is not known.
  private(set) var isIncomplete = false

  /// Nothing attached.
  init() {}

  /// Collects the directives in force in a file or a contract.
  ///
  /// Until 0.7 contracts inherited the directives of their bases.
  init(context: NameContext, resolver: Resolver) {
    for item in resolver.units[context.unit].items {
      if case .using(let directive) = item {
        add(directive, context: resolver.unitContexts[context.unit], resolver: resolver)
      }
    }
    guard let contract = context.contract else { return }
    let inherits = context.language.dialect < CompilerVersion(0, 7, 0)
    let holders = inherits ? resolver.linearizedBases(of: contract) : [contract]
    for holder in holders {
      guard let number = resolver.tables.contractNumbers[holder.id] else { continue }
      for directive in holder.usings {
        add(directive, context: resolver.contractContexts[number], resolver: resolver)
      }
    }
  }

  /// Collects the `global` directives of a file.
  init(globalIn unit: Int, resolver: Resolver) {
    for item in resolver.units[unit].items {
      if case .using(let directive) = item, directive.isGlobal {
        add(directive, context: resolver.unitContexts[unit], resolver: resolver)
      }
    }
  }

  private mutating func add(
    _ directive: UsingForDirective, context: NameContext, resolver: Resolver
  ) {
    let target = directive.target.map { resolver.type(of: $0, in: context).located(nil) }
    // A type that is not known attaches nothing: it would stand for every type.
    if let target, target.isUnknown {
      isIncomplete = true
      return
    }
    switch directive.functions {
    case .library(let path):
      guard let library = resolver.resolve(path, in: context).first as? ContractDefinition else {
        isIncomplete = true
        return
      }
      for function in library.functions
      where function.kind == .function && function.visibility != .private
        && !function.parameters.isEmpty
      {
        insert(Entry(function: function, target: target), into: &members, as: function.name)
      }
    case .list(let list):
      for (path, symbol) in list {
        let found = resolver.resolve(path, in: context)
        if found.isEmpty { isIncomplete = true }
        for case let function as FunctionDefinition in found {
          let entry = Entry(function: function, target: target)
          if let symbol {
            insert(entry, into: &operators, as: symbol)
          } else if let last = path.parts.last, !function.parameters.isEmpty {
            insert(entry, into: &members, as: last.text)
          }
        }
      }
    }
  }

  private func insert(_ entry: Entry, into table: inout [String: [Entry]], as name: String) {
    let isPresent =
      table[name]?.contains { $0.function.id == entry.function.id && $0.target == entry.target }
      ?? false
    if !isPresent { table[name, default: []].append(entry) }
  }
}
