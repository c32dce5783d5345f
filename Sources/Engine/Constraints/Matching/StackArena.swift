/// Pushdown stacks and sets of them, each kept once and known by a number.
///
/// A stack is a frame (a state and a count) on top of another stack; below the lowest frame lies the bottom, -1. A
/// configuration is the set of stacks that the text read so far may have led to, all of them ready to read. What
/// follows a byte is found once for each configuration.
struct StackArena {
  struct Frame: Hashable {
    var state: Int32
    /// Rounds of a counted repetition done, units of a counted text read, the spelling of a name so far, or the set of
    /// names read, by the automaton of the state.
    var count: Int32
    /// The stack below, or -1.
    var parent: Int32
  }

  struct Configuration {
    /// Ascending.
    var stacks: [Int32]
    /// Whether one stack came to its bottom: everything was read.
    var isComplete: Bool
    /// Whether a name was read whose being new depends on names that are not known.
    var isUncertain: Bool
    /// Where the configurations after each byte are kept, or -1.
    var row: Int32
  }

  /// More stacks at a time than this are refused: the grammar is too ambiguous.
  static let maximumStacks = 1024
  /// Deeper chains of calls and returns without reading than this are refused.
  static let maximumDepth = 500
  /// The configuration without any stack.
  static let dead: Int32 = 0

  let program: Program
  private(set) var frames: [Frame] = []
  private var frameNumbers: [Frame: Int32] = [:]
  private(set) var configurations: [Configuration] = []
  private var configurationNumbers: [[Int32]: Int32] = [:]
  /// Rows of 256 configurations; -1 where not known yet.
  private var rows: [Int32] = []
  private var returns: [Int32: Int32] = [:]
  /// Whether stacks had to be left out.
  private(set) var hasOverflowed = false

  private var collected: [Int32] = []
  private var isComplete = false
  private var isUncertain = false
  var names = NameTable()
  private var visited: Set<Int32> = []
  private var depth = 0

  init(_ program: Program) {
    self.program = program
    _ = finish()
  }

  /// How much is kept, in frames and configurations; names are as long as the text and stay.
  var size: Int { frames.count + configurations.count * 4 + rows.count / 64 }

  func frame(_ stack: Int32) -> Frame { frames[Int(stack)] }

  mutating func stack(_ frame: Frame) -> Int32 {
    if let known = frameNumbers[frame] { return known }
    let number = Int32(frames.count)
    frames.append(frame)
    frameNumbers[frame] = number
    return number
  }

  // MARK: - Collecting a configuration

  /// Adds a stack and all that it leads to without reading.
  private mutating func add(_ state: Int32, _ count: Int32, _ parent: Int32) {
    guard collected.count < StackArena.maximumStacks,
      visited.count < 4 * StackArena.maximumStacks, depth < StackArena.maximumDepth
    else {
      hasOverflowed = true
      return
    }
    depth += 1
    defer { depth -= 1 }
    let definition = program.states[Int(state)]
    let role = program.automata[Int(definition.automaton)].role
    if definition.onlyReturns {
      if role == .name { addReturn(of: count, to: parent) } else { addReturn(to: parent) }
      return
    }
    let number = stack(Frame(state: state, count: count, parent: parent))
    guard visited.insert(number).inserted else { return }
    if let loop = definition.loop {
      if count >= loop.minimum { addReturn(to: parent) }
      if loop.maximum.map({ count < $0 }) ?? true {
        let done = loop.maximum == nil ? min(count + 1, loop.minimum) : count + 1
        let below =
          done == loop.maximum ? parent : stack(Frame(state: state, count: done, parent: parent))
        add(program.automata[Int(loop.body)].start, 0, below)
      }
      return
    }
    if !definition.edges.isEmpty || !definition.specials.isEmpty { collected.append(number) }
    if definition.isEnd { addReturn(to: parent) }
    for call in definition.calls {
      let below =
        program.states[Int(call.target)].onlyReturns
        ? parent : stack(Frame(state: call.target, count: count, parent: parent))
      add(program.automata[Int(call.callee)].start, 0, below)
    }
  }

  private mutating func addReturn(to stack: Int32) {
    guard stack >= 0 else {
      isComplete = true
      return
    }
    let frame = frames[Int(stack)]
    add(frame.state, frame.count, frame.parent)
  }

  /// Goes back from a name to where it was asked for; nowhere if it was read before.
  private mutating func addReturn(of spelling: Int32, to stack: Int32) {
    guard stack >= 0 else {
      isComplete = true
      return
    }
    let frame = frames[Int(stack)]
    guard program.automata[Int(program.states[Int(frame.state)].automaton)].role == .distinct else {
      add(frame.state, frame.count, frame.parent)
      return
    }
    if frame.count == NameTable.unknown {
      isUncertain = true
      add(frame.state, frame.count, frame.parent)
      return
    }
    let name = NameTable.decoded(names.bytes(spelling).dropFirst().dropLast())
    if let set = names.adding(name, to: frame.count) { add(frame.state, set, frame.parent) }
  }

  private mutating func finish() -> Int32 {
    collected.sort()
    var key = collected
    key.append((isComplete ? -1 : -2) - (isUncertain ? 2 : 0))
    defer {
      collected.removeAll(keepingCapacity: true)
      visited.removeAll(keepingCapacity: true)
      isComplete = false
      isUncertain = false
    }
    if let known = configurationNumbers[key] { return known }
    let number = Int32(configurations.count)
    configurations.append(
      Configuration(
        stacks: collected, isComplete: isComplete, isUncertain: isUncertain, row: -1))
    configurationNumbers[key] = number
    return number
  }

  // MARK: - Configurations

  /// The configuration before the first byte.
  mutating func start() -> Int32 {
    if program.acceptsEmpty { isComplete = true }
    add(program.automata[program.root].start, 0, -1)
    return finish()
  }

  /// The configuration of a frame taken off: what the stack below goes on with.
  mutating func returned(to stack: Int32) -> Int32 {
    if let known = returns[stack] { return known }
    addReturn(to: stack)
    let result = finish()
    returns[stack] = result
    return result
  }

  /// The configuration of a name taken off, whichever it was.
  mutating func returnedName(to stack: Int32) -> Int32 {
    var frame = frames[Int(stack)]
    frame.count = NameTable.unknown
    return returned(to: self.stack(frame))
  }

  /// The configuration after a byte.
  mutating func step(_ configuration: Int32, _ byte: UInt8) -> Int32 {
    let row = configurations[Int(configuration)].row
    if row >= 0 {
      let known = rows[Int(row) * 256 + Int(byte)]
      if known >= 0 { return known }
    } else {
      if configurations[Int(configuration)].stacks.isEmpty { return StackArena.dead }
      configurations[Int(configuration)].row = Int32(rows.count / 256)
      rows.append(contentsOf: repeatElement(-1, count: 256))
    }
    for stack in configurations[Int(configuration)].stacks { read(stack, byte) }
    let result = finish()
    rows[Int(configurations[Int(configuration)].row) * 256 + Int(byte)] = result
    return result
  }

  /// The configuration after a byte read by one stack alone.
  mutating func step(stack: Int32, _ byte: UInt8) -> Int32 {
    read(stack, byte)
    return finish()
  }

  private mutating func read(_ stack: Int32, _ byte: UInt8) {
    let frame = frames[Int(stack)]
    guard let target = program.target(frame.state, byte) else { return }
    var count = frame.count
    let automaton = program.automata[Int(program.states[Int(frame.state)].automaton)]
    if automaton.role == .name {
      count = names.spelling(count, byte)
    } else if let counted = automaton.counted {
      let base = automaton.start
      guard let after = counted.count(after: count, from: frame.state - base, to: target - base)
      else { return }
      count = after
    }
    add(target, count, frame.parent)
  }

  /// The configuration after a special token.
  mutating func step(_ configuration: Int32, special token: Int32) -> Int32 {
    for stack in configurations[Int(configuration)].stacks {
      let frame = frames[Int(stack)]
      for edge in program.states[Int(frame.state)].specials where edge.token == token {
        add(edge.target, frame.count, frame.parent)
      }
    }
    return finish()
  }

  // MARK: - Keeping it small

  /// An arena that holds only what a configuration needs, and that configuration's number in it.
  func compacted(_ configuration: Int32) -> (arena: StackArena, configuration: Int32) {
    var arena = StackArena(program)
    arena.hasOverflowed = hasOverflowed
    arena.names = names
    let old = configurations[Int(configuration)]
    var moved: [Int32: Int32] = [-1: -1]
    for stack in old.stacks {
      var path: [Int32] = []
      var current = stack
      while moved[current] == nil {
        path.append(current)
        current = frames[Int(current)].parent
      }
      for stack in path.reversed() {
        var frame = frames[Int(stack)]
        frame.parent = moved[frame.parent] ?? -1
        moved[stack] = arena.stack(frame)
      }
    }
    arena.collected = old.stacks.compactMap { moved[$0] }
    arena.isComplete = old.isComplete
    arena.isUncertain = old.isUncertain
    let number = arena.finish()
    return (arena, number)
  }
}
