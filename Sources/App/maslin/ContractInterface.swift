import Auditing
import Ethereum
import JSON
import Solidity
import SoliditySyntax

/// What a contract shows to the outside and declares, ready to be printed.
struct ContractInterface: Sendable {
  /// A function the contract has, or the getter of one of its public variables.
  struct Function: Sendable {
    let name: String
    let kind: String
    let signature: String?
    let selector: Selector?
    let visibility: Visibility
    let mutability: StateMutability
    let modifiers: [String]
    let declaredIn: String
  }

  /// An event or an error.
  struct Entry: Sendable {
    let name: String
    let signature: String
    /// The topic or selector.
    let hash: String
    let isAnonymous: Bool
    let indexed: [Bool]
  }

  /// A state variable.
  struct Variable: Sendable {
    let name: String
    let typeString: String
    let visibility: Visibility
    let mutability: VariableMutability
    let isTransient: Bool
  }

  let path: String
  let name: String
  let kind: ContractKind
  let isAbstract: Bool
  let linearizedBases: [String]
  let methodIdentifiers: [(signature: String, selector: Selector)]
  let interfaceIdentifier: Selector?
  let functions: [Function]
  let events: [Entry]
  let errors: [Entry]
  let stateVariables: [Variable]
  /// What the contract is in a proxy system; empty for most.
  let proxies: [ProxyContract]

  /// - Parameter proxies: what the contract was recognised as.
  init(of contract: ContractDefinition, in program: Program, proxies: [ProxyContract]) {
    self.proxies = proxies
    path = program.unit(of: contract).source.path
    name = contract.name
    kind = contract.kind
    isAbstract = contract.isAbstract
    linearizedBases = program.linearizedBases(of: contract).map(\.name)
    let interface = program.interface(of: contract)
    methodIdentifiers = interface.map { ($0.signature, $0.selector) }
    interfaceIdentifier =
      contract.kind == .interface ? program.interfaceIdentifier(of: contract) : nil

    // A base's constructor is no function of the contract.
    let functions = program.functions(of: contract).filter { function in
      function.kind != .constructor || program.contract(containing: function)?.id == contract.id
    }
    let listed = Set(functions.map { $0.id })
    var described = functions.map { Self.function($0, in: program) }
    for entry in interface {
      if let function = entry.declaration as? FunctionDefinition, !listed.contains(function.id) {
        // Declared in an interface or an abstract base, implemented nowhere.
        described.append(Self.function(function, in: program))
      } else if let variable = entry.declaration as? VariableDeclaration {
        described.append(
          Function(
            name: variable.name, kind: "getter", signature: entry.signature,
            selector: entry.selector, visibility: .external,
            mutability: variable.mutability == .constant ? .pure : .view, modifiers: [],
            declaredIn: program.contract(containing: variable)?.name ?? ""))
      }
    }
    self.functions = described
    events = contract.events.map { event in
      let signature = program.signature(of: event)
      return Entry(
        name: event.name, signature: signature,
        hash: EventTopic(signature: signature).description, isAnonymous: event.isAnonymous,
        indexed: event.parameters.map(\.isIndexed))
    }
    errors = contract.errors.map { error in
      Entry(
        name: error.name, signature: program.signature(of: error),
        hash: program.selector(of: error).bareDigits, isAnonymous: false, indexed: [])
    }
    stateVariables = contract.stateVariables.map { variable in
      Variable(
        name: variable.name, typeString: program.typeString(of: program.type(of: variable)),
        visibility: variable.writtenVisibility ?? .internal, mutability: variable.mutability,
        isTransient: variable.isTransient)
    }
  }

  private static func function(
    _ function: FunctionDefinition, in program: Program
  ) -> Function {
    let name =
      switch function.kind {
      case .constructor: "constructor"
      case .fallback: "fallback"
      case .receive: "receive"
      case .function, .freeFunction: function.name
      }
    return Function(
      name: name, kind: function.kind.rawValue, signature: program.signature(of: function),
      selector: program.selector(of: function), visibility: function.visibility,
      mutability: function.mutability, modifiers: function.modifiers.map(\.path.text),
      declaredIn: program.contract(containing: function)?.name ?? "")
  }

  // MARK: JSON

  /// The contract as printed by `maslin facts --json`. Selectors are eight digits without prefix and topics
  /// have one, as the compiler writes them.
  var json: JSONValue {
    .members([
      "path": .string(path),
      "name": .string(name),
      "kind": .string(kind.rawValue),
      "abstract": .bool(isAbstract),
      "linearizedBases": .strings(linearizedBases),
      "interfaceId": .optional(interfaceIdentifier?.bareDigits),
      "methodIdentifiers": .object(
        methodIdentifiers.map {
          JSONMember(name: $0.signature, value: .string($0.selector.bareDigits))
        }),
      "functions": .array(functions.map(Self.json)),
      "events": .array(
        events.map { event in
          .members([
            "name": .string(event.name), "signature": .string(event.signature),
            "topic": .string(event.hash), "anonymous": .bool(event.isAnonymous),
            "indexed": .array(event.indexed.map { .bool($0) }),
          ])
        }),
      "errors": .array(
        errors.map { error in
          .members([
            "name": .string(error.name), "signature": .string(error.signature),
            "selector": .string(error.hash),
          ])
        }),
      "stateVariables": .array(
        stateVariables.map { variable in
          .members([
            "name": .string(variable.name), "typeString": .string(variable.typeString),
            "visibility": .string(variable.visibility.rawValue),
            "mutability": .string(variable.mutability.rawValue),
            "transient": .bool(variable.isTransient), "declaredIn": .string(name),
          ])
        }),
      "proxies": .array(proxies.map(Self.json)),
    ])
  }

  private static func json(_ proxy: ProxyContract) -> JSONValue {
    .members([
      "kind": .string(proxy.kind.rawValue),
      "forwards": .bool(proxy.isForwarding),
      "implementation": json(proxy.source),
      "upgradePaths": .array(
        proxy.upgradePaths.map { path in
          .members(["entry": .string(path.entry), "restricted": .bool(path.isRestricted)])
        }),
      "answersERC897": .bool(proxy.answersERC897),
      "byPublishedName": .bool(proxy.isByPublishedName),
    ])
  }

  /// Where the implementation's address comes from.
  private static func json(_ source: ImplementationSource) -> JSONValue {
    switch source {
    case .constant: .members(["from": "constant"])
    case .immutable(let variable):
      .members(["from": "immutable", "variable": .string(variable.node.name)])
    case .variable(let variable, let slot, let offset):
      .members([
        "from": "variable", "variable": .string(variable.node.name),
        "slot": .string(SlotText.hexadecimal(slot)), "offset": .integer(offset),
      ])
    case .slot(let slot, let known):
      .members([
        "from": "slot", "slot": .string(SlotText.hexadecimal(slot)),
        "name": .optional(known.map { "\($0)" }),
      ])
    case .table: .members(["from": "table"])
    case .call: .members(["from": "call"])
    case .input: .members(["from": "input"])
    case .unknown: .members(["from": "unknown"])
    }
  }

  private static func json(_ function: Function) -> JSONValue {
    .members([
      "name": .string(function.name), "kind": .string(function.kind),
      "signature": .optional(function.signature),
      "selector": .optional(function.selector?.bareDigits),
      "visibility": .string(function.visibility.rawValue),
      "mutability": .string(function.mutability.rawValue),
      "modifiers": .strings(function.modifiers), "declaredIn": .string(function.declaredIn),
    ])
  }

  // MARK: Text

  /// The contract for people.
  var text: String {
    var lines = ["\(isAbstract ? "abstract " : "")\(kind.rawValue) \(name)  (\(path))"]
    if linearizedBases.count > 1 {
      lines.append("  bases      " + linearizedBases.dropFirst().joined(separator: ", "))
    }
    if let interfaceIdentifier { lines.append("  interface  \(interfaceIdentifier)") }
    lines += proxies.map { proxy in
      let paths = proxy.upgradePaths.map { path in
        path.entry + (path.isRestricted ? "" : " (anyone)")
      }
      return "  proxy      \(proxy.kind.rawValue)"
        + (paths.isEmpty ? "" : ", upgraded by " + paths.joined(separator: ", "))
    }
    for function in functions {
      let place = function.declaredIn == name ? "" : "  from \(function.declaredIn)"
      let modifiers = function.modifiers.map { " " + $0 }.joined()
      lines.append(
        "  \(function.selector?.description ?? "          ") "
          + "\(function.signature ?? function.name) "
          + "\(function.visibility.rawValue) \(function.mutability.rawValue)\(modifiers)\(place)")
    }
    lines += errors.map { "  0x\($0.hash) error \($0.signature)" }
    lines += events.map { "  event \($0.signature)  \($0.hash)" }
    lines += stateVariables.map { variable in
      "  variable \(variable.typeString) \(variable.visibility.rawValue)"
        + (variable.mutability == .mutable ? "" : " \(variable.mutability.rawValue)")
        + (variable.isTransient ? " transient" : "") + " \(variable.name)"
    }
    return lines.joined(separator: "\n") + "\n\n"
  }
}

extension Selector {
  /// Eight digits without prefix, as in the compiler's `methodIdentifiers`.
  var bareDigits: String { String(description.dropFirst(2)) }
}
