// Exponential, logarithm and what is made of them, by polynomials. Errors are below two units in the last place.
//
// Coefficients: weighted least squares with Lawson's reweighting (a minimax fit) over the reduced interval.

// exp(x) for any x; 0 below -104, infinite above 88.73.
INLINE lanes exp_lanes(lanes x) {
  x = smaller(broadcast(89.0f), larger(broadcast(-104.0f), x)); // NaN stays NaN
  const lanes magic = broadcast(12582912.0f); // 1.5 * 2^23: adding it rounds to a whole number
  const lanes n = fused(x, broadcast(0x1.715476p+0f), magic) - magic;
  lanes r = fused(n, broadcast(-0x1.62e4p-1f), x);
  r = fused(n, broadcast(-0x1.7f7d1cp-20f), r);
  lanes p = broadcast(0x1.6a23d0p-10f);
  p = fused(p, r, broadcast(0x1.123a20p-7f));
  p = fused(p, r, broadcast(0x1.5558f2p-5f));
  p = fused(p, r, broadcast(0x1.555492p-3f));
  p = fused(p, r, broadcast(0x1.fffffcp-2f));
  p = fused(p, r * r, r) + 1.0f;
  // Two steps, since 2^n alone may be too small or too large for a float.
  const int_lanes whole = __builtin_convertvector(n, int_lanes);
  const int_lanes half = whole >> 1;
  return p * (lanes)((half + 127) << 23) * (lanes)((whole - half + 127) << 23);
}

// log(1 + u) for u in 0...1, as 2 atanh(u / (2 + u)).
INLINE lanes log1p_lanes(lanes u) {
  const lanes s = u / (u + 2.0f);
  const lanes z = s * s;
  lanes p = broadcast(0x1.f1c23ep-4f);
  p = fused(p, z, broadcast(0x1.b6d1e8p-4f));
  p = fused(p, z, broadcast(0x1.2509a4p-3f));
  p = fused(p, z, broadcast(0x1.9996a6p-3f));
  p = fused(p, z, broadcast(0x1.555558p-2f));
  return 2.0f * fused(p * z, s, s);
}

INLINE lanes sigmoid_lanes(lanes x) {
  const lanes e = exp_lanes(-magnitude_of(x));
  return choose(x >= 0.0f, broadcast(1.0f), e) / (1.0f + e);
}

INLINE lanes softplus_lanes(lanes x) {
  return larger(x, broadcast(0.0f)) + log1p_lanes(exp_lanes(-magnitude_of(x)));
}

#define ELEMENTWISE(NAME, FUNCTION)                                         \
  static void NAME(const float *x, size_t count, float *out) {              \
    FOR_LANES(count, store(out + i, FUNCTION(load(x + i))),                 \
              store_part(out + i, FUNCTION(load_part(x + i, rest)), rest)); \
  }

ELEMENTWISE(exponential, exp_lanes)
ELEMENTWISE(logarithm_of_one_plus, log1p_lanes)
ELEMENTWISE(sigmoid, sigmoid_lanes)
ELEMENTWISE(softplus, softplus_lanes)

INLINE float largest(const float *x, size_t count) {
  const lanes lowest = broadcast(-__builtin_inff());
  lanes top = lowest;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) top = larger(load(x + i), top);
  float result = largest_lane(top);
  for (; i < count; i++) result = x[i] > result ? x[i] : result;
  return result;
}

// x = exp(x - top); returns the sum.
INLINE float exponentials_below(float *x, size_t count, float top) {
  lanes sum = {0};
  FOR_LANES(count,
            const lanes e = exp_lanes(load(x + i) - top);
            store(x + i, e);
            sum += e,
            store_part(x + i, exp_lanes(load_part(x + i, rest) - top), rest);
            sum += load_part(x + i, rest));
  return sum_of_lanes(sum);
}

static void softmax(float *x, size_t count) {
  const float sum = exponentials_below(x, count, largest(x, count));
  for (size_t i = 0; i < count; i++) x[i] = x[i] / sum;
}

static float exponentials(float *x, size_t count, const float *sink) {
  float top = largest(x, count);
  if (!sink) return exponentials_below(x, count, top);
  top = *sink > top ? *sink : top;
  const float sum = exponentials_below(x, count, top);
  return sum + exp_lanes(broadcast(*sink - top))[0];
}
