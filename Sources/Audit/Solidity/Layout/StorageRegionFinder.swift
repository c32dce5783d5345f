import BigInt
import Ethereum
import SoliditySyntax

/// Finds namespaces and hand-made slots in the code that a contract runs.
///
/// Walks all functions of the contract and its bases and what they call inside (internal, library and
/// free functions), carrying constants through parameters and locals, so that
/// `getAddressSlot(ADMIN_SLOT).value` and `bytes32 p = POSITION; assembly { s.slot := p }` are seen.
struct StorageRegionFinder {
  /// One function with what is known of its parameters.
  private struct Visit: Hashable {
    let function: NodeID
    let parameters: [NodeID: KnownSlot]
  }

  private struct Key: Hashable {
    let slot: BigUInt
    let isTransient: Bool
    let structure: NodeID?
  }

  private struct Draft {
    var origin: StorageRegion.Origin
    var type: SolidityType
    var constantName: String?
    var isPassed = false
    var uses: Set<StorageUse> = []
  }

  /// One function is walked with at most this many different sets of known parameters.
  private static let maximumVisits = 1000
  /// Walks with known parameters look at no more nodes than this; no contract written by people
  /// comes near.
  private static let maximumNodes = 2_000_000

  private let program: Program
  private let contract: ContractDefinition
  private var sizes: StorageSizes
  private var drafts: [Key: Draft] = [:]
  /// Calls that hand a slot named there to a function.
  private var passes: [BigUInt: Set<StorageUse>] = [:]
  private var visited: Set<Visit> = []
  private var visits: [NodeID: Int] = [:]
  private var remainingNodes = maximumNodes
  private var pending: [(item: SyntaxItem, id: NodeID, parameters: [NodeID: KnownSlot])] = []
  /// What earlier walks found worth looking at in each function.
  var code: SlotCode
  private(set) var problems: [LayoutProblem] = []

  init(program: Program, contract: ContractDefinition, sizes: StorageSizes) {
    code = SlotCode(program: program)
    self.program = program
    self.contract = contract
    self.sizes = sizes
  }

  /// The regions in order of storage kind, slot and name.
  mutating func regions() -> [StorageRegion] {
    addAnnotatedStructs()
    for base in program.linearizedBases(of: contract) {
      for function in base.functions { enqueue(.function(function), id: function.id) }
      for modifier in base.modifiers { enqueue(.modifier(modifier), id: modifier.id) }
      for variable in base.stateVariables where variable.mutability != .constant {
        enqueue(.variable(variable), id: variable.id)
      }
    }
    while let next = pending.popLast() { walk(next.item, next.id, next.parameters) }
    return finish()
  }

  private mutating func addAnnotatedStructs() {
    var places: [String: Int] = [:]
    for base in program.linearizedBases(of: contract) {
      for structure in base.structs {
        guard let namespace = StorageNamespace(of: structure), let slot = namespace.slot else {
          continue
        }
        places[namespace.annotation, default: 0] += 1
        if places[namespace.annotation] == 2 {
          problems.append(.duplicateNamespace(id: namespace.annotation))
        }
        let key = Key(slot: slot, isTransient: false, structure: structure.id)
        drafts[key] = Draft(
          origin: .annotation, type: .structure(Reference(structure), nil), constantName: nil)
      }
    }
  }

  private mutating func enqueue(
    _ item: SyntaxItem, id: NodeID, parameters: [NodeID: KnownSlot] = [:]
  ) {
    if !parameters.isEmpty {
      guard remainingNodes > 0, visits[id, default: 0] < StorageRegionFinder.maximumVisits else {
        return
      }
    }
    guard visited.insert(Visit(function: id, parameters: parameters)).inserted else { return }
    visits[id, default: 0] += 1
    pending.append((item, id, parameters))
  }

  // MARK: Walking

  private mutating func walk(
    _ item: SyntaxItem, _ id: NodeID, _ parameters: [NodeID: KnownSlot]
  ) {
    var values = SlotEvaluation(program: program, contract: contract)
    values.known = parameters
    for part in code.parts(of: item, id: id) {
      if !parameters.isEmpty { remainingNodes -= 1 }
      switch part {
      case .invocation(let invocation): follow(invocation, values)
      case .statement(let statement):
        guard case .variables(let variables, let value?) = statement.kind, variables.count == 1,
          let variable = variables[0]
        else { continue }
        values.known[variable.id] = values.slot(of: value)
      case .expression(let expression):
        switch expression.kind {
        case .call: follow(expression, values)
        case .assignment(let operation, let target, let value):
          guard let variable = program.declaration(of: target) as? VariableDeclaration,
            variable.isLocal
          else { continue }
          values.known[variable.id] = operation == nil ? values.slot(of: value) : nil
        default: continue
        }
      case .yulStatement(let statement): note(statement, &values)
      case .yulExpression(let expression): note(expression, values)
      case .contract, .function, .modifier, .variable, .block, .yulBlock: continue
      }
    }
  }

  private mutating func follow(_ call: Expression, _ values: SlotEvaluation) {
    guard case .function(let function, let dispatch, _) = program.callee(of: call) else { return }
    let target: FunctionDefinition
    switch dispatch {
    case .external: return
    case .virtual: target = program.override(of: function, in: contract)
    case .exact, .libraryDelegate: target = function
    // Every function of every base is walked anyway.
    case .super: return
    }
    let arguments = program.arguments(of: call)
    enqueue(
      .function(target), id: target.id,
      parameters: known(target.parameters, given: arguments, values, at: call))
  }

  private mutating func follow(_ invocation: ModifierInvocation, _ values: SlotEvaluation) {
    guard let modifier = program.modifier(of: invocation, in: contract) else { return }
    enqueue(
      .modifier(modifier), id: modifier.id,
      parameters: known(
        modifier.parameters ?? [], given: invocation.arguments ?? [], values, at: invocation))
  }

  private mutating func known(
    _ parameters: [VariableDeclaration], given arguments: [Expression?], _ values: SlotEvaluation,
    at call: some SyntaxNode
  ) -> [NodeID: KnownSlot] {
    var result: [NodeID: KnownSlot] = [:]
    for (parameter, argument) in zip(parameters, arguments) {
      guard let argument, program.type(of: parameter).canHoldSlot,
        let slot = values.slot(of: argument)
      else { continue }
      result[parameter.id] = KnownSlot(value: slot.value, name: slot.name, isPassed: true)
      if !slot.isPassed {
        passes[slot.value, default: []].insert(
          StorageUse(action: .pass, unit: call.id.unit, range: call.range))
      }
    }
    return result
  }

  // MARK: Assembly

  private mutating func note(_ statement: YulStatement, _ values: inout SlotEvaluation) {
    switch statement.kind {
    case .variables(let variables, let value?) where variables.count == 1:
      values.known[variables[0].id] = values.slot(of: value)
    case .assignment(let targets, let value) where targets.count == 1:
      let target = targets[0]
      if let local = program.yulDeclaration(of: target) {
        values.known[local.id] = values.slot(of: value)
      } else if let reference = program.reference(of: target) {
        guard let variable = reference.declaration as? VariableDeclaration else { return }
        if reference.suffix == .slot {
          guard let slot = values.slot(of: value) else { return }
          add(
            slot, type: program.type(of: variable), origin: slot.isPassed ? .helper : .pointer,
            isTransient: false, use: .point, at: statement)
        } else if reference.suffix == nil, variable.isLocal {
          values.known[variable.id] = values.slot(of: value)
        }
      }
    default: return
    }
  }

  private mutating func note(_ expression: YulExpression, _ values: SlotEvaluation) {
    guard case .call(let name, let arguments) = expression.kind, let place = arguments.first else {
      return
    }
    let action: StorageUse.Action
    let isTransient: Bool
    switch name.text {
    case "sload": (action, isTransient) = (.read, false)
    case "sstore": (action, isTransient) = (.write, false)
    case "tload": (action, isTransient) = (.read, true)
    case "tstore": (action, isTransient) = (.write, true)
    default: return
    }
    guard let slot = values.slot(of: place) else { return }
    add(
      slot, type: .fixedBytes(32), origin: .access, isTransient: isTransient, use: action,
      at: expression)
  }

  private mutating func add(
    _ slot: KnownSlot, type: SolidityType, origin: StorageRegion.Origin, isTransient: Bool,
    use action: StorageUse.Action, at node: some SyntaxNode
  ) {
    var structure: NodeID?
    if case .structure(let definition, _) = type { structure = definition.node.id }
    let key = Key(slot: slot.value, isTransient: isTransient, structure: structure)
    var draft = drafts[key] ?? Draft(origin: origin, type: type, constantName: slot.name)
    if draft.origin == .access, origin != .access { draft.type = type }
    draft.origin = min(draft.origin, origin)
    draft.isPassed = draft.isPassed || slot.isPassed
    if draft.constantName == nil { draft.constantName = slot.name }
    draft.uses.insert(
      StorageUse(action: action, unit: node.id.unit, range: node.range))
    drafts[key] = draft
  }

  // MARK: Result

  private mutating func finish() -> [StorageRegion] {
    mergePlainAccesses()
    var regions: [StorageRegion] = []
    for (key, draft) in drafts {
      let uses = draft.isPassed ? draft.uses.union(passes[key.slot] ?? []) : draft.uses
      let wellKnown = SlotText.word(key.slot).flatMap { WellKnownSlot(slot: $0) }
      var type = draft.type
      if draft.origin == .access, wellKnown?.holdsAddress == true {
        type = .address(payable: false)
      }
      var entries: [StorageEntry] = []
      var namespace: StorageNamespace?
      if case .structure(let definition, _) = type {
        entries = sizes.members(of: definition.node).entries.map { $0.moved(by: key.slot) }
        namespace = StorageNamespace(of: definition.node)
        if let namespace, let expected = namespace.slot, expected != key.slot {
          problems.append(
            .namespaceMismatch(id: namespace.annotation, used: key.slot, expected: expected))
        }
      }
      let name =
        namespace?.annotation ?? wellKnown?.label ?? draft.constantName ?? SlotText.short(key.slot)
      regions.append(
        StorageRegion(
          origin: draft.origin, slot: key.slot, isTransient: key.isTransient, name: name,
          namespace: namespace, wellKnown: wellKnown, type: type,
          numberOfBytes: sizes.size(of: type, name: name).numberOfBytes, entries: entries,
          uses: uses.sorted {
            ($0.unit, $0.range, $0.action.rawValue) < ($1.unit, $1.range, $1.action.rawValue)
          }))
    }
    let names = StorageTypeNames(program: program)
    problems.sort { $0.description < $1.description }
    return regions.sorted {
      if $0.isTransient != $1.isTransient { return !$0.isTransient }
      if $0.slot != $1.slot { return $0.slot < $1.slot }
      return names.identifier(of: $0.type) < names.identifier(of: $1.type)
    }
  }

  /// A plain access to a slot that also has a struct is a use of that struct.
  private mutating func mergePlainAccesses() {
    let plain = drafts.filter { $0.key.structure == nil && $0.value.origin == .access }
    for (key, access) in plain {
      let typed = drafts.keys.filter {
        $0.slot == key.slot && $0.isTransient == key.isTransient && $0.structure != nil
      }
      guard !typed.isEmpty else { continue }
      for other in typed { drafts[other]?.uses.formUnion(access.uses) }
      drafts[key] = nil
    }
  }
}

extension StorageRegion.Origin: Comparable {
  private var rank: Int {
    switch self {
    case .annotation: 0
    case .pointer: 1
    case .helper: 2
    case .access: 3
    }
  }

  /// Orders by strength: an annotation says most.
  public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

extension WellKnownSlot {
  /// Whether the agreement on the slot says it holds an address.
  var holdsAddress: Bool {
    switch self {
    case .erc1967Implementation, .erc1967Admin, .erc1967Beacon, .erc1822Proxiable,
      .zeppelinOSImplementation, .zeppelinOSAdmin:
      true
    case .erc1967Rollback, .diamondStorage: false
    }
  }
}
