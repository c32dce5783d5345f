import BigInt
import SoliditySyntax
import Solidity

/// The contracts whose code one contract runs side by side: facets of a diamond, modules of a caller.
struct Facets {
  let system: ProxySystem
  private var program: Program { system.program }

  /// The facets of a diamond: contracts that use the storage the diamond keeps its table in, and those of its file.
  func facets(of diamond: ProxyContract) -> [ContractDefinition] {
    let own = Set(
      system.storage(of: diamond.contract).regions.filter { !$0.isTransient }.map(\.slot))
    let line = Set(program.linearizedBases(of: diamond.contract).map(\.id))
    return system.implementations.candidates.filter { contract in
      guard !line.contains(contract.id), !program.interface(of: contract).isEmpty,
        !creates(contract, diamond.contract)
      else { return false }
      if contract.id.unit == diamond.contract.id.unit { return true }
      return system.storage(of: contract).regions.contains { own.contains($0.slot) }
    }
  }

  private func creates(_ contract: ContractDefinition, _ diamond: ContractDefinition) -> Bool {
    system.deployments.creations.contains {
      $0.created.id == diamond.id && $0.creator?.id == contract.id
    }
  }

  /// Groups of contracts that share one account's storage, with the contract whose account it is.
  func groups() -> [(host: ContractDefinition, members: [ContractDefinition])] {
    var result: [(host: ContractDefinition, members: [ContractDefinition])] = []
    for diamond in system.proxies where diamond.kind == .diamond {
      result.append((diamond.contract, facets(of: diamond)))
    }
    let targets = DelegateTargets(system: system)
    for contract in system.contracts where system.isDeployable(contract) && !system.isTest(contract)
    {
      if system.proxy(contract)?.kind == .diamond { continue }
      var members: [ContractDefinition] = []
      for target in targets.targets(of: contract)
      where !members.contains(where: { $0.id == target.contract.id }) {
        members.append(target.contract)
      }
      if members.count > 1 { result.append((contract, members)) }
    }
    return result
  }
}

/// Facets and modules that take the same storage for different things, by position or by namespace.
struct FacetStorageCheck: ProxyCheck {
  var rules: [Rule] { [ProxyRules.facetStorageOverlap, ProxyRules.namespaceReused] }

  func findings(in system: ProxySystem) -> [Finding] {
    var result: [Finding] = []
    for group in Facets(system: system).groups() {
      result += overlaps(group.host, group.members, in: system)
      result += namespaces(of: [group.host] + group.members, host: group.host, in: system)
    }
    for pair in system.pairs where pair.confidence != .low {
      result += namespaces(
        of: [pair.proxy.contract, pair.implementation], host: pair.proxy.contract, in: system)
    }
    // Two bases of one contract, each with a struct of its own at one place.
    for contract in system.contracts where system.isLeaf(contract) {
      result += namespaces(of: [contract], host: contract, in: system)
    }
    return result
  }

  private func overlaps(
    _ host: ContractDefinition, _ members: [ContractDefinition], in system: ProxySystem
  ) -> [Finding] {
    let program = system.program
    let isDiamond = system.proxy(host)?.kind == .diamond
    let all = (isDiamond ? [host] : []) + members
    var claims: [[StorageClaim]] = []
    for contract in all {
      let used = system.referencedVariables(of: contract)
      claims.append(
        StorageClaims(of: system.storage(of: contract), in: program, withRegions: false).claims
          .filter { claim in claim.variable.map { used.contains($0.id) } ?? false })
    }
    var result: [Finding] = []
    for second in all.indices.dropFirst() {
      for first in all.indices.prefix(second) {
        let comparison = SharedStorageComparison(
          hostName: all[first].name, host: claims[first], guestName: all[second].name,
          guest: claims[second]
        ) { _ in true }
        let conflicts = comparison.conflicts.filter {
          !$0.isOnlyMappingRoot
        }
        guard let conflict = conflicts.first, let variable = conflict.guest.variable else {
          continue
        }
        var related: [FindingLocation] = []
        if let other = conflict.host.declaration {
          related.append(system.location(other, "the same storage in `\(all[first].name)`"))
        }
        result.append(
          Finding.make(
            rule: ProxyRules.facetStorageOverlap, at: variable, in: program,
            message:
              "`\(all[first].name)` and `\(all[second].name)` both run in the storage of `\(host.name)`. In slot "
              + "\(SlotText.short(max(conflict.host.start, conflict.guest.start) / 32)) the one keeps "
              + "`\(conflict.host.label)` (\(conflict.host.type)), the other `\(conflict.guest.label)` "
              + "(\(conflict.guest.type)).",
            confidence: isDiamond ? .medium : .high, contract: all[second],
            role: "storage two facets use", related: related,
            evidence: [.slots(comparison.diagram())], discriminator: all[first].name))
        break
      }
    }
    return result
  }

  /// Structs of different make at one slot.
  private func namespaces(
    of contracts: [ContractDefinition], host: ContractDefinition, in system: ProxySystem
  ) -> [Finding] {
    let program = system.program
    var bySlot: [(slot: BigUInt, definition: StructDefinition, owner: ContractDefinition)] = []
    var result: [Finding] = []
    for contract in contracts {
      for region in system.storage(of: contract).regions where !region.isTransient {
        guard region.wellKnown == nil || region.wellKnown == .diamondStorage,
          case .structure(let reference, _) = region.type
        else { continue }
        let definition = reference.node
        if bySlot.contains(where: { $0.slot == region.slot && $0.definition.id == definition.id }) {
          continue
        }
        if let other = bySlot.first(where: { $0.slot == region.slot }),
          !isCompatible(other.definition, definition, program)
        {
          let rows = SlotDiagram(
            left: other.definition.name, right: definition.name,
            rows: rows(other.definition, definition, at: region.slot, program))
          result.append(
            Finding.make(
              rule: ProxyRules.namespaceReused, at: definition, in: program,
              message:
                "`\(definition.name)` of `\(contract.name)` and `\(other.definition.name)` of `\(other.owner.name)` lie "
                + "in the same namespace (\(region.name)) of the storage of `\(host.name)`, but hold different members.",
              contract: contract, role: "one meaning of the namespace",
              related: [system.location(other.definition, "another meaning of it")],
              evidence: [.slots(rows)], discriminator: other.definition.name))
        }
        bySlot.append((region.slot, definition, contract))
      }
    }
    return result
  }

  /// Whether one struct is the other or its beginning.
  private func isCompatible(
    _ first: StructDefinition, _ second: StructDefinition, _ program: Program
  ) -> Bool {
    zip(first.members, second.members).allSatisfy { a, b in
      StorageClaim.plain(a.name) == StorageClaim.plain(b.name)
        && shape(program.type(of: a), program, 0) == shape(program.type(of: b), program, 0)
    }
  }

  /// A type without the names of its structs: copies of one struct in two libraries are alike.
  private func shape(_ type: SolidityType, _ program: Program, _ depth: Int) -> String {
    guard depth < 8 else { return "..." }
    switch type {
    case .structure(let reference, _):
      return "{"
        + reference.node.members.map { shape(program.type(of: $0), program, depth + 1) }
        .joined(separator: ",") + "}"
    case .mapping(let key, let value):
      return "mapping(\(shape(key, program, depth + 1))=>\(shape(value, program, depth + 1)))"
    case .array(let element, let length, _):
      return shape(element, program, depth + 1) + "[\(length.map { String($0) } ?? "")]"
    case .contract, .address: return "address"
    case .enumeration(let reference): return "enum \(reference.node.values.count)"
    default: return program.typeString(of: type)
    }
  }

  private func rows(
    _ first: StructDefinition, _ second: StructDefinition, at slot: BigUInt, _ program: Program
  ) -> [SlotRow] {
    func occupants(_ definition: StructDefinition) -> [BigUInt: [SlotOccupant]] {
      var result: [BigUInt: [SlotOccupant]] = [:]
      for entry in program.storageMembers(of: definition) {
        result[entry.slot, default: []].append(
          SlotOccupant(
            label: entry.label, type: program.typeString(of: entry.type), offset: entry.offset,
            length: Int(clamping: entry.numberOfBytes)))
      }
      return result
    }
    let left = occupants(first)
    let right = occupants(second)
    return Set(left.keys).union(right.keys).sorted().prefix(8).map { key in
      let a = left[key] ?? []
      let b = right[key] ?? []
      return SlotRow(
        slot: SlotText.short(slot + key), left: a, right: b,
        isConflict: !a.isEmpty && !b.isEmpty && a != b)
    }
  }
}
