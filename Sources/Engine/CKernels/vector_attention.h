// Attention: scores of many heads over shared rows, weighted sums, the indexer's scores, pooling.

#define MOST_HEADS 4
#define MOST_ROWS 4

INLINE void score_tile(
    const int heads, const int rows, const float *queries, size_t query_stride, maslin_rows keys,
    size_t width, float scale, float *out, size_t out_stride) {
  lanes sums[MOST_HEADS][MOST_ROWS];
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sums[h][r] = broadcast(0);
  }
  size_t i = 0;
  for (; i + LANES <= width; i += LANES) {
    lanes key[MOST_ROWS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) key[r] = load(keys[r] + i);
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++) {
      const lanes query = load(queries + h * query_stride + i);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; r++) sums[h][r] = fused(query, key[r], sums[h][r]);
    }
  }
  const size_t rest = width - i;
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      lanes sum = sums[h][r];
      if (rest) {
        sum = fused(load_part(queries + h * query_stride + i, rest), load_part(keys[r] + i, rest),
                    sum);
      }
      out[h * out_stride + r] = scale * sum_of_lanes(sum);
    }
  }
}

static void scores(
    const float *queries, size_t query_stride, size_t heads, maslin_rows rows, size_t count,
    size_t width, float scale, float *out, size_t out_stride) {
  size_t n = 0;
  // A tile of rows stays in the first-level cache while the heads pass over it.
  for (; n + SCORE_ROWS <= count; n += SCORE_ROWS) {
    size_t h = 0;
    for (; h + SCORE_HEADS <= heads; h += SCORE_HEADS) {
      score_tile(SCORE_HEADS, SCORE_ROWS, queries + h * query_stride, query_stride, rows + n, width,
                 scale, out + h * out_stride + n, out_stride);
    }
    for (; h < heads; h++) {
      score_tile(1, SCORE_ROWS, queries + h * query_stride, query_stride, rows + n, width, scale,
                 out + h * out_stride + n, out_stride);
    }
  }
  for (; n < count; n++) {
    for (size_t h = 0; h < heads; h++) {
      score_tile(1, 1, queries + h * query_stride, query_stride, rows + n, width, scale,
                 out + h * out_stride + n, out_stride);
    }
  }
}

// `vectors` whole vectors of columns from `first` for `heads` heads; a part of `rest` columns when `vectors` is 0.
INLINE void sum_tile(
    const int heads, const int vectors, size_t rest, const float *weights, size_t weight_stride,
    maslin_rows rows, size_t count, size_t first, const float *divisors, float *out,
    size_t out_stride) {
  const int parts = vectors ? vectors : 1;
  lanes sums[MOST_HEADS][4];
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < parts; v++) sums[h][v] = broadcast(0);
  }
  for (size_t n = 0; n < count; n++) {
    const float *row = rows[n] + first;
    lanes value[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < parts; v++) {
      value[v] = vectors ? load(row + v * LANES) : load_part(row, rest);
    }
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++) {
      const lanes weight = broadcast(weights[h * weight_stride + n]);
#pragma clang loop unroll(full)
      for (int v = 0; v < parts; v++) sums[h][v] = fused(weight, value[v], sums[h][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++) {
    float *target = out + h * out_stride + first;
#pragma clang loop unroll(full)
    for (int v = 0; v < parts; v++) {
      const lanes sum = sums[h][v] / divisors[h];
      if (vectors) {
        store(target + v * LANES, sum);
      } else {
        store_part(target, sum, rest);
      }
    }
  }
}

static void weighted_sum(
    const float *weights, size_t weight_stride, size_t heads, maslin_rows rows, size_t count,
    size_t width, const float *divisors, float *out, size_t out_stride) {
  size_t c = 0;
  for (; c + SUM_VECTORS * LANES <= width; c += SUM_VECTORS * LANES) {
    size_t h = 0;
    for (; h + SUM_HEADS <= heads; h += SUM_HEADS) {
      sum_tile(SUM_HEADS, SUM_VECTORS, 0, weights + h * weight_stride, weight_stride, rows, count,
               c, divisors + h, out + h * out_stride, out_stride);
    }
    for (; h < heads; h++) {
      sum_tile(1, SUM_VECTORS, 0, weights + h * weight_stride, weight_stride, rows, count, c,
               divisors + h, out + h * out_stride, out_stride);
    }
  }
  for (; c < width; c += LANES) {
    const size_t rest = width - c < LANES ? width - c : 0;
    for (size_t h = 0; h < heads; h++) {
      if (rest) {
        sum_tile(1, 0, rest, weights + h * weight_stride, weight_stride, rows, count, c,
                 divisors + h, out + h * out_stride, out_stride);
      } else {
        sum_tile(1, 1, 0, weights + h * weight_stride, weight_stride, rows, count, c,
                 divisors + h, out + h * out_stride, out_stride);
      }
    }
  }
}

// Lanes 0-7, or 8-15, of a and b in turn.
#define LOW_HALVES(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_HALVES(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// Columns first ... first + 15 of 16 rows, as vectors `stride` floats apart.
INLINE void transpose(maslin_rows rows, size_t first, float *out, size_t stride) {
  lanes value[LANES], next[LANES];
#pragma clang loop unroll(full)
  for (int n = 0; n < LANES; n++) value[n] = load(rows[n] + first);
  // Four perfect shuffles of the 256 values swap the two halves of their index.
#pragma clang loop unroll(full)
  for (int round = 0; round < 4; round++) {
#pragma clang loop unroll(full)
    for (int n = 0; n < LANES / 2; n++) {
      next[2 * n] = LOW_HALVES(value[n], value[n + 8]);
      next[2 * n + 1] = HIGH_HALVES(value[n], value[n + 8]);
    }
#pragma clang loop unroll(full)
    for (int n = 0; n < LANES; n++) value[n] = next[n];
  }
#pragma clang loop unroll(full)
  for (int n = 0; n < LANES; n++) store(out + (size_t)n * stride, value[n]);
}

// The scores of `heads` heads over vectors of keys, one key a lane, added to `scores` in the order of the heads.
INLINE void index_tile(
    const int heads, const int vectors, const float *queries, size_t width, const float *weights,
    const float *transposed, float *scores) {
  lanes sums[8][INDEX_KEYS / LANES];
#pragma clang loop unroll(full)
  for (int h = 0; h < heads; h++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[h][v] = broadcast(0);
  }
  for (size_t c = 0; c < width; c++) {
    lanes key[INDEX_KEYS / LANES];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) key[v] = load(transposed + c * INDEX_KEYS + v * LANES);
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++) {
      const lanes query = broadcast(queries[h * width + c]);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[h][v] = fused(query, key[v], sums[h][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    lanes total = load(scores + v * LANES);
#pragma clang loop unroll(full)
    for (int h = 0; h < heads; h++) {
      total = fused(broadcast(weights[h]), larger(sums[h][v], broadcast(0)), total);
    }
    store(scores + v * LANES, total);
  }
}

static void index_keys(maslin_rows keys, size_t width, float *transposed) {
  for (size_t n = 0; n < INDEX_KEYS; n += LANES) {
    size_t c = 0;
    for (; c + LANES <= width; c += LANES) {
      transpose(keys + n, c, transposed + c * INDEX_KEYS + n, INDEX_KEYS);
    }
    for (; c < width; c++) {
      for (size_t lane = 0; lane < LANES; lane++) {
        transposed[c * INDEX_KEYS + n + lane] = keys[n + lane][c];
      }
    }
  }
}

static void index_scores(
    const float *queries, size_t heads, size_t width, const float *weights,
    const float *transposed, float *scores) {
  for (size_t n = 0; n < INDEX_KEYS; n++) scores[n] = 0;
  size_t h = 0;
  for (; h + INDEX_HEADS <= heads; h += INDEX_HEADS) {
    for (size_t n = 0; n < INDEX_KEYS; n += INDEX_VECTORS * LANES) {
      index_tile(INDEX_HEADS, INDEX_VECTORS, queries + h * width, width, weights + h,
                 transposed + n, scores + n);
    }
  }
  for (; h < heads; h++) {
    for (size_t n = 0; n < INDEX_KEYS; n += INDEX_VECTORS * LANES) {
      index_tile(1, INDEX_VECTORS, queries + h * width, width, weights + h, transposed + n,
                 scores + n);
    }
  }
}

INLINE lanes pool_lanes(maslin_rows keys, maslin_rows gates, size_t count, size_t i, size_t part) {
#define AT(rows, n) (part ? load_part(rows[n] + i, part) : load(rows[n] + i))
  lanes top = AT(gates, 0);
  for (size_t n = 1; n < count; n++) top = larger(AT(gates, n), top);
  lanes sum = {0}, weights = {0};
  for (size_t n = 0; n < count; n++) {
    const lanes weight = exp_lanes(AT(gates, n) - top);
    sum = fused(weight, AT(keys, n), sum);
    weights += weight;
  }
  return sum / weights;
#undef AT
}

static void pool(maslin_rows keys, maslin_rows gates, size_t count, size_t width, float *out) {
  FOR_LANES(width, store(out + i, pool_lanes(keys, gates, count, i, 0)),
            store_part(out + i, pool_lanes(keys, gates, count, i, rest), rest));
}
