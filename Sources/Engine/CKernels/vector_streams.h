// Hyper-connections, the gated delta rule, and the short convolution.

#define MOST_STREAMS 16

static void collapse(
    const float *streams, size_t count, size_t width, const float *weights, float *out) {
  FOR_LANES(width,
            lanes sum = weights[0] * load(streams + i);
            for (size_t s = 1; s < count; s++) {
              sum = fused(broadcast(weights[s]), load(streams + s * width + i), sum);
            }
            store(out + i, sum),
            lanes sum = weights[0] * load_part(streams + i, rest);
            for (size_t s = 1; s < count; s++) {
              sum = fused(broadcast(weights[s]), load_part(streams + s * width + i, rest), sum);
            }
            store_part(out + i, sum, rest));
}

INLINE void expand_lanes(
    const size_t count, float *streams, size_t width, const float *output, const float *post,
    const float *comb, size_t part) {
#define AT(p) (part ? load_part(p, part) : load(p))
  lanes old[MOST_STREAMS];
  for (size_t s = 0; s < count; s++) old[s] = AT(streams + s * width);
  const lanes y = AT(output);
  for (size_t t = 0; t < count; t++) {
    lanes sum = post[t] * y;
    for (size_t s = 0; s < count; s++) {
      sum = fused(broadcast(comb[s * count + t]), old[s], sum);
    }
    if (part) {
      store_part(streams + t * width, sum, part);
    } else {
      store(streams + t * width, sum);
    }
  }
#undef AT
}

static void expand(
    float *streams, size_t count, size_t width, size_t first, size_t last, const float *output,
    const float *post, const float *comb) {
  size_t c = first;
  for (; c + LANES <= last; c += LANES) {
    // A constant count lets the compiler keep the four streams in registers.
    if (count == 4) {
      expand_lanes(4, streams + c, width, output + c, post, comb, 0);
    } else {
      expand_lanes(count, streams + c, width, output + c, post, comb, 0);
    }
  }
  if (c < last) expand_lanes(count, streams + c, width, output + c, post, comb, last - c);
}

INLINE void divide_rows(float *comb, size_t count, float epsilon) {
  for (size_t s = 0; s < count; s++) {
    float sum = 0;
    for (size_t t = 0; t < count; t++) sum += comb[s * count + t];
    sum += epsilon;
    for (size_t t = 0; t < count; t++) comb[s * count + t] /= sum;
  }
}

INLINE void divide_columns(float *comb, size_t count, float epsilon) {
  float sums[MOST_STREAMS];
  for (size_t t = 0; t < count; t++) {
    sums[t] = 0;
    for (size_t s = 0; s < count; s++) sums[t] += comb[s * count + t];
    sums[t] += epsilon;
  }
  for (size_t s = 0; s < count; s++) {
    for (size_t t = 0; t < count; t++) comb[s * count + t] /= sums[t];
  }
}

INLINE void sinkhorn_rounds(
    float *comb, const size_t count, size_t iterations, float epsilon) {
  divide_rows(comb, count, 0);
  for (size_t i = 0; i < count * count; i++) comb[i] += epsilon;
  divide_columns(comb, count, epsilon);
  for (size_t i = 1; i < iterations; i++) {
    divide_rows(comb, count, epsilon);
    divide_columns(comb, count, epsilon);
  }
}

static void sinkhorn(float *comb, size_t count, size_t iterations, float epsilon) {
  for (size_t s = 0; s < count; s++) {
    float *row = comb + s * count;
    float top = row[0];
    for (size_t t = 1; t < count; t++) top = row[t] > top ? row[t] : top;
    for (size_t t = 0; t < count; t++) row[t] -= top;
  }
  exponential(comb, count * count, comb);
  if (count == 4) {
    sinkhorn_rounds(comb, 4, iterations, epsilon);
  } else {
    sinkhorn_rounds(comb, count, iterations, epsilon);
  }
}

INLINE void delta_tile(
    const int vectors, size_t rest, float *state, size_t stride, size_t key_width,
    const float *query, const float *key, const float *value, float decay, float beta, float scale,
    float *out) {
  const int parts = vectors ? vectors : 1;
  lanes read[8], output[8];
#pragma clang loop unroll(full)
  for (int v = 0; v < parts; v++) read[v] = output[v] = broadcast(0);
  for (size_t i = 0; i < key_width; i++) {
    const float *row = state + i * stride;
    const lanes k = broadcast(key[i]);
#pragma clang loop unroll(full)
    for (int v = 0; v < parts; v++) {
      const lanes s = decay * (vectors ? load(row + v * LANES) : load_part(row, rest));
      read[v] = fused(k, s, read[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < parts; v++) {
    read[v] = beta * ((vectors ? load(value + v * LANES) : load_part(value, rest)) - read[v]);
  }
  for (size_t i = 0; i < key_width; i++) {
    float *row = state + i * stride;
    const lanes k = broadcast(key[i]), q = broadcast(query[i]);
#pragma clang loop unroll(full)
    for (int v = 0; v < parts; v++) {
      const lanes s =
          fused(k, read[v], decay * (vectors ? load(row + v * LANES) : load_part(row, rest)));
      output[v] = fused(q, s, output[v]);
      if (vectors) {
        store(row + v * LANES, s);
      } else {
        store_part(row, s, rest);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < parts; v++) {
    if (vectors) {
      store(out + v * LANES, scale * output[v]);
    } else {
      store_part(out, scale * output[v], rest);
    }
  }
}

static void delta_step(
    float *state, size_t stride, size_t key_width, size_t columns, const float *query,
    const float *key, const float *value, float decay, float beta, float scale, float *out) {
  const float kept = exp_lanes(broadcast(decay))[0];
  size_t c = 0;
  for (; c + DELTA_VECTORS * LANES <= columns; c += DELTA_VECTORS * LANES) {
    delta_tile(DELTA_VECTORS, 0, state + c, stride, key_width, query, key, value + c, kept, beta,
               scale, out + c);
  }
  for (; c + LANES <= columns; c += LANES) {
    delta_tile(1, 0, state + c, stride, key_width, query, key, value + c, kept, beta, scale,
               out + c);
  }
  if (c < columns) {
    delta_tile(0, columns - c, state + c, stride, key_width, query, key, value + c, kept, beta,
               scale, out + c);
  }
}

static void convolve(
    maslin_rows rows, const float *weights, size_t taps, size_t width, float *out) {
  for (size_t c = 0; c < width; c++) {
    float sum = 0;
    for (size_t k = 0; k < taps; k++) sum = __builtin_fmaf(weights[c * taps + k], rows[k][c], sum);
    out[c] = sum;
  }
  FOR_LANES(width, const lanes x = load(out + i); store(out + i, x * sigmoid_lanes(x)),
            const lanes x = load_part(out + i, rest);
            store_part(out + i, x * sigmoid_lanes(x), rest));
}
