import Ethereum

/// A function that dispatch code chooses by its selector.
public struct DispatchedFunction: Hashable, Sendable {
  /// The four bytes.
  public let selector: Selector
  /// Byte offset of the block in which the function's own code starts.
  public let entry: Int
  /// Whether the function takes ether; one that refuses it does so before anything else.
  public let isPayable: Bool
  /// Whether all paths of the function were examined.
  public let isComplete: Bool
}

/// What can be said of the code of a contract from its bytes alone.
///
/// Any bytes can be examined; work is bounded by ``maximumSteps`` instructions and by
/// the number of values that are kept, and a result that a bound cut short says so.
public struct BytecodeAnalysis: Sendable {
  /// Work done in all, over all functions and paths, in instructions.
  public static let maximumSteps = 4_000_000

  /// The bytes that were given.
  public let code: [UInt8]
  /// What they are.
  public let format: CodeFormat
  /// How the code deploys another, if it is creation code. All else is then about the deployed
  /// code, and offsets count from its start.
  public let creation: CreationCode?
  /// The runtime code's instructions.
  public let disassembly: Disassembly
  /// What the compiler wrote behind the code.
  public let metadata: CompilerMetadata?
  /// The functions, by selector.
  public let functions: [DispatchedFunction]
  /// Selectors that are compared only behind conditions about something else than call data, as
  /// transparent proxies do for their admin; sorted.
  public let conditionalSelectors: [Selector]
  /// Whether call data that chooses no function comes to code of its own, be it that it refuses
  /// with a reason.
  public let hasFallback: Bool
  /// Whether empty call data comes to code of its own, other than the fallback's.
  public let hasReceive: Bool
  /// Storage words that are read and written, by slot.
  public let storageAccesses: [StorageAccess]
  /// Calls into other code on this contract's own storage, by offset.
  public let delegateCalls: [DelegateCall]
  /// How calls are handed on, if they are.
  public let proxy: ProxyKind?
  /// Whether the code has an instruction that some path runs and that creates contracts.
  public let createsContracts: Bool
  /// Whether some path runs `SELFDESTRUCT`.
  public let selfDestructs: Bool
  /// Agreed slots whose number stands in the code, reached or not, in the order of declaration.
  public let wellKnownSlots: [WellKnownSlot]
  /// Basic blocks.
  public let controlFlow: ControlFlowGraph
  /// Whether no bound cut the examination short and no jump was left open.
  public let isComplete: Bool

  /// Examines code.
  public init(code: [UInt8]) {
    self.code = code
    format = CodeFormat(code: code)
    let whole = Disassembly(code: format == .legacy ? code : [])
    let minimal = format == .legacy ? MinimalProxy(code: code) : nil
    let creation = minimal == nil ? CreationCode(disassembly: whole) : nil
    self.creation = creation
    let disassembly =
      creation.map { Disassembly(code: Array(code[$0.runtimeRange])) } ?? whole
    self.disassembly = disassembly
    let metadata =
      CompilerMetadata(code: disassembly.code)
      ?? (creation == nil ? nil : CompilerMetadata(code: code))
    self.metadata = metadata

    let machine = SymbolicMachine(disassembly: disassembly)
    var examination = Examination(
      machine: machine,
      isVyper: metadata.map { $0.compiler == .vyper } ?? !Self.reservesMemory(
        disassembly))
    examination.run()
    functions = examination.functions
    conditionalSelectors = examination.conditionalSelectors.sorted().map { Selector(rawValue: $0) }
    hasFallback = examination.hasFallback
    hasReceive = examination.hasReceive
    storageAccesses = examination.accesses.sorted()
    delegateCalls = examination.delegateCalls
    createsContracts = examination.createsContracts
    selfDestructs = examination.selfDestructs
    isComplete = examination.isComplete
    let deployed = creation == nil ? minimal : MinimalProxy(code: disassembly.code)
    if case .delegation(let address) = format {
      proxy = .delegation(address)
    } else if let deployed {
      proxy = .minimal(deployed)
    } else {
      proxy = ProxyKind(delegateCalls: delegateCalls, accesses: storageAccesses)
    }
    let operands = Set(disassembly.instructions.lazy.map(\.operand))
    wellKnownSlots = WellKnownSlot.allCases.filter { operands.contains($0.slot) }
    controlFlow = ControlFlowGraph(disassembly: disassembly, machine: machine)
  }

  /// Whether the contract has the functions through which an ERC-2535 diamond shows its facets.
  public var hasDiamondLoupe: Bool {
    let loupe = [
      "facets()", "facetFunctionSelectors(address)", "facetAddresses()", "facetAddress(bytes4)",
    ]
    let selectors = Set(functions.map(\.selector))
    return loupe.allSatisfy { selectors.contains(Selector(signature: $0)) }
  }

  /// Whether the contract answers `proxiableUUID()`, as a UUPS implementation must.
  public var isProxiable: Bool {
    functions.contains { $0.selector == Selector(signature: "proxiableUUID()") }
  }

  /// Whether code starts by setting the pointer to free memory, as Solidity's does and Vyper's
  /// does not.
  private static func reservesMemory(_ disassembly: Disassembly) -> Bool {
    let start = disassembly.instructions.prefix(12)
    return zip(start, start.dropFirst()).contains { push, store in
      push.operand == 0x40 && push.opcode.isPush && store.opcode == .mstore
    }
  }
}

/// The examination of one contract's runtime code.
private struct Examination {
  let machine: SymbolicMachine
  let isVyper: Bool
  var functions: [DispatchedFunction] = []
  var conditionalSelectors: Set<UInt32> = []
  var hasFallback = false
  var hasReceive = false
  var accesses = StorageAccessCollector()
  var createsContracts = false
  var selfDestructs = false
  var isComplete = true

  private var calls: [Call: Set<EntryPoint>] = [:]

  private struct Call: Hashable {
    let offset: Int
    let isCallCode: Bool
    let target: DelegateTarget
  }

  init(machine: SymbolicMachine, isVyper: Bool) {
    self.machine = machine
    self.isVyper = isVyper
  }

  var delegateCalls: [DelegateCall] {
    calls.map { call, entryPoints in
      DelegateCall(
        offset: call.offset, isCallCode: call.isCallCode, target: call.target,
        entryPoints: entryPoints.sorted())
    }
    .sorted { ($0.offset, $0.target.description) < ($1.offset, $1.target.description) }
  }

  mutating func run() {
    guard !machine.disassembly.instructions.isEmpty else { return }
    var explorer = DispatchExplorer(machine: machine)
    explorer.explore()
    let dispatch = explorer.dispatch
    isComplete = !dispatch.isExhausted
    judgeRest(explorer)

    var fallback = FunctionExplorer(machine: machine)
    fallback.explore(dispatch.rests.flatMap(\.continuations), budget: budget)
    // What dispatch ran before it split belongs to the fallback, which shares that code.
    gather(.fallback)
    let known = Set(dispatch.entries.map(\.selector))
    conditionalSelectors = fallback.comparedSelectors.subtracting(known)

    let instructions = machine.disassembly.instructions
    for entry in dispatch.entries {
      var explorer = FunctionExplorer(machine: machine)
      explorer.explore([entry.state], budget: budget)
      let selector = Selector(rawValue: entry.selector)
      let wasComplete = isComplete
      isComplete = true
      gather(.function(selector))
      functions.append(
        DispatchedFunction(
          selector: selector, entry: instructions[entry.state.index].offset,
          isPayable: !entry.isNonPayable && !explorer.refusesEther, isComplete: isComplete))
      isComplete = isComplete && wasComplete
    }
  }

  private var budget: Int { BytecodeAnalysis.maximumSteps - machine.steps }

  /// Finds out what call data that chooses no function comes to.
  private mutating func judgeRest(_ explorer: DispatchExplorer) {
    let other = DispatchExplorer.value(outside: Set(explorer.dispatch.entries.map(\.selector)))
    func ends(_ size: UInt64, _ selector: UInt32) -> [Dispatch.Rest] {
      let assumptions = Assumptions(selector: selector, callDataSize: size, callValue: 0)
      return explorer.dispatch.rests.filter { rest in
        explorer.isPossible(rest.state, under: assumptions) && !fails(rest)
      }
    }
    let unmatched = ends(DispatchExplorer.ample, other)
    let empty = ends(0, 0)
    hasFallback = !unmatched.isEmpty
    let unmatchedPlaces = Set(unmatched.map(\.state.index))
    hasReceive = empty.contains { !unmatchedPlaces.contains($0.state.index) }
  }

  /// Whether call data is refused without a word, as compilers do where the source has no code.
  private func fails(_ rest: Dispatch.Rest) -> Bool {
    guard let outcome = rest.outcome else { return false }
    if outcome == .revert, rest.state.stack.count >= 2 {
      return rest.state.stack[rest.state.stack.count - 2] == machine.arena.zero
    }
    return outcome == .revert || outcome == .invalid || !outcome.isDefined
  }

  /// Takes over what the machine has seen since the last time.
  private mutating func gather(_ entryPoint: EntryPoint) {
    let effects = machine.effects
    machine.effects = Effects()
    let reader = SlotReader(arena: machine.arena, hashesSlotFirst: isVyper)
    accesses.add(effects, from: entryPoint, reader: reader)
    for delegation in effects.delegations {
      let target = DelegateTarget(
        delegation.target, reader: reader, wideConstants: machine.wideConstants)
      let call = Call(
        offset: delegation.offset, isCallCode: delegation.opcode == .callcode, target: target)
      calls[call, default: []].insert(entryPoint)
    }
    createsContracts = createsContracts || effects.creates
    selfDestructs = selfDestructs || effects.selfDestructs
    if effects.isExhausted || effects.hasUnresolvedJump { isComplete = false }
  }
}
