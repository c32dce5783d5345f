import ModelServing
import TerminalText

/// Tools that a conversation offers to the model.
protocol ToolSource: Sendable {
  /// The tools.
  var tools: [Tool] { get }
  /// Runs one; what goes wrong is part of the answer, for the model to read.
  func call(_ call: Call) async -> ToolOutcome
}

/// What came of a call.
struct ToolOutcome: Hashable, Sendable {
  /// For the model.
  var text: String
  /// Whether the call failed.
  var isError: Bool
}

/// Lets the user decide about every call a model wants to make.
final class ToolConsent {
  /// What is done without asking.
  enum Policy: Hashable, Sendable {
    /// Every call is asked about; without a terminal none runs.
    case ask
    /// Every call runs.
    case allowAll
  }

  private let policy: Policy
  private var always: Set<String> = []

  init(policy: Policy) { self.policy = policy }

  /// Whether a call may run. Asks on the terminal where that is needed.
  func allows(_ call: Call) -> Bool {
    if policy == .allowAll || always.contains(call.name) { return true }
    guard LineEditor.isInteractive else {
      StandardError.write(
        "maslin: the call of \(SafeText.line(call.name)) was not run: nobody can be asked here; "
          + "--allow-tools runs calls without asking\n")
      return false
    }
    let editor = LineEditor()
    while true {
      StandardError.write(
        "Run \(SafeText.line(call.name))? [y]es, [n]o, [a]lways in this conversation\n")
      guard case .line(let answer) = editor.read(prompt: "? ") else { return false }
      switch answer.trimmingCharacters(in: .whitespaces).lowercased() {
      case "y", "yes": return true
      case "n", "no": return false
      case "a", "always":
        always.insert(call.name)
        return true
      default: continue
      }
    }
  }
}
