import SoliditySyntax
import Solidity

extension BinaryOperator {
  /// The comparison that holds when this one does not.
  var negated: BinaryOperator {
    switch self {
    case .equal: .notEqual
    case .notEqual: .equal
    case .less: .greaterOrEqual
    case .lessOrEqual: .greater
    case .greater: .lessOrEqual
    case .greaterOrEqual: .less
    default: self
    }
  }

  /// The comparison with its sides exchanged.
  var mirrored: BinaryOperator {
    switch self {
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    default: self
    }
  }
}

extension EntryPoint {
  static let maximumPredicateDepth = 24

  /// What it says when a condition is true or false.
  public func predicate(_ condition: Place, _ polarity: Bool) -> Predicate {
    predicate(condition, polarity, depth: 0)
  }

  private func predicate(_ condition: Place, _ polarity: Bool, depth: Int) -> Predicate {
    let key = PredicateKey(condition: condition, polarity: polarity)
    if let known = predicates[key] { return known }
    guard depth < Self.maximumPredicateDepth else { return .truth(condition, polarity) }
    let result = derive(condition, polarity, depth: depth)
    predicates[key] = result
    return result
  }

  private func derive(_ condition: Place, _ polarity: Bool, depth: Int) -> Predicate {
    let source = origin(of: condition)
    func inner(_ value: ValueID, _ polarity: Bool) -> Predicate {
      predicate(place(value, at: source), polarity, depth: depth + 1)
    }
    let value = self[source]
    switch value.operation {
    case .unary(.not, let operand, _): return inner(operand, !polarity)
    case .shortCircuit(let op, let left, let right):
      return join(op == .and, polarity, [inner(left, polarity), inner(right, polarity)])
    case .binary(.bitAnd, let left, let right, _, _) where isBool(value.type):
      return join(true, polarity, [inner(left, polarity), inner(right, polarity)])
    case .binary(.bitOr, let left, let right, _, _) where isBool(value.type):
      return join(false, polarity, [inner(left, polarity), inner(right, polarity)])
    case .select(let chosen, let then, let otherwise):
      return choice(source, chosen, then, otherwise, polarity, depth: depth)
    case .binary(let op, let left, let right, _, _) where op.isComparison:
      let a = place(left, at: source)
      let b = place(right, at: source)
      let holds = polarity ? op : op.negated
      // `flag == true`, `iszero(condition)`
      if holds == .equal || holds == .notEqual {
        for (side, other) in [(a, b), (b, a)] where isBool(self[origin(of: side)].type) {
          guard let constant = constant(other) else { continue }
          return predicate(side, constant.isZero == (holds == .notEqual), depth: depth + 1)
        }
      }
      return comparison(holds, a, b, condition: source)
    case .phi(let inputs):
      return phi(source, inputs, polarity, depth: depth) ?? truth(source, polarity)
    case .convert(let operand, _, _) where isBool(self[place(operand, at: source)].type):
      return inner(operand, polarity)
    default: return truth(source, polarity)
    }
  }

  private func isBool(_ type: SolidityType) -> Bool {
    if case .bool = type { return true }
    return false
  }

  /// `and`, `or` of conditions, or their negation.
  private func join(_ isAnd: Bool, _ polarity: Bool, _ parts: [Predicate]) -> Predicate {
    isAnd == polarity ? .all(parts) : .any(parts)
  }

  private func choice(
    _ source: Place, _ chosen: ValueID, _ then: ValueID, _ otherwise: ValueID, _ polarity: Bool,
    depth: Int
  ) -> Predicate {
    func inner(_ value: ValueID, _ polarity: Bool) -> Predicate {
      predicate(place(value, at: source), polarity, depth: depth + 1)
    }
    func isConstant(_ value: ValueID, _ wanted: Bool) -> Bool? {
      constant(place(value, at: source)).map { $0.isZero != wanted }
    }
    var ways: [Predicate] = []
    if isConstant(then, polarity) != false {
      let own = isConstant(then, polarity) == true ? [] : [inner(then, polarity)]
      ways.append(.all([inner(chosen, true)] + own))
    }
    if isConstant(otherwise, polarity) != false {
      let own = isConstant(otherwise, polarity) == true ? [] : [inner(otherwise, polarity)]
      ways.append(.all([inner(chosen, false)] + own))
    }
    return ways.count == 1 ? ways[0] : .any(ways)
  }

  /// A flag set on different ways: `if (a) return true; ... return false;`. The condition is what leads to the ways
  /// that give the wanted value.
  private func phi(
    _ source: Place, _ inputs: [ValueID], _ polarity: Bool, depth: Int
  ) -> Predicate? {
    guard isBool(self[source].type), inputs.count <= 12 else { return nil }
    let graph = self[source.frame].graph
    let block = graph[source.value].block
    let predecessors = graph[block].predecessors
    guard predecessors.count == inputs.count else { return nil }
    let common = Set(graph.guards(of: block))
    var ways: [Predicate] = []
    for (input, predecessor) in zip(inputs, predecessors) {
      let inputPlace = place(input, at: source)
      var parts: [Predicate] = []
      if let constant = constant(inputPlace) {
        if constant.isZero == polarity { continue }
      } else if graph.dominates(block, graph[input].block) {
        // Round a loop.
        return nil
      } else {
        parts.append(predicate(inputPlace, polarity, depth: depth + 1))
      }
      var local = graph.guards(of: predecessor)
      if case .branch(let condition, let then, let otherwise) = graph[predecessor].terminator,
        then != otherwise
      {
        local.append(
          LocalGuard(condition: condition, polarity: then == block, block: predecessor))
      }
      for guarding in local where !common.contains(guarding) {
        parts.append(
          predicate(
            place(guarding.condition, at: source), guarding.polarity, depth: depth + 1))
      }
      ways.append(.all(parts))
    }
    return ways.count == 1 ? ways[0] : .any(ways)
  }

  // MARK: Single statements

  private func truth(_ source: Place, _ polarity: Bool) -> Predicate {
    switch self[source].operation {
    case .read(let path):
      let location = location(of: path, in: source.frame)
      if isKeyedBySender(location) {
        return caller(polarity ? .member(location) : .exclusion, source)
      }
      if let signer = signerKey(location), polarity {
        return .signature(signer: signer, expected: nil, isTrusted: true)
      }
      if case .computed = location.root, dependsOnSender(source) {
        return caller(polarity ? .other : .exclusion, source)
      }
      return .flag(location, polarity)
    case .result(let call, _):
      let site = place(call, at: source)
      guard let external = externalCall(at: site), external.isStatic,
        external.arguments.contains(where: { isSender(place($0, at: site)) })
      else { break }
      if let target = external.target, isCallerChosen(place(target, at: site)) { break }
      return caller(polarity ? .authority(site) : .exclusion, source)
    case .binary(.bitAnd, let a, let b, _, _):
      // `roles[msg.sender] & ROLE` as a truth value of assembly.
      for side in [a, b] {
        let read = origin(of: place(side, at: source))
        if case .read(let path) = self[read].operation,
          isKeyedBySender(location(of: path, in: read.frame)) || dependsOnSender(read)
        {
          return caller(
            polarity ? .member(location(of: path, in: read.frame)) : .exclusion, source)
        }
      }
    default: break
    }
    if polarity, dependsOnSender(source) { return caller(.other, source) }
    return .truth(source, polarity)
  }

  private func caller(_ kind: CallerCheck.Kind, _ condition: Place) -> Predicate {
    .caller(CallerCheck(kind: kind, condition: condition))
  }

  /// Whether an index of the location is the sender.
  private func isKeyedBySender(_ location: StorageLocation) -> Bool {
    location.steps.contains { if case .index(let index) = $0 { isSender(index) } else { false } }
  }

  /// The recovered signer by which the location is indexed.
  private func signerKey(_ location: StorageLocation) -> Place? {
    for case .index(let index) in location.steps {
      if let signer = signer(index) { return signer }
    }
    return nil
  }

  private func signer(_ place: Place) -> Place? {
    for case .signer(let signer) in sources(of: place, options: .stopAtHashes).sources {
      return signer
    }
    return nil
  }

  private func dependsOnSender(_ place: Place) -> Bool {
    sources(of: place, options: .selectors).hasSender
  }

  private func comparison(
    _ op: BinaryOperator, _ left: Place, _ right: Place, condition: Place
  ) -> Predicate {
    let plain = Predicate.comparison(op, left, right)
    for (side, other) in [(left, right), (right, left)] {
      if isSender(side) { return senderComparison(op, other, condition) }
    }
    for (side, other) in [(left, right), (right, left)] {
      if isEnvironment(side, .transactionOrigin) {
        guard op == .equal, !isCallerChosen(other) else { return plain }
        return caller(.originEquals(other), condition)
      }
      if isEnvironment(side, .this), case .readImmutable = self[origin(of: other)].operation {
        return caller(.delegation, condition)
      }
      if case .accountCode(_, let account) = self[origin(of: side)].operation,
        isSender(place(account, at: origin(of: side)))
      {
        return caller(op == .equal ? .isNotContract : .exclusion, condition)
      }
      if let keyed = keyedComparison(op, side, other, condition) { return keyed }
    }
    if op == .equal {
      for (side, other) in [(left, right), (right, left)] {
        guard let signer = signer(side), constant(other) == nil else { continue }
        return .signature(
          signer: signer, expected: other, isTrusted: !isCallerChosen(other))
      }
      // A proof, a hash over the sender: equal to something the caller does not give.
      for (side, other) in [(left, right), (right, left)]
      where constant(other) == nil && !isCallerChosen(other) && dependsOnSender(side) {
        if !isQuantity(side) { return caller(.other, condition) }
      }
    }
    return plain
  }

  /// Whether a value is a number that counts something rather than an identity: not for equality of who.
  private func isQuantity(_ place: Place) -> Bool {
    switch self[origin(of: place)].type {
    case .integer, .fixedPoint, .rational: true
    default: false
    }
  }

  /// `msg.sender op other`
  private func senderComparison(
    _ op: BinaryOperator, _ other: Place, _ condition: Place
  ) -> Predicate {
    guard op == .equal else { return caller(.exclusion, condition) }
    let source = origin(of: other)
    switch self[source].operation {
    case .read(let path):
      return caller(.equalsStorage(location(of: path, in: source.frame)), condition)
    case .readImmutable(let variable):
      return caller(.equalsImmutable(Reference(variable)), condition)
    case .constant, .zero: return caller(.equalsConstant, condition)
    case .environment(.this): return caller(.equalsThis, condition)
    case .environment(.transactionOrigin): return caller(.equalsOrigin, condition)
    case .result(let call, _):
      let site = place(call, at: source)
      guard let external = externalCall(at: site) else { break }
      if let target = external.target, isCallerChosen(place(target, at: site)) {
        return caller(.equalsInput(source), condition)
      }
      return caller(.equalsCallResult(site), condition)
    default: break
    }
    let sources = sources(of: source)
    if let signer = signer(source) {
      return .signature(signer: signer, expected: nil, isTrusted: false)
    }
    if sources.hasInput { return caller(.equalsInput(source), condition) }
    return caller(.other, condition)
  }

  /// A comparison of something kept per sender.
  private func keyedComparison(
    _ op: BinaryOperator, _ side: Place, _ other: Place, _ condition: Place
  ) -> Predicate? {
    let source = origin(of: side)
    switch self[source].operation {
    case .read(let path):
      let location = location(of: path, in: source.frame)
      if !isKeyedBySender(location), op == .equal || op == .notEqual,
        let signer = signerKey(location)
      {
        let isMember = (op == .equal) != (constant(other)?.isZero ?? false)
        return isMember ? .signature(signer: signer, expected: nil, isTrusted: true) : nil
      }
      guard isKeyedBySender(location) else { return nil }
      if case .length? = location.steps.last { return caller(.amount(location), condition) }
      let constant = constant(other)
      guard op == .equal || op == .notEqual else { return caller(.amount(location), condition) }
      if isQuantity(source) {
        // `wards[msg.sender] == 1` is membership; `balance[msg.sender] != 0` a quantity.
        if op == .equal, let constant, !constant.isZero {
          return caller(.member(location), condition)
        }
        return op == .equal && constant?.isZero == true
          ? caller(.exclusion, condition) : caller(.amount(location), condition)
      }
      let isMember = (op == .equal) != (constant?.isZero ?? false)
      return caller(isMember ? .member(location) : .exclusion, condition)
    case .binary(.bitAnd, let a, let b, _, _):
      guard constant(other)?.isZero == true || op == .equal else { return nil }
      for part in [a, b] {
        let read = origin(of: place(part, at: source))
        guard case .read(let path) = self[read].operation else { continue }
        let location = location(of: path, in: read.frame)
        guard isKeyedBySender(location) || isComputedFromSender(location) else { continue }
        let isMember = (op == .equal) != (constant(other)?.isZero ?? false)
        return caller(isMember ? .member(location) : .exclusion, condition)
      }
      return nil
    default: return nil
    }
  }

  private func isComputedFromSender(_ location: StorageLocation) -> Bool {
    if case .computed(let place) = location.root { return dependsOnSender(place) }
    return false
  }
}
