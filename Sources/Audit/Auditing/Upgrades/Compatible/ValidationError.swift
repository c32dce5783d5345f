import SoliditySyntax

/// What makes an implementation unsafe behind a proxy, in the terms of the OpenZeppelin upgrades plugins.
public enum ValidationErrorKind: String, Sendable, CaseIterable, Hashable {
  /// A state variable has an initial value, which only the implementation's own storage gets.
  case stateVariableAssignment = "state-variable-assignment"
  /// A variable is immutable: its value belongs to the implementation's code.
  case stateVariableImmutable = "state-variable-immutable"
  /// A library is linked from outside.
  case externalLibraryLinking = "external-library-linking"
  /// A struct is defined (reported by early versions only).
  case structDefinition = "struct-definition"
  /// An enum is defined (reported by early versions only).
  case enumDefinition = "enum-definition"
  /// A constructor does something the proxy's storage never sees.
  case constructor
  /// A delegatecall, which may destroy the implementation.
  case delegatecall
  /// A selfdestruct, which destroys the implementation.
  case selfdestruct
  /// An implementation for a UUPS proxy has no public upgrade function.
  case missingPublicUpgradeTo = "missing-public-upgradeto"
  /// A pointer to an internal function is kept in storage; it points nowhere after an upgrade.
  case internalFunctionStorage = "internal-function-storage"
  /// Parents need initialisation but the contract has no initializer.
  case missingInitializer = "missing-initializer"
  /// An initializer does not call that of a parent.
  case missingInitializerCall = "missing-initializer-call"
  /// An initializer calls that of a parent twice.
  case duplicateInitializerCall = "duplicate-initializer-call"
  /// An initializer calls those of its parents in another order than the linearisation. A warning.
  case incorrectInitializerOrder = "incorrect-initializer-order"

  /// Whether the kind is told as a warning and does not make the verdict unsafe.
  public var isWarning: Bool { self == .incorrectInitializerOrder }
}

/// One reason why an implementation is unsafe behind a proxy.
public struct ValidationError: Sendable {
  /// The kind.
  public let kind: ValidationErrorKind
  /// The node it is about.
  public let node: any SyntaxNode
  /// The contract the node was found in (or for, where the whole contract is meant).
  public let contract: String
  /// The names it concerns: the variable, the library, the parents that lack a call, or the
  /// initializer and its contract.
  public let names: [String]

  /// The error in one sentence.
  public var message: String {
    let first = names.first ?? ""
    switch kind {
    case .stateVariableAssignment:
      return "Variable '\(first)' is assigned an initial value; set it in an initializer instead"
    case .stateVariableImmutable: return "Variable '\(first)' is immutable"
    case .externalLibraryLinking: return "Library '\(first)' is linked from outside"
    case .structDefinition: return "Struct '\(first)' is defined"
    case .enumDefinition: return "Enum '\(first)' is defined"
    case .constructor:
      return "Contract '\(contract)' has a constructor; write an initializer instead"
    case .delegatecall: return "Use of delegatecall is not allowed"
    case .selfdestruct: return "Use of selfdestruct is not allowed"
    case .missingPublicUpgradeTo:
      return "Implementation has no public 'upgradeTo' or 'upgradeToAndCall' function"
    case .internalFunctionStorage:
      return "Variable '\(first)' holds an internal function, a code pointer that upgrades break"
    case .missingInitializer: return "Missing initializer: parents of '\(contract)' need one"
    case .missingInitializerCall:
      return "Missing initializer calls for one or more parent contracts: "
        + names.joined(separator: ", ")
    case .duplicateInitializerCall:
      return "Duplicate calls to initializer '\(first)' of '\(names.dropFirst().first ?? "")'"
    case .incorrectInitializerOrder:
      return "Parent initializers are not called in the order \(names.joined(separator: ", "))"
    }
  }
}

/// Why no verdict like that of the OpenZeppelin upgrades plugins can be given: they stop with an error.
public enum CompatibilityFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// An annotation names no known kind of error.
  case unknownAnnotationArgument(tag: String, argument: String)
  /// An annotation has the wrong number of arguments.
  case annotationArguments(tag: String, found: Int, expected: Int)
  /// Two structs of a contract and its bases claim one namespace.
  case duplicateNamespace(id: String, contract: String)
  /// A struct with a namespace stands outside of any contract.
  case namespaceOutsideContract(structure: String)
  /// Namespaces need a compiler from 0.8.20 on.
  case namespaceVersion(path: String, version: String)
  /// The base slot is that of a namespace.
  case baseSlotClash(id: String, contract: String)
  /// The base slot is neither a literal nor a call of `erc7201`.
  case unsupportedBaseSlot(contract: String)
  /// Types that contain themselves cannot be compared.
  case recursiveType(String)
  /// An abstract contract or interface cannot be deployed.
  case abstractContract(String)

  /// What is wrong, for a person.
  public var description: String {
    switch self {
    case .unknownAnnotationArgument(let tag, let argument):
      "@custom:\(tag) does not know the argument '\(argument)'"
    case .annotationArguments(let tag, let found, let expected):
      "@custom:\(tag) takes \(expected) argument\(expected == 1 ? "" : "s"), found \(found)"
    case .duplicateNamespace(let id, let contract):
      "namespace '\(id)' is defined more than once for contract '\(contract)'"
    case .namespaceOutsideContract(let structure):
      "struct '\(structure)' with a namespace is defined outside of a contract"
    case .namespaceVersion(let path, let version):
      "\(path): namespaces require a compiler from 0.8.20 on, but the pragmas admit at most "
        + "\(version)"
    case .baseSlotClash(let id, let contract):
      "the base slot of contract '\(contract)' is that of the namespace '\(id)'"
    case .unsupportedBaseSlot(let contract):
      "the base slot of contract '\(contract)' is neither a literal nor a call of erc7201"
    case .recursiveType(let label): "'\(label)' contains itself and cannot be compared"
    case .abstractContract(let name): "contract '\(name)' is abstract"
    }
  }
}
