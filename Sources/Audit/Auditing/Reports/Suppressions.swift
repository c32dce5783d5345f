import SoliditySyntax

/// The suppression directives of a set of files, ready to be applied.
struct Suppressions {
  /// What remains of findings when directives were applied.
  struct Outcome {
    /// Findings no directive covers, and findings about directives.
    var findings: [Finding] = []
    /// Findings some directive covers.
    var suppressed: [SuppressedFinding] = []
  }

  private struct UnitDirectives {
    let unit: SourceUnit
    let directives: [SuppressionDirective]
    let problems: [DirectiveProblem]
  }

  private let units: [UnitDirectives]
  private let selection: RuleSelection
  private let notUnderstood: Set<String>

  /// Scans files.
  ///
  /// - Parameters:
  ///   - rules: every rule there is: directives may name those that were not asked for.
  ///   - selection: the rules that ran.
  ///   - notUnderstood: the paths of files in which findings may be missing; no directive there is called unused.
  init(
    units: [SourceUnit], rules: [Rule], selection: RuleSelection, notUnderstood: Set<String>
  ) {
    self.notUnderstood = notUnderstood
    let names = rules.map(\.id.text)
    self.selection = selection
    self.units = units.compactMap { unit in
      let scanner = SuppressionScanner(unit: unit, knownRules: names)
      guard !scanner.directives.isEmpty || !scanner.problems.isEmpty else { return nil }
      return UnitDirectives(
        unit: unit, directives: scanner.directives, problems: scanner.problems)
    }
  }

  /// Sorts findings into those that stay and those a directive covers, and adds findings about directives
  /// that have no effect.
  func apply(to findings: [Finding]) -> Outcome {
    var outcome = Outcome()
    let places = Dictionary(
      units.enumerated().map { ($0.element.unit.source.path, $0.offset) },
      uniquingKeysWith: { first, _ in first })
    var used = units.map { Array(repeating: Set<RuleID>(), count: $0.directives.count) }
    for finding in findings {
      guard let place = places[finding.location.path] else {
        outcome.findings.append(finding)
        continue
      }
      let entry = units[place]
      let covering = entry.directives.indices.filter { index in
        entry.directives[index].rules.contains(finding.rule)
          && entry.directives[index].covers(finding.location)
      }
      for index in covering { used[place][index].insert(finding.rule) }
      guard let first = covering.first else {
        outcome.findings.append(finding)
        continue
      }
      let directive = entry.directives[first]
      outcome.suppressed.append(
        SuppressedFinding(
          finding: finding, reason: directive.reason,
          directive: FindingLocation(directive.range, in: entry.unit.source)))
    }
    for (entry, usedRules) in zip(units, used) {
      outcome.findings += findingsAbout(entry, used: usedRules)
    }
    return outcome
  }

  private func findingsAbout(_ entry: UnitDirectives, used: [Set<RuleID>]) -> [Finding] {
    var result: [Finding] = []
    for kind in SuppressionRules.Kind.allCases {
      let rule = SuppressionRules.rule(kind)
      guard selection.contains(rule.id) else { continue }
      for problem in entry.problems where problem.rule == rule.id {
        result.append(finding(rule, problem.range, problem.message, entry.unit))
      }
    }
    let unused = SuppressionRules.rule(.unused)
    guard selection.contains(unused.id), !notUnderstood.contains(entry.unit.source.path) else {
      return result
    }
    for (directive, usedRules) in zip(entry.directives, used) {
      for rule in directive.rules where selection.contains(rule) && !usedRules.contains(rule) {
        let message = "`\(rule)` has no finding where this directive applies."
        result.append(finding(unused, directive.range, message, entry.unit, rule.text))
      }
    }
    return result
  }

  private func finding(
    _ rule: Rule, _ range: SourceRange, _ message: String, _ unit: SourceUnit,
    _ discriminator: String = ""
  ) -> Finding {
    let enclosure = SourceEnclosure(of: range, in: unit)
    // A directive is a comment and has no tokens of its own; its text tells it apart.
    let text = FingerprintDigest.text(of: [unit.source.text(range), discriminator])
    return Finding(
      fingerprint: Fingerprint(rule: rule.id, range: range, in: unit, discriminator: text),
      severity: rule.severity, confidence: rule.confidence, title: rule.title, message: message,
      contract: enclosure.contract?.name, function: enclosure.function,
      primary: FindingLocation(range, in: unit.source),
      groupKey: "\(unit.source.path):\(range.start)-\(range.end):\(discriminator):\(message)")
  }
}
