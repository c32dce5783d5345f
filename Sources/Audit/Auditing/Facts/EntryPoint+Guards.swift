import SoliditySyntax
import Solidity

extension EntryPoint {
  /// The conditions that hold whenever the place is reached, outermost first: enclosing branches and earlier checks
  /// of its own function and of those that call it, and what functions called before must have checked.
  public func guards(of place: Place) -> [Guard] {
    if let known = guardsByPlace[place] { return known }
    var result: [Guard] = []
    for site in callPath(to: place) + [place] {
      let graph = self[site.frame].graph
      result += guards(
        in: site.frame, block: graph[site.value].block, position: graph.position(site.value))
    }
    result = Self.bounded(result, to: Self.maximumGuards)
    guardsByPlace[place] = result
    return result
  }

  /// The conditions that hold when a frame has returned normally.
  func returnGuards(of frame: FrameID) -> [Guard] {
    if let known = returnGuards[Int(frame.index)] { return known }
    returnGuards[Int(frame.index)] = []
    let graph = self[frame].graph
    let result = graph.exit.map { guards(in: frame, block: $0, position: .max) } ?? []
    let kept = Self.bounded(result, to: Self.maximumReturnGuards)
    returnGuards[Int(frame.index)] = kept
    return kept
  }

  private static let maximumGuards = 256
  private static let maximumReturnGuards = 48
  private static let maximumLockChecks = 512

  /// At most `limit` guards; those that limit the caller stay.
  private static func bounded(_ guards: [Guard], to limit: Int) -> [Guard] {
    guard guards.count > limit else { return guards }
    var left = limit
    let limiting = guards.filter { $0.predicate.restrictsCaller }.prefix(limit)
    left -= limiting.count
    var limitingLeft = limiting.count
    return guards.filter { held in
      if held.predicate.restrictsCaller {
        limitingLeft -= 1
        return limitingLeft >= 0
      }
      left -= 1
      return left >= 0
    }
  }

  /// The conditions that hold in a frame at a position of a block; with `upper` only those decided at or below that
  /// block's end.
  private func guards(
    in frame: FrameID, block: BlockID, position: Int, below upper: BlockID? = nil
  ) -> [Guard] {
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
        if let upper, callBlock == upper || !graph.dominates(upper, callBlock) { continue }
        let isBefore =
          callBlock == block
          ? graph.position(call.site) < position : graph.dominates(callBlock, block)
        if isBefore { result += returnGuards(of: call.frame) }
      }
    }
    // Blocks are in reverse post-order, so that dominators come in the order of their numbers.
    for dominator in graph.dominators(of: block) {
      if let upper, !graph.dominates(upper, dominator) { continue }
      addCalls { $0 < dominator }
      if dominator != upper {
        result += guardsOfEntering(dominator, for: block, in: frame)
      }
      addCalls { $0 <= dominator }
      guard let local = graph.decision(at: dominator, for: block) else { continue }
      let condition = Place(frame: frame, value: local.condition)
      if constant(condition) != nil { continue }
      result.append(
        Guard(
          condition: condition, polarity: local.polarity,
          predicate: predicate(condition, local.polarity), origin: self[condition].origin))
    }
    addCalls { _ in true }
    result += checksLeftOpen(in: frame, block: block, position: position, below: upper)
    return result
  }

  /// Hooks without body and result called before: who implements them may refuse the call. They count as asking an
  /// authority, since an abstract contract can check in no other way.
  private func checksLeftOpen(
    in frame: FrameID, block: BlockID, position: Int, below upper: BlockID?
  ) -> [Guard] {
    let graph = self[frame].graph
    return self[frame].unimplementedCalls.compactMap { site in
      let siteBlock = graph[site].block
      if let upper, siteBlock == upper || !graph.dominates(upper, siteBlock) { return nil }
      let isBefore =
        siteBlock == block
        ? graph.position(site) < position : graph.dominates(siteBlock, block)
      guard isBefore, case .internalCall(let call) = graph[site].operation, call.resultCount == 0
      else { return nil }
      let place = Place(frame: frame, value: site)
      return Guard(
        condition: place, polarity: true,
        predicate: .caller(CallerCheck(kind: .authority(place), condition: place)),
        origin: graph[site].origin)
    }
  }

  /// What entering a block says beyond single branches: when several ways lead there and each limits the caller, one
  /// of the limits holds; when a loop has ended, what each of its rounds checked about callers or signers.
  private func guardsOfEntering(
    _ block: BlockID, for inner: BlockID, in frame: FrameID
  ) -> [Guard] {
    let key = FrameBlock(frame: frame, block: block)
    let graph = self[frame].graph
    let predecessors = graph[block].predecessors
    guard predecessors.count >= 2, predecessors.count <= 8 else { return [] }
    let isHeader = predecessors.contains { graph.dominates(block, $0) }
    if isHeader, graph.loops.contains(where: { $0.header == block && $0.blocks.contains(inner) }) {
      return []
    }
    if let known = joinGuards[key] { return known.map { [$0] } ?? [] }
    joinGuards[key] = .some(nil)
    let found = isHeader ? checkedEachRound(block, in: frame) : unite(block, in: frame)
    joinGuards[key] = .some(found)
    return found.map { [$0] } ?? []
  }

  private func unite(_ block: BlockID, in frame: FrameID) -> Guard? {
    let graph = self[frame].graph
    let upper = graph.immediateDominator(of: block)
    guard case .branch(let deciding, _, _) = graph[upper].terminator else { return nil }
    var ways: [Predicate] = []
    for predecessor in graph[block].predecessors {
      var parts = guards(in: frame, block: predecessor, position: .max, below: upper)
        .map(\.predicate)
      if case .branch(let condition, let then, let otherwise) = graph[predecessor].terminator,
        then != otherwise
      {
        let place = Place(frame: frame, value: condition)
        if let value = constant(place) {
          // A way that is never taken.
          if value.isZero == (then == block) { continue }
        } else {
          parts.append(predicate(place, then == block))
        }
      }
      let way = Predicate.all(parts)
      guard way.restrictsCaller else { return nil }
      ways.append(way)
    }
    guard !ways.isEmpty else { return nil }
    let condition = Place(frame: frame, value: deciding)
    return Guard(
      condition: condition, polarity: true, predicate: ways.count == 1 ? ways[0] : .any(ways),
      origin: self[condition].origin)
  }

  /// A loop that checks something about callers or signers in each round has checked it for all when it ends.
  private func checkedEachRound(_ header: BlockID, in frame: FrameID) -> Guard? {
    let graph = self[frame].graph
    for latch in graph[header].predecessors where graph.dominates(header, latch) {
      for held in guards(in: frame, block: latch, position: .max, below: header)
      where held.predicate.restrictsCaller || held.predicate.hasSignature {
        return held
      }
    }
    return nil
  }

  /// Whether some guard limits the caller to accounts someone other than the caller chose. True in deployment.
  public func isRestricted(_ place: Place) -> Bool {
    kind == .deployment || guards(of: place).contains { $0.predicate.restrictsCaller }
  }

  /// The reentrancy lock held at a place: a field checked against a value, then set before the place so that the
  /// check would fail. Flags that let something happen only once count too.
  public func lock(at place: Place) -> StorageField? {
    if let known = locksByPlace[place] { return known }
    let found = findLock(at: place)
    locksByPlace[place] = .some(found)
    return found
  }

  private func findLock(at place: Place) -> StorageField? {
    var checks = 0
    for held in guards(of: place) {
      for part in held.predicate.parts {
        guard checks < Self.maximumLockChecks, let check = flagCheck(part) else { continue }
        for write in writesByField[check.location.field] ?? []
        where checks < Self.maximumLockChecks && haveSameIndexes(write.location, check.location) {
          checks += 1
          guard alwaysPrecedes(write.place, place),
            canFollow(write.place, after: held.condition),
            let value = write.value.flatMap({ constant($0) })
          else { continue }
          if check.holds(for: value) == false { return check.location.field }
        }
      }
    }
    return nil
  }

  /// Whether two locations of one field are certainly the same: every index is the same value or constant.
  private func haveSameIndexes(_ a: StorageLocation, _ b: StorageLocation) -> Bool {
    zip(a.steps, b.steps).allSatisfy { left, right in
      guard case .index(let x) = left, case .index(let y) = right else { return true }
      if origin(of: x) == origin(of: y) || isSender(x) && isSender(y) { return true }
      guard let first = constant(x), let second = constant(y) else { return false }
      return first.isSame(as: second)
    }
  }

  /// "This storage compares so with this constant."
  private struct FlagCheck {
    let location: StorageLocation
    let op: BinaryOperator
    let value: ConstantValue

    /// Whether the storage would pass if it held `stored`.
    func holds(for stored: ConstantValue) -> Bool? {
      switch op {
      case .equal: return stored.isSame(as: value)
      case .notEqual: return !stored.isSame(as: value)
      default: break
      }
      guard let left = stored.word, let right = value.word else { return nil }
      switch op {
      case .less: return left < right
      case .lessOrEqual: return left <= right
      case .greater: return left > right
      case .greaterOrEqual: return left >= right
      default: return nil
      }
    }
  }

  private func flagCheck(_ predicate: Predicate) -> FlagCheck? {
    switch predicate {
    case .flag(let location, let value):
      return FlagCheck(location: location, op: .equal, value: .bool(value))
    case .comparison(let op, let left, let right):
      for (side, other, op) in [(left, right, op), (right, left, op.mirrored)] {
        let source = origin(of: side)
        if case .read(let path) = self[source].operation, let value = constant(other) {
          return FlagCheck(location: location(of: path, in: source.frame), op: op, value: value)
        }
      }
      return nil
    default: return nil
    }
  }
}
