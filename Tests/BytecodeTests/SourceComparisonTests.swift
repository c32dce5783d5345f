import Bytecode
import Ethereum
import Testing

@Suite("Code against source")
struct SourceComparisonTests {
  /// owner: address at 0.0; paused: bool at 0.20; total: uint256 at 1; balances: mapping at 2;
  /// queue: uint256[] at 3.
  static let variables: [SourceExpectation.Variable] = [
    .init(label: "owner", slot: 0, offset: 0, length: 20, encoding: .inplace),
    .init(label: "paused", slot: 0, offset: 20, length: 1, encoding: .inplace),
    .init(label: "total", slot: 1, offset: 0, length: 32, encoding: .inplace),
    .init(label: "balances", slot: 2, offset: 0, length: 32, encoding: .mapping),
    .init(label: "queue", slot: 3, offset: 0, length: 32, encoding: .dynamicArray),
    .init(label: "table", slot: 4, offset: 0, length: 96, encoding: .inplace),
  ]

  private func compare(
    _ body: String, functions: [String] = ["f()"],
    variables: [SourceExpectation.Variable] = variables
  ) throws -> SourceComparison {
    let selector = Selector(signature: "f()")
    let code = try assemble(
      """
      \(selectorOnStack) PUSH4 \(selector) EQ @f JUMPI PUSH1 0x00 DUP1 REVERT
      f: \(body) STOP
      """)
    return SourceComparison(
      code: BytecodeAnalysis(code: code),
      source: SourceExpectation(
        functions: functions.map { .init(signature: $0) }, variables: variables))
  }

  private static let readOwner =
    "PUSH1 0x00 SLOAD PUSH20 0xffffffffffffffffffffffffffffffffffffffff AND PUSH1 0x00 MSTORE"
  private static let mappingAtTwo =
    "CALLER PUSH1 0x00 MSTORE PUSH1 0x02 PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 SLOAD "
    + "PUSH1 0x00 MSTORE"

  @Test(
    "Accesses that fit",
    arguments: [
      readOwner, mappingAtTwo,
      "PUSH1 0x00 SLOAD PUSH1 0xa0 SHR PUSH1 0xff AND PUSH1 0x00 MSTORE",
      "PUSH1 0x01 SLOAD PUSH1 0x00 MSTORE",
      "CALLER PUSH1 0x00 SSTORE",
      "PUSH1 0x03 SLOAD PUSH1 0x00 MSTORE",
      "PUSH1 0x05 SLOAD PUSH1 0x00 MSTORE",
      "PUSH32 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc SLOAD "
        + "PUSH1 0x00 MSTORE",
    ])
  func fits(body: String) throws {
    let comparison = try compare(body)
    #expect(comparison.isConsistent)
    #expect(comparison.matched.map(\.signature) == ["f()"])
    #expect(comparison.accesses.count == 1)
  }

  @Test(
    "Accesses that do not",
    arguments: [
      // The whole word where an address and a flag leave bytes over, shifted by one byte.
      (
        "PUSH1 0x00 SLOAD PUSH1 0x08 SHR PUSH20 0xffffffffffffffffffffffffffffffffffffffff AND "
          + "PUSH1 0x00 MSTORE",
        SourceComparison.Verdict.crossesVariables(labels: ["owner", "paused"])
      ),
      ("PUSH1 0x09 SLOAD PUSH1 0x00 MSTORE", .undeclared),
      ("PUSH1 0x00 SLOAD PUSH1 0xf8 SHR PUSH1 0x00 MSTORE", .undeclared),
      (
        "CALLER PUSH1 0x00 MSTORE PUSH1 0x01 PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
          + "SLOAD PUSH1 0x00 MSTORE", .consistent(labels: ["total"])
      ),
      (
        "CALLER PUSH1 0x00 MSTORE PUSH1 0x03 PUSH1 0x20 MSTORE PUSH1 0x40 PUSH1 0x00 KECCAK256 "
          + "SLOAD PUSH1 0x00 MSTORE", .differentUse(label: "queue", declared: .dynamicArray)
      ),
      (
        "PUSH1 0x02 PUSH1 0x00 MSTORE PUSH1 0x20 PUSH1 0x00 KECCAK256 SLOAD PUSH1 0x00 MSTORE",
        .differentUse(label: "balances", declared: .mapping)
      ),
      ("PUSH1 0x01 TLOAD PUSH1 0x00 MSTORE", .undeclared),
    ])
  func verdicts(body: String, expected: SourceComparison.Verdict) throws {
    let comparison = try compare(body)
    #expect(comparison.accesses.map(\.verdict) == [expected])
    #expect(comparison.isConsistent == !expected.isContradiction)
  }

  @Test("Functions on one side only")
  func functions() throws {
    let comparison = try compare("", functions: ["g()"])
    #expect(comparison.missing.map(\.signature) == ["g()"])
    #expect(comparison.extra == [Selector(signature: "f()")])
    #expect(!comparison.isConsistent)
  }

  @Test("A layout with two variables swapped is found out")
  func swapped() throws {
    var variables = Self.variables
    variables[0] = .init(label: "paused", slot: 0, offset: 0, length: 1, encoding: .inplace)
    variables[1] = .init(label: "owner", slot: 0, offset: 1, length: 20, encoding: .inplace)
    #expect(try compare(Self.readOwner).isConsistent)
    #expect(try !compare(Self.readOwner, variables: variables).isConsistent)
  }
}
