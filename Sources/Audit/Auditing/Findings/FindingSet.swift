/// Turns the findings of all detectors into the list a report shows.
public enum FindingSet {
  /// Merges findings with one root cause, numbers those that look alike, and orders the rest.
  ///
  /// - Findings of the same rule and group key become one: the most severe, of these the most certain, of these
  ///   the one made for the contract that declares the root cause. It lists every contract of the group.
  /// - Findings whose fingerprints agree are numbered by path and position, so that every id is unique.
  /// - The order is: severity and confidence from high to low, rule, path, position, id.
  ///
  /// The result does not depend on the order of `findings`. O(n log n).
  public static func assemble(_ findings: [Finding]) -> [Finding] {
    assemble(findings, suppressed: []).findings
  }

  /// Does the same for findings of which some are suppressed: they are numbered together, so that suppressing one of
  /// several alike leaves the ids of the others alone.
  public static func assemble(
    _ findings: [Finding], suppressed: [SuppressedFinding]
  ) -> (findings: [Finding], suppressed: [SuppressedFinding]) {
    let open = grouped(findings)
    var seen: Set<GroupKey> = []
    let distinct = suppressed.filter { entry in
      seen.insert(GroupKey(rule: entry.finding.rule, key: entry.finding.groupKey)).inserted
    }
    var together = open + distinct.map(\.finding)
    let order = together.indices.sorted { positionPrecedes(together[$0], together[$1]) }
    number(&together, inOrder: order)
    let entries = zip(together[open.count...], distinct).map { finding, entry in
      SuppressedFinding(finding: finding, reason: entry.reason, directive: entry.directive)
    }
    return (
      together[..<open.count].sorted(by: precedes),
      entries.sorted { precedes($0.finding, $1.finding) }
    )
  }

  private struct GroupKey: Hashable {
    let rule: RuleID
    let key: String
  }

  private static func grouped(_ findings: [Finding]) -> [Finding] {
    var places: [GroupKey: Int] = [:]
    var groups: [[Finding]] = []
    for finding in findings {
      let key = GroupKey(rule: finding.rule, key: finding.groupKey)
      if let place = places[key] {
        groups[place].append(finding)
      } else {
        places[key] = groups.count
        groups.append([finding])
      }
    }
    return groups.map(merged)
  }

  private static func merged(_ group: [Finding]) -> Finding {
    guard group.count > 1 else { return group[0] }
    let ranked = group.sorted { a, b in
      if a.severity != b.severity { return a.severity > b.severity }
      if a.confidence != b.confidence { return a.confidence > b.confidence }
      let aDeclares = a.contract == a.fingerprint.contract
      let bDeclares = b.contract == b.fingerprint.contract
      if aDeclares != bDeclares { return aDeclares }
      return positionPrecedes(a, b)
    }
    var representative = ranked[0]
    representative.affectedContracts = Set(group.flatMap(\.affectedContracts)).sorted()
    return representative
  }

  /// Numbers findings of equal fingerprint in the order of the places given.
  private static func number(_ findings: inout [Finding], inOrder order: [Int]) {
    var counts: [Fingerprint: Int] = [:]
    for index in order {
      let base = findings[index].fingerprint.occurrence(0)
      let number = counts[base, default: 0]
      counts[base] = number + 1
      findings[index].fingerprint = base.occurrence(number)
    }
  }

  private static func precedes(_ a: Finding, _ b: Finding) -> Bool {
    if a.severity != b.severity { return a.severity > b.severity }
    if a.confidence != b.confidence { return a.confidence > b.confidence }
    if a.rule != b.rule { return a.rule < b.rule }
    return positionPrecedes(a, b)
  }

  private static func positionPrecedes(_ a: Finding, _ b: Finding) -> Bool {
    if a.location.path != b.location.path { return a.location.path < b.location.path }
    if a.location.range != b.location.range { return a.location.range < b.location.range }
    if a.contract != b.contract { return (a.contract ?? "") < (b.contract ?? "") }
    if a.title != b.title { return a.title < b.title }
    if a.message != b.message { return a.message < b.message }
    return a.id < b.id
  }
}
