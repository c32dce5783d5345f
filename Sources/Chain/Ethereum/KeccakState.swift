/// The 1600-bit state of the Keccak sponge, one 64-bit lane to a field.
///
/// Lane `x + 5y` of the specification is `lane(x + 5y)`. The lanes are separate fields so that the
/// permutation works on registers and stack slots without bounds checks.
struct KeccakState: Sendable {
  var lane0: UInt64 = 0
  var lane1: UInt64 = 0
  var lane2: UInt64 = 0
  var lane3: UInt64 = 0
  var lane4: UInt64 = 0
  var lane5: UInt64 = 0
  var lane6: UInt64 = 0
  var lane7: UInt64 = 0
  var lane8: UInt64 = 0
  var lane9: UInt64 = 0
  var lane10: UInt64 = 0
  var lane11: UInt64 = 0
  var lane12: UInt64 = 0
  var lane13: UInt64 = 0
  var lane14: UInt64 = 0
  var lane15: UInt64 = 0
  var lane16: UInt64 = 0
  var lane17: UInt64 = 0
  var lane18: UInt64 = 0
  var lane19: UInt64 = 0
  var lane20: UInt64 = 0
  var lane21: UInt64 = 0
  var lane22: UInt64 = 0
  var lane23: UInt64 = 0
  var lane24: UInt64 = 0

  /// Keccak-f[1600]: 24 rounds of theta, rho, pi, chi and iota, unrolled over the lanes.
  mutating func permute() {
    var a0 = lane0
    var a1 = lane1
    var a2 = lane2
    var a3 = lane3
    var a4 = lane4
    var a5 = lane5
    var a6 = lane6
    var a7 = lane7
    var a8 = lane8
    var a9 = lane9
    var a10 = lane10
    var a11 = lane11
    var a12 = lane12
    var a13 = lane13
    var a14 = lane14
    var a15 = lane15
    var a16 = lane16
    var a17 = lane17
    var a18 = lane18
    var a19 = lane19
    var a20 = lane20
    var a21 = lane21
    var a22 = lane22
    var a23 = lane23
    var a24 = lane24
    for constant in KeccakState.roundConstants {
      let c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
      let c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
      let c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
      let c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
      let c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
      let d0 = c4 ^ (c1 << 1 | c1 >> 63)
      let d1 = c0 ^ (c2 << 1 | c2 >> 63)
      let d2 = c1 ^ (c3 << 1 | c3 >> 63)
      let d3 = c2 ^ (c4 << 1 | c4 >> 63)
      let d4 = c3 ^ (c0 << 1 | c0 >> 63)
      let b0 = a0 ^ d0
      let t1 = a6 ^ d1
      let b1 = t1 << 44 | t1 >> 20
      let t2 = a12 ^ d2
      let b2 = t2 << 43 | t2 >> 21
      let t3 = a18 ^ d3
      let b3 = t3 << 21 | t3 >> 43
      let t4 = a24 ^ d4
      let b4 = t4 << 14 | t4 >> 50
      let t5 = a3 ^ d3
      let b5 = t5 << 28 | t5 >> 36
      let t6 = a9 ^ d4
      let b6 = t6 << 20 | t6 >> 44
      let t7 = a10 ^ d0
      let b7 = t7 << 3 | t7 >> 61
      let t8 = a16 ^ d1
      let b8 = t8 << 45 | t8 >> 19
      let t9 = a22 ^ d2
      let b9 = t9 << 61 | t9 >> 3
      let t10 = a1 ^ d1
      let b10 = t10 << 1 | t10 >> 63
      let t11 = a7 ^ d2
      let b11 = t11 << 6 | t11 >> 58
      let t12 = a13 ^ d3
      let b12 = t12 << 25 | t12 >> 39
      let t13 = a19 ^ d4
      let b13 = t13 << 8 | t13 >> 56
      let t14 = a20 ^ d0
      let b14 = t14 << 18 | t14 >> 46
      let t15 = a4 ^ d4
      let b15 = t15 << 27 | t15 >> 37
      let t16 = a5 ^ d0
      let b16 = t16 << 36 | t16 >> 28
      let t17 = a11 ^ d1
      let b17 = t17 << 10 | t17 >> 54
      let t18 = a17 ^ d2
      let b18 = t18 << 15 | t18 >> 49
      let t19 = a23 ^ d3
      let b19 = t19 << 56 | t19 >> 8
      let t20 = a2 ^ d2
      let b20 = t20 << 62 | t20 >> 2
      let t21 = a8 ^ d3
      let b21 = t21 << 55 | t21 >> 9
      let t22 = a14 ^ d4
      let b22 = t22 << 39 | t22 >> 25
      let t23 = a15 ^ d0
      let b23 = t23 << 41 | t23 >> 23
      let t24 = a21 ^ d1
      let b24 = t24 << 2 | t24 >> 62
      a0 = b0 ^ (~b1 & b2) ^ constant
      a1 = b1 ^ (~b2 & b3)
      a2 = b2 ^ (~b3 & b4)
      a3 = b3 ^ (~b4 & b0)
      a4 = b4 ^ (~b0 & b1)
      a5 = b5 ^ (~b6 & b7)
      a6 = b6 ^ (~b7 & b8)
      a7 = b7 ^ (~b8 & b9)
      a8 = b8 ^ (~b9 & b5)
      a9 = b9 ^ (~b5 & b6)
      a10 = b10 ^ (~b11 & b12)
      a11 = b11 ^ (~b12 & b13)
      a12 = b12 ^ (~b13 & b14)
      a13 = b13 ^ (~b14 & b10)
      a14 = b14 ^ (~b10 & b11)
      a15 = b15 ^ (~b16 & b17)
      a16 = b16 ^ (~b17 & b18)
      a17 = b17 ^ (~b18 & b19)
      a18 = b18 ^ (~b19 & b15)
      a19 = b19 ^ (~b15 & b16)
      a20 = b20 ^ (~b21 & b22)
      a21 = b21 ^ (~b22 & b23)
      a22 = b22 ^ (~b23 & b24)
      a23 = b23 ^ (~b24 & b20)
      a24 = b24 ^ (~b20 & b21)
    }
    lane0 = a0
    lane1 = a1
    lane2 = a2
    lane3 = a3
    lane4 = a4
    lane5 = a5
    lane6 = a6
    lane7 = a7
    lane8 = a8
    lane9 = a9
    lane10 = a10
    lane11 = a11
    lane12 = a12
    lane13 = a13
    lane14 = a14
    lane15 = a15
    lane16 = a16
    lane17 = a17
    lane18 = a18
    lane19 = a19
    lane20 = a20
    lane21 = a21
    lane22 = a22
    lane23 = a23
    lane24 = a24
  }

  /// The constants that iota adds, one a round.
  private static let roundConstants: [UInt64] = [
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a,
    0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a,
    0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081,
    0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
  ]
}
