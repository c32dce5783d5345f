/// Turns the rules of a grammar into a program: one automaton for each rule that needs a stack, all else joined.
///
/// Rules that call themselves, and large ones used in several places, become automata of their own; other rules
/// become part of what uses them. Regular languages stay automata of their own, so that their masks are shared.
struct GrammarCompiler {
  /// Deterministic states of a whole grammar above which it is refused.
  static let maximumStates = 100_000
  /// Deeper nesting of expressions than this is refused.
  static let maximumDepth = 400
  /// A repetition is written out while that takes no more states than this; above it is counted.
  static let writtenOutWeight = 512
  /// A rule of at most this weight becomes part of every place that uses it.
  static let joinedWeight = 96

  private struct Scope {
    var rules: [String: Grammar.Expression]
    var recursive: Set<String>
    var uses: [String: Int]
    var weights: [String: Int] = [:]
  }

  private struct RuleKey: Hashable {
    var scope: Int
    var name: String
  }

  private struct LoopKey: Hashable {
    var scope: Int
    var body: Grammar.Expression
    var minimum: Int
    var maximum: Int?
  }

  /// What a part of the program is made of.
  enum Part {
    case pending
    case network(NondeterministicAutomaton)
    case language(DeterministicAutomaton)
    case counted(CountedText)
    case loop(body: Int, minimum: Int, maximum: Int?)
  }

  private var scopes: [Scope] = []
  private var scopeNumbers: [Grammar: Int] = [:]
  private(set) var parts: [Part] = []
  private(set) var names: [String] = []
  private var ruleParts: [RuleKey: Int] = [:]
  private var loopParts: [LoopKey: Int] = [:]
  private var languageParts: [RegularLanguage.Form: Int] = [:]
  private(set) var nameParts: Set<Int> = []
  private(set) var distinctParts: Set<Int> = []
  private var pendingRules: [(part: Int, key: RuleKey)] = []

  /// Compiles a grammar.
  static func compile(_ grammar: Grammar) throws(GrammarError) -> Program {
    var compiler = GrammarCompiler()
    return try compiler.program(grammar)
  }

  private mutating func program(_ grammar: Grammar) throws(GrammarError) -> Program {
    let scope = try open(grammar, depth: 0)
    let root = addPart(name: "the start of the grammar")
    var automaton = NondeterministicAutomaton()
    automaton.ends = [try add(grammar.start, &automaton, from: 0, scope: scope, depth: 0)]
    parts[root] = .network(automaton)
    while let (part, key) = pendingRules.popLast() {
      guard let rule = scopes[key.scope].rules[key.name] else { continue }
      var automaton = NondeterministicAutomaton()
      automaton.ends = [try add(rule, &automaton, from: 0, scope: key.scope, depth: 0)]
      parts[part] = .network(automaton)
    }
    return try link(root: root)
  }

  private mutating func addPart(name: String) -> Int {
    parts.append(.pending)
    names.append(name)
    return parts.count - 1
  }

  // MARK: - Scopes

  private mutating func open(_ grammar: Grammar, depth: Int) throws(GrammarError) -> Int {
    if let known = scopeNumbers[grammar] { return known }
    var references: [String: [String]] = [:]
    var uses: [String: Int] = [:]
    for (name, rule) in grammar.rules {
      let found = try GrammarCompiler.references(rule, depth: depth)
      references[name] = found
      for reference in found { uses[reference, default: 0] += 1 }
    }
    for reference in try GrammarCompiler.references(grammar.start, depth: depth) {
      uses[reference, default: 0] += 1
    }
    for reference in uses.keys.sorted() where grammar.rules[reference] == nil {
      throw GrammarError(.syntax, "the grammar has no rule named \(reference)")
    }
    scopes.append(
      Scope(
        rules: grammar.rules, recursive: GrammarCompiler.cyclic(references), uses: uses))
    scopeNumbers[grammar] = scopes.count - 1
    return scopes.count - 1
  }

  /// The rules an expression names, as often as it does.
  private static func references(
    _ expression: Grammar.Expression, depth: Int
  ) throws(GrammarError) -> [String] {
    guard depth <= maximumDepth else {
      throw GrammarError(.tooLarge, "the grammar is nested more than \(maximumDepth) deep")
    }
    switch expression {
    case .bytes, .byte, .scalar, .special, .text, .regular, .grammar, .counted, .name: return []
    case .rule(let name): return [name]
    case .sequence(let list), .choice(let list):
      var result: [String] = []
      for item in list { result += try references(item, depth: depth + 1) }
      return result
    case .repetition(let body, _, _), .distinct(let body):
      return try references(body, depth: depth + 1)
    case .network(let network):
      var result: [String] = []
      for edge in network.edges { result += try references(edge.expression, depth: depth + 1) }
      return result
    }
  }

  /// The rules that lead back to themselves (Tarjan's strongly connected components, without recursion).
  private static func cyclic(_ references: [String: [String]]) -> Set<String> {
    var index: [String: Int] = [:]
    var low: [String: Int] = [:]
    var onStack: Set<String> = []
    var stack: [String] = []
    var result: Set<String> = []
    for root in references.keys.sorted() where index[root] == nil {
      var work: [(name: String, next: Int)] = [(root, 0)]
      while let (name, next) = work.last {
        if next == 0 {
          index[name] = index.count
          low[name] = index[name]
          stack.append(name)
          onStack.insert(name)
        }
        let callees = references[name] ?? []
        if next < callees.count {
          work[work.count - 1].next += 1
          let callee = callees[next]
          if index[callee] == nil, references[callee] != nil {
            work.append((callee, 0))
          } else if onStack.contains(callee) {
            low[name] = min(low[name] ?? 0, index[callee] ?? 0)
          }
          continue
        }
        work.removeLast()
        if let caller = work.last?.name { low[caller] = min(low[caller] ?? 0, low[name] ?? 0) }
        if low[name] == index[name] {
          var component: [String] = []
          while let member = stack.popLast() {
            onStack.remove(member)
            component.append(member)
            if member == name { break }
          }
          if component.count > 1 || callees.contains(name) { result.formUnion(component) }
        }
      }
    }
    return result
  }

  /// About how many states an expression takes when it is written out.
  private mutating func weight(
    _ expression: Grammar.Expression, _ scope: Int, depth: Int = 0
  ) -> Int {
    let limit = 1 << 30
    // Rules behind so many others are not joined to what uses them.
    if depth > 200 { return limit }
    switch expression {
    case .bytes(let bytes): return bytes.count
    case .byte, .special, .regular, .counted, .name, .distinct: return 1
    case .scalar(let set): return min(limit, 3 + set.ranges.count)
    case .text(let markers):
      return markers.reduce(12) { total, marker in
        if case .bytes(let bytes) = marker { total + bytes.count } else { total }
      }
    case .sequence(let list), .choice(let list):
      return list.reduce(1) { min(limit, $0 + weight($1, scope, depth: depth + 1)) }
    case .repetition(let body, let minimum, let maximum):
      let weight = weight(body, scope, depth: depth + 1)
      let rounds = maximum ?? max(1, minimum)
      let (product, overflow) = weight.multipliedReportingOverflow(by: rounds)
      return overflow || product > GrammarCompiler.writtenOutWeight
        ? min(limit, weight + 2) : product
    case .rule(let name):
      if scopes[scope].recursive.contains(name) { return 1 }
      if let known = scopes[scope].weights[name] { return known }
      guard let rule = scopes[scope].rules[name] else { return 1 }
      let result = weight(rule, scope, depth: depth + 1)
      scopes[scope].weights[name] = result
      return result
    case .grammar: return 8
    case .network(let network):
      return network.edges.reduce(network.nodeCount) {
        min(limit, $0 + weight($1.expression, scope, depth: depth + 1))
      }
    }
  }

  // MARK: - Expressions

  /// Adds an expression from a state and returns the state after it.
  private mutating func add(
    _ expression: Grammar.Expression, _ automaton: inout NondeterministicAutomaton,
    from source: Int,
    scope: Int, depth: Int
  ) throws(GrammarError) -> Int {
    guard depth <= GrammarCompiler.maximumDepth else {
      throw GrammarError(
        .tooLarge, "the grammar is nested more than \(GrammarCompiler.maximumDepth) deep")
    }
    switch expression {
    case .bytes(let bytes): return try automaton.addBytes(source, bytes)
    case .byte(let set):
      let target = try automaton.addState()
      automaton.addEdge(source, set, target)
      return target
    case .scalar(let set):
      let target = try automaton.addState()
      try automaton.addScalars(source, set, target)
      return target
    case .special(let token):
      let target = try automaton.addState()
      automaton.addSpecial(source, token, target)
      return target
    case .sequence(let list):
      return try addSequence(list, &automaton, from: source, scope: scope, depth: depth)
    case .choice(let list):
      let target = try automaton.addState()
      for item in list {
        let end = try add(item, &automaton, from: source, scope: scope, depth: depth + 1)
        automaton.addEpsilon(end, target)
      }
      return target
    case .repetition(let body, let minimum, let maximum):
      return try addRepetition(
        body, minimum, maximum, &automaton, from: source, scope: scope, depth: depth)
    case .rule(let name):
      return try addRule(name, &automaton, from: source, scope: scope, depth: depth)
    case .text(let markers):
      let text = try FreeText.text(without: GrammarCompiler.byteMarkers(markers))
      return try automaton.addLanguage(source, text)
    case .regular(let language):
      return try addLanguage(.plain(language.automaton), &automaton, from: source)
    case .counted(let text):
      return try addLanguage(.counted(text), &automaton, from: source)
    case .name(let language):
      return try addLanguage(.name(language.automaton), &automaton, from: source)
    case .distinct(let body):
      return try addDistinct(body, &automaton, from: source, scope: scope, depth: depth)
    case .grammar(let grammar):
      let inner = try open(grammar, depth: depth)
      return try add(grammar.start, &automaton, from: source, scope: inner, depth: depth + 1)
    case .network(let network):
      var nodes: [Int] = []
      for _ in 0..<network.nodeCount { nodes.append(try automaton.addState()) }
      automaton.addEpsilon(source, nodes[0])
      for edge in network.edges {
        let end = try add(
          edge.expression, &automaton, from: nodes[edge.source], scope: scope, depth: depth + 1)
        automaton.addEpsilon(end, nodes[edge.target])
      }
      let target = try automaton.addState()
      for end in network.ends.sorted() { automaton.addEpsilon(nodes[end], target) }
      return target
    }
  }

  private static func byteMarkers(_ markers: [Grammar.Marker]) throws(GrammarError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for case .bytes(let bytes) in markers {
      if bytes.isEmpty { throw GrammarError(.syntax, "a marker has no bytes") }
      if bytes.count > 4096 { throw GrammarError(.tooLarge, "a marker has more than 4096 bytes") }
      result.append(bytes)
    }
    return result
  }

  /// A free text and the literals after it become one regular language: it ends at its marker and nowhere else, so
  /// that nothing is tried twice.
  private mutating func addSequence(
    _ list: [Grammar.Expression], _ automaton: inout NondeterministicAutomaton, from source: Int,
    scope: Int, depth: Int
  ) throws(GrammarError) -> Int {
    let items = GrammarCompiler.flattened(list)
    var state = source
    var index = 0
    while index < items.count {
      guard case .text(let markers) = items[index] else {
        state = try add(items[index], &automaton, from: state, scope: scope, depth: depth + 1)
        index += 1
        continue
      }
      index += 1
      var following: [UInt8] = []
      while index < items.count, case .bytes(let bytes) = items[index] {
        following += bytes
        index += 1
      }
      let byteMarkers = try GrammarCompiler.byteMarkers(markers)
      if let text = try FreeText.text(without: byteMarkers, through: following) {
        state = try addLanguage(.plain(text), &automaton, from: state)
        continue
      }
      var joined = NondeterministicAutomaton()
      var end = try joined.addLanguage(0, try FreeText.text(without: byteMarkers))
      end = try joined.addBytes(end, following)
      var isClosed = !following.isEmpty
      if index < items.count, case .special(let token) = items[index] {
        let target = try joined.addState()
        joined.addSpecial(end, token, target)
        end = target
        index += 1
        isClosed = true
      }
      if isClosed {
        joined.ends = [end]
        let text = try joined.determinized(limit: DeterministicAutomaton.maximumLanguageStates)
          .trimmed().minimized()
        state = try addLanguage(.plain(text), &automaton, from: state)
      } else {
        state = try automaton.addLanguage(state, try FreeText.text(without: byteMarkers))
      }
    }
    return state
  }

  private static func flattened(_ list: [Grammar.Expression]) -> [Grammar.Expression] {
    list.flatMap { item -> [Grammar.Expression] in
      if case .sequence(let inner) = item { flattened(inner) } else { [item] }
    }
  }

  private mutating func addRepetition(
    _ body: Grammar.Expression, _ minimum: Int, _ maximum: Int?,
    _ automaton: inout NondeterministicAutomaton, from source: Int, scope: Int, depth: Int
  ) throws(GrammarError) -> Int {
    guard minimum >= 0, minimum <= maximum ?? minimum else {
      throw GrammarError(.syntax, "a repetition of \(minimum) to \(maximum ?? 0) times")
    }
    guard max(minimum, maximum ?? 0) < Int(Int32.max) else {
      throw GrammarError(.tooLarge, "a repetition of more than \(Int32.max) times")
    }
    if maximum == 0 { return source }
    let weight = max(1, weight(body, scope))
    let rounds = maximum ?? minimum
    guard rounds <= GrammarCompiler.writtenOutWeight / weight || rounds <= 1 else {
      let part = try loopPart(body, minimum, maximum, scope: scope, depth: depth)
      let target = try automaton.addState()
      automaton.addCall(source, part, target)
      return target
    }
    var state = source
    for _ in 0..<minimum {
      state = try add(body, &automaton, from: state, scope: scope, depth: depth + 1)
    }
    if let maximum {
      let target = try automaton.addState()
      automaton.addEpsilon(state, target)
      for _ in minimum..<maximum {
        state = try add(body, &automaton, from: state, scope: scope, depth: depth + 1)
        automaton.addEpsilon(state, target)
      }
      return target
    }
    let hub = try automaton.addState()
    automaton.addEpsilon(state, hub)
    let end = try add(body, &automaton, from: hub, scope: scope, depth: depth + 1)
    automaton.addEpsilon(end, hub)
    let target = try automaton.addState()
    automaton.addEpsilon(hub, target)
    return target
  }

  private mutating func loopPart(
    _ body: Grammar.Expression, _ minimum: Int, _ maximum: Int?, scope: Int, depth: Int
  ) throws(GrammarError) -> Int {
    let key = LoopKey(scope: scope, body: body, minimum: minimum, maximum: maximum)
    if let known = loopParts[key] { return known }
    let round = addPart(name: "the body of a repetition")
    var automaton = NondeterministicAutomaton()
    automaton.ends = [try add(body, &automaton, from: 0, scope: scope, depth: depth + 1)]
    parts[round] = .network(automaton)
    let part = addPart(name: "a repetition")
    parts[part] = .loop(body: round, minimum: minimum, maximum: maximum)
    loopParts[key] = part
    return part
  }

  private mutating func addRule(
    _ name: String, _ automaton: inout NondeterministicAutomaton, from source: Int, scope: Int,
    depth: Int
  ) throws(GrammarError) -> Int {
    guard let rule = scopes[scope].rules[name] else {
      throw GrammarError(.syntax, "the grammar has no rule named \(name)")
    }
    let isJoined =
      !scopes[scope].recursive.contains(name)
      && (scopes[scope].uses[name] == 1 || weight(rule, scope) <= GrammarCompiler.joinedWeight)
    if isJoined {
      return try add(rule, &automaton, from: source, scope: scope, depth: depth + 1)
    }
    let key = RuleKey(scope: scope, name: name)
    let part: Int
    if let known = ruleParts[key] {
      part = known
    } else {
      part = addPart(name: "rule \(name)")
      ruleParts[key] = part
      pendingRules.append((part, key))
    }
    let target = try automaton.addState()
    automaton.addCall(source, part, target)
    return target
  }

  /// An expression with names of its own is an automaton of its own: its frame keeps the names.
  private mutating func addDistinct(
    _ body: Grammar.Expression, _ automaton: inout NondeterministicAutomaton, from source: Int,
    scope: Int, depth: Int
  ) throws(GrammarError) -> Int {
    let key = LoopKey(scope: scope, body: body, minimum: 1, maximum: 1)
    let part: Int
    if let known = loopParts[key] {
      part = known
    } else {
      part = addPart(name: "an object")
      loopParts[key] = part
      distinctParts.insert(part)
      var inner = NondeterministicAutomaton()
      inner.ends = [try add(body, &inner, from: 0, scope: scope, depth: depth + 1)]
      parts[part] = .network(inner)
    }
    let target = try automaton.addState()
    automaton.addCall(source, part, target)
    return target
  }

  private mutating func addLanguage(
    _ form: RegularLanguage.Form, _ automaton: inout NondeterministicAutomaton, from source: Int
  ) throws(GrammarError) -> Int {
    let part: Int
    if let known = languageParts[form] {
      part = known
    } else {
      part = addPart(name: "a regular language")
      switch form {
      case .plain(let language): parts[part] = .language(language)
      case .name(let language):
        parts[part] = .language(language)
        nameParts.insert(part)
      case .counted(let text): parts[part] = .counted(text)
      }
      languageParts[form] = part
    }
    let target = try automaton.addState()
    automaton.addCall(source, part, target)
    return target
  }
}

extension RegularLanguage {
  /// A language that is an automaton of its own in a program.
  enum Form: Hashable {
    case plain(DeterministicAutomaton)
    case name(DeterministicAutomaton)
    case counted(CountedText)
  }
}
