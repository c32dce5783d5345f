// Blocks of 32 with many columns on ARM, with the matrix instructions for bytes (i8mm).
//
// Some blocks of 8 rows are taken apart once for all columns. An accumulator is two rows by two columns, in the order
// (0, 0), (0, 1), (1, 0), (1, 1); a step (SMMLA) adds 8 values of 2 rows times 8 quants of 2 columns. Four steps make
// the product of a block, an exact integer, which is all that enters the float sums.
//
// Cross-checked with the scalar definition under emulation (Tests/CKernelsCross), not yet measured on a device.
#if defined(__aarch64__)
#include "block32_neon.h"

#define TARGET __attribute__((target("+dotprod,+i8mm")))
#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLL _Pragma("clang loop unroll(full)")

enum {
  few_columns = 4,
  tile_pairs = 4,  // of rows
  tile_rows = 2 * tile_pairs,
  tile_blocks = 16,  // a multiple of the 4 sums of a result
  tile_columns = 4,
  most_columns = 256,
};

typedef struct {
  int8_t values[tile_blocks][4][tile_pairs][16];
  float scales[tile_blocks][tile_pairs][4];  // as the lanes of the accumulators
  float minima[tile_blocks][tile_pairs][4];
} tile;

typedef struct {
  tile tile;
  float totals[most_columns / 2][4][tile_pairs][4];  // [1]: which of the 4 sums
} tile_scratch;

_Static_assert(sizeof(tile_scratch) <= MASLIN_SCRATCH_BYTES, "fits the scratch memory");

INLINE float half_of_block(const uint8_t *bytes) {
  const uint16x4_t bits = vdup_n_u16(maslin_load16(bytes));
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(bits)), 0);
}

// Block `b` of two rows.
INLINE void decode_pair(
    uint32_t type, const uint8_t *const *rows, size_t offset, tile *tile, size_t b, int pair) {
  int8x16x2_t weights[2];
  float scales[2], minima[2];
  UNROLL for (int r = 0; r < 2; r++) {
    const uint8_t *block = rows[r] + offset;
    weights[r] = unpack_block(type, block);
    scales[r] = type == MASLIN_MXFP4 ? maslin_mxfp4_scale(block[0]) : half_of_block(block);
    if (maslin_block32_has_minimum(type)) minima[r] = half_of_block(block + 2);
  }
  UNROLL for (int h = 0; h < 2; h++) {
    const int64x2_t first = vreinterpretq_s64_s8(weights[0].val[h]);
    const int64x2_t second = vreinterpretq_s64_s8(weights[1].val[h]);
    vst1q_s8(tile->values[b][2 * h][pair], vreinterpretq_s8_s64(vzip1q_s64(first, second)));
    vst1q_s8(tile->values[b][2 * h + 1][pair], vreinterpretq_s8_s64(vzip2q_s64(first, second)));
  }
  UNROLL for (int l = 0; l < 4; l++) {
    tile->scales[b][pair][l] = scales[l / 2];
    if (maslin_block32_has_minimum(type)) tile->minima[b][pair][l] = minima[l / 2];
  }
}

// Up to 4 columns; those that are missing are the last one again.
typedef struct {
  const int8_t *quants[tile_columns];
  const float *scales[tile_columns];
  const int16_t *sums[tile_columns];
} some_columns;

INLINE float32x4_t two_in_turn(float first, float second) {
  return (float32x4_t){first, second, first, second};
}

// Multiplies every fourth of `blocks` blocks from `sum` on, with 2 * `steps` columns.
INLINE void multiply_sum(
    uint32_t type, int steps, size_t sum, size_t blocks, const tile *tile, const some_columns *x,
    float (*totals)[4][tile_pairs][4]) {
  float32x4_t total[tile_pairs][tile_columns / 2];
  UNROLL for (int p = 0; p < tile_pairs; p++) {
    UNROLL for (int s = 0; s < steps; s++) total[p][s] = vld1q_f32(totals[s][sum][p]);
  }
  for (size_t b = sum; b < blocks; b += 4) {
    int32x4_t products[tile_pairs][tile_columns / 2];
    UNROLL for (int p = 0; p < tile_pairs; p++) {
      UNROLL for (int s = 0; s < steps; s++) products[p][s] = vdupq_n_s32(0);
    }
    UNROLL for (int h = 0; h < 2; h++) {
      int8x16_t quants[tile_columns / 2][2];
      UNROLL for (int s = 0; s < steps; s++) {
        const size_t at = 32 * b + 16 * (size_t)h;
        const int64x2_t first = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s] + at));
        const int64x2_t second = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s + 1] + at));
        quants[s][0] = vreinterpretq_s8_s64(vzip1q_s64(first, second));
        quants[s][1] = vreinterpretq_s8_s64(vzip2q_s64(first, second));
      }
      UNROLL for (int k = 0; k < 2; k++) {
        UNROLL for (int p = 0; p < tile_pairs; p++) {
          const int8x16_t values = vld1q_s8(tile->values[b][2 * h + k][p]);
          UNROLL for (int s = 0; s < steps; s++) {
            products[p][s] = vmmlaq_s32(products[p][s], values, quants[s][k]);
          }
        }
      }
    }
    UNROLL for (int s = 0; s < steps; s++) {
      const float32x4_t scale = two_in_turn(x->scales[2 * s][b], x->scales[2 * s + 1][b]);
      UNROLL for (int p = 0; p < tile_pairs; p++) {
        total[p][s] = vfmaq_f32(
            total[p][s], vmulq_f32(vld1q_f32(tile->scales[b][p]), scale),
            vcvtq_f32_s32(products[p][s]));
      }
      if (maslin_block32_has_minimum(type)) {
        const float32x4_t sums =
            two_in_turn((float)x->sums[2 * s][b], (float)x->sums[2 * s + 1][b]);
        const float32x4_t scaled = vmulq_f32(scale, sums);
        UNROLL for (int p = 0; p < tile_pairs; p++) {
          total[p][s] = vfmaq_f32(total[p][s], vld1q_f32(tile->minima[b][p]), scaled);
        }
      }
    }
  }
  UNROLL for (int p = 0; p < tile_pairs; p++) {
    UNROLL for (int s = 0; s < steps; s++) vst1q_f32(totals[s][sum][p], total[p][s]);
  }
}

// A tile of `blocks` blocks, the first of which is `start`, with all columns.
INLINE void multiply_columns(
    uint32_t type, tile_scratch *scratch, const maslin_activations *activations, size_t start,
    size_t blocks, size_t columns) {
  for (size_t first = 0; first < columns; first += tile_columns) {
    some_columns x;
    UNROLL for (size_t i = 0; i < tile_columns; i++) {
      const size_t c = first + i < columns ? first + i : columns - 1;
      x.quants[i] = activations->quants + c * activations->quants_stride + 32 * start;
      x.scales[i] = activations->scales + c * activations->scales_stride + start;
      x.sums[i] = activations->sums + c * activations->sums_stride + start;
    }
    float(*totals)[4][tile_pairs][4] = scratch->totals + first / 2;
    for (size_t sum = 0; sum < 4; sum++) {
      if (columns - first > 2) {
        multiply_sum(type, 2, sum, blocks, &scratch->tile, &x, totals);
      } else {
        multiply_sum(type, 1, sum, blocks, &scratch->tile, &x, totals);
      }
    }
  }
}

// Up to 8 rows (fewer at the end: the last one again, its results dropped) with up to 256 columns.
INLINE void multiply_rows(
    uint32_t type, const uint8_t *weights, size_t row_bytes, size_t rows, size_t blocks,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    tile_scratch *scratch) {
  const uint8_t *pointers[tile_rows];
  for (size_t r = 0; r < tile_rows; r++) {
    pointers[r] = weights + (r < rows ? r : rows - 1) * row_bytes;
  }
  memset(scratch->totals, 0, (columns + 1) / 2 * sizeof scratch->totals[0]);
  for (size_t start = 0; start < blocks; start += tile_blocks) {
    const size_t some = blocks - start < tile_blocks ? blocks - start : tile_blocks;
    for (size_t b = 0; b < some; b++) {
      for (int p = 0; p < tile_pairs; p++) {
        decode_pair(
            type, pointers + 2 * p, (start + b) * maslin_block32_bytes(type), &scratch->tile, b, p);
      }
    }
    multiply_columns(type, scratch, activations, start, some, columns);
  }
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = 0; r < rows; r++) {
      float sums[4];
      for (size_t i = 0; i < 4; i++) {
        sums[i] = scratch->totals[c / 2][i][r / 2][r % 2 * 2 + c % 2];
      }
      out[c * out_stride + r] = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }
  }
}

INLINE void multiply(
    uint32_t type, maslin_matmul_function few, const uint8_t *weights, size_t row_bytes,
    size_t rows, size_t count, const maslin_activations *activations, size_t columns, float *out,
    size_t out_stride, void *scratch) {
  if (columns <= few_columns) {
    few(weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);
    return;
  }
  for (size_t first = 0; first < columns; first += most_columns) {
    const size_t left = columns - first;
    maslin_activations part = *activations;
    part.quants += first * part.quants_stride;
    part.scales += first * part.scales_stride;
    part.sums += first * part.sums_stride;
    for (size_t r = 0; r < rows; r += tile_rows) {
      multiply_rows(
          type, weights + r * row_bytes, row_bytes, rows - r < tile_rows ? rows - r : tile_rows,
          count / 32, &part, left < most_columns ? left : most_columns,
          out + first * out_stride + r, out_stride, scratch);
    }
  }
}

#define DEFINE_MATMUL(name, type)                                                                  \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    multiply(                                                                                      \
        type, maslin_block32_matmul_neon(type), weights, row_bytes, rows, count, activations,      \
        columns, out, out_stride, scratch);                                                        \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

maslin_matmul_function maslin_block32_matmul_neon_i8mm(uint32_t type) {
  switch (type) {
    case MASLIN_Q4_0: return matmul_q4_0;
    case MASLIN_Q4_1: return matmul_q4_1;
    case MASLIN_Q5_0: return matmul_q5_0;
    case MASLIN_Q5_1: return matmul_q5_1;
    case MASLIN_Q8_0: return matmul_q8_0;
    case MASLIN_IQ4_NL: return matmul_iq4_nl;
    case MASLIN_MXFP4: return matmul_mxfp4;
    default: return 0;
  }
}
#endif
