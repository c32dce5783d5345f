import SoliditySyntax
import Solidity

extension Program {
  /// Whether a name in an inheritance list or a function's header stands for something whose source is not at hand.
  func isUnseen(_ path: IdentifierPath) -> Bool {
    switch declaration(of: path) {
    case is ContractDefinition, is ModifierDefinition: false
    default: true
    }
  }
}

/// Contracts that derive from published code the program imports without having its source: what their own part says
/// about them.
struct UnseenBases {
  let program: Program

  /// Whether a base of the contract, or of one of its bases, has this name and no source.
  func derives(_ contract: ContractDefinition, from names: Set<String>) -> Bool {
    program.linearizedBases(of: contract).contains { base in
      base.bases.contains { specifier in
        program.isUnseen(specifier.base)
          && specifier.base.parts.last.map { names.contains($0.text) } == true
      }
    }
  }

  /// The permission hook of a published upgradeable base that lets anyone pass: it has no modifier, and its body calls
  /// nothing, compares nothing and reverts nowhere.
  func openHook(of contract: ContractDefinition) -> FunctionDefinition? {
    guard derives(contract, from: ["UUPSUpgradeable"]) else { return nil }
    for base in program.linearizedBases(of: contract) {
      guard
        let hook = base.functions.first(where: {
          $0.name == "_authorizeUpgrade" && $0.body != nil
        })
      else { continue }
      guard hook.modifiers.isEmpty else { return nil }
      let decides = SyntaxTraversal(.function(hook)).contains { item in
        switch item {
        case .expression(let expression):
          switch expression.kind {
          case .call, .binary: return true
          default: return false
          }
        case .statement(let statement):
          if case .revert = statement.kind { return true }
          return false
        case .yulBlock: return true
        default: return false
        }
      }
      return decides ? nil : hook
    }
    return nil
  }

  /// A function with a published `initializer` modifier whose source is not at hand.
  func initializer(of contract: ContractDefinition) -> FunctionDefinition? {
    for base in program.linearizedBases(of: contract) {
      for function in base.functions
      where function.kind == .function && function.visibility != .internal
        && function.visibility != .private
      {
        let isSetUp = function.modifiers.contains { invocation in
          program.isUnseen(invocation.path)
            && invocation.path.parts.last?.text == "initializer"
        }
        if isSetUp { return function }
      }
    }
    return nil
  }
}
