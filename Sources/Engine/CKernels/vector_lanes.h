// Sixteen lanes of floats, and what can be done with them, for the target that the including file has chosen.
#ifndef MASLIN_VECTOR_LANES_H
#define MASLIN_VECTOR_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "maslin_vector.h"

#define LANES 16
#define INLINE static inline __attribute__((always_inline))

// The compiler makes one, two or four registers of a vector, as the target has them.
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t int_lanes __attribute__((vector_size(64)));
typedef uint32_t bit_lanes __attribute__((vector_size(64)));

INLINE lanes load(const float *source) {
  lanes value;
  __builtin_memcpy(&value, source, sizeof value);
  return value;
}

INLINE void store(float *target, lanes value) { __builtin_memcpy(target, &value, sizeof value); }

// The first `count` < 16 floats, followed by zeros.
INLINE lanes load_part(const float *source, size_t count) {
  lanes value = {0};
  for (size_t i = 0; i < count; i++) value[i] = source[i];
  return value;
}

INLINE void store_part(float *target, lanes value, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = value[i];
}

INLINE lanes broadcast(float value) {
  const lanes first = {value};
  return __builtin_shufflevector(first, first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

INLINE lanes fused(lanes a, lanes b, lanes c) { return __builtin_elementwise_fma(a, b, c); }

// Lane by lane: a where the mask of a comparison is set, else b.
INLINE lanes choose(int_lanes mask, lanes a, lanes b) {
  return (lanes)((mask & (int_lanes)a) | (~mask & (int_lanes)b));
}

INLINE lanes larger(lanes a, lanes b) { return choose(a > b, a, b); }

INLINE lanes smaller(lanes a, lanes b) { return choose(a < b, a, b); }

INLINE lanes magnitude_of(lanes x) { return (lanes)((bit_lanes)x & 0x7FFFFFFFu); }

INLINE float sum_of_lanes(lanes x) {
  typedef float eight __attribute__((vector_size(32)));
  typedef float four __attribute__((vector_size(16)));
  eight a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  four b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}

INLINE float largest_lane(lanes x) {
  float result = x[0];
  for (int i = 1; i < LANES; i++) result = x[i] > result ? x[i] : result;
  return result;
}

// Runs `BODY` for every whole vector at `i`, then `PART` for the rest, which has `rest` elements.
#define FOR_LANES(count, BODY, PART)                     \
  do {                                                   \
    size_t i = 0;                                        \
    for (; i + LANES <= (count); i += LANES) { BODY; }   \
    const size_t rest = (count) - i;                     \
    if (rest) { PART; }                                  \
  } while (0)

#endif
