// Arithmetic and bitwise operations of `Word`.
extension Word {
  /// Bitwise and.
  public static func & (left: Word, right: Word) -> Word {
    Word(
      left.limb3 & right.limb3, left.limb2 & right.limb2, left.limb1 & right.limb1,
      left.limb0 & right.limb0)
  }

  /// Bitwise or.
  public static func | (left: Word, right: Word) -> Word {
    Word(
      left.limb3 | right.limb3, left.limb2 | right.limb2, left.limb1 | right.limb1,
      left.limb0 | right.limb0)
  }

  /// Bitwise exclusive or.
  public static func ^ (left: Word, right: Word) -> Word {
    Word(
      left.limb3 ^ right.limb3, left.limb2 ^ right.limb2, left.limb1 ^ right.limb1,
      left.limb0 ^ right.limb0)
  }

  /// Bitwise complement.
  public static prefix func ~ (word: Word) -> Word {
    Word(~word.limb3, ~word.limb2, ~word.limb1, ~word.limb0)
  }

  /// Moves bits up; 0 from 256 on. A negative count moves them down.
  public static func << (word: Word, count: Int) -> Word {
    if count < 0 { return count <= -256 ? .zero : word >> -count }
    var result = word
    var rest = count
    if rest >= 256 { return .zero }
    while rest >= 64 {
      result = Word(result.limb2, result.limb1, result.limb0, 0)
      rest -= 64
    }
    if rest == 0 { return result }
    let up = UInt64(rest)
    let down = 64 - up
    return Word(
      result.limb3 << up | result.limb2 >> down, result.limb2 << up | result.limb1 >> down,
      result.limb1 << up | result.limb0 >> down, result.limb0 << up)
  }

  /// Moves bits down, filling with zeros; 0 from 256 on. A negative count moves them up.
  public static func >> (word: Word, count: Int) -> Word {
    if count < 0 { return count <= -256 ? .zero : word << -count }
    var result = word
    var rest = count
    if rest >= 256 { return .zero }
    while rest >= 64 {
      result = Word(0, result.limb3, result.limb2, result.limb1)
      rest -= 64
    }
    if rest == 0 { return result }
    let down = UInt64(rest)
    let up = 64 - down
    return Word(
      result.limb3 >> down, result.limb2 >> down | result.limb3 << up,
      result.limb1 >> down | result.limb2 << up, result.limb0 >> down | result.limb1 << up)
  }

  /// Moves bits down, filling with the sign bit, as the `SAR` instruction does.
  public func arithmeticShiftedRight(by count: Int) -> Word {
    guard isNegative else { return self >> count }
    return count >= 256 ? .max : ~((~self) >> count)
  }

  /// Sum modulo 2^256.
  public static func &+ (left: Word, right: Word) -> Word {
    let (sum0, carry0) = left.limb0.addingReportingOverflow(right.limb0)
    let (sum1, carry1) = add(left.limb1, right.limb1, carry0)
    let (sum2, carry2) = add(left.limb2, right.limb2, carry1)
    let (sum3, _) = add(left.limb3, right.limb3, carry2)
    return Word(sum3, sum2, sum1, sum0)
  }

  /// Difference modulo 2^256.
  public static func &- (left: Word, right: Word) -> Word {
    left &+ ~right &+ .one
  }

  /// Product modulo 2^256.
  public static func &* (left: Word, right: Word) -> Word {
    let a = [left.limb0, left.limb1, left.limb2, left.limb3]
    let b = [right.limb0, right.limb1, right.limb2, right.limb3]
    var result: [UInt64] = [0, 0, 0, 0]
    for i in 0..<4 where a[i] != 0 {
      var carry: UInt64 = 0
      for j in 0..<(4 - i) {
        let (high, low) = a[i].multipliedFullWidth(by: b[j])
        let (first, overflow1) = low.addingReportingOverflow(result[i + j])
        let (second, overflow2) = first.addingReportingOverflow(carry)
        result[i + j] = second
        carry = high &+ (overflow1 ? 1 : 0) &+ (overflow2 ? 1 : 0)
      }
    }
    return Word(result[3], result[2], result[1], result[0])
  }

  /// Quotient and remainder; both 0 for a divisor of 0, as the EVM has it.
  public func quotientAndRemainder(
    dividingBy divisor: Word
  ) -> (quotient: Word, remainder: Word) {
    if divisor.isZero { return (.zero, .zero) }
    if self < divisor { return (.zero, self) }
    if let small = divisor.uint64 {
      let (quotient, remainder) = quotientAndRemainder(dividingBy: small)
      return (quotient, Word(remainder))
    }
    var shift = divisor.leadingZeroBitCount - leadingZeroBitCount
    var part = divisor << shift
    var remainder = self
    var quotient = Word.zero
    while shift >= 0 {
      quotient = quotient << 1
      if part <= remainder {
        remainder = remainder &- part
        quotient.limb0 |= 1
      }
      part = part >> 1
      shift -= 1
    }
    return (quotient, remainder)
  }

  /// Quotient and remainder by a 64-bit divisor; both 0 for a divisor of 0.
  public func quotientAndRemainder(
    dividingBy divisor: UInt64
  ) -> (quotient: Word, remainder: UInt64) {
    if divisor == 0 { return (.zero, 0) }
    let first = limb3.quotientAndRemainder(dividingBy: divisor)
    let second = divisor.dividingFullWidth((first.remainder, limb2))
    let third = divisor.dividingFullWidth((second.remainder, limb1))
    let fourth = divisor.dividingFullWidth((third.remainder, limb0))
    return (
      Word(first.quotient, second.quotient, third.quotient, fourth.quotient), fourth.remainder
    )
  }

  /// This number to the power `exponent`, modulo 2^256; anything to the power 0 is 1.
  public func power(_ exponent: Word) -> Word {
    var result = Word.one
    var base = self
    var rest = exponent
    while !rest.isZero {
      if rest.limb0 & 1 == 1 { result = result &* base }
      base = base &* base
      rest = rest >> 1
    }
    return result
  }

  /// The low `byteIndex + 1` bytes, extended by their sign bit, as the `SIGNEXTEND` instruction
  /// does; unchanged from index 31 on.
  public func signExtended(fromByte byteIndex: Int) -> Word {
    guard (0..<31).contains(byteIndex) else { return self }
    let bits = 8 * (byteIndex + 1)
    let low = self & .lowBits(bits)
    let isNegative = (low >> (bits - 1)).limb0 == 1
    return isNegative ? low | ~Word.lowBits(bits) : low
  }

  private static func add(
    _ left: UInt64, _ right: UInt64, _ carry: Bool
  ) -> (sum: UInt64, carry: Bool) {
    let (first, overflow1) = left.addingReportingOverflow(right)
    let (second, overflow2) = first.addingReportingOverflow(carry ? 1 : 0)
    return (second, overflow1 || overflow2)
  }
}
