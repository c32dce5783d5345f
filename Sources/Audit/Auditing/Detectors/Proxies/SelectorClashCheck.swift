import Ethereum
import SoliditySyntax
import Solidity

/// Functions of a proxy that stand in the way of its implementation's, and facets that claim one selector.
struct SelectorClashCheck: ProxyCheck {
  var rules: [Rule] {
    [ProxyRules.selectorClash, ProxyRules.shadowedFunction, ProxyRules.facetSelectorDuplicate]
  }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    for pair in system.pairs { result += findings(of: pair, in: system) }
    for diamond in system.proxies where diamond.kind == .diamond {
      result += duplicates(of: diamond, in: system)
    }
    return result
  }

  private func findings(of pair: ProxyPair, in system: ProxySystem) -> [Finding] {
    let program = system.program
    let proxy = pair.proxy.contract
    var own: [Selector: InterfaceEntry] = [:]
    for entry in program.interface(of: proxy) { own[entry.selector] = entry }
    guard !own.isEmpty else { return [] }
    let forwarding = forwardingFunctions(of: proxy, in: system)
    var clashes: [Finding] = []
    var shadowed: [(proxy: InterfaceEntry, implementation: InterfaceEntry)] = []
    for entry in program.interface(of: pair.implementation) {
      guard let other = own[entry.selector], other.declaration.id != entry.declaration.id,
        !forwarding.contains(other.declaration.id)
      else { continue }
      if other.signature == entry.signature {
        shadowed.append((other, entry))
      } else {
        clashes.append(clash(other, entry, pair, in: system))
      }
    }
    // What both state is meant to be the same everywhere; only what changes state is missed when it does not run.
    let missed = shadowed.filter { !isView($0.implementation.declaration) }
    guard pair.confidence == .high || (pair.confidence == .medium && !missed.isEmpty),
      let first = missed.first ?? shadowed.first
    else { return clashes }
    let list = (missed.isEmpty ? shadowed : missed).map { "`\($0.proxy.signature)`" }
    return clashes + [
      Finding.make(
        rule: ProxyRules.shadowedFunction, at: first.proxy.declaration, in: program,
        message:
          "\(list.prefix(8).joined(separator: ", ")) of `\(proxy.name)` answer\(list.count == 1 ? "s" : "") calls "
          + "meant for `\(pair.implementation.name)`, which declares the same; the implementation's code is never "
          + "reached through the proxy.",
        severity: missed.isEmpty ? .informational : nil, confidence: pair.confidence,
        contract: proxy, role: "runs instead of the implementation's",
        related: [system.location(first.implementation.declaration, "never reached")],
        evidence: [
          .note("Selector \(first.proxy.selector); \(pair.implementation.name): \(pair.reason).")
        ])
    ]
  }

  private func clash(
    _ own: InterfaceEntry, _ other: InterfaceEntry, _ pair: ProxyPair, in system: ProxySystem
  ) -> Finding {
    Finding.make(
      rule: ProxyRules.selectorClash, at: own.declaration, in: system.program,
      message:
        "`\(own.signature)` of the proxy `\(pair.proxy.contract.name)` and `\(other.signature)` of its "
        + "implementation `\(pair.implementation.name)` have the same selector \(own.selector). Calls of the latter "
        + "run the former.",
      confidence: pair.confidence, contract: pair.proxy.contract, role: "what runs",
      related: [system.location(other.declaration, "what the caller meant")],
      evidence: [
        .note("Both hash to \(own.selector). \(pair.implementation.name): \(pair.reason).")
      ], discriminator: other.signature)
  }

  /// Functions of a proxy that pass calls on themselves, at least those of all but one account.
  private func forwardingFunctions(
    of proxy: ContractDefinition, in system: ProxySystem
  ) -> Set<NodeID> {
    Set(
      system.delegateSites(of: proxy).compactMap { site in
        site.entry.kind == .function ? site.entry.function?.id : nil
      })
  }

  private func isView(_ declaration: any Declaration) -> Bool {
    guard let function = declaration as? FunctionDefinition else { return true }
    return function.mutability == .view || function.mutability == .pure
  }

  // MARK: Facets

  private func duplicates(of diamond: ProxyContract, in system: ProxySystem) -> [Finding] {
    let program = system.program
    var owners: [Selector: (ContractDefinition, InterfaceEntry)] = [:]
    var result: [Finding] = []
    for facet in Facets(system: system).facets(of: diamond) {
      for entry in program.interface(of: facet) {
        guard let (other, first) = owners[entry.selector] else {
          owners[entry.selector] = (facet, entry)
          continue
        }
        guard first.declaration.id != entry.declaration.id else { continue }
        let isClash = first.signature != entry.signature
        result.append(
          Finding.make(
            rule: ProxyRules.facetSelectorDuplicate, at: entry.declaration, in: program,
            message:
              "`\(entry.signature)` of facet `\(facet.name)` and `\(first.signature)` of facet `\(other.name)` have "
              + "the selector \(entry.selector), of which `\(diamond.contract.name)` keeps only one.",
            severity: isClash ? .medium : nil, contract: facet, role: "one of two",
            related: [system.location(first.declaration, "the other")],
            evidence: [.note("Both hash to \(entry.selector).")], discriminator: other.name))
      }
    }
    return result
  }
}
