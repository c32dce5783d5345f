import ArgumentParser
import Auditing
import JSON

/// `maslin rules`
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules",
    abstract: "Lists the rules of the audit, or shows the page of one.",
    discussion: """
      A page says what a rule looks for, why, how to fix it, and shows a contract on which it fires and one \
      on which it does not.

      Examples:
        maslin rules
        maslin rules proxy-storage-collision
        maslin rules --json
      """)

  @Argument(help: "The name of a rule.")
  var rule: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print Markdown.")
  var markdown = false

  func validate() throws {
    if json, markdown { throw ValidationError("--json and --markdown contradict each other.") }
  }

  mutating func run() throws {
    try StandardOutput().finish(with: try text())
  }

  private func text() throws -> String {
    let rules = RuleRegistry.rules
    guard let name = rule else {
      let list = RuleList(rules)
      return json ? list.json : markdown ? list.markdown : list.text
    }
    guard let found = rules.first(where: { $0.id.text == name }) else {
      // The selection knows the most similar name.
      _ = try RuleSelection(only: [name], exclude: [], of: rules)
      throw CommandFailure(.usage, "'\(name)' is no single rule; 'maslin rules' lists them")
    }
    let page = RulePage(found)
    guard json else { return markdown ? page.markdown : page.text }
    var writer = JSONWriter()
    page.write(to: &writer)
    return writer.text + "\n"
  }
}
