import Ethereum

extension BytecodeReport: CustomStringConvertible {
  /// The report as lines of text for a terminal, without colour, ending without a line break.
  public var description: String {
    var lines: [String] = []
    lines.append("code        \(size) bytes, \(format), hash \(codeHash)")
    if let creation {
      lines.append(
        "creation    deploys \(creation.size) bytes from offset \(creation.offset)"
          + (creation.immutables.isEmpty
            ? "" : ", \(creation.immutables.count) immutable words"))
    }
    if let metadata {
      var text = "compiler    \(metadata.compiler) \(metadata.version ?? "of unknown version")"
      if metadata.experimental { text += ", experimental" }
      lines.append(text)
      if let ipfs = metadata.ipfs { lines.append("            ipfs \(ipfs)") }
      if let swarm = metadata.swarm { lines.append("            swarm \(swarm)") }
    }
    if let proxy { lines.append("proxy       \(proxy.description)") }
    for trait in traits { lines.append("does        \(trait)") }
    for known in wellKnownSlots { lines.append("mentions    \(known.name) \(known.slot)") }
    if !complete {
      lines.append("incomplete  not all paths could be followed; absence proves nothing")
    }
    lines += functionLines + storageLines + delegationLines + comparisonLines + disassemblyLines
    return lines.joined(separator: "\n")
  }

  private var functionLines: [String] {
    var lines: [String] = []
    for function in functions {
      var text = "  \(function.selector)  at \(function.entry)"
      if function.payable { text += "  payable" }
      if !function.complete { text += "  not fully examined" }
      lines.append(text)
    }
    for selector in conditionalSelectors { lines.append("  \(selector)  in the fallback") }
    if receive { lines.append("  receive") }
    if fallback { lines.append("  fallback") }
    return lines.isEmpty ? [] : ["", "functions"] + lines
  }

  private var storageLines: [String] {
    guard !storage.isEmpty else { return [] }
    var lines = ["", "storage"]
    for access in storage {
      var bytes = "some bytes"
      if let offset = access.offset, let length = access.length {
        bytes = ByteRange(offset: offset, length: length).description
      }
      lines.append(
        "  \(access.kind == "read" ? "read " : "write")  "
          + (access.transient ? "transient " : "") + "\(access.place)  \(bytes)  from "
          + access.from.joined(separator: " "))
    }
    return lines
  }

  private var delegationLines: [String] {
    guard !delegateCalls.isEmpty else { return [] }
    return ["", "delegate calls"]
      + delegateCalls.map {
        "  at \($0.offset)  \($0.instruction)  \($0.target)  from "
          + $0.from.joined(separator: " ")
      }
  }

  private var comparisonLines: [String] {
    guard let comparison else { return [] }
    var lines = ["", "source      " + (comparison.consistent ? "consistent" : "does not match")]
    lines.append("  \(comparison.matched.count) functions match")
    for signature in comparison.missing { lines.append("  missing in code: \(signature)") }
    for selector in comparison.extra { lines.append("  not in source: \(selector)") }
    for contradiction in comparison.contradictions {
      lines.append(
        "  \(contradiction.access) \(contradiction.problem), from "
          + contradiction.from.joined(separator: " "))
    }
    return lines
  }

  private var disassemblyLines: [String] {
    guard let disassembly else { return [] }
    return ["", "instructions"]
      + disassembly.map { line in
        let offset = String(line.offset, radix: 16)
        let padding = String(repeating: "0", count: max(0, 5 - offset.count))
        return "  \(padding)\(offset)  \(line.instruction)"
          + (line.operand.map { " \($0)" } ?? "")
      }
  }
}
