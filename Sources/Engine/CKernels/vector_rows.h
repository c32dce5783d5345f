// Operations on single rows: sums, norms, activations, rotations, transforms, rounding to small formats.

// Four vectors at a time have sums of their own, added as (0 + 1) + (2 + 3).
static float dot(const float *a, const float *b, size_t count) {
  lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
  size_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES) {
    s0 = fused(load(a + i), load(b + i), s0);
    s1 = fused(load(a + i + LANES), load(b + i + LANES), s1);
    s2 = fused(load(a + i + 2 * LANES), load(b + i + 2 * LANES), s2);
    s3 = fused(load(a + i + 3 * LANES), load(b + i + 3 * LANES), s3);
  }
  for (; i + LANES <= count; i += LANES) s0 = fused(load(a + i), load(b + i), s0);
  if (i < count) s0 = fused(load_part(a + i, count - i), load_part(b + i, count - i), s0);
  return sum_of_lanes((s0 + s1) + (s2 + s3));
}

static void add(const float *source, size_t count, float *target) {
  FOR_LANES(count, store(target + i, load(target + i) + load(source + i)),
            store_part(target + i, load_part(target + i, rest) + load_part(source + i, rest),
                       rest));
}

static void add_scaled(const float *source, float scale, size_t count, float *target) {
  const lanes s = broadcast(scale);
  FOR_LANES(count, store(target + i, fused(s, load(source + i), load(target + i))),
            store_part(target + i,
                       fused(s, load_part(source + i, rest), load_part(target + i, rest)), rest));
}

static void multiply(const float *source, size_t count, float *target) {
  FOR_LANES(count, store(target + i, load(target + i) * load(source + i)),
            store_part(target + i, load_part(target + i, rest) * load_part(source + i, rest),
                       rest));
}

static void normalize(
    const float *x, size_t count, const float *weight, float epsilon, float *out) {
  const float scale = 1.0f / __builtin_sqrtf(dot(x, x, count) / (float)count + epsilon);
  if (weight) {
    FOR_LANES(count, store(out + i, load(x + i) * scale * load(weight + i)),
              store_part(out + i, load_part(x + i, rest) * scale * load_part(weight + i, rest),
                         rest));
  } else {
    FOR_LANES(count, store(out + i, load(x + i) * scale),
              store_part(out + i, load_part(x + i, rest) * scale, rest));
  }
}

static void normalize_length(float *x, size_t count, float epsilon) {
  const float scale = 1.0f / __builtin_sqrtf(dot(x, x, count) + epsilon);
  for (size_t i = 0; i < count; i++) x[i] = x[i] * scale;
}

INLINE lanes gated(lanes gate, lanes up, lanes limit) {
  gate = smaller(limit, gate);
  up = larger(-limit, smaller(limit, up));
  return gate * sigmoid_lanes(gate) * up;
}

static void gated_activation(
    const float *gate, const float *up, size_t count, float limit, float *out) {
  const lanes most = broadcast(limit);
  FOR_LANES(count, store(out + i, gated(load(gate + i), load(up + i), most)),
            store_part(out + i,
                       gated(load_part(gate + i, rest), load_part(up + i, rest), most), rest));
}

static void rotate_adjacent(float *x, size_t pairs, const float *cosines, const float *sines) {
  for (size_t i = 0; i < pairs; i++) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = __builtin_fmaf(a, cosines[i], -(b * sines[i]));
    x[2 * i + 1] = __builtin_fmaf(a, sines[i], b * cosines[i]);
  }
}

static void rotate_halves(float *x, size_t pairs, const float *cosines, const float *sines) {
  float *y = x + pairs;
  for (size_t i = 0; i < pairs; i++) {
    const float a = x[i], b = y[i];
    x[i] = __builtin_fmaf(a, cosines[i], -(b * sines[i]));
    y[i] = __builtin_fmaf(a, sines[i], b * cosines[i]);
  }
}

// One step inside vectors: lane l becomes the sum with lane l ^ HALF, or that lane minus l where l has the bit.
#define BUTTERFLY(value, HALF, ...)                                            \
  do {                                                                         \
    const bit_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; \
    const bit_lanes sign = (lane & HALF) * (0x80000000u / HALF);               \
    const lanes other = __builtin_shufflevector(value, value, __VA_ARGS__);    \
    value = other + (lanes)((bit_lanes)value ^ sign);                          \
  } while (0)

static void hadamard(float *x, size_t width, float scale) {
  size_t half = 1;
  if (width >= LANES) {
    for (size_t i = 0; i < width; i += LANES) {
      lanes value = load(x + i);
      BUTTERFLY(value, 1, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
      BUTTERFLY(value, 2, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
      BUTTERFLY(value, 4, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
      BUTTERFLY(value, 8, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
      store(x + i, value);
    }
    half = LANES;
  }
  for (; half < width; half *= 2) {
    for (size_t first = 0; first < width; first += 2 * half) {
      for (size_t i = first; i < first + half; i++) {
        const float a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  for (size_t i = 0; i < width; i++) x[i] = x[i] * scale;
}

INLINE float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

INLINE float largest_magnitude(const float *x, size_t count) {
  float result = 0;
  for (size_t i = 0; i < count; i++) {
    const float m = __builtin_fabsf(x[i]);
    result = m > result ? m : result;
  }
  return result;
}

// The exponent e with 2^(e - 1) < x <= 2^e, for a positive normal x.
INLINE int ceiling_of_log2(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return (int)(bits >> 23) - 127 + ((bits & 0x7FFFFF) != 0);
}

// Rounds x / 2^scale, clamped to `most`, to the nearest multiple of 2^(exponent - fraction_bits), ties to even, where
// the exponent of small values counts as `least_exponent`; and multiplies with 2^scale again.
INLINE void round_small(
    float *x, size_t count, int scale, float most, int fraction_bits, int least_exponent) {
  const float up = float_of_bits((uint32_t)(127 + scale) << 23);
  const float down = float_of_bits((uint32_t)(127 - scale) << 23);
  const uint32_t least = (uint32_t)(127 + least_exponent) << 23;
  for (size_t i = 0; i < count; i++) {
    float value = x[i] * down;
    value = value > most ? most : value;
    value = value < -most ? -most : value;
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    uint32_t exponent = bits & 0x7F800000;
    exponent = exponent < least ? least : exponent;
    // Adding 1.5 * 2^23 steps leaves no room for fractions of a step.
    const float magic = float_of_bits(exponent + ((uint32_t)(23 - fraction_bits) << 23)) * 1.5f;
    x[i] = __builtin_copysignf((value + magic) - magic, value) * up;
  }
}

static void round_float8(float *x, size_t count) {
  float most = largest_magnitude(x, count);
  most = most > 1e-4f ? most : 1e-4f;
  round_small(x, count, ceiling_of_log2(most / 448.0f), 448.0f, 3, -6);
}

static void round_float4(float *x, size_t count) {
  float most = largest_magnitude(x, count);
  most = most > 0x1.8p-124f ? most : 0x1.8p-124f; // 6 * 2^-126
  round_small(x, count, ceiling_of_log2(most / 6.0f), 6.0f, 1, 0);
}
