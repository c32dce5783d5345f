import Solidity
import SoliditySyntax

/// Finds the libraries whose address is linked into a contract's code: those it calls public functions of.
struct LinkedLibraries {
  private struct Step: Hashable {
    let node: NodeID
    let contract: NodeID
  }

  let program: Program

  /// The libraries in order of source, also those of contracts it creates.
  func libraries(of contract: ContractDefinition) -> [ContractDefinition] {
    var found: [NodeID: ContractDefinition] = [:]
    var seen: Set<Step> = []
    var pending: [(item: SyntaxItem, id: NodeID, in: ContractDefinition)] = []
    func add(_ item: SyntaxItem, _ id: NodeID, _ contract: ContractDefinition) {
      if seen.insert(Step(node: id, contract: contract.id)).inserted {
        pending.append((item, id, contract))
      }
    }
    func addEntries(of contract: ContractDefinition) {
      for function in program.functions(of: contract) where function.isEntry {
        add(.function(function), function.id, contract)
      }
      for base in program.linearizedBases(of: contract) {
        for function in base.functions where function.kind == .constructor {
          add(.function(function), function.id, contract)
        }
        for variable in base.stateVariables where variable.mutability != .constant {
          add(.variable(variable), variable.id, contract)
        }
        for specifier in base.bases {
          for argument in specifier.arguments?.values ?? [] {
            add(.expression(argument), argument.id, contract)
          }
        }
      }
    }
    addEntries(of: contract)
    while let (item, _, contract) = pending.popLast() {
      for part in SyntaxTraversal(item) {
        switch part {
        case .invocation(let invocation):
          if let modifier = program.modifier(of: invocation, in: contract) {
            add(.modifier(modifier), modifier.id, contract)
          }
        case .expression(let expression):
          switch expression.kind {
          case .call:
            switch program.callee(of: expression) {
            case .function(let function, .libraryDelegate, _):
              if let library = program.contract(containing: function) {
                found[library.id] = library
              }
            case .function(let function, .virtual, _):
              let target = program.override(of: function, in: contract)
              add(.function(target), target.id, contract)
            case .function(let function, .super, _):
              guard let caller = program.contract(containing: expression) else { continue }
              let target = program.superFunction(of: function, calledFrom: caller, in: contract)
              if let target { add(.function(target), target.id, contract) }
            case .function(let function, .exact, _):
              add(.function(function), function.id, contract)
            case .creation(let created):
              if seen.insert(Step(node: created.id, contract: created.id)).inserted {
                addEntries(of: created)
              }
            default: break
            }
          case .identifier:
            // A function named without a call is taken as a value and may run later.
            guard let function = program.declaration(of: expression) as? FunctionDefinition,
              function.visibility != .external
            else { continue }
            let target = program.override(of: function, in: contract)
            add(.function(target), target.id, contract)
          default: break
          }
        default: break
        }
      }
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension FunctionDefinition {
  /// Whether it is in the code of a contract without being called: public, external, special.
  fileprivate var isEntry: Bool {
    switch kind {
    case .constructor, .fallback, .receive: true
    case .function, .freeFunction: visibility == .public || visibility == .external
    }
  }
}
