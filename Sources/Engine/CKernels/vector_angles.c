// Cosines and sines of rotary positions.
#pragma STDC FP_CONTRACT OFF

#include "maslin_vector.h"

// Taylor series on -pi/4...pi/4, in double precision: the remainders are below 1e-12.
static double sine_of(double r) {
  const double z = r * r;
  double p = 1.0 / 6227020800.0;
  p = p * z - 1.0 / 39916800.0;
  p = p * z + 1.0 / 362880.0;
  p = p * z - 1.0 / 5040.0;
  p = p * z + 1.0 / 120.0;
  p = p * z - 1.0 / 6.0;
  return r + r * z * p;
}

static double cosine_of(double r) {
  const double z = r * r;
  double p = 1.0 / 479001600.0;
  p = p * z - 1.0 / 3628800.0;
  p = p * z + 1.0 / 40320.0;
  p = p * z - 1.0 / 720.0;
  p = p * z + 1.0 / 24.0;
  p = p * z - 0.5;
  return 1.0 + z * p;
}

void maslin_angles(
    int32_t position, const double *frequencies, size_t pairs, float magnitude, int inverse,
    float *cosines, float *sines) {
  // pi / 2 in three parts; the first two have 33 bits, so that their products with counts of quarters below 2^20 are
  // exact.
  const double first = 0x1.921fb544p+0, second = 0x1.0b4611a6p-34, third = 0x1.3198a2e037073p-69;
  for (size_t i = 0; i < pairs; i++) {
    const double angle = (double)position * frequencies[i];
    // Angles beyond any position's come from absurd frequencies, and are not numbers then.
    const int sensible = __builtin_fabs(angle) < 1e9;
    const double quarters = sensible ? __builtin_rint(angle * 0x1.45f306dc9c883p-1) : 0;
    const double reduced = ((angle - quarters * first) - quarters * second) - quarters * third;
    const double r = sensible ? reduced : __builtin_nan("");
    const double s = sine_of(r), c = cosine_of(r);
    double sine, cosine;
    switch ((int64_t)quarters & 3) {
    case 0: sine = s, cosine = c; break;
    case 1: sine = c, cosine = -s; break;
    case 2: sine = -s, cosine = -c; break;
    default: sine = -c, cosine = s; break;
    }
    if (inverse) sine = -sine;
    cosines[i] = (float)cosine * magnitude;
    sines[i] = (float)sine * magnitude;
  }
}
