import SoliditySyntax

/// What an expression turned out to be: its type, and what a call of it would run.
struct Operand: Sendable {
  /// What stands behind an expression beyond its value.
  indirect enum Target: Sendable {
    /// Nothing but a value, or a type.
    case value
    /// Functions among which the arguments choose.
    case functions([Candidate])
    /// Events among which the arguments choose.
    case events([EventDefinition])
    /// A custom error.
    case error(ErrorDefinition)
    /// A built-in, by its full name.
    case builtin(String)
    /// `.value` or `.gas` before 0.7: a call gives the operand back with an option set.
    case callOption(String, of: Operand)
    /// A member of an address.
    case lowLevel(LowLevelCall)
    /// The getter of a variable of another contract.
    case getter(VariableDeclaration)
    /// `new C`
    case creation(ContractDefinition)
    /// `new T[]`
    case allocation(SolidityType)
    /// A modifier.
    case modifier(ModifierDefinition)
  }
  /// A function with the way it is reached.
  struct Candidate: Sendable {
    let function: FunctionDefinition
    let dispatch: Dispatch
    let isBound: Bool
  }

  var type: SolidityType
  var target: Target = .value
  var declaration: (any Declaration)?
  /// What a call yields, for built-ins of which it depends on the type they are a member of.
  var result: SolidityType?

  static let unknown = Operand(type: .unknown)

  init(type: SolidityType, target: Target = .value, declaration: (any Declaration)? = nil) {
    self.type = type
    self.target = target
    self.declaration = declaration
  }

  static func builtin(_ name: String, result: SolidityType? = nil) -> Operand {
    var operand = Operand(type: .unknown, target: .builtin(name))
    operand.result = result
    return operand
  }
}

/// The arguments of a call as far as they choose among overloads.
struct ArgumentTypes: Sendable {
  var types: [SolidityType]
  var names: [String]?
  /// For number literals written in hexadecimal the number of bytes they spell: they convert to
  /// `bytesN` of that width.
  var literalWidths: [Int?]
}
