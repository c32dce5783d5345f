import Solidity
import SoliditySyntax

/// Decides claims from the facts of a resolved program.
///
/// What the facts show is confirmed, what they exclude is refuted; where an entry point was cut at a bound, hands over
/// control by delegatecall, or writes slots computed at run time, absence proves nothing and the claim stays undecided.
///
/// Not for use by several threads at once.
public final class ProgramClaimFacts: ClaimFacts {
  private let facts: Facts
  private let givenFacts: Set<String>
  private var examined: [NodeID: ContractFacts] = [:]

  private var program: Program { facts.program }

  /// Prepares the decision of claims.
  ///
  /// - Parameter request: what the reviewer was given.
  public init(facts: Facts, request: ReviewRequest) {
    self.facts = facts
    givenFacts = Set(request.facts.map(\.id))
  }

  // MARK: - ClaimFacts

  /// Whether a fact of this id was given to the reviewer.
  public func hasFact(_ id: String) -> Bool { givenFacts.contains(id) }

  /// How many lines a file has; nil if it does not belong to the program.
  public func lineCount(of path: String) -> Int? {
    program.units.first { $0.source.path == path }?.source.lineStarts.count
  }

  /// Whether a call of the function can write the variable.
  public func writes(_ function: CallableName, _ variable: StateName) -> FactAnswer {
    decide(function, variable) { activations, declaration in
      var places: [LineSpan] = []
      for activation in activations {
        for access in activation.writes where access.location.variable === declaration {
          places.append(span(of: access.place, in: activation.entry))
        }
      }
      return answer(places, activations, otherwise: "nothing it runs writes \(variable)")
    }
  }

  /// Whether the function reads the variable on a way that then passes the lines.
  public func reads(_ function: CallableName, _ variable: StateName, before span: LineSpan)
    -> FactAnswer
  {
    decide(function, variable) { activations, declaration in
      var places: [LineSpan] = []
      var passes = false
      for activation in activations {
        let later = activation.places(in: span, of: program)
        passes = passes || !later.isEmpty
        for access in activation.reads where access.location.variable === declaration {
          if later.contains(where: { activation.entry.canFollow($0, after: access.place) }) {
            places.append(self.span(of: access.place, in: activation.entry))
          }
        }
      }
      let reason =
        passes ? "it does not read \(variable) before that" : "it does not run those lines"
      return answer(places, activations, otherwise: reason)
    }
  }

  /// Whether a call of `entry` from outside can run the function.
  public func isReachable(_ function: CallableName, from entry: CallableName) -> FactAnswer {
    resolve(function) { contractFacts, target in
      resolve(entry) { entryFacts, source in
        let starts = entryFacts.entryPoints.filter { $0.function?.id == source.id }
        guard !starts.isEmpty else { return .fails("\(entry) cannot be called from outside") }
        var places: [LineSpan] = []
        for start in starts {
          for frame in start.frames where frame.graph.function?.id == target.id {
            let site = frame.callSite.flatMap { site in
              frame.parent.map { Place(frame: $0, value: site) }
            }
            places.append(
              site.map { span(of: $0, in: start) }
                ?? span(target.nameRange, unit: target.id.unit))
          }
        }
        if !places.isEmpty { return .holds(unique(places)) }
        let isOpen = starts.contains { $0.isTruncated || handsOverControl($0) }
        return isOpen ? .undecided : .fails("\(entry) does not run it")
      }
    }
  }

  /// Whether anyone may call the function to its end.
  public func isUnguarded(_ function: CallableName) -> FactAnswer {
    resolve(function) { contractFacts, target in
      let places = [span(target.nameRange, unit: target.id.unit)]
      var isOpen = false
      var isReached = false
      for entry in contractFacts.entryPoints {
        for frame in entry.frames where frame.graph.function?.id == target.id {
          isReached = true
          let isRestricted: Bool
          if let parent = frame.parent, let site = frame.callSite {
            isRestricted = entry.isRestricted(Place(frame: parent, value: site))
          } else {
            isRestricted = entry.isRestricted
          }
          guard !isRestricted else { continue }
          if !rests(entry, onChecksNotUnderstood: frame.id) { return .holds(places) }
          isOpen = true
        }
        isOpen = isOpen || entry.isTruncated
      }
      if isOpen { return .undecided }
      return .fails(
        isReached ? "its callers are limited" : "nothing callable from outside runs it")
    }
  }

  /// Whether the variables share a byte of storage when both contracts run in one account.
  public func overlap(_ a: StateName, _ b: StateName) -> FactAnswer {
    resolve(a) { contractA, variableA in
      resolve(b) { contractB, variableB in
        if contractA.id == contractB.id { return .fails("they belong to one contract") }
        let layoutA = program.storageLayout(of: contractA)
        let layoutB = program.storageLayout(of: contractB)
        let isTransient = variableA.isTransient
        guard isTransient == variableB.isTransient else {
          return .fails("one of them is in transient storage")
        }
        let entriesA = isTransient ? layoutA.transient : layoutA.storage
        let entriesB = isTransient ? layoutB.transient : layoutB.storage
        guard let entryA = entriesA.first(where: { $0.declaration === variableA }) else {
          return .fails("\(a) has no place in storage")
        }
        guard let entryB = entriesB.first(where: { $0.declaration === variableB }) else {
          return .fails("\(b) has no place in storage")
        }
        guard layoutA.problems.isEmpty, layoutB.problems.isEmpty else { return .undecided }
        guard entryA.start < entryB.end, entryB.start < entryA.end else {
          return .fails("they have places of their own")
        }
        return .holds([
          span(variableA.range, unit: variableA.id.unit),
          span(variableB.range, unit: variableB.id.unit),
        ])
      }
    }
  }

  /// Whether a value of the first lines reaches the second within a call of the function.
  ///
  /// Flow through storage and memory of assembly is not followed, so that absence is never proof.
  public func valueFlows(in function: CallableName, from: LineSpan, to: LineSpan) -> FactAnswer {
    resolve(function) { contractFacts, target in
      var passes = false
      for activation in activations(of: target, in: contractFacts) {
        let sources = activation.places(in: from, of: program)
        let sinks = Set(activation.places(in: to, of: program))
        passes = passes || (!sources.isEmpty && !sinks.isEmpty)
        for source in sources
        where activation.entry.flows(from: source).contains(where: sinks.contains) {
          return .holds([from, to])
        }
      }
      return passes ? .undecided : .fails("it does not run those lines")
    }
  }

  /// Whether a call of the function can write the variable after it called another account.
  public func makesExternalCall(_ function: CallableName, beforeWriting variable: StateName)
    -> FactAnswer
  {
    decide(function, variable) { activations, declaration in
      var places: [LineSpan] = []
      for activation in activations {
        let calls = activation.externalCalls.filter { place in
          activation.entry.externalCall(at: place).map { !$0.isStatic } ?? false
        }
        for access in activation.writes where access.location.variable === declaration {
          for call in calls where activation.entry.canFollow(access.place, after: call) {
            places.append(span(of: call, in: activation.entry))
            places.append(span(of: access.place, in: activation.entry))
          }
        }
      }
      return answer(
        places, activations, otherwise: "no call of another account comes before a write of it")
    }
  }

  /// Whether two different functions have the same selector.
  public func haveSameSelector(_ a: CallableName, _ b: CallableName) -> FactAnswer {
    resolve(a) { _, functionA in
      resolve(b) { _, functionB in
        if functionA.id == functionB.id { return .fails("they are the same function") }
        guard let selectorA = program.selector(of: functionA) else {
          return .fails("\(a) has no selector")
        }
        guard let selectorB = program.selector(of: functionB) else {
          return .fails("\(b) has no selector")
        }
        guard selectorA == selectorB else { return .fails("their selectors differ") }
        return .holds([
          span(functionA.nameRange, unit: functionA.id.unit),
          span(functionB.nameRange, unit: functionB.id.unit),
        ])
      }
    }
  }

  // MARK: - Names

  private func contract(_ name: String) -> (found: [ContractDefinition], answer: FactAnswer) {
    let found = program.contracts.filter { $0.name == name }
    return (found, found.isEmpty ? .unknownSubject("contract \(name)") : .undecided)
  }

  private func examine(_ contract: ContractDefinition) -> ContractFacts {
    if let known = examined[contract.id] { return known }
    let made = facts.examine(contract)
    examined[contract.id] = made
    return made
  }

  /// Finds the function a name means and asks about it; names that mean several functions stay undecided.
  private func resolve(
    _ name: CallableName, _ body: (ContractFacts, FunctionDefinition) -> FactAnswer
  ) -> FactAnswer {
    let (contracts, none) = contract(name.contract)
    guard contracts.count == 1, let contract = contracts.first else { return none }
    let candidates = program.linearizedBases(of: contract).flatMap(\.functions)
    let bySignature = candidates.filter { function in
      SourceEnclosure.signature(of: function) == name.function
        || program.signature(of: function) == name.function
    }
    let matches =
      bySignature.isEmpty ? candidates.filter { bareName($0) == name.function } : bySignature
    // Overrides of one function are one function: the most derived one comes first.
    guard let first = matches.first else { return .unknownSubject("function \(name)") }
    let signature = SourceEnclosure.signature(of: first)
    guard matches.allSatisfy({ SourceEnclosure.signature(of: $0) == signature }) else {
      return .undecided
    }
    return body(examine(contract), first)
  }

  private func bareName(_ function: FunctionDefinition) -> String {
    String(SourceEnclosure.signature(of: function).prefix { $0 != "(" })
  }

  private func resolve(
    _ name: StateName, _ body: (ContractDefinition, VariableDeclaration) -> FactAnswer
  ) -> FactAnswer {
    let (contracts, none) = contract(name.contract)
    guard contracts.count == 1, let contract = contracts.first else { return none }
    let variables = program.linearizedBases(of: contract).flatMap(\.stateVariables)
      .filter { $0.name == name.variable }
    guard let variable = variables.first else { return .unknownSubject("variable \(name)") }
    return variables.count == 1 ? body(contract, variable) : .undecided
  }

  private func decide(
    _ function: CallableName, _ variable: StateName,
    _ body: ([Activation], VariableDeclaration) -> FactAnswer
  ) -> FactAnswer {
    resolve(function) { contractFacts, definition in
      resolve(variable) { _, declaration in
        body(activations(of: definition, in: contractFacts), declaration)
      }
    }
  }

  // MARK: - Activations

  private func activations(
    of function: FunctionDefinition, in contractFacts: ContractFacts
  ) -> [Activation] {
    let entries =
      contractFacts.entryPoints + [contractFacts.deployment].compactMap { $0 }
      + contractFacts.unreachedFunctions
    return entries.flatMap { entry in
      entry.frames.filter {
        $0.graph.function?.id == function.id || isDeployment(entry, of: function) && $0.id == .root
      }
      .map { Activation(entry: entry, root: $0.id) }
    }
  }

  /// Constructors are not frames of their own: deployment runs them all in one graph.
  private func isDeployment(_ entry: EntryPoint, of function: FunctionDefinition) -> Bool {
    entry.kind == .deployment && function.kind == .constructor
  }

  private func answer(
    _ places: [LineSpan], _ activations: [Activation], otherwise reason: String
  ) -> FactAnswer {
    if !places.isEmpty { return .holds(unique(places)) }
    if activations.isEmpty { return .undecided }
    let isOpen = activations.contains { activation in
      activation.entry.isTruncated || activation.hasUnknownEffects
    }
    return isOpen ? .undecided : .fails(reason)
  }

  private func handsOverControl(_ entry: EntryPoint) -> Bool {
    Activation(entry: entry, root: .root).hasUnknownEffects
  }

  /// Whether something checked before an effect of the frame might limit callers in a way the facts cannot name.
  private func rests(_ entry: EntryPoint, onChecksNotUnderstood frame: FrameID) -> Bool {
    let activation = Activation(entry: entry, root: frame)
    let effects = activation.writes.map(\.place) + activation.externalCalls
    return effects.contains { effect in
      entry.guards(of: effect).flatMap(\.predicate.parts).contains { predicate in
        switch predicate {
        case .signature: true
        case .truth(let place, _): entry.sources(of: place, options: .selectors).hasSender
        case .all, .any, .caller, .comparison, .flag: false
        }
      }
    }
  }

  // MARK: - Places

  private func span(of place: Place, in entry: EntryPoint) -> LineSpan {
    let origin = entry[place].origin
    return span(origin.range, unit: origin.node.unit)
  }

  private func span(_ range: SourceRange, unit: Int32) -> LineSpan {
    LineSpan(range, in: program.units[Int(unit)].source)
  }

  private func unique(_ places: [LineSpan]) -> [LineSpan] {
    Set(places).sorted { ($0.path, $0.first, $0.last) < ($1.path, $1.first, $1.last) }
  }
}

extension LineSpan {
  /// The lines a range of a file touches.
  init(_ range: SourceRange, in file: SourceFile) {
    let last = max(Int(range.start), Int(range.end) - 1)
    self.init(
      path: file.path, first: file.position(at: Int(range.start)).line,
      last: file.position(at: last).line)
  }
}

/// One activation of a function under an entry point, with everything it runs.
private struct Activation {
  let entry: EntryPoint
  let root: FrameID
  private let frames: Set<FrameID>

  init(entry: EntryPoint, root: FrameID) {
    self.entry = entry
    self.root = root
    var frames: Set<FrameID> = [root]
    // Callers come before callees.
    for frame in entry.frames {
      if let parent = frame.parent, frames.contains(parent) { frames.insert(frame.id) }
    }
    self.frames = frames
  }

  var writes: [StorageAccess] { entry.storageWrites.filter { frames.contains($0.place.frame) } }
  var reads: [StorageAccess] { entry.storageReads.filter { frames.contains($0.place.frame) } }
  var externalCalls: [Place] { entry.externalCalls.filter { frames.contains($0.frame) } }

  /// Whether something it runs may touch storage that cannot be told: code of other accounts by delegatecall, slots
  /// computed at run time, code that was not understood.
  var hasUnknownEffects: Bool {
    if externalCalls.contains(where: { entry.externalCall(at: $0)?.isDelegate ?? false }) {
      return true
    }
    let accesses = writes + reads
    if accesses.contains(where: { if case .computed = $0.location.root { true } else { false } }) {
      return true
    }
    return frames.contains { !entry[$0].graph.isComplete || entry[$0].graph.hasUnstructuredJumps }
  }

  /// The instructions that stand in some lines, by frame.
  func places(in span: LineSpan, of program: Program) -> [Place] {
    guard let unit = program.units.first(where: { $0.source.path == span.path }) else { return [] }
    return frames.sorted().flatMap { frame in
      let values = entry[frame].graph.values
      return values.indices.filter { index in
        let origin = values[index].origin
        return origin.node.unit == unit.number
          && LineSpan(origin.range, in: unit.source).overlaps(span)
      }.map { Place(frame: frame, value: ValueID($0)) }
    }
  }
}
