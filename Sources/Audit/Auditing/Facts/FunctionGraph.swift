import SoliditySyntax
import Solidity

/// How a block ends.
public enum Terminator: Sendable {
  /// Goes on.
  case jump(BlockID)
  /// Goes on by a condition: to `then` when it is true.
  case branch(ValueID, then: BlockID, otherwise: BlockID)
  /// Returns normally; the values are the function's results.
  case `return`([ValueID])
  /// Reverts.
  case revert(Revert)
  /// Ends the whole call successfully: `stop`, `return` of assembly, `selfdestruct`. Data returned by assembly, if any.
  case stop(ValueID?)
  /// Never reached: after a call that never returns, or where the source could not be understood.
  case unreachable
}

/// Why a block reverts.
public struct Revert: Sendable {
  /// The forms.
  public enum Kind: Hashable, Sendable {
    /// `require(...)` failed.
    case require
    /// `assert(...)` failed.
    case assert
    /// `revert(...)`, `revert Error(...)`, `revert(p, n)` of assembly.
    case revert
    /// `throw`
    case `throw`
    /// `invalid()` of assembly.
    case invalid
  }
  /// The form.
  public let kind: Kind
  /// The custom error, if one.
  public let error: ErrorDefinition?
  /// The message or the error's arguments.
  public let arguments: [ValueID]
}

/// A basic block.
public struct BasicBlock: Sendable {
  /// Its instructions in order; phis (and `shortCircuit`/`select` that join blocks) first.
  public let values: [ValueID]
  /// How it ends.
  public let terminator: Terminator
  /// Where the terminator stands in the source.
  public let terminatorOrigin: Origin
  /// The blocks control comes from, ascending without repeats.
  public let predecessors: [BlockID]
  /// The blocks control may go to, in the terminator's order without repeats.
  public let successors: [BlockID]
}

/// A natural loop.
public struct Loop: Sendable {
  /// The block all back edges go to.
  public let header: BlockID
  /// Its blocks, header included, ascending.
  public let blocks: [BlockID]
  /// The conditions that leave the loop, with their blocks.
  public let exits: [(block: BlockID, condition: ValueID)]
}

/// A condition that must have held for an instruction to run, within one function.
public struct LocalGuard: Hashable, Sendable {
  /// The condition.
  public let condition: ValueID
  /// Whether it must have been true.
  public let polarity: Bool
  /// The block whose branch decides.
  public let block: BlockID
}

/// A function in static single assignment form over a control flow graph, with its modifiers inlined.
///
/// Laws: each value is made once; the definition of an operand dominates its use (for phis: the end of the
/// matching predecessor); predecessors and successors agree; unreachable blocks are removed; the graph of a
/// function without body does not exist.
///
/// Source: Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", CC 2013.
public final class FunctionGraph: Sendable {
  /// What the graph was lowered from.
  public enum Unit: Sendable {
    /// A function with its modifiers.
    case function(FunctionDefinition)
    /// What runs at deployment: initial values and constructors of all bases in order.
    case deployment(ContractDefinition)
  }
  /// What it was lowered from.
  public let unit: Unit
  /// The contract the code is declared in; nil for free functions.
  public let contract: ContractDefinition?
  /// The values, by `ValueID.index`.
  public let values: [Value]
  /// The blocks, by `BlockID.index`; the first is the entry. In reverse post-order.
  public let blocks: [BasicBlock]
  /// The parameters in order.
  public let parameters: [ValueID]
  /// For parameters that are objects in memory: what they hold when the function returns, as far as it changed them;
  /// for the others the parameter itself. Empty when the function never returns.
  public let parametersAtExit: [ValueID]
  /// The block that returns normally, if any does.
  public let exit: BlockID?
  /// Whether everything was understood: no missing nodes, nothing cut at a bound.
  public let isComplete: Bool
  /// Whether the code holds an old loose-assembly jump that the graph does not follow.
  public let hasUnstructuredJumps: Bool
  /// Loops, outer before inner, by header.
  public let loops: [Loop]
  /// The instructions of each category, in block order.
  public let index: InstructionIndex
  package let analysis: ControlFlowAnalysis

  package init(
    unit: Unit, contract: ContractDefinition?, values: [Value], blocks: [BasicBlock],
    parameters: [ValueID], parametersAtExit: [ValueID], exit: BlockID?, isComplete: Bool,
    hasUnstructuredJumps: Bool,
    loops: [Loop], index: InstructionIndex, analysis: ControlFlowAnalysis
  ) {
    self.unit = unit
    self.contract = contract
    self.values = values
    self.blocks = blocks
    self.parameters = parameters
    self.parametersAtExit = parametersAtExit
    self.exit = exit
    self.isComplete = isComplete
    self.hasUnstructuredJumps = hasUnstructuredJumps
    self.loops = loops
    self.index = index
    self.analysis = analysis
  }
}

/// The instructions of a graph by category, each in block order.
public struct InstructionIndex: Sendable {
  /// `.read`
  public var storageReads: [ValueID] = []
  /// `.write`
  public var storageWrites: [ValueID] = []
  /// `.externalCall`
  public var externalCalls: [ValueID] = []
  /// `.internalCall`
  public var internalCalls: [ValueID] = []
  /// `.emit`
  public var events: [ValueID] = []
  /// `.selfdestruct`
  public var selfdestructs: [ValueID] = []
  /// `.binary` with `+ - * / % ** << >>`
  public var arithmetic: [ValueID] = []
  /// `.binary` with a comparison
  public var comparisons: [ValueID] = []
  /// `.convert`
  public var conversions: [ValueID] = []
  /// `.builtin`
  public var builtins: [ValueID] = []
  /// `.environment`, `.balance`
  public var environment: [ValueID] = []
}

extension FunctionGraph {
  /// The function, if it is one.
  public var function: FunctionDefinition? {
    if case .function(let function) = unit { return function }
    return nil
  }
  /// The value of a number.
  public subscript(id: ValueID) -> Value { values[Int(id.index)] }
  /// The block of a number.
  public subscript(id: BlockID) -> BasicBlock { blocks[Int(id.index)] }
}
