import BigInt
import SoliditySyntax

/// Writes types the way the compiler's storage layout does: identifiers and labels.
///
/// Identifiers number structs, enums, contracts and value types by syntax node, as the compiler
/// does; the numbers are unique within a program but not those of a compiler run.
package struct StorageTypeNames {
  private let program: Program
  private let firstNumber: [Int]

  package init(program: Program) {
    self.program = program
    var next = 1
    firstNumber = program.units.map { unit in
      defer { next += unit.nodeCount }
      return next
    }
  }

  /// The number of a node: unique within the program, from 1, in order of files and of places.
  package func number(of node: any SyntaxNode) -> Int {
    let unit = Int(node.id.unit)
    guard firstNumber.indices.contains(unit) else { return Int(node.id.index) + 1 }
    return firstNumber[unit] + Int(node.id.index)
  }

  /// Where a value of reference type is kept, as far as identifiers show it.
  private enum Place {
    case storage
    case storagePointer
    case memory
    case calldata

    var suffix: String {
      switch self {
      case .storage: "_storage"
      case .storagePointer: "_storage_ptr"
      case .memory: "_memory_ptr"
      case .calldata: "_calldata_ptr"
      }
    }

    /// Elements of an array behind a pointer are not themselves pointers in storage.
    var element: Place { self == .storagePointer ? .storage : self }

    init(parameter location: DataLocation?) {
      switch location {
      case .storage: self = .storagePointer
      case .calldata: self = .calldata
      case .memory, nil: self = .memory
      }
    }
  }

  /// The identifier of a type in storage: `t_uint256`, `t_struct(S)12_storage`,
  /// `t_mapping(t_address,t_uint256)`.
  package func identifier(of type: SolidityType) -> String { identifier(of: type, in: .storage) }

  /// The identifier of a mapping's key; keys of type bytes and string are looked up from memory.
  package func keyIdentifier(of type: SolidityType) -> String { identifier(of: type, in: .memory) }

  private func identifier(of type: SolidityType, in place: Place) -> String {
    switch type {
    case .bool: return "t_bool"
    case .address(let payable): return payable ? "t_address_payable" : "t_address"
    case .integer(let bits, let signed): return "t_\(signed ? "" : "u")int\(bits)"
    case .fixedPoint(let bits, let decimals, let signed):
      return "t_\(signed ? "" : "u")fixed\(bits)x\(decimals)"
    case .fixedBytes(let count): return "t_bytes\(count)"
    case .bytes: return "t_bytes" + place.suffix
    case .string: return "t_string" + place.suffix
    case .array(let element, let length, _):
      let size = length.map { String($0) } ?? "dyn"
      return "t_array(\(identifier(of: element, in: place.element)))\(size)\(place.suffix)"
    case .mapping(let key, let value):
      return "t_mapping(\(keyIdentifier(of: key)),\(identifier(of: value)))"
    case .structure(let definition, _):
      return named("t_struct", definition.node) + place.suffix
    case .enumeration(let definition): return named("t_enum", definition.node)
    case .userDefinedValue(let definition):
      return named("t_userDefinedValueType", definition.node)
    case .contract(let definition, let isSuper):
      return named(isSuper ? "t_super" : "t_contract", definition.node)
    case .function(let function):
      let visibility = function.isExternal ? "external" : "internal"
      return "t_function_\(visibility)_\(function.mutability.rawValue)"
        + "(\(list(function.parameters)))returns(\(list(function.returns)))"
    case .tuple, .rational, .stringLiteral, .metatype, .typeInformation, .module, .magic, .unknown:
      return "t_unknown"
    }
  }

  private func list(_ types: [SolidityType]) -> String {
    types.map { identifier(of: $0, in: Place(parameter: $0.writtenLocation)) }
      .joined(separator: ",")
  }

  private func named(_ head: String, _ node: any Declaration) -> String {
    "\(head)(\(node.name))\(number(of: node))"
  }

  /// The type as the compiler labels it, without data locations: `mapping(address => uint256)`,
  /// `struct C.S[3]`, `function (uint256) view external returns (bool)`.
  package func label(of type: SolidityType) -> String {
    switch type {
    case .bool: return "bool"
    case .address(let payable): return payable ? "address payable" : "address"
    case .integer(let bits, let signed): return "\(signed ? "" : "u")int\(bits)"
    case .fixedPoint(let bits, let decimals, let signed):
      return "\(signed ? "" : "u")fixed\(bits)x\(decimals)"
    case .fixedBytes(let count): return "bytes\(count)"
    case .bytes: return "bytes"
    case .string: return "string"
    case .array(let element, let length, _):
      return "\(label(of: element))[\(length.map { String($0) } ?? "")]"
    case .mapping(let key, let value):
      return "mapping(\(label(of: key)) => \(label(of: value)))"
    case .structure(let definition, _): return "struct \(canonicalName(of: definition.node))"
    case .enumeration(let definition): return "enum \(canonicalName(of: definition.node))"
    case .userDefinedValue(let definition): return canonicalName(of: definition.node)
    case .contract(let definition, let isSuper):
      let kind = definition.node.kind == .library ? "library" : "contract"
      return "\(kind) \(isSuper ? "super " : "")\(definition.node.name)"
    case .function(let function):
      var text = "function (\(function.parameters.map(label(of:)).joined(separator: ",")))"
      if function.mutability != .nonpayable { text += " \(function.mutability.rawValue)" }
      if function.isExternal { text += " external" }
      if !function.returns.isEmpty {
        text += " returns (\(function.returns.map(label(of:)).joined(separator: ",")))"
      }
      return text
    case .tuple, .rational, .stringLiteral, .metatype, .typeInformation, .module, .magic, .unknown:
      return "unknown"
    }
  }

  /// `Contract.Name`, or `Name` for declarations at file level.
  package func canonicalName(of node: any Declaration) -> String {
    guard let contract = program.contract(containing: node) else { return node.name }
    return "\(contract.name).\(node.name)"
  }
}

extension SolidityType {
  /// The data location of a reference type, if one is stated.
  package var writtenLocation: DataLocation? {
    switch self {
    case .bytes(let location), .string(let location), .array(_, _, let location),
      .structure(_, let location):
      location
    default: nil
    }
  }

  /// Whether values have a fixed number of bytes within one slot.
  package var isValueType: Bool {
    switch self {
    case .bool, .address, .integer, .fixedPoint, .fixedBytes, .enumeration, .userDefinedValue,
      .contract, .function:
      true
    default: false
    }
  }
}
