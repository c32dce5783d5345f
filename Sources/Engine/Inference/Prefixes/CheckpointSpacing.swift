import Models

/// Which of the states kept along one conversation are worth their memory.
///
/// The newest ends stay, and before them states at gaps that grow with the distance from the newest: a conversation of n
/// tokens keeps O(log n) of them. Wherever a prompt departs from it, the state to continue from lies at most twice as far
/// back from the newest one as that point, or `closeGap` before it.
package enum CheckpointSpacing {
  /// How many of the newest ends always stay.
  package static let newestEnds = 4
  /// The largest gap that two neighbours may always have, in tokens.
  package static let closeGap = 2 * tokensPerPage
  /// The distance of checkpoints within a long prompt, in tokens; thinned out as the prompt goes on.
  static let interval = 8 * tokensPerPage

  /// One state of a conversation.
  package struct Point: Hashable {
    /// Its number of tokens.
    package var count: Int
    /// Whether a prompt or an answer ends there.
    package var isEnd: Bool
    /// Whether it must stay whatever its distance: where conversations part.
    package var isFixed: Bool

    package init(count: Int, isEnd: Bool, isFixed: Bool) {
      self.count = count
      self.isEnd = isEnd
      self.isFixed = isFixed
    }
  }

  /// The counts of those points, all below `newest`, that are not worth keeping.
  ///
  /// - Parameter points: in descending order of their counts.
  package static func superfluous(_ points: [Point], newest: Int) -> [Int] {
    var dropped: [Int] = []
    var ends = 0
    var newer = newest
    for (index, point) in points.enumerated() {
      if point.isEnd { ends += 1 }
      let stays = point.isFixed || point.isEnd && ends <= newestEnds
      let older = index + 1 < points.count ? points[index + 1].count : 0
      if !stays, newer - older <= max(closeGap, (newest - older) / 2) {
        dropped.append(point.count)
      } else {
        newer = point.count
      }
    }
    return dropped
  }

  /// Where to keep checkpoints while tokens `start` to `end` are taken in, and at `departure` if it lies between them.
  static func planned(from start: Int, to end: Int, departure: Int) -> [Int] {
    var counts: [Int] = []
    if start < departure, departure < end { counts.append(departure) }
    var next = (start / interval + 1) * interval
    while next < end {
      if abs(next - departure) >= tokensPerPage { counts.append(next) }
      next += interval
    }
    return counts.sorted()
  }
}
