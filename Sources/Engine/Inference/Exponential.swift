/// `e^x` for x at or below 0, from additions and multiplications alone, so that samples do not depend on the C library.
///
/// Splits x into n ln 2 + r with |r| <= ln 2 / 2 and sums the series of e^r to degree 13 (relative error below 1e-16).
func exponential(_ x: Double) -> Double {
  guard x > -700 else { return x.isNaN ? x : 0 }
  let turns = (x * 1.442_695_040_888_963_4).rounded()
  // ln 2 in two parts, so that the product with `turns` is exact.
  let rest = (x - turns * 6.931_471_803_691_238_2e-1) - turns * 1.908_214_929_270_587_7e-10
  // The inverse factorials of 13 down to 0.
  var sum = 1 / 6_227_020_800.0
  sum = sum * rest + 1 / 479_001_600.0
  sum = sum * rest + 1 / 39_916_800.0
  sum = sum * rest + 1 / 3_628_800.0
  sum = sum * rest + 1 / 362_880.0
  sum = sum * rest + 1 / 40_320.0
  sum = sum * rest + 1 / 5_040.0
  sum = sum * rest + 1 / 720.0
  sum = sum * rest + 1 / 120.0
  sum = sum * rest + 1 / 24.0
  sum = sum * rest + 1 / 6.0
  sum = sum * rest + 0.5
  sum = sum * rest + 1
  sum = sum * rest + 1
  return Double(sign: .plus, exponent: Int(turns), significand: sum)
}
