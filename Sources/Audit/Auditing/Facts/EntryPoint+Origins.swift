import BigInt
import SoliditySyntax
import Solidity

extension EntryPoint {
  /// The place where a value is really made: through parameters to arguments, through results to what the callee
  /// returns, through conversions that keep the number, parts of aggregates made here, and phis with one input.
  public func origin(of place: Place) -> Place {
    if let known = origins[place] { return known }
    var current = place
    for _ in 0..<64 {
      guard let next = stepTowardsOrigin(current), next != current else { break }
      current = next
    }
    origins[place] = current
    return current
  }

  private func stepTowardsOrigin(_ place: Place) -> Place? {
    let value = self[place]
    switch value.operation {
    case .parameter(let position, _): return argument(position, of: place.frame)
    case .result(let call, let index):
      guard let callee = self[place.frame].callee(at: call),
        let returned = self[callee].graph.returnedValue(index)
      else { return nil }
      return Place(frame: callee, value: returned)
    case .convert(let operand, let from, _):
      guard from.keepsNumber(as: value.type) else { return nil }
      return self.place(operand, at: place)
    case .phi(let inputs) where inputs.count == 1: return self.place(inputs[0], at: place)
    case .load(let base, let steps): return part(steps, of: self.place(base, at: place))
    default: return nil
    }
  }

  /// The argument a frame was given for a parameter; nil in the entry's own frame.
  func argument(_ position: Int, of frame: FrameID) -> Place? {
    guard let parent = self[frame].parent, let site = self[frame].callSite,
      case .internalCall(let call) = self[parent].graph[site].operation,
      call.arguments.indices.contains(position)
    else { return nil }
    return Place(frame: parent, value: call.arguments[position])
  }

  /// The value of a part of an aggregate, when the aggregate was put together where it can be seen.
  private func part(_ steps: [PathStep], of base: Place) -> Place? {
    var current = base
    for _ in 0..<64 {
      switch self[current].operation {
      case .update(let whole, let written, let value):
        if written == steps, hasFixedIndexes(steps) || current.frame == base.frame {
          return place(value, at: current)
        }
        guard areDisjoint(written, steps) else { return nil }
        current = place(whole, at: current)
      case .aggregate(.structure(let reference), let parts):
        guard steps.count == 1, case .member(let name) = steps[0] else { return nil }
        let members = reference.node.members
        guard members.count == parts.count,
          let index = members.firstIndex(where: { $0.name == name })
        else { return nil }
        return place(parts[index], at: current)
      default:
        guard let next = stepTowardsOrigin(current), next != current else { return nil }
        // A load of a load would need its steps joined.
        if case .load = self[current].operation { return nil }
        current = next
      }
    }
    return nil
  }

  private func hasFixedIndexes(_ steps: [PathStep]) -> Bool {
    steps.allSatisfy { if case .index = $0 { false } else { true } }
  }

  private func areDisjoint(_ a: [PathStep], _ b: [PathStep]) -> Bool {
    for (left, right) in zip(a, b) {
      if case .member(let x) = left, case .member(let y) = right, x != y { return true }
      if left != right { return false }
    }
    return false
  }

  /// The constant a value is, through calls; comparisons and logic of constants are worked out.
  public func constant(_ place: Place) -> ConstantValue? { constant(place, depth: 6) }

  private func constant(_ place: Place, depth: Int) -> ConstantValue? {
    let source = origin(of: place)
    let value = self[source]
    func operand(_ id: ValueID) -> ConstantValue? {
      depth > 0 ? constant(self.place(id, at: source), depth: depth - 1) : nil
    }
    switch value.operation {
    case .constant(let constant): return constant
    case .zero:
      if case .bool = value.type { return .bool(false) }
      guard !value.type.isReference, let zero = Rational(0) else { return nil }
      return .number(zero)
    case .unary(.not, let inner, _):
      return operand(inner).map { .bool($0.isZero) }
    case .binary(.equal, let a, let b, _, _):
      guard let left = operand(a), let right = operand(b) else { return nil }
      return .bool(left.isSame(as: right))
    case .binary(.notEqual, let a, let b, _, _):
      guard let left = operand(a), let right = operand(b) else { return nil }
      return .bool(!left.isSame(as: right))
    case .binary(let op, let a, let b, _, _) where op == .add || op == .subtract:
      guard let left = operand(a)?.word, let right = operand(b)?.word,
        let sum = Rational(op == .add ? left + right : left - right), sum.numerator >= 0
      else { return nil }
      return .number(sum)
    case .shortCircuit(let op, let a, let b):
      let left = operand(a)
      let right = operand(b)
      if let left, left.isZero == (op == .and) { return .bool(op == .or) }
      if let right, right.isZero == (op == .and) { return .bool(op == .or) }
      return left != nil && right != nil ? .bool(op == .and) : nil
    default: return nil
    }
  }

  /// Whether a value is a given property of the environment, through calls.
  public func isEnvironment(_ place: Place, _ environment: Environment) -> Bool {
    if case .environment(let found) = self[origin(of: place)].operation {
      return found == environment
    }
    return false
  }

  /// Whether a value is `msg.sender`, through calls (`_msgSender()`); also where a trusted forwarder may name another.
  public func isSender(_ place: Place) -> Bool { isSender(place, depth: 6) }

  private func isSender(_ place: Place, depth: Int) -> Bool {
    let source = origin(of: place)
    switch self[source].operation {
    case .environment(.sender): return true
    case .phi(let inputs):
      return depth > 0
        && inputs.contains { isSender(self.place($0, at: source), depth: depth - 1) }
    case .select(_, let first, let second):
      return depth > 0
        && [first, second].contains { isSender(self.place($0, at: source), depth: depth - 1) }
    default: return false
    }
  }

  // MARK: Storage

  /// The storage a path reaches from a frame, through pointers and calls.
  public func location(of path: StoragePath, in frame: FrameID) -> StorageLocation {
    var steps = path.steps.map { step($0, in: frame) }
    var isTransient = path.isTransient
    var root = path.root
    var here = frame
    for _ in 0..<32 {
      switch root {
      case .variable(let reference):
        return StorageLocation(
          root: .variable(reference), steps: steps, isTransient: isTransient)
      case .pointer(let pointer):
        let source = origin(of: Place(frame: here, value: pointer))
        switch self[source].operation {
        case .storagePointer(let base):
          steps = base.steps.map { step($0, in: source.frame) } + steps
          isTransient = isTransient || base.isTransient
          root = base.root
          here = source.frame
        case .constant(let constant):
          guard let slot = constant.slot else {
            return StorageLocation(
              root: .computed(source), steps: steps, isTransient: isTransient)
          }
          return StorageLocation(root: .slot(slot), steps: steps, isTransient: isTransient)
        default:
          if let slot = constant(source)?.slot {
            return StorageLocation(root: .slot(slot), steps: steps, isTransient: isTransient)
          }
          return StorageLocation(
            root: .computed(source), steps: steps, isTransient: isTransient)
        }
      }
    }
    return StorageLocation(
      root: .computed(Place(frame: frame, value: ValueID(0))), steps: steps,
      isTransient: isTransient)
  }

  private func step(_ step: PathStep, in frame: FrameID) -> LocationStep {
    switch step {
    case .member(let name): .member(name)
    case .index(let value): .index(Place(frame: frame, value: value))
    case .length: .length
    case .push: .push
    }
  }

  /// The storage accessed at a place holding `.read`, `.write` or `.storagePointer`.
  public func location(at place: Place) -> StorageLocation? {
    switch self[place].operation {
    case .read(let path), .write(let path, _, _), .storagePointer(let path):
      location(of: path, in: place.frame)
    default: nil
    }
  }
}

extension ConstantValue {
  /// The value as a slot number.
  var slot: BigUInt? {
    switch self {
    case .number(let number):
      guard let integer = number.integer, integer >= 0 else { return nil }
      return BigUInt(integer)
    case .bytes(let bytes): return bytes.count <= 32 ? Self.number(bytes) : nil
    case .bool: return nil
    }
  }

  /// Whether the value is zero or false.
  package var isZero: Bool {
    switch self {
    case .number(let number): number.numerator == 0
    case .bool(let value): !value
    case .bytes(let bytes): bytes.allSatisfy { $0 == 0 }
    }
  }

  /// Whether two constants are the same to the machine: `true` is 1.
  package func isSame(as other: ConstantValue) -> Bool { self == other || word == other.word }

  private static func number(_ bytes: [UInt8]) -> BigUInt {
    bytes.withUnsafeBytes { BigUInt($0) }
  }

  /// The value as a whole number.
  var word: BigInt? {
    switch self {
    case .number(let number): number.integer
    case .bool(let value): value ? 1 : 0
    case .bytes(let bytes): bytes.count <= 32 ? BigInt(Self.number(bytes)) : nil
    }
  }
}

extension SolidityType {
  /// The width of a value type in bits, where it is fixed.
  var bitWidth: Int? {
    switch self {
    case .bool: 8
    case .address, .contract: 160
    case .integer(let bits, _), .fixedPoint(let bits, _, _): bits
    case .fixedBytes(let count): count * 8
    case .enumeration: 8
    default: nil
    }
  }

  /// Whether a conversion to `other` keeps every value: no bits are cut off.
  func keepsNumber(as other: SolidityType) -> Bool {
    if case .userDefinedValue = self { return true }
    if case .userDefinedValue = other { return true }
    guard let from = bitWidth, let to = other.bitWidth else {
      return isReference && other.isReference
    }
    return to >= from
  }
}
