/// The cheapest way to turn one list into another.
///
/// Costs and the choice among equals are those of the OpenZeppelin upgrades plugins: a change costs 3
/// unless it says otherwise, an insertion and a deletion 2, an item behind the length of the old list
/// nothing; a change is preferred to an insertion, an insertion to a deletion.
enum EditScript {
  /// One step; indices into the old and the new list.
  enum Step: Hashable {
    case keepOrChange(Int, Int)
    case insert(Int)
    case append(Int)
    case delete(Int)
  }

  /// Lists whose lengths multiply to more are compared place by place instead.
  static let maximumCells = 16_000_000

  /// - Parameter cost: the cost of turning an old item into a new one; 0 when they are equal.
  static func steps<Failure: Error>(
    from oldCount: Int, to newCount: Int, cost: (Int, Int) throws(Failure) -> Int
  ) throws(Failure) -> [Step] {
    guard oldCount == 0 || newCount <= maximumCells / oldCount else {
      return positional(oldCount, newCount)
    }
    let width = newCount + 1
    var costs = [Int32](repeating: 0, count: (oldCount + 1) * width)
    // 0: kept or changed, 1: inserted, 2: deleted.
    var moves = [UInt8](repeating: 0, count: costs.count)
    for new in 0..<newCount {
      costs[new + 1] = costs[new] + (new + 1 > oldCount ? 0 : 2)
      moves[new + 1] = 1
    }
    for old in 0..<oldCount {
      let row = (old + 1) * width
      costs[row] = costs[row - width] + 2
      moves[row] = 2
      for new in 0..<newCount {
        let cell = row + new + 1
        var best = costs[cell - width - 1] + Int32(try cost(old, new))
        var move: UInt8 = 0
        let inserted = costs[cell - 1] + (new + 1 > oldCount ? 0 : 2)
        if inserted < best { (best, move) = (inserted, 1) }
        let deleted = costs[cell - width] + 2
        if deleted < best { (best, move) = (deleted, 2) }
        costs[cell] = best
        moves[cell] = move
      }
    }
    return trace(moves, oldCount, newCount)
  }

  private static func trace(_ moves: [UInt8], _ oldCount: Int, _ newCount: Int) -> [Step] {
    var steps: [Step] = []
    var (old, new) = (oldCount, newCount)
    while old > 0 || new > 0 {
      switch moves[old * (newCount + 1) + new] {
      case 1:
        steps.append(new > oldCount ? .append(new - 1) : .insert(new - 1))
        new -= 1
      case 2:
        steps.append(.delete(old - 1))
        old -= 1
      default:
        steps.append(.keepOrChange(old - 1, new - 1))
        old -= 1
        new -= 1
      }
    }
    return steps.reversed()
  }

  private static func positional(_ oldCount: Int, _ newCount: Int) -> [Step] {
    var steps = (0..<min(oldCount, newCount)).map { Step.keepOrChange($0, $0) }
    if oldCount > newCount { steps += (newCount..<oldCount).map { .delete($0) } }
    if newCount > oldCount { steps += (oldCount..<newCount).map { .append($0) } }
    return steps
  }
}
