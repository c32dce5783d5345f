import BigInt
import SoliditySyntax

/// The structs being written out as tuples, bounded: a few lines of nested structs can stand for a
/// text of any length.
private struct StructExpansion {
  private static let maximumDepth = 64
  private static let maximumCount = 4096
  private var enclosing: [StructDefinition] = []
  private var count = 0

  /// False for a struct within itself and beyond the bounds.
  mutating func enter(_ definition: StructDefinition) -> Bool {
    count += 1
    guard count <= StructExpansion.maximumCount, enclosing.count < StructExpansion.maximumDepth,
      !enclosing.contains(where: { $0.id == definition.id })
    else { return false }
    enclosing.append(definition)
    return true
  }

  mutating func leave() { enclosing.removeLast() }
}

/// Names of types and functions as the ABI has them.
///
/// Source: Solidity documentation, "Contract ABI Specification", the part on libraries included.
extension ResolvedSyntax {
  /// The text of a type in a signature; nil if it has none.
  ///
  /// Libraries keep the names of structs, enums and contracts.
  func externalName(of type: SolidityType, inLibrary: Bool = false) -> String? {
    var expansion = StructExpansion()
    return externalName(of: type, inLibrary: inLibrary, expansion: &expansion)
  }

  private func externalName(
    of type: SolidityType, inLibrary: Bool, expansion: inout StructExpansion
  ) -> String? {
    switch type {
    case .bool: return "bool"
    case .address: return "address"
    case .integer(let bits, let signed): return (signed ? "int" : "uint") + String(bits)
    case .fixedPoint(let bits, let decimals, let signed):
      return (signed ? "fixed" : "ufixed") + "\(bits)x\(decimals)"
    case .fixedBytes(let count): return "bytes\(count)"
    case .bytes: return "bytes"
    case .string: return "string"
    case .contract(let contract, false):
      return inLibrary ? canonicalName(of: contract.node) : "address"
    case .enumeration(let definition):
      if inLibrary { return canonicalName(of: definition.node) }
      return "uint\(8 * bytesNeeded(values: definition.node.values.count))"
    case .userDefinedValue(let definition):
      return externalName(
        of: self.type(of: definition.node.underlying), inLibrary: inLibrary, expansion: &expansion)
    case .function(let function): return function.isExternal ? "function" : nil
    case .array(let element, let length, let location):
      guard
        let name = externalName(
          of: element.located(location), inLibrary: inLibrary, expansion: &expansion)
      else { return nil }
      return name + "[" + (length.map { String($0) } ?? "") + "]"
    case .mapping(let key, let value):
      guard inLibrary,
        let keyName = externalName(of: key, inLibrary: true, expansion: &expansion),
        let valueName = externalName(
          of: value.located(.storage), inLibrary: true, expansion: &expansion)
      else { return nil }
      return "mapping(" + keyName + " => " + valueName + ")"
    case .structure(let definition, let location):
      if inLibrary, location == .storage { return canonicalName(of: definition.node) }
      guard expansion.enter(definition.node) else { return nil }
      defer { expansion.leave() }
      var names: [String] = []
      for member in definition.node.members {
        let memberType = self.type(of: member).located(location)
        guard
          let name = externalName(of: memberType, inLibrary: inLibrary, expansion: &expansion)
        else { return nil }
        names.append(name)
      }
      return inLibrary
        ? canonicalName(of: definition.node) : "(" + names.joined(separator: ",") + ")"
    default: return nil
    }
  }

  private func bytesNeeded(values: Int) -> Int {
    var bytes = 1
    var highest = max(0, values - 1) >> 8
    while highest > 0 {
      bytes += 1
      highest >>= 8
    }
    return bytes
  }

  /// `name(types)`; nil if a type has no external form.
  func signature(
    name: String, parameters: [SolidityType], inLibrary: Bool = false
  ) -> String? {
    var names: [String] = []
    for parameter in parameters {
      guard var text = externalName(of: parameter, inLibrary: inLibrary) else { return nil }
      if inLibrary, parameter.location == .storage { text += " storage" }
      names.append(text)
    }
    return name + "(" + names.joined(separator: ",") + ")"
  }

  /// The signature of a function that can be called from outside.
  func externalSignature(of function: FunctionDefinition) -> String? {
    guard function.kind == .function,
      function.visibility == .public || function.visibility == .external
    else { return nil }
    return signature(
      name: function.name, parameters: function.parameters.map { type(of: $0) },
      inLibrary: contract(containing: function)?.kind == .library)
  }

  /// The signature of the getter of a public state variable.
  func externalSignature(ofGetter variable: VariableDeclaration) -> String? {
    guard variable.role == .state, variable.visibility == .public else { return nil }
    let parts = getterParts(of: variable)
    guard parts.returns.allSatisfy({ externalName(of: $0) != nil }) || type(of: variable).isUnknown
    else { return nil }
    return signature(name: variable.name, parameters: parts.parameters)
  }

  /// The signature of an event or error; parameters whose type is not known read as `?`.
  func signature(name: String, of parameters: [VariableDeclaration]) -> String {
    let names = parameters.map { externalName(of: type(of: $0)) ?? "?" }
    return name + "(" + names.joined(separator: ",") + ")"
  }
}
