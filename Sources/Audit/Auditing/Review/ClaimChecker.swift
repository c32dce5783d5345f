/// What facts answer to a statement.
public enum FactAnswer: Hashable, Sendable {
  /// It holds, and these are the lines that show it (empty when the statement has no place).
  case holds([LineSpan])
  /// It does not hold.
  case fails(String)
  /// The facts neither show nor exclude it.
  case undecided
  /// It speaks of something that does not exist.
  case unknownSubject(String)
}

/// What a `ClaimChecker` asks of the facts of a program.
public protocol ClaimFacts {
  /// Whether a fact of this id was given to the reviewer.
  func hasFact(_ id: String) -> Bool
  /// How many lines a file has; nil if it does not belong to the program.
  func lineCount(of path: String) -> Int?
  /// Whether a call of the function can write the variable.
  func writes(_ function: CallableName, _ variable: StateName) -> FactAnswer
  /// Whether the function reads the variable on a way that then passes the lines.
  func reads(_ function: CallableName, _ variable: StateName, before span: LineSpan) -> FactAnswer
  /// Whether a call of `entry` from outside can run the function.
  func isReachable(_ function: CallableName, from entry: CallableName) -> FactAnswer
  /// Whether anyone may call the function to its end.
  func isUnguarded(_ function: CallableName) -> FactAnswer
  /// Whether the variables share a byte of storage when both contracts run in one account.
  func overlap(_ a: StateName, _ b: StateName) -> FactAnswer
  /// Whether a value of the first lines reaches the second within a call of the function.
  func valueFlows(in function: CallableName, from: LineSpan, to: LineSpan) -> FactAnswer
  /// Whether a call of the function can write the variable after it called another account.
  func makesExternalCall(_ function: CallableName, beforeWriting variable: StateName) -> FactAnswer
  /// Whether two different functions have the same selector.
  func haveSameSelector(_ a: CallableName, _ b: CallableName) -> FactAnswer
}

/// What became of a claim.
public enum ClaimVerdict: Hashable, Sendable {
  /// The facts show it.
  case confirmed
  /// The facts do not exclude it.
  case consistent
  /// The facts exclude it, or it cites something that does not exist; with the reason.
  case refuted(String)
}

/// Decides the claims of a reviewer against the facts of a program.
public struct ClaimChecker<Source: ClaimFacts> {
  private let facts: Source

  /// Makes a checker.
  public init(facts: Source) { self.facts = facts }

  /// Decides one claim.
  ///
  /// It is refuted when it cites a fact that was not given or lines that do not exist, when it speaks of functions
  /// or variables that do not exist, when the facts exclude it, and when it holds but none of the lines it cites
  /// shows it. It is confirmed when the facts show it and it cites something; otherwise it is consistent.
  public func verdict(on claim: ReviewClaim) -> ClaimVerdict {
    for id in claim.facts where !facts.hasFact(id) {
      return .refuted("it cites fact \(id), which does not exist")
    }
    for span in claim.spans + spans(of: claim.statement) {
      guard let count = facts.lineCount(of: span.path) else {
        return .refuted("it cites \(span.path), which is not part of the program")
      }
      guard span.first >= 1, span.first <= span.last, span.last <= count else {
        return .refuted("it cites \(span), but the file has \(Plural.of(count, "line"))")
      }
    }
    switch answer(to: claim.statement) {
    case .holds(let places):
      if !claim.spans.isEmpty, !places.isEmpty,
        !claim.spans.contains(where: { span in places.contains { $0.overlaps(span) } })
      {
        return .refuted("it holds at \(places[0]), not at the lines cited")
      }
      return claim.facts.isEmpty && claim.spans.isEmpty ? .consistent : .confirmed
    case .fails(let reason): return .refuted(reason)
    case .undecided: return .consistent
    case .unknownSubject(let what): return .refuted("there is no \(what)")
    }
  }

  private func spans(of statement: ClaimStatement) -> [LineSpan] {
    switch statement {
    case .readsBefore(_, _, let span): [span]
    case .valueFlows(_, let from, let to): [from, to]
    case .writes, .reachableFrom, .unguarded, .overlaps, .externalCallBeforeWrite, .sameSelector:
      []
    }
  }

  private func answer(to statement: ClaimStatement) -> FactAnswer {
    switch statement {
    case .writes(let function, let variable): facts.writes(function, variable)
    case .readsBefore(let function, let variable, let span):
      facts.reads(function, variable, before: span)
    case .reachableFrom(let function, let entry): facts.isReachable(function, from: entry)
    case .unguarded(let function): facts.isUnguarded(function)
    case .overlaps(let a, let b): facts.overlap(a, b)
    case .valueFlows(let function, let from, let to):
      facts.valueFlows(in: function, from: from, to: to)
    case .externalCallBeforeWrite(let function, let variable):
      facts.makesExternalCall(function, beforeWriting: variable)
    case .sameSelector(let a, let b): facts.haveSameSelector(a, b)
    }
  }
}
