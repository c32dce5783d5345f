// Products of blocks of 32 values with many columns on ARM: some blocks of 8 rows are taken apart once for all columns.
//
// The including file chooses the instructions. With I8MM 0 a lane of an accumulator is a row, four rows a vector; a
// product step multiplies 4 values of 4 rows with 4 quants of a column (SDOT by element). With I8MM 1 an accumulator is
// two rows by two columns, in the order (0, 0), (0, 1), (1, 0), (1, 1); a step multiplies 8 values of 2 rows with 8
// quants of 2 columns (SMMLA). The product of a block, an exact integer, is all that enters the float sums.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#ifndef MASLIN_BLOCK32_NEON_TILE_H
#define MASLIN_BLOCK32_NEON_TILE_H

#if defined(__aarch64__)

#include "block32_neon.h"

#if I8MM
#define TARGET NEON_I8MM
#else
#define TARGET NEON_DOT_PRODUCT
#endif
#define INLINE static inline __attribute__((always_inline)) TARGET

enum {
  few_columns = 4,
  tile_rows = 8,
  tile_blocks = 16,  // a multiple of the 4 sums of a result
  tile_columns = 4,
  most_columns = 256,
  lane_rows = I8MM ? 2 : 4,  // rows in the lanes of one vector
  vectors = tile_rows / lane_rows,
  column_step = I8MM ? 2 : 1,  // columns in the lanes of one vector
  most_steps = tile_columns / column_step,
};

// Scales and minima are laid out as the lanes of the accumulators are.
typedef struct {
  int8_t values[tile_blocks][2][vectors][lane_rows * 16];  // 16 values each, in the order of the product steps
  float scales[tile_blocks][vectors][4];
  float minima[tile_blocks][vectors][4];
} tile;

typedef struct {
  tile tile;
  float totals[most_columns / column_step][4][vectors][4];  // [1]: which of the 4 sums
} tile_scratch;

_Static_assert(sizeof(tile_scratch) <= MASLIN_SCRATCH_BYTES, "fits the scratch memory");

INLINE float half_of_block(const uint8_t *bytes) {
  const uint16x4_t bits = vdup_n_u16(maslin_load16(bytes));
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(bits)), 0);
}

// Block `b` of the rows in the lanes of vector `v`.
INLINE void decode_rows(
    uint32_t type, const uint8_t *const *rows, size_t offset, tile *tile, size_t b, int v) {
  int8x16x2_t weights[lane_rows];
  float scales[lane_rows], minima[lane_rows];
  UNROLL for (int r = 0; r < lane_rows; r++) {
    const uint8_t *block = rows[r] + offset;
    weights[r] = unpack_block(type, block);
    scales[r] = type == MASLIN_MXFP4 ? maslin_mxfp4_scale(block[0]) : half_of_block(block);
    if (maslin_block32_has_minimum(type)) minima[r] = half_of_block(block + 2);
  }
  UNROLL for (int h = 0; h < 2; h++) {
    int8_t *values = tile->values[b][h][v];
#if I8MM
    const int64x2_t first = vreinterpretq_s64_s8(weights[0].val[h]);
    const int64x2_t second = vreinterpretq_s64_s8(weights[1].val[h]);
    vst1q_s8(values, vreinterpretq_s8_s64(vzip1q_s64(first, second)));
    vst1q_s8(values + 16, vreinterpretq_s8_s64(vzip2q_s64(first, second)));
#else
    int32x4x4_t lanes;
    UNROLL for (int r = 0; r < 4; r++) lanes.val[r] = vreinterpretq_s32_s8(weights[r].val[h]);
    vst4q_s32((int32_t *)(void *)values, lanes);
#endif
  }
  UNROLL for (int l = 0; l < 4; l++) {
    tile->scales[b][v][l] = scales[l * lane_rows / 4];
    if (maslin_block32_has_minimum(type)) tile->minima[b][v][l] = minima[l * lane_rows / 4];
  }
}

// Up to 4 columns; those that are missing are the last one again.
typedef struct {
  const int8_t *quants[tile_columns];
  const float *scales[tile_columns];
  const int16_t *sums[tile_columns];
} some_columns;

// A number of every column of step `s`, as the lanes of the accumulators are.
#if I8MM
#define OF_COLUMNS(s, numbers, at)                                                                 \
  ((float32x4_t){                                                                                  \
      (float)(numbers)[2 * (s)][at], (float)(numbers)[2 * (s) + 1][at],                            \
      (float)(numbers)[2 * (s)][at], (float)(numbers)[2 * (s) + 1][at]})
#else
#define OF_COLUMNS(s, numbers, at) vdupq_n_f32((float)(numbers)[s][at])
#endif

// Adds the products of half `h` of block `b`. `steps` is the number of columns, or of pairs of columns.
INLINE void multiply_half(
    int steps, const tile *tile, const some_columns *x, size_t b, int h,
    int32x4_t (*products)[most_steps]) {
  const size_t at = 32 * b + 16 * (size_t)h;
#if I8MM
  int8x16_t quants[most_steps][2];
  UNROLL for (int s = 0; s < steps; s++) {
    const int64x2_t first = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s] + at));
    const int64x2_t second = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s + 1] + at));
    quants[s][0] = vreinterpretq_s8_s64(vzip1q_s64(first, second));
    quants[s][1] = vreinterpretq_s8_s64(vzip2q_s64(first, second));
  }
  UNROLL for (int k = 0; k < 2; k++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const int8x16_t values = vld1q_s8(tile->values[b][h][v] + 16 * k);
      UNROLL for (int s = 0; s < steps; s++) {
        products[v][s] = vmmlaq_s32(products[v][s], values, quants[s][k]);
      }
    }
  }
#else
  int32x4_t quants[most_steps];
  UNROLL for (int s = 0; s < steps; s++) {
    quants[s] = vreinterpretq_s32_s8(vld1q_s8(x->quants[s] + at));
  }
  UNROLL for (int k = 0; k < 4; k++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      const int8x16_t values = vld1q_s8(tile->values[b][h][v] + 16 * k);
      UNROLL for (int s = 0; s < steps; s++) {
        const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(quants[s][k]));
        products[v][s] = vdotq_s32(products[v][s], values, four);
      }
    }
  }
#endif
}

// Multiplies every fourth of `blocks` blocks from `sum` on.
INLINE void multiply_sum(
    uint32_t type, int steps, size_t sum, size_t blocks, const tile *tile, const some_columns *x,
    float (*totals)[4][vectors][4]) {
  float32x4_t total[vectors][most_steps];
  UNROLL for (int v = 0; v < vectors; v++) {
    UNROLL for (int s = 0; s < steps; s++) total[v][s] = vld1q_f32(totals[s][sum][v]);
  }
  for (size_t b = sum; b < blocks; b += 4) {
    int32x4_t products[vectors][most_steps];
    UNROLL for (int v = 0; v < vectors; v++) {
      UNROLL for (int s = 0; s < steps; s++) products[v][s] = vdupq_n_s32(0);
    }
    UNROLL for (int h = 0; h < 2; h++) multiply_half(steps, tile, x, b, h, products);
    UNROLL for (int s = 0; s < steps; s++) {
      const float32x4_t scale = OF_COLUMNS(s, x->scales, b);
      UNROLL for (int v = 0; v < vectors; v++) {
        total[v][s] = vfmaq_f32(
            total[v][s], vmulq_f32(vld1q_f32(tile->scales[b][v]), scale),
            vcvtq_f32_s32(products[v][s]));
      }
      if (maslin_block32_has_minimum(type)) {
        const float32x4_t scaled = vmulq_f32(scale, OF_COLUMNS(s, x->sums, b));
        UNROLL for (int v = 0; v < vectors; v++) {
          total[v][s] = vfmaq_f32(total[v][s], vld1q_f32(tile->minima[b][v]), scaled);
        }
      }
    }
  }
  UNROLL for (int v = 0; v < vectors; v++) {
    UNROLL for (int s = 0; s < steps; s++) vst1q_f32(totals[s][sum][v], total[v][s]);
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
    float(*totals)[4][vectors][4] = scratch->totals + first / column_step;
    const size_t left = columns - first;
    const size_t steps = left < tile_columns ? (left + column_step - 1) / column_step : most_steps;
    for (size_t sum = 0; sum < 4; sum++) {
      switch (steps) {
        case 1: multiply_sum(type, 1, sum, blocks, &scratch->tile, &x, totals); break;
        case 2: multiply_sum(type, 2, sum, blocks, &scratch->tile, &x, totals); break;
#if !I8MM
        case 3: multiply_sum(type, 3, sum, blocks, &scratch->tile, &x, totals); break;
        default: multiply_sum(type, 4, sum, blocks, &scratch->tile, &x, totals); break;
#endif
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
  const size_t steps = (columns + column_step - 1) / column_step;
  memset(scratch->totals, 0, steps * sizeof scratch->totals[0]);
  for (size_t start = 0; start < blocks; start += tile_blocks) {
    const size_t some = blocks - start < tile_blocks ? blocks - start : tile_blocks;
    for (size_t b = 0; b < some; b++) {
      for (int v = 0; v < vectors; v++) {
        decode_rows(
            type, pointers + v * lane_rows, (start + b) * maslin_block32_bytes(type),
            &scratch->tile, b, v);
      }
    }
    multiply_columns(type, scratch, activations, start, some, columns);
  }
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = 0; r < rows; r++) {
      const size_t lane = r % lane_rows * column_step + c % column_step;
      float(*sums)[vectors][4] = scratch->totals[c / column_step];
      const size_t v = r / lane_rows;
      out[c * out_stride + r] = (sums[0][v][lane] + sums[2][v][lane])
                                + (sums[1][v][lane] + sums[3][v][lane]);
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

#define FOR_EACH_TYPE(ACTION)                                                                      \
  ACTION(q4_0, MASLIN_Q4_0)                                                                        \
  ACTION(q4_1, MASLIN_Q4_1)                                                                        \
  ACTION(q5_0, MASLIN_Q5_0)                                                                        \
  ACTION(q5_1, MASLIN_Q5_1)                                                                        \
  ACTION(q8_0, MASLIN_Q8_0)                                                                        \
  ACTION(iq4_nl, MASLIN_IQ4_NL)                                                                    \
  ACTION(mxfp4, MASLIN_MXFP4)

#define DEFINE_MATMUL(name, type)                                                                  \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    multiply(                                                                                      \
        type, maslin_block32_few_columns_neon(type), weights, row_bytes, rows, count, activations, \
        columns, out, out_stride, scratch);                                                        \
  }

#define CASE(name, type)                                                                           \
  case type: return matmul_##name;

// The kernels of all types, and the function `name` that returns them.
#define DEFINE_MATMULS(name)                                                                       \
  FOR_EACH_TYPE(DEFINE_MATMUL)                                                                     \
  maslin_matmul_function name(uint32_t type) {                                                     \
    switch (type) {                                                                                \
      FOR_EACH_TYPE(CASE)                                                                          \
      default: return 0;                                                                           \
    }                                                                                              \
  }

#endif
#endif
