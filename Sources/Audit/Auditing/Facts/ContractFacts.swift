import SoliditySyntax
import Solidity

/// The facts of one contract taken as the most derived one: overrides, `super` and modifiers are resolved for it.
///
/// Not for use by several threads at once; different contracts may be examined by different threads.
public final class ContractFacts {
  /// Frames an entry point may have; calls beyond are left out.
  public static let maximumFrames = 600
  /// Frames all entry points of a contract may have together before each gets `reducedFrames` only.
  static let maximumContractFrames = 8000
  static let reducedFrames = 32
  /// How deep calls are followed.
  public static let maximumDepth = 14

  /// The program's facts.
  public let facts: Facts
  /// The contract examined.
  public let contract: ContractDefinition

  /// The functions anyone can call on the deployed contract, inherited ones included, most derived overrides only:
  /// public and external functions, fallback, receive. For libraries their public and external functions.
  public private(set) lazy var entryPoints: [EntryPoint] = makeEntryPoints()

  /// What runs at deployment; nil for libraries.
  public private(set) lazy var deployment: EntryPoint? = makeDeployment()

  /// Implemented functions of the contract and its bases (for libraries: of the library) that no entry point
  /// reaches, each as the root of a tree of its own. Their parameters are not the caller's choice.
  public private(set) lazy var unreachedFunctions: [EntryPoint] = makeUnreached()

  private lazy var activationsByFunction: [NodeID: [(entry: EntryPoint, frame: FrameID)]] =
    indexActivations()
  private lazy var writesByRoot: [LocationRoot: [StorageAccess]] = Dictionary(
    grouping: entryPoints.flatMap(\.storageWrites), by: \.location.root)
  private lazy var readsByRoot: [LocationRoot: [StorageAccess]] = Dictionary(
    grouping: entryPoints.flatMap(\.storageReads), by: \.location.root)
  private var frameCount = 0
  private var attackerWritable: [StorageField: Bool] = [:]
  private var openFields: [StorageField: Bool] = [:]

  /// Fields used as reentrancy locks: checked and set before, and written again after, something an entry point does.
  public private(set) lazy var reentrancyLocks: [StorageField] = findLocks()

  private var made: [EntryPoint] = []

  deinit {
    // Accesses refer to their entry point, which keeps them: let go of both together.
    for entry in made { entry.forgetAccesses() }
  }

  private struct CallKey: Hashable {
    let callee: NodeID
    let dispatch: Dispatch
    let caller: NodeID?
  }
  private var implementations: [CallKey: FunctionDefinition?] = [:]
  private var graphs: [NodeID: FunctionGraph?] = [:]

  package init(facts: Facts, contract: ContractDefinition) {
    self.facts = facts
    self.contract = contract
  }

  private var program: Program { facts.program }

  // MARK: Trees of calls

  private func graph(of function: FunctionDefinition) -> FunctionGraph? {
    if let known = graphs[function.id] { return known }
    let graph = facts.graph(of: function, in: contract)
    graphs[function.id] = .some(graph)
    return graph
  }

  private func makeEntryPoints() -> [EntryPoint] {
    var hasFallback = false
    var hasReceive = false
    var result: [EntryPoint] = []
    for function in program.functions(of: contract) {
      let kind: EntryPoint.Kind
      switch function.kind {
      case .function:
        guard function.visibility == .public || function.visibility == .external else { continue }
        kind = .function
      case .fallback:
        if hasFallback { continue }
        hasFallback = true
        kind = .fallback
      case .receive:
        if hasReceive { continue }
        hasReceive = true
        kind = .receive
      case .constructor, .freeFunction: continue
      }
      guard let graph = graph(of: function) else { continue }
      result.append(makeEntry(kind, function, graph))
    }
    return result
  }

  private func makeDeployment() -> EntryPoint? {
    facts.deployment(of: contract).map { graph in
      makeEntry(
        .deployment, contract.functions.first { $0.kind == .constructor }, graph)
    }
  }

  private func makeUnreached() -> [EntryPoint] {
    let reached = Set(activationsByFunction.keys)
    let deployed = Set((deployment?.frames ?? []).compactMap { $0.graph.function?.id })
    return program.functions(of: contract).compactMap { function in
      guard function.kind == .function, !reached.contains(function.id),
        !deployed.contains(function.id), let graph = graph(of: function)
      else { return nil }
      return makeEntry(.unreached, function, graph)
    }
  }

  private struct OpenFrame {
    let graph: FunctionGraph
    let parent: FrameID?
    let callSite: ValueID?
    let depth: Int
    var calls: [Frame.Call] = []
    var unimplementedCalls: [ValueID] = []
  }

  private func makeEntry(
    _ kind: EntryPoint.Kind, _ function: FunctionDefinition?, _ graph: FunctionGraph
  ) -> EntryPoint {
    var open = [OpenFrame(graph: graph, parent: nil, callSite: nil, depth: 0)]
    var isTruncated = false
    let limit = frameCount < Self.maximumContractFrames ? Self.maximumFrames : Self.reducedFrames
    // Breadth first: when the bound is met, what is left out is the deepest.
    var next = 0
    while next < open.count {
      let frame = open[next]
      var calls: [Frame.Call] = []
      var unimplemented: [ValueID] = []
      for site in frame.graph.index.internalCalls {
        guard case .internalCall(let call) = frame.graph[site].operation,
          let target = implementation(of: call)
        else { continue }
        guard let callee = self.graph(of: target) else {
          unimplemented.append(site)
          continue
        }
        if isActive(target, under: next, in: open) { continue }
        guard open.count < limit, frame.depth < Self.maximumDepth else {
          isTruncated = true
          continue
        }
        calls.append(Frame.Call(site: site, frame: FrameID(open.count)))
        open.append(
          OpenFrame(
            graph: callee, parent: FrameID(next), callSite: site, depth: frame.depth + 1))
      }
      open[next].calls = calls
      open[next].unimplementedCalls = unimplemented
      next += 1
    }
    frameCount += open.count
    let frames = open.enumerated().map { number, frame in
      Frame(
        id: FrameID(number), graph: frame.graph, parent: frame.parent, callSite: frame.callSite,
        depth: frame.depth, calls: frame.calls, unimplementedCalls: frame.unimplementedCalls)
    }
    let entry = EntryPoint(
      kind: kind, contract: contract, function: function, frames: frames,
      isTruncated: isTruncated, facts: facts)
    made.append(entry)
    return entry
  }

  /// Whether the function runs in the frame or one that called it.
  private func isActive(
    _ function: FunctionDefinition, under frame: Int, in open: [OpenFrame]
  ) -> Bool {
    var number: Int? = frame
    while let current = number {
      if open[current].graph.function?.id == function.id { return true }
      number = open[current].parent.map { Int($0.index) }
    }
    return false
  }

  /// The function that runs for a call in this contract; nil if it cannot be told.
  public func implementation(of call: InternalCall) -> FunctionDefinition? {
    guard let callee = call.callee else { return nil }
    let key = CallKey(callee: callee.id, dispatch: call.dispatch, caller: call.caller?.id)
    if let known = implementations[key] { return known }
    let found: FunctionDefinition? =
      switch call.dispatch {
      case .virtual: program.override(of: callee, in: contract)
      case .super:
        call.caller.flatMap {
          program.superFunction(of: callee, calledFrom: $0, in: contract)
        } ?? callee
      case .exact, .libraryDelegate: callee
      case .external: nil
      }
    implementations[key] = .some(found)
    return found
  }

  private func indexActivations() -> [NodeID: [(entry: EntryPoint, frame: FrameID)]] {
    var result: [NodeID: [(entry: EntryPoint, frame: FrameID)]] = [:]
    for entry in entryPoints {
      for frame in entry.frames {
        guard let function = frame.graph.function else { continue }
        result[function.id, default: []].append((entry, frame.id))
      }
    }
    return result
  }

  private func findLocks() -> [StorageField] {
    var result: [StorageField] = []
    for entry in entryPoints {
      for write in entry.storageWrites {
        let field = write.location.field
        guard !result.contains(field), entry.lock(at: write.place) == field else { continue }
        result.append(field)
      }
    }
    return result
  }

  // MARK: Questions

  /// The entry points that reach a function, with the frames in which it runs.
  public func activations(
    of function: FunctionDefinition
  ) -> [(entry: EntryPoint, frame: FrameID)] {
    activationsByFunction[function.id] ?? []
  }

  /// Every write of a storage field (overlapping ones included) by entry points, deployment excluded.
  public func writers(of field: StorageField) -> [StorageAccess] {
    (writesByRoot[field.root] ?? []).filter { $0.location.field.overlaps(field) }
  }

  /// Every write of a state variable or part of it by entry points, deployment excluded.
  public func writers(of variable: VariableDeclaration) -> [StorageAccess] {
    writesByRoot[.variable(Reference(variable))] ?? []
  }

  /// Every read of a storage field by entry points.
  public func readers(of field: StorageField) -> [StorageAccess] {
    (readsByRoot[field.root] ?? []).filter { $0.location.field.overlaps(field) }
  }

  /// Whether a caller without permission can make some entry point write the field with a value the caller chooses:
  /// input, the caller's own address, or ether sent.
  public func isAttackerWritable(_ field: StorageField) -> Bool {
    if let known = attackerWritable[field] { return known }
    // A field whose own value guards its writers is not writable merely because that guard reads it.
    attackerWritable[field] = false
    let result = writers(of: field).contains { access in
      guard access.entry.hasCallerInput, let value = access.value,
        !access.entry.isRestricted(access.place)
      else { return false }
      let sources = access.entry.sources(of: value)
      return sources.hasInput || sources.hasSender
    }
    attackerWritable[field] = result
    return result
  }

  /// Whether anyone can make themselves pass a check of the sender: the storage it rests on can be written, by a
  /// function open to everyone and more than once, with the caller's own address or so that the caller is a member.
  public func isOpen(_ check: CallerCheck) -> Bool {
    guard let location = check.location else { return false }
    if let known = openFields[location.field] { return known }
    openFields[location.field] = false
    let result = writers(of: location.field).contains { access in
      guard access.entry.hasCallerInput, let value = access.value,
        !access.entry.isRestricted(access.place), access.entry.lock(at: access.place) == nil,
        !isFirstWrite(access) || isOfOwnRecord(access)
      else { return false }
      if case .equalsStorage = check.kind {
        let sources = access.entry.sources(of: value)
        return sources.hasInput || sources.hasSender
      }
      return access.entry.constant(value)?.isZero != true
    }
    openFields[location.field] = result
    return result
  }

  /// Whether the caller picks which record is written: first come, first served is no limit when there is always
  /// another record to be first for.
  private func isOfOwnRecord(_ access: StorageAccess) -> Bool {
    access.location.steps.contains { step in
      guard case .index(let index) = step else { return false }
      return access.entry.isCallerChosen(index)
    }
  }

  /// Whether the write needs the field to be unset: `require(owner == address(0)); owner = ...`
  private func isFirstWrite(_ access: StorageAccess) -> Bool {
    access.entry.guards(of: access.place).flatMap(\.predicate.parts).contains { part in
      switch part {
      case .flag(let location, false): return location.field == access.location.field
      case .comparison(.equal, let left, let right):
        return [(left, right), (right, left)].contains { side, other in
          let source = access.entry.origin(of: side)
          return access.entry.location(at: source)?.field == access.location.field
            && access.entry.constant(other)?.isZero == true
        }
      default: return false
      }
    }
  }

  /// Whether some guard of the place limits the caller by a check that callers cannot make themselves pass.
  /// Stronger than `EntryPoint.isRestricted`.
  public func isProtected(_ place: Place, in entry: EntryPoint) -> Bool {
    entry.kind == .deployment
      || entry.guards(of: place).contains { held in
        held.predicate.restrictsCaller { $0.restricts && !isOpen($0) }
      }
  }
}

/// An access of storage found under an entry point.
public struct StorageAccess {
  /// The entry point.
  public let entry: EntryPoint
  /// The `.read` or `.write`.
  public let place: Place
  /// What is accessed.
  public let location: StorageLocation
  /// The value written; nil for reads, `delete`, `pop`, empty `push`.
  public let value: Place?
  /// What a write does; nil for reads.
  public let kind: WriteKind?
}
