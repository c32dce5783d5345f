import BigInt
import SoliditySyntax
import Solidity

/// Turns the tree of one function, with its modifiers around it, into a graph.
///
/// Recursion follows the tree and is bounded by `maximumDepth`; size is bounded by `maximumValues`. What lies beyond
/// reads as `.unknown` and makes the graph incomplete.
final class FunctionLowering {
  static let maximumDepth = 128
  static let maximumValues = 400_000

  /// Where `break` and `continue` go.
  struct LoopTargets {
    let onBreak: BlockID
    let onContinue: BlockID
  }

  let program: Program
  let builder: GraphBuilder
  /// The contract whose modifier overrides apply.
  let mostDerived: ContractDefinition?
  /// The contract that declares what is being lowered; `super` starts after it.
  var declaring: ContractDefinition?
  /// Whether arithmetic is checked where nothing says otherwise.
  var isCheckedDialect: Bool
  var dialect: CompilerVersion
  var surroundings: Origin.Surroundings = []
  var depth = 0
  var isComplete = true
  var hasUnstructuredJumps = false

  /// The slots of local variables now in scope.
  var bindings: [NodeID: Int32] = [:]
  /// Storage locals need their declared type to tell pointers from copies.
  var returnSlots: [Int32] = []
  var returnTypes: [SolidityType] = []
  /// Where `return` goes.
  var returnTarget = BlockID(0)
  var loops: [LoopTargets] = []
  /// What `_` stands for in the modifier being lowered.
  var placeholder: (() -> Void)?
  /// The state of memory as assembly sees it, and the data the last call returned.
  var memorySlot: Int32?
  var returnDataSlot: Int32?
  /// Yul functions being inlined, outermost first.
  var yulCalls: [NodeID] = []
  var yulLeave: BlockID?
  /// Constants whose values are being lowered.
  var constantsInProgress: [NodeID] = []

  init(program: Program, node: any SyntaxNode, mostDerived: ContractDefinition?) {
    self.program = program
    self.mostDerived = mostDerived
    declaring = program.contract(containing: node)
    dialect = program.unit(of: node).language.dialect
    isCheckedDialect = dialect >= CompilerVersion(0, 8, 0)
    builder = GraphBuilder(
      start: Origin(
        node: node.id, range: SourceRange(start: node.range.start, end: node.range.start),
        surroundings: .implied))
    if !isCheckedDialect { surroundings.insert(.wrapping) }
  }

  /// Lowers a function; nil when it has no body.
  static func lower(
    _ function: FunctionDefinition, in contract: ContractDefinition?, program: Program
  ) -> FunctionGraph? {
    guard let body = function.body else { return nil }
    let lowering = FunctionLowering(
      program: program, node: function,
      mostDerived: contract ?? program.contract(containing: function))
    let parameters = lowering.bindParameters(function)
    let slots = function.parameters.map { lowering.bindings[$0.id] }
    lowering.bindReturns(function)
    lowering.lowerBody(function, body: body)
    let results = lowering.returnSlots.map { lowering.builder.read($0) }
    let atExit = zip(parameters, slots).map { parameter, slot in
      guard let slot, lowering.builder.type(parameter).isMemoryObject else { return parameter }
      return lowering.builder.read(slot)
    }
    lowering.builder.terminate(.return(results), lowering.origin(function, implied: true))
    return lowering.builder.finish(
      unit: .function(function), contract: lowering.declaring, parameters: parameters,
      parametersAtExit: atExit,
      isComplete: lowering.isComplete, hasUnstructuredJumps: lowering.hasUnstructuredJumps)
  }

  func bindParameters(_ function: FunctionDefinition) -> [ValueID] {
    function.parameters.enumerated().map { position, parameter in
      let type = program.type(of: parameter)
      let value = builder.append(
        .parameter(position, parameter), type: type, origin: origin(parameter))
      let slot = bind(parameter, type: type)
      builder.write(slot, value)
      return value
    }
  }

  /// Lowers modifiers and body and goes on after them.
  func lowerBody(_ function: FunctionDefinition, body: Block) {
    guard let contract = mostDerived ?? declaring else { return lowerLayer(0, [], body) }
    let invocations = function.modifiers.compactMap { invocation in
      program.modifier(of: invocation, in: contract).map { (invocation, $0) }
    }
    lowerLayer(0, invocations, body)
  }

  func bindReturns(_ function: FunctionDefinition) {
    returnTypes = function.returnParameters.map { program.type(of: $0) }
    returnSlots = zip(function.returnParameters, returnTypes).map { bind($0, type: $1) }
  }

  /// Lowers the modifiers from `layer` on, then the body.
  private func lowerLayer(
    _ layer: Int, _ invocations: [(ModifierInvocation, ModifierDefinition)], _ body: Block
  ) {
    let after = builder.makeBlock()
    let outer = (returnTarget, surroundings, placeholder, bindings, loops)
    returnTarget = after
    loops = []
    if layer == invocations.count {
      surroundings.remove(.modifier)
      surroundings.remove(.uncheckedBlock)
      if isCheckedDialect { surroundings.remove(.wrapping) }
      placeholder = nil
      lower(body)
      jump(after, origin(body, implied: true))
    } else {
      let (invocation, modifier) = invocations[layer]
      let arguments = (invocation.arguments ?? []).map { lower($0) }
      surroundings.insert(.modifier)
      // A modifier used twice has its own variables each time.
      for (position, parameter) in (modifier.parameters ?? []).enumerated() {
        let type = program.type(of: parameter)
        let slot = builder.makeSlot(type: type)
        bindings[parameter.id] = slot
        if position < arguments.count {
          builder.write(slot, coerce(arguments[position], to: type, invocation))
        }
      }
      let functionBindings = outer.3
      let contract = declaring
      let modifierContract = program.contract(containing: modifier) ?? declaring
      var modifierSurroundings = surroundings
      placeholder = { [unowned self] in
        let inner = (bindings, returnTarget, loops, placeholder, surroundings, declaring)
        for (id, slot) in functionBindings { bindings[id] = slot }
        declaring = contract
        surroundings = outer.1
        lowerLayer(layer + 1, invocations, body)
        (bindings, returnTarget, loops, placeholder, surroundings, declaring) = inner
      }
      declaring = modifierContract
      modifierSurroundings = surroundings
      if let modifierBody = modifier.body {
        lower(modifierBody)
      } else {
        placeholder?()
      }
      surroundings = modifierSurroundings
      declaring = contract
      jump(after, origin(invocation, implied: true))
    }
    let keptBindings = outer.3
    (returnTarget, surroundings, placeholder, loops) = (outer.0, outer.1, outer.2, outer.4)
    bindings = keptBindings
    builder.enterSealed(after)
  }

  // MARK: Small parts

  func origin(_ node: some SyntaxNode, implied: Bool = false) -> Origin {
    Origin(
      node: node.id, range: node.range,
      surroundings: implied ? surroundings.union(.implied) : surroundings)
  }

  func emit(_ operation: Operation, _ type: SolidityType, _ node: some SyntaxNode) -> ValueID {
    builder.append(operation, type: type, origin: origin(node))
  }

  /// An instruction made for its effect.
  func perform(_ operation: Operation, _ node: some SyntaxNode) {
    _ = builder.append(operation, type: .tuple([]), origin: origin(node))
  }

  func unknown(_ parts: [ValueID], _ node: some SyntaxNode, type: SolidityType = .unknown)
    -> ValueID
  { emit(.unknown(parts), type, node) }

  func constant(_ number: Int, _ type: SolidityType, _ node: some SyntaxNode) -> ValueID {
    guard let value = Rational(BigInt(number)) else { return unknown([], node) }
    return emit(.constant(.number(value)), type, node)
  }

  func bind(_ variable: any Declaration, type: SolidityType) -> Int32 {
    let slot = builder.makeSlot(type: type)
    bindings[variable.id] = slot
    return slot
  }

  /// The slot of a local variable; variables used before their declaration (before 0.5) get one here.
  func slot(of variable: any Declaration, type: @autoclosure () -> SolidityType) -> Int32 {
    bindings[variable.id] ?? bind(variable, type: type())
  }

  func jump(_ target: BlockID, _ origin: Origin) {
    builder.terminate(.jump(target), origin)
  }

  func branch(
    _ condition: ValueID, _ then: BlockID, _ otherwise: BlockID, _ node: some SyntaxNode
  ) {
    builder.terminate(.branch(condition, then: then, otherwise: otherwise), origin(node))
  }

  /// Ends the current block by reverting unless the condition holds.
  func check(
    _ condition: ValueID, _ kind: Revert.Kind, _ node: some SyntaxNode,
    arguments: () -> (ErrorDefinition?, [ValueID])
  ) {
    let pass = builder.makeBlock()
    let fail = builder.makeBlock()
    branch(condition, pass, fail, node)
    builder.enterSealed(fail)
    let (error, values) = arguments()
    builder.terminate(
      .revert(Revert(kind: kind, error: error, arguments: values)), origin(node))
    builder.enterSealed(pass)
  }

  /// Runs `body` one level deeper; beyond the bounds runs `otherwise`.
  func descend<Result>(_ body: () -> Result, otherwise: () -> Result) -> Result {
    guard depth < Self.maximumDepth, builder.values.count < Self.maximumValues else {
      isComplete = false
      return otherwise()
    }
    depth += 1
    defer { depth -= 1 }
    return body()
  }
}

extension SolidityType {
  /// Whether values of the type are references that live in storage: assigning one copies a pointer.
  var isStoragePointer: Bool {
    switch self {
    case .mapping: true
    case .array(_, _, let location), .structure(_, let location), .bytes(let location),
      .string(let location):
      location == .storage
    default: false
    }
  }

  /// Whether values of the type are objects in memory, which those who are given them can change.
  var isMemoryObject: Bool {
    switch self {
    case .array(_, _, let location), .structure(_, let location), .bytes(let location):
      location == .memory
    default: false
    }
  }

  /// Whether the type is a reference type: arrays, structs, bytes, strings, mappings.
  var isReference: Bool {
    switch self {
    case .mapping, .array, .structure, .bytes, .string: true
    default: false
    }
  }

  /// Whether values of the type are addresses: contracts too.
  var isAddressLike: Bool {
    switch self {
    case .address, .contract: true
    default: false
    }
  }

  /// Whether a value of the type can name an account: what could not be told counts.
  var mayHaveCode: Bool {
    switch self {
    case .address, .contract, .unknown, .function: true
    default: false
    }
  }

  /// Whether the type is a signed integer or fixed point number.
  var isSigned: Bool {
    switch self {
    case .integer(_, let signed), .fixedPoint(_, _, let signed): signed
    default: false
    }
  }

  /// The type of a member, element or length, as far as the type tells without resolution.
  func element(_ step: PathStep, in program: Program) -> SolidityType {
    switch (self, step) {
    case (.mapping(_, let value), .index): value
    case (.array(let element, _, _), .index), (.array(let element, _, _), .push): element
    case (.bytes, .index), (.bytes, .push), (.fixedBytes, .index): .fixedBytes(1)
    case (.array, .length), (.bytes, .length), (.string, .length):
      .integer(bits: 256, signed: false)
    case (.structure(let reference, _), .member(let name)):
      reference.node.members.first { $0.name == name }.map { program.type(of: $0) } ?? .unknown
    default: .unknown
    }
  }
}
