import BigInt
import SoliditySyntax
import Solidity

/// An entry point that sets a contract up in place of a constructor: anyone may call it, but it lets itself be passed
/// only once.
struct Initializer {
  /// The entry point.
  let entry: EntryPoint
  /// The field that tells whether it has run.
  let mark: StorageField
  /// Whether the check stands in a modifier.
  let isByModifier: Bool
}

/// Why a contract is taken for an implementation: code that runs in the storage of proxies.
enum ImplementationRole {
  /// A proxy of the program forwards to it.
  case behind(ProxyPair)
  /// Another contract of the program delegates to it.
  case delegated(ContractDefinition)
  /// The program makes clones of it.
  case cloned(Expression)
  /// It upgrades the proxy it runs behind.
  case upgradesItself
  /// It is set up by an initializer that stands in a base made for that.
  case initializable

  /// The reason for a reader.
  var reason: String {
    switch self {
    case .behind(let pair): "it runs behind `\(pair.proxy.contract.name)`: \(pair.reason)"
    case .delegated(let caller): "`\(caller.name)` delegates to it"
    case .cloned: "the program makes clones of it"
    case .upgradesItself: "it writes the implementation slot of the proxy it runs behind"
    case .initializable: "it is set up by an initializer instead of a constructor"
    }
  }

  /// Whether code of the program says so, rather than a guess.
  var isStated: Bool {
    switch self {
    case .behind(let pair): pair.confidence == .high
    case .delegated, .cloned, .upgradesItself: true
    case .initializable: false
    }
  }
}

/// Contracts meant to run behind proxies, and how they are set up.
final class ImplementationIndex {
  private unowned let system: ProxySystem
  private var program: Program { system.program }
  private var roles: [NodeID: ImplementationRole?] = [:]
  private var initializers: [NodeID: [Initializer]] = [:]

  private lazy var pairsByImplementation: [NodeID: ProxyPair] = Dictionary(
    system.pairs.map { ($0.implementation.id, $0) },
    uniquingKeysWith: { $0.confidence >= $1.confidence ? $0 : $1 })

  /// Contracts whose clones the program makes, by the expression that names them.
  private lazy var cloned: [NodeID: Expression] = {
    var result: [NodeID: Expression] = [:]
    for call in CloneCalls.all(in: program) {
      for argument in call.arguments {
        guard let argument, let held = system.deployments.contract(heldBy: argument),
          result[held.id] == nil
        else { continue }
        result[held.id] = call.expression
      }
    }
    return result
  }()

  private lazy var delegated: [NodeID: ContractDefinition] = {
    var result: [NodeID: ContractDefinition] = [:]
    let targets = DelegateTargets(system: system)
    for contract in system.contracts where system.isDeployable(contract) && !system.isTest(contract)
    {
      for target in targets.targets(of: contract) where result[target.contract.id] == nil {
        result[target.contract.id] = contract
      }
    }
    return result
  }()

  init(system: ProxySystem) { self.system = system }

  /// The contracts worth looking at as implementations: deployable, no proxies, no tests.
  private(set) lazy var candidates: [ContractDefinition] = system.contracts.filter { contract in
    system.isLeaf(contract) && system.proxy(contract) == nil && !system.isTest(contract)
  }

  /// Why a contract is an implementation; nil if nothing says that it is.
  func role(of contract: ContractDefinition) -> ImplementationRole? {
    if let known = roles[contract.id] { return known }
    let result = findRole(contract)
    roles[contract.id] = .some(result)
    return result
  }

  private func findRole(_ contract: ContractDefinition) -> ImplementationRole? {
    if let pair = pairsByImplementation[contract.id], pair.confidence != .low {
      return .behind(pair)
    }
    if let expression = cloned[contract.id] { return .cloned(expression) }
    if !ProxyParts(system: system).upgradeWrites(of: contract).isEmpty { return .upgradesItself }
    if let caller = delegated[contract.id] { return .delegated(caller) }
    if let pair = pairsByImplementation[contract.id], !initializers(of: contract).isEmpty {
      return .behind(pair)
    }
    let isMadeForIt = initializers(of: contract).contains { initializer in
      initializer.isByModifier && !isDeclared(initializer.mark, in: contract)
    }
    if isMadeForIt || namesInitializer(contract) { return .initializable }
    return nil
  }

  /// Whether the mark is a variable of the contract itself rather than of a base or a namespace.
  private func isDeclared(_ mark: StorageField, in contract: ContractDefinition) -> Bool {
    guard let variable = mark.variable else { return false }
    return program.contract(containing: variable)?.id == contract.id
  }

  /// Whether a function uses a modifier with the name that published initializers have.
  private func namesInitializer(_ contract: ContractDefinition) -> Bool {
    contract.functions.contains { function in
      function.modifiers.contains {
        $0.path.parts.last?.text == "initializer" || $0.path.parts.last?.text == "reinitializer"
      }
    }
  }

  /// The entry points that set the contract up once.
  func initializers(of contract: ContractDefinition) -> [Initializer] {
    if let known = initializers[contract.id] { return known }
    var result: [Initializer] = []
    let examined = system.examine(contract)
    for entry in examined.entryPoints where entry.kind == .function && !entry.isView {
      for access in entry.storageWrites {
        guard case .once(let mark) = system.protection(of: access.place, in: entry),
          !access.location.field.overlaps(mark)
            || access.value.map(entry.isOutsiders) == true
        else { continue }
        let isByModifier = entry.guards(of: access.place).contains { held in
          held.origin.surroundings.contains(.modifier)
            && entry.sources(of: held.condition).storage.contains { $0.overlaps(mark) }
        }
        result.append(Initializer(entry: entry, mark: mark, isByModifier: isByModifier))
        break
      }
    }
    initializers[contract.id] = result
    return result
  }

  /// The storage that decides who may do things: what caller checks of the contract compare the caller with.
  func authorities(of contract: ContractDefinition) -> [StorageField] {
    var fields: [StorageField] = []
    let examined = system.examine(contract)
    for entry in examined.entryPoints where entry.kind == .function && !entry.isView {
      for place in entry.storageWrites.map(\.place) + entry.externalCalls + entry.selfdestructs {
        for held in entry.guards(of: place) {
          for part in held.predicate.parts {
            guard case .caller(let check) = part, let location = check.location else { continue }
            let field = location.field
            switch check.kind {
            // The owner of one record among many decides over that record only.
            case .equalsStorage: guard !field.members.contains("[]") else { continue }
            case .member: break
            case .amount: guard system.isMembership(field, in: contract) else { continue }
            default: continue
            }
            if !fields.contains(field) { fields.append(field) }
          }
        }
      }
    }
    return fields
  }

  /// Whether deployment sets the mark, so that the deployed implementation itself cannot be initialised.
  func isLocked(_ contract: ContractDefinition, _ initializer: Initializer) -> Bool {
    if let deployment = system.examine(contract).deployment,
      deployment.storageWrites.contains(where: { $0.location.field.overlaps(initializer.mark) })
    {
      return true
    }
    return hasLockingConstructor(contract)
  }

  /// Whether a constructor names the modifier or the function that published code has for locking an implementation;
  /// its source may not be at hand.
  func hasLockingConstructor(_ contract: ContractDefinition) -> Bool {
    program.linearizedBases(of: contract).contains { base in
      base.functions.contains { function in
        guard function.kind == .constructor else { return false }
        if function.modifiers.contains(where: { $0.path.parts.last?.text == "initializer" }) {
          return true
        }
        return SyntaxTraversal(.function(function)).contains { item in
          guard case .expression(let expression) = item,
            case .identifier("_disableInitializers") = expression.kind
          else { return false }
          return true
        }
      }
    }
  }
}

/// Calls of functions that make clones.
enum CloneCalls {
  /// A call that makes a clone.
  struct Call {
    /// The arguments.
    let arguments: [Expression?]
    /// The call.
    let expression: Expression
    /// Where it stands.
    let function: FunctionDefinition
    /// The contract around it.
    let contract: ContractDefinition
  }

  /// All of them, by unit and place.
  static func all(in program: Program) -> [Call] {
    var makers: [NodeID: Bool] = [:]
    var result: [Call] = []
    for contract in program.contracts {
      for function in contract.functions {
        for item in SyntaxTraversal(.function(function)) {
          guard case .expression(let expression) = item, case .call = expression.kind,
            case .function(let callee, _, _) = program.callee(of: expression),
            callee.id != function.id
          else { continue }
          let isMaker: Bool
          if let known = makers[callee.id] {
            isMaker = known
          } else {
            isMaker = CloneCode.kind(in: callee, program) != nil
            makers[callee.id] = isMaker
          }
          // Overloads of one library call each other; what matters is who calls from outside of it.
          guard isMaker,
            program.contract(containing: callee)?.id != contract.id
              || !isMakerItself(function, program)
          else { continue }
          result.append(
            Call(
              arguments: program.arguments(of: expression), expression: expression,
              function: function, contract: contract))
        }
      }
    }
    return result
  }

  private static func isMakerItself(_ function: FunctionDefinition, _ program: Program) -> Bool {
    program.contract(containing: function)?.kind == .library
  }
}
