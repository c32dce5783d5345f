import SoliditySyntax
import Solidity

extension EntryPoint {
  /// The conditions that hold whenever the place is reached, outermost first: enclosing branches and earlier checks
  /// of its own function and of those that call it, and what functions called before must have checked.
  public func guards(of place: Place) -> [Guard] {
    var result: [Guard] = []
    for site in callPath(to: place) + [place] {
      let graph = self[site.frame].graph
      result += guards(
        in: site.frame, block: graph[site.value].block, position: graph.position(site.value))
    }
    return result
  }

  /// The conditions that hold when a frame has returned normally.
  func returnGuards(of frame: FrameID) -> [Guard] {
    if let known = returnGuards[Int(frame.index)] { return known }
    returnGuards[Int(frame.index)] = []
    let graph = self[frame].graph
    let result = graph.exit.map { guards(in: frame, block: $0, position: .max) } ?? []
    returnGuards[Int(frame.index)] = result
    return result
  }

  private func guards(in frame: FrameID, block: BlockID, position: Int) -> [Guard] {
    let graph = self[frame].graph
    let calls = self[frame].calls
    var result: [Guard] = []
    var nextCall = 0
    func addCalls(upTo limit: (BlockID) -> Bool) {
      while nextCall < calls.count {
        let call = calls[nextCall]
        let callBlock = graph[call.site].block
        guard limit(callBlock) else { return }
        nextCall += 1
        let isBefore =
          callBlock == block
          ? graph.position(call.site) < position : graph.dominates(callBlock, block)
        if isBefore { result += returnGuards(of: call.frame) }
      }
    }
    // Blocks are in reverse post-order, so that dominators come in the order of their numbers.
    for local in graph.guards(of: block) {
      addCalls { $0 <= local.block }
      let condition = Place(frame: frame, value: local.condition)
      result.append(
        Guard(
          condition: condition, polarity: local.polarity,
          predicate: predicate(condition, local.polarity), origin: self[condition].origin))
    }
    addCalls { _ in true }
    return result
  }

  /// Whether some guard limits the caller to accounts someone other than the caller chose. True in deployment.
  public func isRestricted(_ place: Place) -> Bool {
    kind == .deployment || guards(of: place).contains { $0.predicate.restrictsCaller }
  }

  /// The reentrancy lock held at a place: a field checked against a value, then set before the place so that the
  /// check would fail. Flags that let something happen only once count too.
  public func lock(at place: Place) -> StorageField? {
    for held in guards(of: place) {
      for part in held.predicate.parts {
        guard let check = flagCheck(part) else { continue }
        for write in storageWrites
        where write.location.field == check.location.field
          && alwaysPrecedes(write.place, place) && canFollow(write.place, after: held.condition)
        {
          guard let value = write.value.flatMap({ constant($0) }) else { continue }
          if value.isSame(as: check.value) != check.isEqual { return check.location.field }
        }
      }
    }
    return nil
  }

  /// A predicate as "this storage equals (or differs from) this constant".
  private func flagCheck(_ predicate: Predicate) -> (
    location: StorageLocation, value: ConstantValue, isEqual: Bool
  )? {
    switch predicate {
    case .flag(let location, let value): return (location, .bool(value), true)
    case .comparison(let op, let left, let right):
      guard op == .equal || op == .notEqual else { return nil }
      for (side, other) in [(left, right), (right, left)] {
        let source = origin(of: side)
        if case .read(let path) = self[source].operation, let value = constant(other) {
          return (location(of: path, in: source.frame), value, op == .equal)
        }
      }
      return nil
    default: return nil
    }
  }
}
