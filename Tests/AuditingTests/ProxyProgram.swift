import Auditing
import Solidity
import SoliditySyntax

/// Runs the detectors of proxies over one file of source.
enum ProxyProgram {
  /// A program of one file.
  static func program(_ text: String, path: String = "Test.sol") -> Program {
    let unit = Parser.parse(SourceFile(path: path, text: text), unit: 0)
    return Program.resolve(units: [unit], imports: ImportTable())
  }

  /// What keeps the text from being a valid test input: what the parser or the resolver objects to.
  static func objections(_ text: String) -> [String] {
    let program = program(text)
    return program.units.flatMap { $0.diagnostics.map(\.message) }
      + program.diagnostics.map(\.message)
  }

  /// The findings of the detectors that own rules on proxies.
  static func findings(_ text: String) -> [Finding] {
    let context = AuditContext(program: program(text))
    return detectors.flatMap { $0.findings(in: context) }
  }

  /// The names of the rules that fire, sorted, each once.
  static func rules(_ text: String, atLeast severity: Severity = .informational) -> [String] {
    Set(findings(text).filter { $0.severity >= severity }.map(\.rule.text)).sorted()
  }

  /// The detectors tested here.
  static let detectors = RuleRegistry.detectors.filter { detector in
    detector.rules.contains { $0.id == "proxy-storage-collision" }
  }

  /// Their rules.
  static let allRules = detectors.flatMap(\.rules).sorted { $0.id < $1.id }
}
