import Foundation
import Solidity
import SoliditySyntax

/// The formats of storage layouts.
enum LayoutFormat: String, CaseIterable {
  case text, solc, json

  /// The layouts of contracts, one text for each that has one.
  func texts(
    of contracts: [ContractDefinition], in program: Program, _ selection: ContractFilter
  ) -> [String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    func encoded(_ value: some Encodable) -> String? {
      guard let data = try? encoder.encode(value) else { return nil }
      return String(decoding: data, as: UTF8.self)
    }
    switch self {
    case .solc:
      var writer = CompilerLayoutWriter(program: program)
      return contracts.compactMap { contract in
        guard let name = encoded(writer.qualifiedName(of: contract)),
          let layout = encoded(writer.layout(of: contract))
        else { return nil }
        return "\(name): \(layout)"
      }
    case .text, .json:
      let concrete = contracts.filter { contract in
        (contract.kind == .contract && !contract.isAbstract) || selection.names(contract)
      }
      return concrete.compactMap { contract in
        let storage = program.storage(of: contract)
        if self == .json { return encoded(StorageReport(of: storage, in: program)) }
        return SlotMap(of: storage, in: program).text
      }
    }
  }
}
