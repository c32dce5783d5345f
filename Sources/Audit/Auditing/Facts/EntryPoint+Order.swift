import SoliditySyntax
import Solidity

extension EntryPoint {
  /// The frames from the entry's own to `frame`.
  private func ancestry(_ frame: FrameID) -> [FrameID] {
    var result = [frame]
    var current = self[frame]
    while let parent = current.parent {
      result.append(parent)
      current = self[parent]
    }
    return result.reversed()
  }

  /// Two places seen from the nearest activation that contains both: the instructions there that are or contain
  /// them, and the activations below it on each side.
  private struct Meeting {
    let frame: FrameID
    let first: ValueID
    let second: ValueID
    let firstBelow: ArraySlice<FrameID>
    let secondBelow: ArraySlice<FrameID>
  }

  private func meeting(_ first: Place, _ second: Place) -> Meeting {
    let a = ancestry(first.frame)
    let b = ancestry(second.frame)
    var common = 0
    while common + 1 < min(a.count, b.count), a[common + 1] == b[common + 1] { common += 1 }
    let firstBelow = a[(common + 1)...]
    let secondBelow = b[(common + 1)...]
    return Meeting(
      frame: a[common],
      first: firstBelow.first.flatMap { self[$0].callSite } ?? first.value,
      second: secondBelow.first.flatMap { self[$0].callSite } ?? second.value,
      firstBelow: firstBelow, secondBelow: secondBelow)
  }

  /// The instruction in `frame` that is or contains `place`, when `below` are the activations from there on down.
  private func steps(_ below: ArraySlice<FrameID>, to place: Place) -> [(FrameID, ValueID)] {
    below.indices.map { index in
      let inner = index + 1 < below.endIndex ? self[below[index + 1]].callSite : nil
      return (below[index], inner ?? place.value)
    }
  }

  /// Whether `later` can run after `earlier` in one activation of the entry (loops included).
  public func canFollow(_ later: Place, after earlier: Place) -> Bool {
    let meeting = meeting(earlier, later)
    for (frame, value) in steps(meeting.firstBelow, to: earlier) {
      let graph = self[frame].graph
      guard let exit = graph.exit else { return false }
      let block = graph[value].block
      guard block == exit || graph.canReach(block, exit) else { return false }
    }
    let graph = self[meeting.frame].graph
    if meeting.first == meeting.second {
      // One contains the other, or the same instruction comes round again.
      if meeting.firstBelow.isEmpty != meeting.secondBelow.isEmpty { return true }
      return graph.isInLoop(meeting.first)
    }
    return graph.canFollow(meeting.second, after: meeting.first)
  }

  /// Whether `earlier` has always run when `later` runs.
  public func alwaysPrecedes(_ earlier: Place, _ later: Place) -> Bool {
    let meeting = meeting(earlier, later)
    guard meeting.first != meeting.second,
      self[meeting.frame].graph.dominates(meeting.first, meeting.second)
    else { return false }
    return steps(meeting.firstBelow, to: earlier).allSatisfy { frame, value in
      let graph = self[frame].graph
      guard let exit = graph.exit else { return false }
      return graph.dominates(graph[value].block, exit)
    }
  }

  /// Whether a normal end after `place` always passes `later`.
  public func alwaysFollowed(_ place: Place, by later: Place) -> Bool {
    let meeting = meeting(place, later)
    guard meeting.first != meeting.second else { return false }
    let graph = self[meeting.frame].graph
    let block = graph[meeting.first].block
    let laterBlock = graph[meeting.second].block
    let isAfter =
      block == laterBlock
      ? graph.position(meeting.first) < graph.position(meeting.second)
      : graph.postDominates(laterBlock, block)
    guard isAfter else { return false }
    return steps(meeting.secondBelow, to: later).allSatisfy { frame, value in
      let graph = self[frame].graph
      return graph.postDominates(graph[value].block, BlockID(0))
    }
  }

  /// Whether the place can run more than once in one activation: in a loop here or in a caller.
  public func isInLoop(_ place: Place) -> Bool {
    if self[place.frame].graph.isInLoop(place.value) { return true }
    return callPath(to: place).contains { self[$0.frame].graph.isInLoop($0.value) }
  }
}
