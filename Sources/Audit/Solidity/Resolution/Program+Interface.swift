import Ethereum
import SoliditySyntax

extension Program {
  /// The ABI signature of a public or external function; the library form for libraries.
  ///
  /// Nil for internal and private functions, constructors, fallbacks, free functions, and where a
  /// parameter's type is not known or has no ABI form.
  public func signature(of function: FunctionDefinition) -> String? {
    externalSignature(of: function)
  }

  /// The first four bytes of the hash of the signature.
  public func selector(of function: FunctionDefinition) -> Selector? {
    signature(of: function).map { Selector(signature: $0) }
  }

  /// The ABI signature of an event; a parameter whose type is not known reads as `?`.
  public func signature(of event: EventDefinition) -> String {
    signature(name: event.name, of: event.parameters)
  }

  /// The first topic of an event's logs; nil for anonymous events, which have none.
  public func topic(of event: EventDefinition) -> EventTopic? {
    event.isAnonymous ? nil : EventTopic(signature: signature(of: event))
  }

  /// The ABI signature of an error; a parameter whose type is not known reads as `?`.
  public func signature(of error: ErrorDefinition) -> String {
    signature(name: error.name, of: error.parameters)
  }

  /// The first four bytes of the hash of the error's signature.
  public func selector(of error: ErrorDefinition) -> Selector {
    Selector(signature: signature(of: error))
  }

  /// The ABI signature of the getter of a public state variable; nil if it has none.
  public func getterSignature(of variable: VariableDeclaration) -> String? {
    externalSignature(ofGetter: variable)
  }

  /// The first four bytes of the hash of the getter's signature.
  public func selector(of variable: VariableDeclaration) -> Selector? {
    getterSignature(of: variable).map { Selector(signature: $0) }
  }

  /// The functions and getters that can be called from outside, inherited ones included, by
  /// signature.
  ///
  /// Equals the compiler's `methodIdentifiers`. The declaration is the most derived one.
  public func interface(of contract: ContractDefinition) -> [InterfaceEntry] {
    var entries: [String: any Declaration] = [:]
    for base in linearizedBases(of: contract) {
      for (signature, declaration) in externalMembers(declaredIn: base)
      where entries[signature] == nil {
        entries[signature] = declaration
      }
    }
    return entries.keys.sorted().compactMap { signature in
      entries[signature].map { (signature, Selector(signature: signature), $0) }
    }
  }

  /// The ERC-165 identifier that `type(I).interfaceId` yields: selectors of the functions declared
  /// in `interface` itself, exclusive-ored; nil where a signature is not known.
  public func interfaceIdentifier(of interface: ContractDefinition) -> Selector? {
    interfaceIdentifier(ofDeclared: interface)
  }
}

extension ResolvedSyntax {
  /// Functions and getters declared in a contract itself that can be called from outside, with
  /// their signatures.
  func externalMembers(
    declaredIn contract: ContractDefinition
  ) -> [(signature: String, declaration: any Declaration)] {
    contract.members.compactMap { member in
      switch member {
      case .function(let function):
        externalSignature(of: function).map { ($0, function) }
      case .variable(let variable):
        externalSignature(ofGetter: variable).map { ($0, variable) }
      default: nil
      }
    }
  }

  /// The ERC-165 identifier of what a contract declares itself.
  func interfaceIdentifier(ofDeclared contract: ContractDefinition) -> Selector? {
    let isKnown = contract.functions.allSatisfy { function in
      function.kind != .function || function.visibility == .internal
        || function.visibility == .private || externalSignature(of: function) != nil
    }
    guard isKnown else { return nil }
    let members = externalMembers(declaredIn: contract)
    return Selector(
      rawValue: members.reduce(0) { $0 ^ Selector(signature: $1.signature).rawValue })
  }
}
