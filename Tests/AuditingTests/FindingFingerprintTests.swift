import Solidity
import SoliditySyntax
import Testing

import Auditing

/// Identities survive what does not change the problem, and change with it.
struct FindingFingerprintTests {
  static let original = """
    pragma solidity 0.8.28;
    contract C {
      uint total;
      function f(uint256 amount) external {
        total += amount;
        if (total > 5) { flag() ; }
        flag();
      }
      function g() external { flag(); }
    }
    """

  private func identities(_ text: String, path: String = "src/C.sol", word: String = "flag()")
    -> [String]
  {
    var detector = ReportSample.FlagDetector()
    detector.word = word
    return ReportSample.flagged(text, path: path, detector: detector).findings.map(\.id)
  }

  @Test(arguments: [
    "\n\n\n// added lines\n" + original,
    original.replacing("  ", with: "\t\t\t"),
    original.replacing("\n", with: "\r\n"),
    original.replacing("uint256 amount", with: "uint /* the sum */ amount"),
    original.replacing("total += amount;", with: "total += amount * 2; // more"),
    original.replacing(
      "uint total;", with: "uint total;\nuint another;\nfunction h() external { }"),
    original.replacing("contract C {", with: "contract B { }\n/// A contract.\ncontract C {"),
  ])
  func survives(_ text: String) {
    #expect(identities(FindingFingerprintTests.original).count == 3)
    #expect(identities(text) == identities(FindingFingerprintTests.original))
  }

  @Test func survivesMovedFiles() {
    let text = FindingFingerprintTests.original
    #expect(identities(text, path: "lib/deep/down/C.sol") == identities(text))
  }

  @Test(arguments: [
    original.replacing("contract C", with: "contract D"),
    original.replacing("uint256 amount", with: "uint128 amount")
      .replacing("function g()", with: "function g(bool)"),
    original.replacing("function f", with: "function ff").replacing(
      "function g", with: "function gg"),
  ])
  func changesWithItsSurroundings(_ text: String) {
    let before = Set(identities(FindingFingerprintTests.original))
    #expect(before.isDisjoint(with: identities(text)))
  }

  @Test func changesWithTheRootCause() {
    let plain = identities("contract C { function f() public { flag(); } }", word: "flag();")
    let other = identities("contract C { function f() public { flag() ; } }", word: "flag() ;")
    let changed = identities("contract C { function f() public { flag()+1; } }", word: "flag()+1;")
    #expect(plain == other)
    #expect(Set(plain).isDisjoint(with: changed))
  }

  @Test func tellsContractsOfOneNameApart() {
    let text = "contract C { function f() public { flag(); } }"
    let program = ReportSample.program([("a/C.sol", text), ("b/C.sol", text), ("b/D.sol", text)])
    var request = AuditRequest(program: program, toolVersion: "1")
    request.detectors = [ReportSample.FlagDetector()]
    let report = Audit.run(request)
    #expect(report.findings.count == 3)
    #expect(Set(report.findings.map(\.id)).count == 3)
  }

  @Test func numbersEqualPlacesInOrder() {
    let one = "contract C { function f() public { flag(); } }"
    let three = "contract C { function f() public { flag(); flag(); flag(); } }"
    let identities = identities(three)
    #expect(Set(identities).count == 3)
    #expect(identities[0] == self.identities(one)[0])
  }

  @Test func identitiesAreSixteenDigits() {
    for id in identities(FindingFingerprintTests.original) {
      #expect(id.utf8.count == 16)
      #expect(id.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    }
  }

  @Test func fieldsCannotRunIntoEachOther() {
    let a = Fingerprint(rule: "a-b", fileName: "c", contract: "de", function: "f", rootCause: "0")
    let b = Fingerprint(rule: "a-b", fileName: "cd", contract: "e", function: "f", rootCause: "0")
    #expect(a.description != b.description)
  }

  /// Random spacing and comments between tokens never change the identity.
  @Test func spacingIsIgnoredEverywhere() {
    let seed = UInt64.random(in: .min ... .max)
    var numbers = SeededNumbers(seed: seed)
    let tokens = [
      "contract", "C", "{", "function", "f", "(", "uint256", "a", ")", "external", "{", "x", "=",
      "\"a // b\"",
      ";", "flag(", "a", ",", "'/* c'", ")", ";", "}", "}",
    ]
    let glue = [" ", "\n", "\t", "/* c */ ", "// \"quoted\"\n", "\r\n", " /* ' */ "]
    func text() -> String {
      tokens.map { $0 + glue.randomElement(using: &numbers)! }.joined()
    }
    func identity(_ text: String) -> String {
      let program = ReportSample.program([("C.sol", text)])
      let unit = program.units[0]
      let contract = ReportSample.contract("C", of: program)
      let body = contract.functions[0].body!.range
      return Fingerprint(rule: "a-b", range: body, in: unit).description
    }
    let expected = identity(tokens.joined(separator: " "))
    for _ in 0..<200 { #expect(identity(text()) == expected, "seed \(seed)") }
  }

  @Test func anchorsAreHeaders() throws {
    let text =
      "contract C is B { function f(uint a) public { for (uint i; i < a; ++i) { g(i); } } }"
    let program = ReportSample.program([("C.sol", text)])
    let file = program.units[0].source
    let contract = ReportSample.contract("C", of: program)
    let function = contract.functions[0]
    let loop = function.body!.statements[0]
    #expect(file.text(SourceAnchor.identityRange(of: contract)) == "contract C")
    #expect(file.text(SourceAnchor.identityRange(of: function)) == "function f(uint a) public ")
    #expect(file.text(SourceAnchor.identityRange(of: loop)) == "for (uint i; i < a; ++i) ")
    #expect(file.text(SourceAnchor.displayRange(of: function)) == "f")
    #expect(file.text(SourceAnchor.displayRange(of: contract)) == "C")
  }
}
