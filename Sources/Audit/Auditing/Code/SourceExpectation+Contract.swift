import Bytecode
import Ethereum
import Solidity
import SoliditySyntax

extension SourceExpectation {
  /// What the source of a contract says its runtime code dispatches to and keeps in storage.
  ///
  /// Variables whose slot does not fit 256 bits are left out; the layout lists them among its problems.
  public init(of contract: ContractDefinition, in program: Program) {
    let layout = program.storageLayout(of: contract)
    self.init(
      functions: program.interface(of: contract).map {
        Function(selector: $0.selector, signature: $0.signature)
      },
      variables: layout.storage.compactMap { Self.variable($0, isTransient: false) }
        + layout.transient.compactMap { Self.variable($0, isTransient: true) })
  }

  private static func variable(_ entry: StorageEntry, isTransient: Bool) -> Variable? {
    guard let slot = try? Word(decimal: entry.slot.description),
      let length = try? Word(decimal: entry.numberOfBytes.description)
    else { return nil }
    return Variable(
      label: entry.label, slot: slot, offset: entry.offset, length: length,
      encoding: encoding(of: entry.type), isTransient: isTransient)
  }

  private static func encoding(of type: SolidityType) -> Encoding {
    switch type {
    case .mapping: .mapping
    case .array(_, nil, _): .dynamicArray
    case .bytes, .string: .bytes
    default: .inplace
    }
  }
}
