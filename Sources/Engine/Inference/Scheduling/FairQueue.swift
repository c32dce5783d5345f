/// What waits in a `FairQueue`.
protocol QueueMember: AnyObject {
  /// Its order of arrival.
  var number: Int { get }
  /// Whose turn it takes.
  var client: String { get }
  /// Who waits for it.
  var priority: SequenceRequest.Priority { get }
  /// When it began to wait, in seconds.
  var arrival: Double { get }
  /// Whether it had its turn already and lost it through no fault of its own.
  var hadTurn: Bool { get }
}

/// Requests that wait. Clients take turns, and within a client the first to come is the first to go; interactive ones go
/// before background ones, except that every fourth turn goes to a background request that has waited too long, if there
/// is one. Who had a turn and lost it goes first among its priority.
struct FairQueue<Member: QueueMember> {
  private(set) var members: [Member] = []
  private let agingTime: Double
  private var turn = 0
  /// The last turn of each client of late.
  private var lastTurns: [String: Int] = [:]

  /// Clients whose last turn is remembered; older ones count as new.
  private static var remembered: Int { 512 }
  private static var agedTurnInterval: Int { 4 }

  init(agingTime: Double) { self.agingTime = agingTime }

  mutating func append(_ member: Member) { members.append(member) }

  /// Removes one member without a turn.
  mutating func remove(_ member: Member) { members.removeAll { $0 === member } }

  /// Whose turn it is, at `time`.
  ///
  /// - Parameter isEligible: those for whom this is false are passed over.
  func next(at time: Double, where isEligible: (Member) -> Bool) -> Member? {
    let eligible = members.filter(isEligible)
    if turn % Self.agedTurnInterval == Self.agedTurnInterval - 1 {
      let aged = eligible.filter {
        $0.priority == .background && time - $0.arrival >= agingTime
      }
      if let first = aged.min(by: goesBefore) { return first }
    }
    return eligible.min { left, right in
      left.priority == right.priority
        ? goesBefore(left, right) : left.priority > right.priority
    }
  }

  private func goesBefore(_ left: Member, _ right: Member) -> Bool {
    if left.hadTurn != right.hadTurn { return left.hadTurn }
    let leftTurn = left.hadTurn ? -1 : lastTurns[left.client] ?? -1
    let rightTurn = right.hadTurn ? -1 : lastTurns[right.client] ?? -1
    return (leftTurn, left.number) < (rightTurn, right.number)
  }

  /// Removes a member because it takes its turn.
  mutating func take(_ member: Member) {
    remove(member)
    guard !member.hadTurn else { return }
    lastTurns[member.client] = turn
    turn += 1
    if lastTurns.count > Self.remembered {
      lastTurns = lastTurns.filter { turn - $0.value <= Self.remembered / 2 }
    }
  }
}
