/// Dominators, post-dominators and reachability of a graph's blocks.
package struct ControlFlowAnalysis: Sendable {
  package init() {}
}

extension FunctionGraph {
  /// Whether every way to `b` passes `a` (a block dominates itself).
  public func dominates(_ a: BlockID, _ b: BlockID) -> Bool { fatalError("facts API") }
  /// Whether `a` has always run when `b` runs; false for the same instruction.
  public func dominates(_ a: ValueID, _ b: ValueID) -> Bool { fatalError("facts API") }
  /// Whether every way from `b` to a normal return passes `a`.
  public func postDominates(_ a: BlockID, _ b: BlockID) -> Bool { fatalError("facts API") }
  /// Whether control can get from `a` to `b` along at least one edge.
  public func canReach(_ a: BlockID, _ b: BlockID) -> Bool { fatalError("facts API") }
  /// Whether `b` can run after `a`.
  public func canFollow(_ b: ValueID, after a: ValueID) -> Bool { fatalError("facts API") }
  /// Whether the instruction stands in a loop.
  public func isInLoop(_ value: ValueID) -> Bool { fatalError("facts API") }
  /// The conditions within this function that hold whenever the instruction runs, outermost first.
  public func guards(of value: ValueID) -> [LocalGuard] { fatalError("facts API") }
  /// The instructions that use a value as an operand, ascending.
  public func uses(of value: ValueID) -> [ValueID] { fatalError("facts API") }
  /// Whether a terminator uses the value: as a condition, a result, or a revert's argument.
  public func isUsedByTerminator(_ value: ValueID) -> Bool { fatalError("facts API") }
  /// The operands of an instruction in order.
  public func operands(of value: ValueID) -> [ValueID] { fatalError("facts API") }
  /// The values every return may give for result `index`.
  public func returnedValues(_ index: Int) -> [ValueID] { fatalError("facts API") }
}
