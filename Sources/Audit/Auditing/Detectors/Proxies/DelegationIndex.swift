import SoliditySyntax
import Solidity

/// Which functions may come to a delegatecall, by the names they call.
///
/// An over-estimate that costs one walk over the program: contracts outside of it need not be examined.
struct DelegationIndex {
  private let program: Program
  /// Names of functions and modifiers that contain a delegatecall or call a function of such a name.
  private let names: Set<String>

  init(program: Program) {
    self.program = program
    var calls: [(name: String, callees: Set<String>)] = []
    var found: Set<String> = []
    guard
      program.units.contains(where: { DelegationIndex.mentionsDelegation($0.source.bytes[...]) })
    else {
      names = []
      return
    }
    for unit in program.units {
      let hasDelegation = DelegationIndex.mentionsDelegation(unit.source.bytes[...])
      for item in unit.items {
        switch item {
        case .contract(let contract):
          for function in contract.functions {
            let name = DelegationIndex.name(of: function)
            if hasDelegation, DelegationIndex.delegates(function.range, unit) { found.insert(name) }
            calls.append((name, DelegationIndex.callees(.function(function))))
          }
          for modifier in contract.modifiers {
            if hasDelegation, DelegationIndex.delegates(modifier.range, unit) {
              found.insert(modifier.name)
            }
            calls.append((modifier.name, DelegationIndex.callees(.modifier(modifier))))
          }
        case .function(let function):
          if hasDelegation, DelegationIndex.delegates(function.range, unit) {
            found.insert(function.name)
          }
          calls.append((function.name, DelegationIndex.callees(.function(function))))
        default: continue
        }
      }
    }
    var grew = true
    while grew {
      grew = false
      for (name, callees) in calls where !found.contains(name) && !callees.isDisjoint(with: found) {
        found.insert(name)
        grew = true
      }
    }
    names = found
  }

  /// Whether a function of the contract or its bases may come to a delegatecall.
  func mayDelegate(_ contract: ContractDefinition) -> Bool {
    guard !names.isEmpty else { return false }
    return program.linearizedBases(of: contract).contains { base in
      base.functions.contains { names.contains(DelegationIndex.name(of: $0)) }
        || base.modifiers.contains { names.contains($0.name) }
    }
  }

  private static func name(of function: FunctionDefinition) -> String {
    switch function.kind {
    case .fallback: "fallback()"
    case .receive: "receive()"
    case .constructor: "constructor()"
    case .function, .freeFunction: function.name
    }
  }

  private static func delegates(_ range: SourceRange, _ unit: SourceUnit) -> Bool {
    let bytes = unit.source.bytes
    let start = min(max(0, Int(range.start)), bytes.count)
    let end = min(max(start, Int(range.end)), bytes.count)
    return mentionsDelegation(bytes[start..<end])
  }

  /// Whether the text holds `delegatecall` or `callcode`.
  static func mentionsDelegation(_ bytes: ArraySlice<UInt8>) -> Bool {
    SourceText.contains("delegatecall", in: bytes) || SourceText.contains("callcode", in: bytes)
  }

  /// The last names of everything the code calls, and of its modifiers.
  private static func callees(_ root: SyntaxItem) -> Set<String> {
    var result: Set<String> = []
    for item in SyntaxTraversal(root) {
      switch item {
      case .invocation(let invocation):
        if let name = invocation.path.parts.last?.text { result.insert(name) }
      case .expression(let expression):
        guard case .call(let callee, _) = expression.kind else { continue }
        var inner = callee.withoutParentheses
        while case .callOptions(let base, _) = inner.kind { inner = base.withoutParentheses }
        switch inner.kind {
        case .identifier(let name): result.insert(name)
        case .memberAccess(_, let name): result.insert(name.text)
        default: continue
        }
      default: continue
      }
    }
    return result
  }
}

/// Searching in source bytes.
enum SourceText {
  /// Whether `needle` (ASCII) occurs in the bytes. O(length) for needles whose first byte is rare.
  static func contains(_ needle: StaticString, in bytes: ArraySlice<UInt8>) -> Bool {
    bytes.withUnsafeBufferPointer { buffer in
      needle.withUTF8Buffer { wanted in
        guard !wanted.isEmpty, buffer.count >= wanted.count else { return false }
        let last = buffer.count - wanted.count
        var index = 0
        while index <= last {
          if buffer[index] == wanted[0] {
            var offset = 1
            while offset < wanted.count, buffer[index + offset] == wanted[offset] { offset += 1 }
            if offset == wanted.count { return true }
          }
          index += 1
        }
        return false
      }
    }
  }
}
