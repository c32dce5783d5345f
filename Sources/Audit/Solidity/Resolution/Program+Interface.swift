import Ethereum
import SoliditySyntax

extension Program {
  /// The ABI signature of a public or external function; the library form for libraries.
  ///
  /// Nil for internal and private functions, constructors, fallbacks, free functions, and where a parameter's type
  /// is not known or has no ABI form.
  public func signature(of function: FunctionDefinition) -> String? { nil }

  /// The first four bytes of the hash of the signature.
  public func selector(of function: FunctionDefinition) -> Selector? {
    signature(of: function).map { Selector(signature: $0) }
  }

  /// The ABI signature of an event.
  public func signature(of event: EventDefinition) -> String { "" }

  /// The first topic of an event's logs; nil for anonymous events.
  public func topic(of event: EventDefinition) -> EventTopic? {
    event.isAnonymous ? nil : EventTopic(signature: signature(of: event))
  }

  /// The ABI signature of an error.
  public func signature(of error: ErrorDefinition) -> String { "" }

  /// The first four bytes of the hash of the error's signature.
  public func selector(of error: ErrorDefinition) -> Selector {
    Selector(signature: signature(of: error))
  }

  /// The ABI signature of the getter of a public state variable; nil if it has none.
  public func getterSignature(of variable: VariableDeclaration) -> String? { nil }

  /// The first four bytes of the hash of the getter's signature.
  public func selector(of variable: VariableDeclaration) -> Selector? {
    getterSignature(of: variable).map { Selector(signature: $0) }
  }

  /// The functions and getters that can be called from outside, inherited ones included, by signature.
  ///
  /// Equals the compiler's `methodIdentifiers`. The declaration is the most derived one.
  public func interface(of contract: ContractDefinition) -> [InterfaceEntry] { [] }

  /// The ERC-165 identifier that `type(I).interfaceId` yields: selectors of the functions declared in `interface`
  /// itself, exclusive-ored.
  public func interfaceIdentifier(of interface: ContractDefinition) -> Selector {
    Selector(rawValue: 0)
  }
}
