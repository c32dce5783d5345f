import BigInt
import Ethereum
import SoliditySyntax
import Solidity

/// Slots named by hand that are not the ones they claim to be.
struct NamespaceCheck: ProxyCheck {
  var rules: [Rule] { [ProxyRules.namespaceSlotMismatch, ProxyRules.nonstandardProxySlot] }

  func findings(in system: ProxySystem) -> [Finding] {
    mismatches(in: system) + misspelled(in: system)
  }

  private func mismatches(in system: ProxySystem) -> [Finding] {
    let program = system.program
    let annotated = Set(
      program.contracts.filter { contract in
        contract.structs.contains { StorageNamespace(of: $0)?.slot != nil }
      }.map(\.id))
    guard !annotated.isEmpty else { return [] }
    var result: [Finding] = []
    for contract in program.contracts where contract.kind != .interface {
      let mentions =
        program.linearizedBases(of: contract).contains { annotated.contains($0.id) }
      guard mentions else { continue }
      for region in system.storage(of: contract).regions where !region.uses.isEmpty {
        guard let namespace = region.namespace, let expected = namespace.slot,
          expected != region.slot, case .structure(let reference, _) = region.type
        else { continue }
        let use = region.uses[0]
        result.append(
          Finding.make(
            rule: ProxyRules.namespaceSlotMismatch, at: reference.node, in: program,
            message:
              "`\(reference.node.name)` is documented to lie in the namespace `\(namespace.annotation)`, slot "
              + "\(SlotText.hexadecimal(expected)), but the code keeps it at \(SlotText.hexadecimal(region.slot)).",
            contract: contract, role: "the documented place",
            related: [
              FindingLocation(
                SourcePlace(unit: use.unit, display: use.range), in: program,
                role: "the place used")
            ],
            evidence: [
              .note("The formula gives \(SlotText.hexadecimal(expected)).")
            ]))
      }
    }
    return result
  }

  // MARK: Constants

  private func misspelled(in system: ProxySystem) -> [Finding] {
    let program = system.program
    var constants: [VariableDeclaration] = []
    for unit in program.units {
      for item in unit.items {
        switch item {
        case .variable(let variable): constants.append(variable)
        case .contract(let contract):
          constants += contract.stateVariables.filter { $0.mutability != .mutable }
        default: continue
        }
      }
    }
    return constants.compactMap { variable in
      guard let value = word(program.constantValue(of: variable)), WellKnownSlot(slot: value) == nil
      else { return nil }
      for known in WellKnownSlot.allCases {
        if Keccak256.hash(utf8: known.label).word == value, known.slot != value {
          return finding(
            variable, known,
            "is keccak256(\"\(known.label)\") without the 1 that ERC-1967 subtracts", in: system)
        }
        if matchingDigits(value, known.slot) >= 40 {
          return finding(
            variable, known, "differs from it in \(64 - matchingDigits(value, known.slot)) digits",
            in: system)
        }
      }
      return nil
    }
  }

  private func finding(
    _ variable: VariableDeclaration, _ known: WellKnownSlot, _ difference: String,
    in system: ProxySystem
  ) -> Finding {
    Finding.make(
      rule: ProxyRules.nonstandardProxySlot, at: variable, in: system.program,
      message: "`\(variable.name)` looks like the agreed slot `\(known.label)` "
        + "(\(known.slot.paddedHexString)), but \(difference). Tools, explorers and other contracts look for the agreed one.",
      evidence: [.note("Expected \(known.slot.paddedHexString).")])
  }

  private func word(_ constant: ConstantValue?) -> Word? {
    guard let constant, let slot = SlotText.slot(of: constant), slot.bitWidth > 128 else {
      return nil
    }
    return SlotText.word(slot)
  }

  /// Hexadecimal digits that are equal at equal places, of 64.
  private func matchingDigits(_ a: Word, _ b: Word) -> Int {
    zip(a.bigEndianBytes, b.bigEndianBytes).reduce(0) { count, bytes in
      count + (bytes.0 >> 4 == bytes.1 >> 4 ? 1 : 0) + (bytes.0 & 15 == bytes.1 & 15 ? 1 : 0)
    }
  }
}
