import Bytecode
import Ethereum
import Foundation
import Testing

@Suite("Reports")
struct ReportTests {
  private func json(_ report: BytecodeReport) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }

  @Test("Text and JSON say the same each time")
  func deterministic() throws {
    for build in try VyperBuild.all() {
      let code = try Hex.decode(build.creation)
      let first = BytecodeReport(BytecodeAnalysis(code: code), includesDisassembly: true)
      let second = BytecodeReport(BytecodeAnalysis(code: code), includesDisassembly: true)
      #expect(first == second)
      #expect(first.description == second.description)
      #expect(try json(first) == json(second))
    }
  }

  @Test("A minimal proxy in text and JSON")
  func minimalProxy() throws {
    let code = try Hex.decode(
      "363d3d373d3d3d363d73bebebebebebebebebebebebebebebebebebebebe5af43d82803e903d91602b57fd5bf3")
    let report = BytecodeReport(BytecodeAnalysis(code: code))
    #expect(report.proxy?.kind == "minimal")
    #expect(report.proxy?.form == "erc1167")
    let address = try Address("bebebebebebebebebebebebebebebebebebebebe").checksummed
    #expect(report.proxy?.implementation == address)
    #expect(report.description.contains("minimal proxy (erc1167) of \(address)"))
    #expect(report.description.contains("DELEGATECALL  constant address \(address)"))
    #expect(try json(report).contains(#""format":"legacy""#))
    #expect(report.disassembly == nil)
  }

  @Test("Functions, storage and the comparison are listed")
  func contents() throws {
    let code = try assemble(
      """
      \(selectorOnStack) PUSH4 0xa9059cbb EQ @f JUMPI PUSH1 0x00 DUP1 REVERT
      f: CALLER PUSH1 0x03 SSTORE STOP
      """)
    let analysis = BytecodeAnalysis(code: code)
    let source = SourceExpectation(
      functions: [.init(signature: "transfer(address,uint256)"), .init(signature: "g()")],
      variables: [])
    let report = BytecodeReport(
      analysis, comparison: SourceComparison(code: analysis, source: source),
      includesDisassembly: true)
    let text = report.description
    #expect(text.contains("0xa9059cbb  at 20  payable"))
    #expect(text.contains("write  slot 3  bytes 0-31  from 0xa9059cbb"))
    #expect(text.contains("missing in code: g()"))
    #expect(text.contains("write slot 3 bytes 0-31 is not declared"))
    #expect(text.contains("00000  PUSH1 0x00"))
    #expect(report.comparison?.matched == ["transfer(address,uint256)"])
    #expect(report.comparison?.consistent == false)
  }
}
