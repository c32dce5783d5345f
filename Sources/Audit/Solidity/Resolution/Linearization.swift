/// C3 linearisation.
///
/// Source: K. Barrett et al., "A Monotonic Superclass Linearization for Dylan" (1996), with the
/// bases of a contract taken from right to left, as the compiler does: a base named later overrides
/// one named earlier.
package enum Linearization {
  /// Merges the linearisations of the bases.
  ///
  /// - Parameters:
  ///   - item: what is linearised; it comes first in the result.
  ///   - bases: its direct bases in the order written.
  ///   - linearizations: the linearisation of each base, itself first, in the same order.
  /// - Returns: the order, or nil if none satisfies all bases. O(total length × number of bases).
  package static func merge<Item: Hashable>(
    _ item: Item, bases: [Item], linearizations: [[Item]]
  ) -> [Item]? {
    if let only = linearizations.first, linearizations.count == 1, bases.count == 1 {
      return [item] + only
    }
    var sequences = Array(linearizations.reversed())
    sequences.append([item] + bases.reversed())
    var positions = Array(repeating: 0, count: sequences.count)
    // How often each item still occurs behind the head of a sequence.
    var behind: [Item: Int] = [:]
    for sequence in sequences {
      for item in sequence.dropFirst() { behind[item, default: 0] += 1 }
    }
    var result: [Item] = []
    while true {
      var chosen: Item?
      var isFinished = true
      for (sequence, position) in zip(sequences, positions) where position < sequence.count {
        isFinished = false
        if behind[sequence[position], default: 0] == 0 {
          chosen = sequence[position]
          break
        }
      }
      if isFinished { return result }
      guard let chosen else { return nil }
      result.append(chosen)
      for index in sequences.indices
      where positions[index] < sequences[index].count
        && sequences[index][positions[index]] == chosen
      {
        positions[index] += 1
        if positions[index] < sequences[index].count {
          behind[sequences[index][positions[index]], default: 0] -= 1
        }
      }
    }
  }

  /// Every base once, for contracts that have no linearisation: depth first, from the right.
  static func fallback<Item: Hashable>(
    _ item: Item, bases: [Item], linearizations: [[Item]]
  ) -> [Item] {
    var seen: Set<Item> = [item]
    var result = [item]
    for linearization in linearizations.reversed() {
      for base in linearization where seen.insert(base).inserted { result.append(base) }
    }
    return result
  }
}
