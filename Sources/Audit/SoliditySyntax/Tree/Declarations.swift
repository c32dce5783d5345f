/// What one file holds, in order.
public enum SourceUnitItem: Sendable {
  /// `pragma ...;`
  case pragma(PragmaDirective)
  /// `import ...;`
  case `import`(ImportDirective)
  /// A contract, interface or library.
  case contract(ContractDefinition)
  /// A free function.
  case function(FunctionDefinition)
  /// A struct at file level.
  case structure(StructDefinition)
  /// An enum at file level.
  case enumeration(EnumDefinition)
  /// `type Name is elementary;`
  case userDefinedValueType(UserDefinedValueTypeDefinition)
  /// A custom error at file level.
  case error(ErrorDefinition)
  /// An event at file level.
  case event(EventDefinition)
  /// A constant at file level.
  case variable(VariableDeclaration)
  /// `using ... for ...;` at file level.
  case using(UsingForDirective)
}

/// The syntax tree of one file.
public final class SourceUnit: Sendable {
  /// The number given by the caller; `NodeID.unit` of every node in this tree.
  public let number: Int32
  /// The file it was parsed from.
  public let source: SourceFile
  /// The compiler versions the file's pragmas admit, and the dialect chosen from them.
  public let language: LanguageVersion
  /// The top-level items in order.
  public let items: [SourceUnitItem]
  /// What could not be understood. Empty means the file was fully understood.
  public let diagnostics: [SyntaxDiagnostic]
  /// The licence from an SPDX comment, if there is one.
  public let licence: String?
  /// How many nodes the tree has; every `NodeID.index` is below it.
  public let nodeCount: Int

  package init(
    number: Int32, source: SourceFile, language: LanguageVersion, items: [SourceUnitItem],
    diagnostics: [SyntaxDiagnostic], licence: String?, nodeCount: Int
  ) {
    self.number = number
    self.source = source
    self.language = language
    self.items = items
    self.diagnostics = diagnostics
    self.licence = licence
    self.nodeCount = nodeCount
  }

  /// Whether every byte of the file was understood. No report may say "no issues" about a file that was not.
  public var understood: Bool { diagnostics.isEmpty }
}

/// `pragma solidity ^0.8.0;`, `pragma abicoder v2;` and the like.
public final class PragmaDirective: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The first word: `solidity`, `abicoder`, `experimental`.
  public let name: String
  /// The rest, as written, without the semicolon.
  public let value: String

  package init(id: NodeID, range: SourceRange, name: String, value: String) {
    self.id = id
    self.range = range
    self.name = name
    self.value = value
  }
}

/// One `name as alias` of an import.
public struct ImportedSymbol: Sendable {
  /// The name in the imported file.
  public let name: Name
  /// The local name, if another.
  public let alias: Name?

  package init(name: Name, alias: Name?) {
    self.name = name
    self.alias = alias
  }
}

/// An import in any of its forms.
public final class ImportDirective: Declaration {
  /// What the import brings into scope.
  public enum Form: Sendable {
    /// `import "path";` brings every global symbol.
    case everything
    /// `import "path" as Name;` or `import * as Name from "path";`
    case namespace(Name)
    /// `import {A, B as C} from "path";`
    case symbols([ImportedSymbol])
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The path with escapes resolved.
  public let path: String
  /// Where the path literal stands.
  public let pathRange: SourceRange
  /// What it brings into scope.
  public let form: Form

  package init(id: NodeID, range: SourceRange, path: String, pathRange: SourceRange, form: Form) {
    self.id = id
    self.range = range
    self.path = path
    self.pathRange = pathRange
    self.form = form
  }

  /// The name of the namespace, or empty.
  public var name: String {
    if case .namespace(let name) = form { return name.text }
    return ""
  }
  /// Where the namespace's name stands.
  public var nameRange: SourceRange {
    if case .namespace(let name) = form { return name.range }
    return SourceRange(start: range.start, end: range.start)
  }
}

/// The kinds of contract-like definitions.
public enum ContractKind: String, Sendable {
  /// `contract` or `abstract contract`.
  case contract
  /// `interface`.
  case interface
  /// `library`.
  case library
}

/// `Base` or `Base(arguments)` in an inheritance list.
public final class InheritanceSpecifier: SyntaxNode {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The base's name.
  public let base: IdentifierPath
  /// Constructor arguments; nil when there are no parentheses.
  public let arguments: CallArguments?

  package init(id: NodeID, range: SourceRange, base: IdentifierPath, arguments: CallArguments?) {
    self.id = id
    self.range = range
    self.base = base
    self.arguments = arguments
  }
}

/// What a contract, interface or library holds, in order.
public enum ContractMember: Sendable {
  /// A function, constructor, fallback or receive function.
  case function(FunctionDefinition)
  /// A modifier.
  case modifier(ModifierDefinition)
  /// A state variable.
  case variable(VariableDeclaration)
  /// A struct.
  case structure(StructDefinition)
  /// An enum.
  case enumeration(EnumDefinition)
  /// A user-defined value type.
  case userDefinedValueType(UserDefinedValueTypeDefinition)
  /// A custom error.
  case error(ErrorDefinition)
  /// An event.
  case event(EventDefinition)
  /// `using ... for ...;`
  case using(UsingForDirective)
}

/// A contract, interface or library.
public final class ContractDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// Contract, interface or library.
  public let kind: ContractKind
  /// Whether the word `abstract` was written.
  public let isAbstract: Bool
  /// The direct bases in the order written ("most base-like" first).
  public let bases: [InheritanceSpecifier]
  /// The expression of `layout at EXPRESSION` (0.8.29), if written.
  public let layoutBase: Expression?
  /// The members in order.
  public let members: [ContractMember]
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, kind: ContractKind, isAbstract: Bool,
    bases: [InheritanceSpecifier], layoutBase: Expression?, members: [ContractMember],
    documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.kind = kind
    self.isAbstract = isAbstract
    self.bases = bases
    self.layoutBase = layoutBase
    self.members = members
    self.documentation = documentation
  }

  /// The functions declared here, in order.
  public var functions: [FunctionDefinition] {
    members.compactMap { if case .function(let value) = $0 { value } else { nil } }
  }
  /// The modifiers declared here, in order.
  public var modifiers: [ModifierDefinition] {
    members.compactMap { if case .modifier(let value) = $0 { value } else { nil } }
  }
  /// The state variables declared here, in order.
  public var stateVariables: [VariableDeclaration] {
    members.compactMap { if case .variable(let value) = $0 { value } else { nil } }
  }
  /// The structs declared here, in order.
  public var structs: [StructDefinition] {
    members.compactMap { if case .structure(let value) = $0 { value } else { nil } }
  }
  /// The enums declared here, in order.
  public var enums: [EnumDefinition] {
    members.compactMap { if case .enumeration(let value) = $0 { value } else { nil } }
  }
  /// The events declared here, in order.
  public var events: [EventDefinition] {
    members.compactMap { if case .event(let value) = $0 { value } else { nil } }
  }
  /// The errors declared here, in order.
  public var errors: [ErrorDefinition] {
    members.compactMap { if case .error(let value) = $0 { value } else { nil } }
  }
  /// The using directives declared here, in order.
  public var usings: [UsingForDirective] {
    members.compactMap { if case .using(let value) = $0 { value } else { nil } }
  }
}

/// A struct.
public final class StructDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The members in order.
  public let members: [VariableDeclaration]
  /// NatSpec before the definition (ERC-7201 annotations stand there).
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, members: [VariableDeclaration],
    documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.members = members
    self.documentation = documentation
  }
}

/// One value of an enum.
public final class EnumValue: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public var nameRange: SourceRange { range }

  package init(id: NodeID, name: Name) {
    self.id = id
    self.range = name.range
    self.name = name.text
  }
}

/// An enum.
public final class EnumDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The values in order.
  public let values: [EnumValue]
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, values: [EnumValue], documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.values = values
    self.documentation = documentation
  }
}

/// `type Name is elementary;` (0.8.8).
public final class UserDefinedValueTypeDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The type it wraps.
  public let underlying: TypeName

  package init(id: NodeID, range: SourceRange, name: Name, underlying: TypeName) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.underlying = underlying
  }
}

/// A custom error (0.8.4).
public final class ErrorDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The parameters.
  public let parameters: [VariableDeclaration]
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, parameters: [VariableDeclaration],
    documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.parameters = parameters
    self.documentation = documentation
  }
}

/// An event.
public final class EventDefinition: Declaration {
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// The declared name.
  public let name: String
  /// Where the name stands.
  public let nameRange: SourceRange
  /// The parameters.
  public let parameters: [VariableDeclaration]
  /// Whether it is `anonymous`.
  public let isAnonymous: Bool
  /// NatSpec before the definition.
  public let documentation: Documentation?

  package init(
    id: NodeID, range: SourceRange, name: Name, parameters: [VariableDeclaration],
    isAnonymous: Bool,
    documentation: Documentation?
  ) {
    self.id = id
    self.range = range
    self.name = name.text
    self.nameRange = name.range
    self.parameters = parameters
    self.isAnonymous = isAnonymous
    self.documentation = documentation
  }
}

/// `using L for T;`, `using {f, g as +} for T global;`
public final class UsingForDirective: SyntaxNode {
  /// What is attached.
  public enum Functions: Sendable {
    /// A whole library.
    case library(IdentifierPath)
    /// Single functions, some bound to operators.
    case list([(function: IdentifierPath, operator: String?)])
  }
  /// The node's identity.
  public let id: NodeID
  /// The bytes covered.
  public let range: SourceRange
  /// What is attached.
  public let functions: Functions
  /// The type it is attached to; nil for `*`.
  public let target: TypeName?
  /// Whether `global` was written.
  public let isGlobal: Bool

  package init(
    id: NodeID, range: SourceRange, functions: Functions, target: TypeName?, isGlobal: Bool
  ) {
    self.id = id
    self.range = range
    self.functions = functions
    self.target = target
    self.isGlobal = isGlobal
  }
}
