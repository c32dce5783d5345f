import Auditing
import Foundation
import Solidity
import SoliditySyntax

/// A small program with findings of rules made up for these tests.
enum ReportSample {
  /// Parses and resolves files without imports.
  static func program(_ files: [(path: String, text: String)]) -> Program {
    let units = files.enumerated().map { index, file in
      Parser.parse(SourceFile(path: file.path, text: file.text), unit: Int32(index))
    }
    return Program.resolve(units: units, imports: ImportTable())
  }

  /// The fixture program.
  static func program() throws -> Program {
    program(
      try ["Broken", "Proxy", "Vault"].map { name in
        ("src/\(name).sol", try fixture("src/\(name).sol"))
      })
  }

  /// The text of a file below `Fixtures/reports`.
  static func fixture(_ path: String) throws -> String {
    guard let base = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
    return try String(
      contentsOf: base.appending(path: "Fixtures/reports/\(path)"), encoding: .utf8)
  }

  /// The place of the first occurrence of `text` in a file of the program.
  static func place(_ text: String, in path: String, of program: Program) -> SourcePlace {
    let unit = program.units.first { $0.source.path == path }!
    let bytes = unit.source.bytes
    let needle = Array(text.utf8)
    let start = (0...(bytes.count - needle.count)).first { bytes[$0...].starts(with: needle) }!
    return SourcePlace(
      unit: unit.number, display: SourceRange(start: start, end: start + needle.count))
  }

  static func contract(_ name: String, of program: Program) -> ContractDefinition {
    for unit in program.units {
      for case .contract(let contract) in unit.items where contract.name == name { return contract }
    }
    fatalError("the fixture has no contract \(name)")
  }

  static let reentrancy = rule(
    "sample-reentrancy", .high, .high, .reentrancy, [.swc(107), .cwe(841)])
  static let overlap = rule("sample-overlap", .high, .medium, .storage, [.erc(1967)])
  static let origin = rule("sample-tx-origin", .medium, .high, .accessControl, [.swc(115)])
  static let guardRule = rule("sample-missing-guard", .medium, .medium, .accessControl, [])
  static let flow = rule("sample-unused-argument", .low, .low, .declarations, [])
  static let rules = [reentrancy, overlap, origin, guardRule, flow]

  private static func rule(
    _ id: RuleID, _ severity: Severity, _ confidence: Confidence, _ category: RuleCategory,
    _ references: [RuleReference]
  ) -> Rule {
    Rule(
      id: id, title: "Title of \(id)", severity: severity, confidence: confidence,
      category: category, summary: "What `\(id)` looks for.", why: "Why it matters <b>here</b>.",
      howToFix: "How to repair it: a || b.", exampleThatFires: "contract A { }",
      exampleThatDoesNot: "contract B { }", references: references)
  }

  /// The findings of the fixture program.
  static func findings(in program: Program) -> [Finding] {
    let vault = "src/Vault.sol"
    func at(_ text: String, _ path: String = vault) -> SourcePlace {
      place(text, in: path, of: program)
    }
    let write = at("balances[msg.sender] -= amount")
    let call = FindingLocation(
      at("to.call{value: amount}(\"\")"), in: program, role: "control leaves here")
    let reentrancies = ["SavingsVault", "Vault", "FamilyVault"].map { name in
      Finding.make(
        rule: reentrancy, at: write, in: program,
        message: "`withdraw` pays before it writes `balances`, so the receiver can withdraw again.",
        contract: contract(name, of: program), role: "written too late", related: [call],
        evidence: [
          .callPath([
            EvidenceStep(
              "withdraw(uint256) calls _send(address,uint256)",
              at: FindingLocation(at("_send(msg.sender, amount)"), in: program)),
            EvidenceStep("_send(address,uint256) calls `to`", at: call),
          ])
        ])
    }
    let overlapping = Finding.make(
      rule: overlap, at: contract("Proxy", of: program).stateVariables[0], in: program,
      message: "The proxy's `admin` and the logic's `initialized` share byte 0 of slot 0.",
      related: [
        FindingLocation(
          of: contract("Logic", of: program).stateVariables[0], in: program, role: "the other")
      ],
      evidence: [
        .slots(
          SlotDiagram(
            left: "Proxy", right: "Logic",
            rows: [
              SlotRow(
                slot: "0",
                left: [SlotOccupant(label: "admin", type: "address", offset: 0, length: 20)],
                right: [
                  SlotOccupant(label: "started", type: "uint64", offset: 1, length: 8),
                  SlotOccupant(label: "initialized", type: "bool", offset: 0, length: 1),
                ], isConflict: true)
            ])),
        .note("`initialized` reads true because the low byte of the admin's address is not zero."),
      ],
      remediation: "Keep `admin` in the slot of ERC-1967.", discriminator: "Logic")
    let origins = Finding.make(
      rule: origin, at: at("tx.origin == owner"), in: program,
      message: "A contract the owner calls can pass this check | and sweep.")
    let guards = Finding.make(
      rule: guardRule, at: at("owner = next"), in: program, message: "Anyone can become owner.")
    let delegate = Finding.make(
      rule: origin, at: at("delegatecall(gas(), target", "src/Proxy.sol"), in: program,
      message: "A finding far to the right on a long line.", severity: .informational)
    let header = at(
      "function initialize(\n    address first,\n    address second,\n    address third\n  )",
      "src/Proxy.sol")
    let unused = Finding.make(
      rule: flow, at: header, in: program, message: "No argument is used.",
      evidence: [
        .dataFlow([
          EvidenceStep("`first` enters"),
          EvidenceStep(
            "and goes nowhere",
            at: FindingLocation(at("first; second", "src/Proxy.sol"), in: program)),
        ]),
        .code(FindingLocation(at("initialized = true", "src/Proxy.sol"), in: program)),
      ])
    return reentrancies + [origins, overlapping, guards, delegate, unused]
  }

  /// A detector that reports the findings above.
  struct SampleDetector: Detector {
    let rules = ReportSample.rules
    func findings(in context: AuditContext) -> [Finding] {
      ReportSample.findings(in: context.program)
    }
  }

  /// The rules above without findings.
  struct SampleRules: Detector {
    let rules = ReportSample.rules
    func findings(in context: AuditContext) -> [Finding] { [] }
  }

  /// The request that audits the fixture program.
  static func request(_ program: Program) -> AuditRequest {
    var request = AuditRequest(program: program, toolVersion: "1.2.3")
    request.detectors = [SampleDetector()]
    request.unreadableFiles = [
      AuditedFile(
        path: "src/Secret & Co #1.sol",
        problems: [
          FileProblem(kind: .unreadable, message: "Permission denied", location: nil)
        ])
    ]
    return request
  }

  /// The report on the fixture program.
  static func report() throws -> AuditReport { Audit.run(request(try program())) }

  /// A detector that reports every statement of the form `flag();`, at the call, by a rule of one's choice.
  struct FlagDetector: Detector {
    var rules = [ReportSample.guardRule]
    var word = "flag()"

    func findings(in context: AuditContext) -> [Finding] {
      context.program.units.flatMap { unit in
        let bytes = unit.source.bytes
        let needle = Array(word.utf8)
        return bytes.indices.filter { bytes[$0...].starts(with: needle) }.flatMap { start in
          rules.map { rule in
            Finding.make(
              rule: rule,
              at: SourcePlace(
                unit: unit.number, display: SourceRange(start: start, end: start + needle.count)),
              in: context.program, message: "Flagged.")
          }
        }
      }
    }
  }

  /// Declares what texts call, on their first line. The detector does not see it: there is a space after the name.
  static let preamble = "function flag () pure returns (uint) { return 0; } function g () pure { } "

  /// Audits one text with `FlagDetector`.
  static func flagged(
    _ text: String, path: String = "a.sol", detector: FlagDetector = FlagDetector(),
    selection: RuleSelection = .all
  ) -> AuditReport {
    var request = AuditRequest(program: program([(path, preamble + text)]), toolVersion: "1.2.3")
    request.detectors = [detector]
    request.selection = selection
    return Audit.run(request)
  }
}

/// A generator of numbers that a printed seed reproduces (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
