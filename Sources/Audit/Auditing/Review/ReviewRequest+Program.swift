import Solidity
import SoliditySyntax

extension ReviewRequest {
  /// Makes the fact sheet of a contract: its storage, and for every way into it who may call, what it writes and whom it
  /// calls; and the source of the contract and its bases without comments.
  ///
  /// Fact ids are `fact-1`, `fact-2`, ... in the order of the sheet; the same program gives the same sheet.
  ///
  /// - Parameters:
  ///   - contract: the contract in question, taken as the most derived one.
  ///   - rules: the rules a proposal may name.
  public init(about contract: ContractDefinition, facts: Facts, rules: [Rule]) {
    var sheet = FactSheet(program: facts.program)
    sheet.addLayout(of: contract)
    for entry in facts.examine(contract).entryPoints { sheet.add(entry) }
    let code = facts.program.linearizedBases(of: contract).map { base in
      let file = facts.program.units[Int(base.id.unit)].source
      return ReviewCode(
        path: file.path, firstLine: file.position(at: Int(base.range.start)).line,
        text: CommentRemoval.text(of: base.range, in: file))
    }
    self.init(facts: sheet.facts, code: code, rules: rules.map(\.id).sorted())
  }
}

/// Collects facts and numbers them.
private struct FactSheet {
  let program: Program
  private(set) var facts: [ReviewFact] = []

  init(program: Program) { self.program = program }

  private mutating func add(_ text: String, _ range: SourceRange, unit: Int32) {
    let span = LineSpan(range, in: program.units[Int(unit)].source)
    facts.append(ReviewFact(id: "fact-\(facts.count + 1)", text: text, span: span))
  }

  mutating func addLayout(of contract: ContractDefinition) {
    let layout = program.storageLayout(of: contract)
    for entry in layout.storage {
      add(
        "\(contract.name).\(entry.label) (\(program.typeString(of: entry.type))) is at slot \(entry.slot), "
          + "byte \(entry.offset), \(entry.numberOfBytes) bytes",
        entry.declaration.range, unit: entry.declaration.id.unit)
    }
  }

  mutating func add(_ entry: EntryPoint) {
    guard let function = entry.function else { return }
    let name = "\(entry.contract.name).\(SourceEnclosure.signature(of: function))"
    let unit = function.id.unit
    let caller = entry.isRestricted ? "only some accounts may call" : "anyone may call"
    let payable = entry.isPayable ? "accepts ether" : "refuses ether"
    add("\(name): \(caller); \(payable)", function.nameRange, unit: unit)
    var seen: Set<String> = []
    for access in entry.storageWrites {
      guard let variable = access.location.variable else { continue }
      let text = "\(name) writes \(entry.contract.name).\(variable.name)"
      let origin = entry[access.place].origin
      if seen.insert("\(text) \(origin.range)").inserted {
        add(text, origin.range, unit: origin.node.unit)
      }
    }
    for place in entry.externalCalls {
      guard let call = entry.externalCall(at: place) else { continue }
      let origin = entry[place].origin
      let kind = call.isDelegate ? "runs the code of" : call.isStatic ? "asks" : "calls"
      let text = "\(name) \(kind) another account"
      if seen.insert("\(text) \(origin.range)").inserted {
        add(text, origin.range, unit: origin.node.unit)
      }
    }
  }
}

/// Takes comments out of source.
enum CommentRemoval {
  /// The text of a range in which every byte of a comment became a space; line ends stay.
  static func text(of range: SourceRange, in file: SourceFile) -> String {
    let start = min(max(0, Int(range.start)), file.bytes.count)
    let end = min(max(start, Int(range.end)), file.bytes.count)
    var bytes = Array(file.bytes[start..<end])
    var index = 0
    while index < bytes.count {
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      switch (bytes[index], next) {
      case (UInt8(ascii: "/"), UInt8(ascii: "/")):
        while index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D {
          bytes[index] = 0x20
          index += 1
        }
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        index = blankBlockComment(&bytes, from: index)
      case (UInt8(ascii: "\""), _), (UInt8(ascii: "'"), _):
        index = endOfString(bytes, from: index)
      default:
        index += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func blankBlockComment(_ bytes: inout [UInt8], from start: Int) -> Int {
    var end = start + 2
    while end < bytes.count {
      end += 1
      if end - start >= 4, bytes[end - 1] == UInt8(ascii: "/"), bytes[end - 2] == UInt8(ascii: "*")
      {
        break
      }
    }
    end = min(end, bytes.count)
    for index in start..<end where bytes[index] != 0x0A && bytes[index] != 0x0D {
      bytes[index] = 0x20
    }
    return end
  }

  private static func endOfString(_ bytes: [UInt8], from start: Int) -> Int {
    var index = start + 1
    while index < bytes.count, bytes[index] != bytes[start], bytes[index] != 0x0A {
      index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, bytes.count)
  }
}
