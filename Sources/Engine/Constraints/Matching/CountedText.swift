/// A text in quotation marks of a limited number of units: the automaton is that of any number of them, and the
/// number is counted beside it.
///
/// State `hub` lies between two units; every edge that leaves it begins a unit, but for those to `exit`, which close
/// the text.
public struct CountedText: Hashable, Sendable {
  /// The automaton without the count.
  var automaton: DeterministicAutomaton
  /// The state between two units.
  var hub: Int32
  /// The state after the closing byte.
  var exit: Int32
  /// The fewest units.
  var minimum: Int32
  /// The most units; nil: any number.
  var maximum: Int32?

  /// How a number of units changes along an edge; nil where the edge is barred.
  func count(after count: Int32, from source: Int32, to target: Int32) -> Int32? {
    guard source == hub else { return count }
    if target == exit { return count >= minimum ? 0 : nil }
    guard let maximum else { return min(count + 1, minimum) }
    return count < maximum ? count + 1 : nil
  }
}
