import SoliditySyntax

/// The names visible at one place outside of functions: in a file, or in a contract.
final class NameContext {
  let unit: Int
  /// The place of the contract in `Resolver.contracts`; nil at file level.
  let contractNumber: Int?
  let contract: ContractDefinition?
  let language: LanguageVersion
  private unowned let resolver: Resolver
  private var found: [String: [any Declaration]] = [:]
  private var attached: AttachedFunctions?

  init(unit: Int, contractNumber: Int?, resolver: Resolver) {
    self.unit = unit
    self.contractNumber = contractNumber
    self.contract = contractNumber.map { resolver.contracts[$0] }
    self.language = resolver.units[unit].language
    self.resolver = resolver
  }

  /// The declarations a bare name stands for: those of the contract and its bases, else those of
  /// the file.
  func lookup(_ name: String) -> [any Declaration] {
    guard let contractNumber else { return resolver.fileScopes.scopes[unit][name] ?? [] }
    if let known = found[name] { return known }
    var result = resolver.inheritedMembers(named: name, of: contractNumber)
    if result.isEmpty { result = resolver.fileScopes.scopes[unit][name] ?? [] }
    found[name] = result
    return result
  }

  /// What `using` directives attach to types here; collected on first use.
  var attachments: AttachedFunctions {
    if let attached { return attached }
    // A directive whose own target needs attached functions finds none.
    attached = AttachedFunctions()
    let made = AttachedFunctions(context: self, resolver: resolver)
    attached = made
    return made
  }

  /// Whether names may be missing because a file or a base could not be found.
  var isIncomplete: Bool {
    if resolver.fileScopes.isIncomplete[unit] { return true }
    return contractNumber.map { resolver.isIncomplete[$0] } ?? false
  }
}
