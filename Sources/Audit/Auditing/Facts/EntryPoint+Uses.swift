import SoliditySyntax
import Solidity

/// What becomes of a call's success flag.
public enum SuccessHandling: Hashable, Sendable {
  /// The call reverts by itself when it fails (high-level calls, `transfer`), or is a `try`.
  case implied
  /// The flag decides a branch.
  case branch
  /// The flag is returned from the entry point, stored, logged or passed on.
  case passedOn
  /// Nothing looks at it.
  case ignored
}

extension EntryPoint {
  /// The instructions that use a value directly: for callees whose code is known their parameters instead of the
  /// call, and the call results it is returned as.
  public func uses(of place: Place) -> [Place] {
    let frame = self[place.frame]
    var result: [Place] = []
    for user in frame.graph.uses(of: place.value) {
      if case .internalCall(let call) = frame.graph[user].operation,
        let callee = frame.callee(at: user)
      {
        let parameters = self[callee].graph.parameters
        for (position, argument) in call.arguments.enumerated()
        where argument == place.value && position < parameters.count {
          result.append(Place(frame: callee, value: parameters[position]))
        }
      } else {
        result.append(Place(frame: place.frame, value: user))
      }
    }
    if let parent = frame.parent, let site = frame.callSite {
      let outer = self[parent].graph
      for user in outer.uses(of: site) {
        if case .argumentAfter(_, let index) = outer[user].operation,
          frame.graph.parametersAtExit.indices.contains(index),
          frame.graph.parametersAtExit[index] == place.value
        {
          result.append(Place(frame: parent, value: user))
        }
      }
    }
    if frame.graph.isUsedByTerminator(place.value), let parent = frame.parent,
      let site = frame.callSite, let exit = frame.graph.exit,
      case .return(let values) = frame.graph[exit].terminator
    {
      let outer = self[parent].graph
      for user in outer.uses(of: site) {
        if case .result(_, let index) = outer[user].operation, values.indices.contains(index),
          values[index] == place.value
        {
          result.append(Place(frame: parent, value: user))
        }
      }
    }
    return result
  }

  /// Everything a value flows into, transitively, in the order found; bounded. Storage and other accounts are not
  /// followed: writes and calls end the flow.
  public func flows(from place: Place) -> [Place] {
    // Questions about one place come together.
    if let lastFlow, lastFlow.from == place { return lastFlow.flow }
    var result: [Place] = []
    var seen = PlaceSet(of: self)
    _ = seen.insert(place)
    var next = 0
    var queue = [place]
    while next < queue.count, result.count < 4096 {
      let current = queue[next]
      next += 1
      if next > 1 {
        switch self[current].operation {
        case .write, .writeImmutable, .externalCall, .internalCall, .emit, .selfdestruct: continue
        default: break
        }
      }
      for user in uses(of: current) where seen.insert(user) {
        result.append(user)
        queue.append(user)
      }
    }
    lastFlow = (place, result)
    return result
  }

  /// Whether the value is the condition of a branch in its own activation.
  public func decidesBranch(_ place: Place) -> Bool {
    let graph = self[place.frame].graph
    guard graph.isUsedByTerminator(place.value) else { return false }
    return graph.blocks.contains { block in
      if case .branch(place.value, _, _) = block.terminator { true } else { false }
    }
  }

  /// What becomes of the success flag of an external call.
  public func successHandling(of call: Place) -> SuccessHandling {
    guard let external = externalCall(at: call) else { return .implied }
    guard !external.isTry else { return .implied }
    switch external.kind {
    case .lowLevel(let kind): if kind == .transfer { return .implied }
    case .creation: if !external.isAssembly { return .implied }
    case .function, .getter, .pointer: return .implied
    }
    let graph = self[call.frame].graph
    let flags = graph.uses(of: call.value).filter { user in
      if case .result(_, 0) = graph[user].operation { true } else { false }
    }.map { Place(frame: call.frame, value: $0) }
    var isUsed = false
    for flag in flags {
      if decidesBranch(flag) { return .branch }
      let flows = flows(from: flag)
      if flows.contains(where: { decidesBranch($0) }) { return .branch }
      isUsed =
        isUsed || flows.contains(where: isEffect) || ([flag] + flows).contains(where: isReturnedOut)
    }
    return isUsed ? .passedOn : .ignored
  }

  /// Whether the instruction does something with its operands beyond making a value.
  private func isEffect(_ place: Place) -> Bool {
    switch self[place].operation {
    case .write, .writeImmutable, .externalCall, .internalCall, .emit, .selfdestruct: true
    // Handed to code that is not known, such as a library whose source is missing.
    case .unknown: true
    default: false
    }
  }

  /// Whether a terminator takes the value out of the entry: its own return, a revert's data, returned data.
  private func isReturnedOut(_ place: Place) -> Bool {
    let graph = self[place.frame].graph
    guard graph.isUsedByTerminator(place.value) else { return false }
    return graph.blocks.contains { block in
      switch block.terminator {
      case .return(let values): place.frame == .root && values.contains(place.value)
      case .revert(let revert): revert.arguments.contains(place.value)
      case .stop(let value): value == place.value
      case .jump, .branch, .unreachable: false
      }
    }
  }

  /// Whether anything uses the data a call returns (for low-level calls: not counting the success flag).
  public func usesReturnedData(of call: Place) -> Bool {
    guard let external = externalCall(at: call) else { return false }
    let graph = self[call.frame].graph
    let first = external.lowLevel == nil ? 0 : 1
    return graph.uses(of: call.value).contains { user in
      guard case .result(_, let index) = graph[user].operation, index >= first else {
        return false
      }
      return graph.isUsedByTerminator(user) || !graph.uses(of: user).isEmpty
    }
  }
}
