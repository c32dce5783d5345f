import Ethereum

// Building values from instructions. Each case folds constants and brings the forms that
// compilers write for the same thing to one form, so that later passes match on few shapes:
// divisions by powers of two are shifts right, multiplications by constants and shifts left are
// sums, comparisons with zero of a difference are equalities, constants stand second.
extension ExpressionArena {
  /// The value of a pure instruction; `site` names the place for values too large to keep.
  mutating func operation(
    _ opcode: Opcode, _ arguments: [ExpressionID], site: Int
  ) -> ExpressionID {
    let constants = arguments.compactMap { constant($0) }
    if constants.count == arguments.count, let value = fold(opcode, constants) {
      return constant(value)
    }
    if isTooLarge(arguments) { return unknown(site: site, number: 0) }
    switch opcode {
    case .add: return sum(arguments[0], 1, arguments[1], 1)
    case .sub: return sum(arguments[0], 1, arguments[1], .max)
    case .mul: return product(arguments[0], arguments[1])
    case .div: return quotient(arguments[0], by: arguments[1])
    case .and: return conjunction(arguments[0], arguments[1])
    case .or, .xor: return disjunction(opcode, arguments[0], arguments[1])
    case .shl: return shiftedLeft(arguments[1], by: arguments[0])
    case .shr: return shiftedRight(arguments[1], by: arguments[0])
    case .eq: return equality(arguments[0], arguments[1])
    case .iszero: return isZero(arguments[0])
    case .gt: return node(.lt, [arguments[1], arguments[0]], bits: 1)
    case .sgt: return node(.slt, [arguments[1], arguments[0]], bits: 1)
    case .lt, .slt: return node(opcode, arguments, bits: 1)
    case .not: return complement(arguments[0])
    case .byte: return node(opcode, arguments, bits: 8)
    case .mod:
      let bits = constant(arguments[1]).map { 256 - $0.leadingZeroBitCount } ?? 256
      return node(opcode, arguments, bits: min(bits, self.bits(arguments[0])))
    case .clz: return node(opcode, arguments, bits: 9)
    default: return node(opcode, arguments, bits: 256)
    }
  }

  /// The value of a pure instruction on numbers.
  func fold(_ opcode: Opcode, _ a: [Word]) -> Word? {
    switch opcode {
    case .add: a[0] &+ a[1]
    case .sub: a[0] &- a[1]
    case .mul: a[0] &* a[1]
    case .div: a[0].quotientAndRemainder(dividingBy: a[1]).quotient
    case .mod: a[0].quotientAndRemainder(dividingBy: a[1]).remainder
    case .sdiv: signed(a[0], a[1]) { $0.quotientAndRemainder(dividingBy: $1).quotient }
    case .smod: signedRemainder(a[0], a[1])
    case .addmod, .mulmod: nil
    case .exp: a[0].power(a[1])
    case .signextend: a[1].signExtended(fromByte: a[0].int ?? 32)
    case .lt: a[0] < a[1] ? .one : .zero
    case .gt: a[0] > a[1] ? .one : .zero
    case .slt: Word.isSigned(a[0], below: a[1]) ? .one : .zero
    case .sgt: Word.isSigned(a[1], below: a[0]) ? .one : .zero
    case .eq: a[0] == a[1] ? .one : .zero
    case .iszero: a[0].isZero ? .one : .zero
    case .and: a[0] & a[1]
    case .or: a[0] | a[1]
    case .xor: a[0] ^ a[1]
    case .not: ~a[0]
    case .byte: Word(UInt64(a[1].byte(a[0].int ?? 32)))
    case .shl: a[1] << shiftCount(a[0])
    case .shr: a[1] >> shiftCount(a[0])
    case .sar: a[1].arithmeticShiftedRight(by: shiftCount(a[0]))
    case .clz: Word(UInt64(a[0].leadingZeroBitCount))
    default: nil
    }
  }

  /// The value plus a number.
  mutating func adding(_ number: Word, to id: ExpressionID) -> ExpressionID {
    sum(id, 1, constant(number), 1)
  }

  /// A value as the part that is not known and a known distance.
  func split(_ id: ExpressionID) -> (terms: [Expression.Term], constant: Word) {
    switch self[id] {
    case .constant(let word): ([], word)
    case .sum(let terms, let constant): (terms, constant)
    default: ([Expression.Term(value: id, factor: .one)], .zero)
    }
  }

  /// The value of terms and a number.
  mutating func sum(_ terms: [Expression.Term], constant number: Word) -> ExpressionID {
    if terms.isEmpty { return constant(number) }
    if terms.count == 1, number.isZero, terms[0].factor == .one { return terms[0].value }
    var bits = 256
    if terms.count == 1, number.isZero, terms[0].factor.nonzeroBitCount == 1 {
      bits = min(256, self.bits(terms[0].value) + terms[0].factor.trailingZeroBitCount)
    }
    return intern(.sum(terms, constant: number), bits: bits, of: terms.map(\.value))
  }

  private mutating func sum(
    _ left: ExpressionID, _ leftFactor: Word, _ right: ExpressionID, _ rightFactor: Word
  ) -> ExpressionID {
    let first = split(left)
    let second = split(right)
    let number = first.constant &* leftFactor &+ second.constant &* rightFactor
    var terms: [Expression.Term] = []
    var i = 0
    var j = 0
    func scaled(_ term: Expression.Term, _ factor: Word) -> Expression.Term {
      factor == .one
        ? term : Expression.Term(value: term.value, factor: term.factor &* factor)
    }
    while i < first.terms.count || j < second.terms.count {
      let next: Expression.Term
      if j == second.terms.count
        || (i < first.terms.count && first.terms[i].value < second.terms[j].value)
      {
        next = scaled(first.terms[i], leftFactor)
        i += 1
      } else if i == first.terms.count || second.terms[j].value < first.terms[i].value {
        next = scaled(second.terms[j], rightFactor)
        j += 1
      } else {
        next = Expression.Term(
          value: first.terms[i].value,
          factor: first.terms[i].factor &* leftFactor &+ second.terms[j].factor &* rightFactor)
        i += 1
        j += 1
      }
      if !next.factor.isZero { terms.append(next) }
    }
    return sum(terms, constant: number)
  }

  private mutating func product(_ left: ExpressionID, _ right: ExpressionID) -> ExpressionID {
    if let factor = constant(right) { return sum(left, factor, zero, 1) }
    if let factor = constant(left) { return sum(right, factor, zero, 1) }
    return node(.mul, left < right ? [left, right] : [right, left], bits: 256)
  }

  private mutating func quotient(_ left: ExpressionID, by right: ExpressionID) -> ExpressionID {
    if let divisor = constant(right) {
      if divisor.nonzeroBitCount == 1 {
        return shiftedRight(left, by: constant(Word(UInt64(divisor.trailingZeroBitCount))))
      }
      if divisor.isZero { return zero }
    }
    return node(.div, [left, right], bits: bits(left))
  }

  private mutating func conjunction(_ left: ExpressionID, _ right: ExpressionID) -> ExpressionID {
    if left == right { return left }
    guard let mask = constant(right) ?? constant(left) else {
      return node(
        .and, left < right ? [left, right] : [right, left], bits: min(bits(left), bits(right)))
    }
    let value = constant(right) != nil ? left : right
    if mask.isZero { return zero }
    // A mask that covers all bits that the value can have changes nothing.
    if mask & .lowBits(bits(value)) == .lowBits(bits(value)) { return value }
    switch self[value] {
    case .operation(.and, let parts):
      if let inner = constant(parts[1]) {
        return conjunction(parts[0], constant(inner & mask))
      }
    case .callData(let offset) where offset == zero && mask == ~Word.lowBits(224):
      return shiftedLeft(selector(), by: constant(224))
    default: break
    }
    return node(
      .and, [value, constant(mask)], bits: min(bits(value), 256 - mask.leadingZeroBitCount))
  }

  private mutating func disjunction(
    _ opcode: Opcode, _ left: ExpressionID, _ right: ExpressionID
  ) -> ExpressionID {
    if left == zero { return right }
    if right == zero { return left }
    if left == right { return opcode == .or ? left : zero }
    let isOrdered = constant(left) == nil && (constant(right) != nil || left < right)
    return node(
      opcode, isOrdered ? [left, right] : [right, left], bits: max(bits(left), bits(right)))
  }

  private mutating func shiftedLeft(_ value: ExpressionID, by count: ExpressionID) -> ExpressionID {
    guard let number = constant(count) else { return node(.shl, [count, value], bits: 256) }
    let places = shiftCount(number)
    return places >= 256 ? zero : sum(value, Word.one << places, zero, 1)
  }

  private mutating func shiftedRight(
    _ value: ExpressionID, by count: ExpressionID
  ) -> ExpressionID {
    guard let number = constant(count) else {
      return node(.shr, [count, value], bits: bits(value))
    }
    let places = shiftCount(number)
    if places == 0 { return value }
    if places >= bits(value) { return zero }
    switch self[value] {
    case .callData(let offset) where offset == zero && places == 224:
      return selector()
    case .operation(.shr, let parts):
      if let inner = constant(parts[0]) {
        return shiftedRight(parts[1], by: constant(Word(UInt64(shiftCount(inner) + places))))
      }
    case .operation(.and, let parts):
      // Shifting first shows what is taken out of the word.
      if let mask = constant(parts[1]) {
        return conjunction(shiftedRight(parts[0], by: count), constant(mask >> places))
      }
    case .sum(let terms, let number)
    where terms.count == 1 && number.isZero && terms[0].factor.nonzeroBitCount == 1:
      let up = terms[0].factor.trailingZeroBitCount
      let term = terms[0].value
      // A value moved up loses the bits above 2^(256 - up); without loss the shifts cancel.
      if bits(term) + up <= 256 {
        return up >= places
          ? sum(term, Word.one << (up - places), zero, 1)
          : shiftedRight(term, by: constant(Word(UInt64(places - up))))
      }
      if up == places { return conjunction(term, constant(.lowBits(256 - up))) }
    default: break
    }
    return node(.shr, [count, value], bits: bits(value) - places)
  }

  private mutating func equality(_ left: ExpressionID, _ right: ExpressionID) -> ExpressionID {
    if left == right { return one }
    if constant(left) != nil, constant(right) == nil { return equality(right, left) }
    if let number = constant(right) {
      if number.isZero { return isZero(left) }
      if number.leadingZeroBitCount < 256 - bits(left) { return zero }
      if case .sum(let terms, let constant) = self[left], terms.count == 1, constant.isZero {
        let factor = terms[0].factor
        let up = factor.trailingZeroBitCount
        if factor.nonzeroBitCount == 1, bits(terms[0].value) + up <= 256 {
          if (number >> up) << up != number { return zero }
          return equality(terms[0].value, self.constant(number >> up))
        }
      }
      if case .sum(let terms, let constant) = self[left], !constant.isZero, terms.count == 1 {
        return equality(sum(terms, constant: .zero), self.constant(number &- constant))
      }
      return node(.eq, [left, right], bits: 1)
    }
    return node(.eq, left < right ? [left, right] : [right, left], bits: 1)
  }

  private mutating func isZero(_ value: ExpressionID) -> ExpressionID {
    switch self[value] {
    case .operation(.iszero, let parts):
      if bits(parts[0]) <= 1 { return parts[0] }
    case .operation(.xor, let parts):
      return equality(parts[0], parts[1])
    case .sum(let terms, let number):
      if terms.count == 1 {
        if number.isZero, terms[0].factor.nonzeroBitCount == 1,
          bits(terms[0].value) + terms[0].factor.trailingZeroBitCount <= 256
        {
          return isZero(terms[0].value)
        }
        if terms[0].factor == .one {
          return equality(terms[0].value, constant(.zero &- number))
        }
        if terms[0].factor == .max { return equality(terms[0].value, constant(number)) }
      } else if terms.count == 2, number.isZero, terms[0].factor == .one,
        terms[1].factor == .max
      {
        return equality(terms[0].value, terms[1].value)
      } else if terms.count == 2, number.isZero, terms[0].factor == .max,
        terms[1].factor == .one
      {
        return equality(terms[0].value, terms[1].value)
      }
    default: break
    }
    return node(.iszero, [value], bits: 1)
  }

  private mutating func complement(_ value: ExpressionID) -> ExpressionID {
    if case .operation(.not, let parts) = self[value] { return parts[0] }
    return node(.not, [value], bits: 256)
  }

  private mutating func node(
    _ opcode: Opcode, _ parts: [ExpressionID], bits: Int
  ) -> ExpressionID {
    intern(.operation(opcode, parts), bits: bits, of: parts)
  }

  private func shiftCount(_ word: Word) -> Int { min(word.int ?? 256, 256) }

  private func signed(
    _ left: Word, _ right: Word, _ operation: (Word, Word) -> Word
  ) -> Word {
    let result = operation(magnitude(left), magnitude(right))
    return left.isNegative != right.isNegative ? .zero &- result : result
  }

  private func signedRemainder(_ left: Word, _ right: Word) -> Word {
    let result = magnitude(left).quotientAndRemainder(dividingBy: magnitude(right)).remainder
    return left.isNegative ? .zero &- result : result
  }

  private func magnitude(_ word: Word) -> Word { word.isNegative ? .zero &- word : word }
}

/// Numbers for inputs, to find out which way a condition goes.
struct Assumptions {
  var selector: UInt32?
  var callDataSize: UInt64?
  var callValue: UInt64?
}

extension ExpressionArena {
  /// The number that a value takes under assumptions; `nil` where they do not settle it.
  func evaluate(_ id: ExpressionID, under assumptions: Assumptions) -> Word? {
    switch self[id] {
    case .constant(let word): return word
    case .selector: return assumptions.selector.map { Word(UInt64($0)) }
    case .environment(.calldatasize): return assumptions.callDataSize.map { Word($0) }
    case .environment(.callvalue): return assumptions.callValue.map { Word($0) }
    case .sum(let terms, let constant):
      var total = constant
      for term in terms {
        guard let value = evaluate(term.value, under: assumptions) else { return nil }
        total = total &+ value &* term.factor
      }
      return total
    case .operation(let opcode, let parts):
      var values: [Word] = []
      for part in parts {
        if let value = evaluate(part, under: assumptions) {
          // One operand can settle the matter alone.
          if opcode == .and, value.isZero { return .zero }
          values.append(value)
        }
      }
      if values.count == parts.count { return fold(opcode, values) }
      if opcode == .or, let value = values.first, !value.isZero { return value }
      return nil
    default: return nil
    }
  }
}
