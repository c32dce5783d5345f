/// Lines of a file, as a reviewer names them.
public struct LineSpan: Hashable, Sendable, CustomStringConvertible {
  /// The path of the file.
  public let path: String
  /// The first line, from 1.
  public let first: Int
  /// The last line, included.
  public let last: Int

  /// Makes a span. Nothing is checked: spans of a reviewer may name files and lines that do not exist.
  public init(path: String, first: Int, last: Int) {
    self.path = path
    self.first = first
    self.last = last
  }

  /// Whether the two share a line of the same file.
  public func overlaps(_ other: LineSpan) -> Bool {
    path == other.path && first <= other.last && other.first <= last
  }

  /// `src/Vault.sol:12-14`
  public var description: String { "\(path):\(first)" + (last == first ? "" : "-\(last)") }
}

/// A function as claims name it.
public struct CallableName: Hashable, Sendable, CustomStringConvertible {
  /// The contract whose code runs: inherited functions are looked up from here.
  public let contract: String
  /// The function's name, or with parameter types to tell overloads apart: `withdraw`, `withdraw(uint256)`,
  /// `constructor`, `fallback`, `receive`.
  public let function: String

  /// Makes a name.
  public init(contract: String, function: String) {
    self.contract = contract
    self.function = function
  }

  /// `Vault.withdraw(uint256)`
  public var description: String { "\(contract).\(function)" }
}

/// A state variable as claims name it.
public struct StateName: Hashable, Sendable, CustomStringConvertible {
  /// The contract that has the variable; it may inherit it.
  public let contract: String
  /// The variable's name.
  public let variable: String

  /// Makes a name.
  public init(contract: String, variable: String) {
    self.contract = contract
    self.variable = variable
  }

  /// `Vault.balances`
  public var description: String { "\(contract).\(variable)" }
}

/// The statements a reviewer can make. The list is fixed: each can be decided from facts.
public enum ClaimStatement: Hashable, Sendable, CustomStringConvertible {
  /// A call of the function can write the variable.
  case writes(CallableName, StateName)
  /// The function reads the variable on a way that then passes the lines.
  case readsBefore(CallableName, StateName, before: LineSpan)
  /// A call of `entry` from outside can run the function.
  case reachableFrom(CallableName, entry: CallableName)
  /// Anyone may call the function to its end.
  case unguarded(CallableName)
  /// The variables share a byte of storage when both contracts run in one account.
  case overlaps(StateName, StateName)
  /// A value used or made in the first lines reaches the second within a call of the function.
  case valueFlows(in: CallableName, from: LineSpan, to: LineSpan)
  /// A call of the function can write the variable after it called another account.
  case externalCallBeforeWrite(CallableName, StateName)
  /// The functions have the same four-byte selector and are not the same function.
  case sameSelector(CallableName, CallableName)

  /// The statement in words.
  public var description: String {
    switch self {
    case .writes(let function, let variable): "\(function) writes \(variable)"
    case .readsBefore(let function, let variable, let span):
      "\(function) reads \(variable) before \(span)"
    case .reachableFrom(let function, let entry): "\(function) is reachable from \(entry)"
    case .unguarded(let function): "\(function) is unguarded"
    case .overlaps(let a, let b): "\(a) overlaps \(b)"
    case .valueFlows(let function, let from, let to):
      "a value flows from \(from) to \(to) in \(function)"
    case .externalCallBeforeWrite(let function, let variable):
      "\(function) makes an external call before it writes \(variable)"
    case .sameSelector(let a, let b): "\(a) and \(b) have the same selector"
    }
  }
}

/// A statement with what the reviewer rests it on.
public struct ReviewClaim: Hashable, Sendable {
  /// The statement.
  public let statement: ClaimStatement
  /// The facts it cites, by `ReviewFact.id`.
  public let facts: [String]
  /// The lines it cites.
  public let spans: [LineSpan]

  /// Makes a claim.
  public init(_ statement: ClaimStatement, facts: [String] = [], spans: [LineSpan] = []) {
    self.statement = statement
    self.facts = facts
    self.spans = spans
  }
}
