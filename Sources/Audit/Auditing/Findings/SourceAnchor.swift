import SoliditySyntax

/// A place in the source of a program, with the part to underline and the part that identifies it.
public struct SourcePlace: Hashable, Sendable {
  /// `SourceUnit.number`.
  public let unit: Int32
  /// The bytes a report underlines.
  public let display: SourceRange
  /// The bytes whose tokens identify the place in fingerprints.
  public let identity: SourceRange

  /// Makes a place from its parts; `identity` is what `display` is unless given.
  public init(unit: Int32, display: SourceRange, identity: SourceRange? = nil) {
    self.unit = unit
    self.display = display
    self.identity = identity ?? display
  }

  /// The place of a syntax node. Definitions and statements with a body are represented by their header, so that a
  /// finding about them keeps its identity when a line of the body changes.
  public static func node(_ node: any SyntaxNode) -> SourcePlace {
    SourcePlace(
      unit: node.id.unit, display: SourceAnchor.displayRange(of: node),
      identity: SourceAnchor.identityRange(of: node))
  }

  /// The place of an instruction.
  public static func origin(_ origin: Origin) -> SourcePlace {
    SourcePlace(unit: origin.node.unit, display: origin.range)
  }
}

/// Which part of a syntax node stands for it: what a report underlines, and what a fingerprint hashes.
///
/// Definitions and statements with a body are represented by their header alone, so that a finding about a
/// loop or a function keeps its identity when a line of the body changes.
package enum SourceAnchor {
  /// The bytes a report underlines for a node.
  package static func displayRange(of node: any SyntaxNode) -> SourceRange {
    switch node {
    case is ContractDefinition, is FunctionDefinition, is ModifierDefinition, is StructDefinition,
      is EnumDefinition, is EventDefinition, is ErrorDefinition, is YulFunction:
      if let declaration = node as? any Declaration, declaration.nameRange.length > 0 {
        return declaration.nameRange
      }
      return identityRange(of: node)
    default:
      return identityRange(of: node)
    }
  }

  /// The bytes whose tokens identify a node.
  package static func identityRange(of node: any SyntaxNode) -> SourceRange {
    switch node {
    case let contract as ContractDefinition:
      SourceRange(start: contract.range.start, end: contract.nameRange.end)
    case let function as FunctionDefinition:
      head(of: function.range, before: function.body?.range)
    case let modifier as ModifierDefinition:
      head(of: modifier.range, before: modifier.body?.range)
    case let structure as StructDefinition:
      SourceRange(start: structure.range.start, end: structure.nameRange.end)
    case let enumeration as EnumDefinition:
      SourceRange(start: enumeration.range.start, end: enumeration.nameRange.end)
    case let clause as CatchClause:
      head(of: clause.range, before: clause.body.range)
    case let function as YulFunction:
      head(of: function.range, before: function.body.range)
    case let statement as Statement:
      head(of: statement.range, before: firstBody(of: statement))
    case let statement as YulStatement:
      head(of: statement.range, before: firstBody(of: statement))
    default:
      node.range
    }
  }

  private static func head(of range: SourceRange, before body: SourceRange?) -> SourceRange {
    guard let body, body.start > range.start, body.start <= range.end else { return range }
    return SourceRange(start: range.start, end: body.start)
  }

  private static func firstBody(of statement: Statement) -> SourceRange? {
    switch statement.kind {
    case .if(_, let then, _): then.range
    case .while(_, let body): body.range
    case .for(_, _, _, let body): body.range
    case .try(_, _, let body, _): body.range
    default: nil
    }
  }

  private static func firstBody(of statement: YulStatement) -> SourceRange? {
    switch statement.kind {
    case .if(_, let body): body.range
    case .switch(_, let cases): cases.first?.range
    case .for(_, _, _, let body): body.range
    case .function(let function): function.body.range
    default: nil
    }
  }
}

/// The contract and function around a place in a file.
package struct SourceEnclosure: Sendable {
  /// The contract, interface or library; nil at file level.
  package let contract: ContractDefinition?
  /// The function or modifier as reports write it (`transfer(address,uint256)`, `constructor(address)`,
  /// `modifier onlyOwner()`); nil outside of both.
  package let function: String?

  /// Finds what surrounds `range`. O(items of the file + members of the contract).
  package init(of range: SourceRange, in unit: SourceUnit) {
    var contract: ContractDefinition?
    var function: String?
    for item in unit.items {
      switch item {
      case .contract(let definition) where definition.range.contains(range):
        contract = definition
        function = SourceEnclosure.callable(around: range, in: definition)
      case .function(let definition) where definition.range.contains(range):
        function = SourceEnclosure.signature(of: definition)
      default:
        continue
      }
      break
    }
    self.contract = contract
    self.function = function
  }

  private static func callable(around range: SourceRange, in contract: ContractDefinition)
    -> String?
  {
    for member in contract.members {
      switch member {
      case .function(let definition) where definition.range.contains(range):
        return signature(of: definition)
      case .modifier(let definition) where definition.range.contains(range):
        return "modifier " + definition.name + parameterList(definition.parameters ?? [])
      default:
        continue
      }
    }
    return nil
  }

  /// A function as reports write it: its name (or `constructor`, `fallback`, `receive`) and parameter types.
  package static func signature(of function: FunctionDefinition) -> String {
    let name =
      switch function.kind {
      case .constructor: "constructor"
      case .fallback: "fallback"
      case .receive: "receive"
      case .function, .freeFunction: function.name
      }
    return name + parameterList(function.parameters)
  }

  private static func parameterList(_ parameters: [VariableDeclaration]) -> String {
    "(" + parameters.map { $0.typeName.map(WrittenType.text) ?? "var" }.joined(separator: ",") + ")"
  }
}
