import JSON

/// Rules as SARIF describes them.
enum SARIFRule {
  static func write(_ rule: Rule, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", rule.id.text)
      writer.member("name", name(rule.id))
      writer.member("shortDescription") { $0.object { $0.member("text", rule.title) } }
      writer.member("fullDescription") { $0.object { $0.member("text", rule.summary) } }
      writer.member("help") {
        $0.object {
          $0.member("text", RulePage(rule).text)
          $0.member("markdown", RulePage(rule).markdown)
        }
      }
      writer.member("defaultConfiguration") {
        $0.object { $0.member("level", level(rule.severity)) }
      }
      writer.member("properties") {
        $0.object { writer in
          writer.member("tags", tags(rule))
          writer.member("precision", precision(rule.confidence))
          writer.member("problem.severity", problemSeverity(rule.severity))
          if let score = securitySeverity(rule.severity) {
            writer.member("security-severity", score)
          }
        }
      }
    }
  }

  static func level(_ severity: Severity) -> String {
    switch severity {
    case .high: "error"
    case .medium: "warning"
    case .low, .informational: "note"
    }
  }

  /// GitHub shows 7.0 to 8.9 as high, 4.0 to 6.9 as medium, 0.1 to 3.9 as low.
  private static func securitySeverity(_ severity: Severity) -> String? {
    switch severity {
    case .high: "8.0"
    case .medium: "5.5"
    case .low: "3.0"
    case .informational: nil
    }
  }

  private static func problemSeverity(_ severity: Severity) -> String {
    switch severity {
    case .high: "error"
    case .medium: "warning"
    case .low, .informational: "recommendation"
    }
  }

  private static func precision(_ confidence: Confidence) -> String {
    switch confidence {
    case .high: "high"
    case .medium: "medium"
    case .low: "low"
    }
  }

  private static func tags(_ rule: Rule) -> [String] {
    let security = rule.severity == .informational ? [] : ["security"]
    let references = rule.references.map { reference in
      if case .cwe(let number) = reference {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 3 - digits.count))
        return "external/cwe/cwe-\(zeros)\(digits)"
      }
      return reference.description
    }
    return Array((security + [rule.category.rawValue, "solidity"] + references).prefix(10))
  }

  /// `tx-origin` as `TxOrigin`.
  private static func name(_ id: RuleID) -> String {
    id.text.split(separator: "-").map { String($0).capitalizedFirst }.joined()
  }
}
