import BigInt
import SoliditySyntax
import Solidity

extension EntryPoint {
  /// Where a value comes from.
  public func sources(of place: Place, options: SourceOptions = []) -> SourceSet {
    let key = SourceKey(place: place, options: options.rawValue)
    if let known = sourcesByPlace[key] { return known }
    var search = SourceSearch(entry: self, options: options)
    search.run(from: place)
    let result = search.result
    sourcesByPlace[key] = result
    return result
  }

  /// Whether the caller supplies the value or part of it: parameters and call data of an entry point, not of
  /// deployment.
  public func isCallerChosen(_ place: Place) -> Bool {
    hasCallerInput && sources(of: place).hasInput
  }
}

/// One search backwards through data flow.
struct SourceSearch {
  static let maximumSteps = 6000

  let entry: EntryPoint
  let options: SourceOptions
  private var found: [ValueSource] = []
  private var isFound: Set<ValueSource> = []
  private var seen: PlaceSet
  private var stack: [Place] = []
  private var isTruncated = false

  init(entry: EntryPoint, options: SourceOptions) {
    self.entry = entry
    self.options = options
    seen = PlaceSet(of: entry)
  }

  var result: SourceSet {
    SourceSet(sources: found.isEmpty ? [.unknown] : found, isTruncated: isTruncated)
  }

  mutating func run(from place: Place) {
    stack = [place]
    var steps = 0
    while let next = stack.popLast() {
      guard seen.insert(next) else { continue }
      steps += 1
      if steps > Self.maximumSteps {
        isTruncated = true
        return
      }
      visit(next)
    }
  }

  private mutating func add(_ source: ValueSource) {
    if isFound.insert(source).inserted { found.append(source) }
  }

  private mutating func follow(_ value: ValueID, _ here: Place) {
    stack.append(Place(frame: here.frame, value: value))
  }

  private mutating func follow(_ values: [ValueID], _ here: Place) {
    for value in values.reversed() { follow(value, here) }
  }

  private mutating func followIndexes(_ steps: [PathStep], _ here: Place) {
    guard options.contains(.selectors) else { return }
    for case .index(let value) in steps { follow(value, here) }
  }

  private mutating func visit(_ here: Place) {
    switch entry[here].operation {
    case .parameter(let position, _):
      if let argument = entry.argument(position, of: here.frame) {
        stack.append(argument)
      } else if entry[here.frame].parent == nil {
        add(.parameter(position))
      } else {
        add(.unknown)
      }
    case .constant, .zero: add(.constant)
    case .environment(.callData): add(.callData)
    case .environment(let environment): add(.environment(environment))
    case .balance: add(.balance)
    case .accountCode: add(.accountCode)
    case .binary(_, let a, let b, _, _), .shortCircuit(_, let a, let b): follow([a, b], here)
    case .unary(_, let a, _), .convert(let a, _, _): follow(a, here)
    case .select(let condition, let a, let b):
      if options.contains(.selectors) { follow(condition, here) }
      follow([a, b], here)
    case .phi(let inputs): follow(inputs, here)
    case .read(let path), .storagePointer(let path): visitStorage(path, here)
    case .readImmutable(let variable): add(.immutable(Reference(variable)))
    case .load(let base, let steps):
      let made = entry.origin(of: here)
      if made != here {
        stack.append(made)
      } else {
        follow(base, here)
        followIndexes(steps, here)
      }
    case .update(let base, let steps, let value):
      follow([base, value], here)
      followIndexes(steps, here)
    case .aggregate(_, let parts), .unknown(let parts): follow(parts, here)
    case .slice(let base, _, _): follow(base, here)
    case .memoryLoad(let memory, let address):
      visitMemory(memory, address, length: 32, here)
    case .memoryRange(let memory, let address, let length):
      visitMemory(memory, address, length: number(length, here), here)
    case .memoryStore(let memory, _, let value, _): follow([memory, value], here)
    case .memory: break
    case .builtin(let name, let arguments): visitBuiltin(name, arguments, here)
    case .result(let call, let index): visitResult(call, index, here)
    case .argumentAfter(let call, let index): visitArgument(call, index, here)
    case .trySuccess(let call), .caughtError(let call, _): visitCall(call, here)
    case .functionReference(_, let receiver): if let receiver { follow(receiver, here) }
    case .internalCall, .externalCall, .write, .writeImmutable, .emit, .selfdestruct:
      visitCall(here.value, here)
    }
  }

  private mutating func visitStorage(_ path: StoragePath, _ here: Place) {
    let location = entry.location(of: path, in: here.frame)
    add(.storage(location.field))
    if options.contains(.selectors) {
      for case .index(let index) in location.steps { stack.append(index) }
      if case .computed(let place) = location.root { stack.append(place) }
    }
  }

  private mutating func visitBuiltin(_ name: String, _ arguments: [ValueID], _ here: Place) {
    switch name {
    case "calldata", "calldataload", "msg.data": add(.callData)
    case "blockhash", "blobhash": add(.blockHash)
    case "ecrecover": add(.signer(here))
    case "keccak256", "sha256", "ripemd160":
      if !options.contains(.stopAtHashes) { follow(arguments, here) }
    default:
      if arguments.isEmpty {
        add(name.hasPrefix("type.") ? .constant : .unknown)
      } else {
        follow(arguments, here)
      }
    }
  }

  private mutating func visitResult(_ call: ValueID, _ index: Int, _ here: Place) {
    if let callee = entry[here.frame].callee(at: call) {
      if let value = entry[callee].graph.returnedValue(index) {
        stack.append(Place(frame: callee, value: value))
      }
      return
    }
    visitCall(call, here)
  }

  private mutating func visitArgument(_ call: ValueID, _ index: Int, _ here: Place) {
    let left = entry[here.frame].callee(at: call).map { ($0, entry[$0].graph.parametersAtExit) }
    if let (callee, values) = left, values.indices.contains(index) {
      stack.append(Place(frame: callee, value: values[index]))
    } else if case .internalCall(let internalCall) = entry[
      Place(frame: here.frame, value: call)
    ].operation,
      internalCall.arguments.indices.contains(index)
    {
      follow(internalCall.arguments[index], here)
    }
  }

  private mutating func visitCall(_ call: ValueID, _ here: Place) {
    let place = Place(frame: here.frame, value: call)
    switch entry[place].operation {
    case .externalCall(let external):
      if case .creation = external.kind {
        add(.creation(place))
      } else {
        add(.externalCall(place))
      }
      if options.contains(.throughExternalCalls) {
        if let target = external.target { follow(target, here) }
        follow(external.arguments, here)
      }
    case .internalCall(let call):
      // Not followed: recursive, without body, or beyond the bounds.
      add(.unknown)
      follow(call.arguments, here)
    default: add(.unknown)
    }
  }

  // MARK: Memory as assembly sees it

  private func number(_ value: ValueID, _ here: Place) -> Int? {
    guard case .number(let number)? = entry.constant(Place(frame: here.frame, value: value)),
      let integer = number.integer
    else { return nil }
    return Int(exactly: integer)
  }

  /// An address as a constant, or as the value it is an offset from.
  private enum Address: Equatable {
    case absolute(Int)
    case relative(Place)
  }

  private func address(_ value: ValueID, _ here: Place) -> Address {
    if let number = number(value, here) { return .absolute(number) }
    var current = Place(frame: here.frame, value: value)
    for _ in 0..<32 {
      guard case .binary(let op, let a, let b, _, _) = entry[current].operation,
        op == .add || op == .subtract
      else { break }
      if number(b, current) != nil {
        current = Place(frame: current.frame, value: a)
      } else if op == .add, number(a, current) != nil {
        current = Place(frame: current.frame, value: b)
      } else {
        break
      }
    }
    return .relative(current)
  }

  /// Follows the stores that may have written what is read at `address`.
  private mutating func visitMemory(
    _ memory: ValueID, _ address: ValueID, length: Int?, _ here: Place
  ) {
    let wanted = self.address(address, here)
    if case .relative(let base) = wanted, !isAllocationPointer(base) { stack.append(base) }
    var pending = [memory]
    var visited: Set<ValueID> = []
    while let state = pending.popLast() {
      guard visited.insert(state).inserted, visited.count < 512 else { continue }
      switch entry[Place(frame: here.frame, value: state)].operation {
      case .phi(let inputs): pending.append(contentsOf: inputs)
      case .memoryStore(let before, let target, let value, let size):
        switch (wanted, self.address(target, here)) {
        case (.absolute(let from), .absolute(let to)):
          let count = size.map { number($0, here) } ?? 32
          let isTouched =
            to < from + (length ?? .max / 4) && from < to + (count ?? .max / 4)
          if isTouched { follow(value, here) }
          if to == from, length == 32, count == 32 { continue }
        case (.relative(let from), .relative(let to)):
          if from == to { follow(value, here) }
        default: break
        }
        pending.append(before)
      default: break
      }
    }
  }

  /// Whether the value is the free memory pointer: where new memory is does not say what is in it.
  private func isAllocationPointer(_ place: Place) -> Bool {
    guard case .memoryLoad(_, let address) = entry[place].operation else { return false }
    return number(address, place) == 0x40
  }
}
