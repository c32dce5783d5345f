// Products of blocks of 256 values with many columns on ARM: 8 rows of a block are taken apart once for all columns.
//
// The including file chooses the instructions. With I8MM 0 a lane of an accumulator is a row, four rows a vector; a
// product step multiplies 4 values of 4 rows with 4 quants of a column (SDOT by element). With I8MM 1 an accumulator is
// two rows by two columns, in the order (0, 0), (0, 1), (1, 0), (1, 1); a step multiplies 8 values of 2 rows with 8
// quants of 2 columns (SMMLA). Both need exact sums of whole groups only, and what enters the chain of a block is its
// whole sum, so that the bits are those of the definition.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#ifndef MASLIN_BLOCK256_NEON_TILE_H
#define MASLIN_BLOCK256_NEON_TILE_H

#if defined(__aarch64__)

#include "block256_neon.h"

#if I8MM
#define TILE NEON_I8MM
#else
#define TILE NEON
#endif
#define TILE_INLINE static inline __attribute__((always_inline)) TILE

enum {
  TILE_ROWS = 8,
  TILE_COLUMNS = 4,
  TILE_MOST_COLUMNS = 256,
  LANE_ROWS = I8MM ? 2 : 4, // rows in the lanes of one vector
  VECTORS = TILE_ROWS / LANE_ROWS,
  COLUMN_STEP = I8MM ? 2 : 1, // columns in the lanes of one vector
};

// One block of 8 rows. Scales and minima are laid out as the lanes of the accumulators are.
typedef struct {
  int8_t values[16][VECTORS][LANE_ROWS * 16]; // of 16 values each, in the order of the product steps
  int32_t scales[VECTORS][16][4];
  int16_t minima[VECTORS][16][4];
  float scale[VECTORS][4];
  float minimum_scale[VECTORS][4];
} tile;

typedef struct {
  tile tile;
  float totals[TILE_MOST_COLUMNS / COLUMN_STEP][VECTORS][4];
} tile_scratch;

_Static_assert(sizeof(tile_scratch) <= MASLIN_SCRATCH_BYTES, "fits the scratch memory");

// Vectors of 16 values whose products are added before they are multiplied by a scale. Codes of Q2_K times their scales
// are at most 45: they go into the tile multiplied.
TILE_INLINE int tile_group(uint32_t type) {
  return type == BLOCK256_Q2_K ? 16 : block256_group_vectors(type);
}

TILE_INLINE void store_lanes(const int32x4_t lanes[4], int32_t *words) {
  const int32x4x4_t all = {{lanes[0], lanes[1], lanes[2], lanes[3]}};
  vst4q_s32(words, all);
}

// Takes the rows in the lanes of vector `v` apart.
TILE_INLINE void decode_rows(
    uint32_t type, const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  block256_header headers[LANE_ROWS];
  UNROLL for (int r = 0; r < LANE_ROWS; r++) {
    block256_read_header(type, rows[r] + offset, &headers[r]);
  }
  UNROLL for (int part = 0; part < 4; part++) {
    int8x16_t values[LANE_ROWS][4];
    UNROLL for (int r = 0; r < LANE_ROWS; r++) {
      block256_read_values(type, rows[r] + offset, part, values[r]);
    }
    UNROLL for (int i = 0; i < 4; i++) {
      const int g = 4 * part + i;
      if (type == BLOCK256_Q2_K) {
        UNROLL for (int r = 0; r < LANE_ROWS; r++) {
          const int8_t scale = (int8_t)headers[r].scales[g / 4][g % 4];
          values[r][i] = vmulq_s8(values[r][i], vdupq_n_s8(scale));
        }
      }
#if I8MM
      const int64x2_t a = vreinterpretq_s64_s8(values[0][i]);
      const int64x2_t b = vreinterpretq_s64_s8(values[1][i]);
      vst1q_s8(tile->values[g][v], vreinterpretq_s8_s64(vzip1q_s64(a, b)));
      vst1q_s8(tile->values[g][v] + 16, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
#else
      int32x4_t lanes[4];
      UNROLL for (int r = 0; r < 4; r++) lanes[r] = vreinterpretq_s32_s8(values[r][i]);
      store_lanes(lanes, (int32_t *)(void *)tile->values[g][v]);
#endif
    }
  }
  const block256_header *lanes[4];
  UNROLL for (int l = 0; l < 4; l++) lanes[l] = &headers[l * LANE_ROWS / 4];
  const int groups = 16 / block256_group_vectors(type);
  if (tile_group(type) < 16) {
    UNROLL for (int g = 0; g < groups; g += 4) {
      const int32x4_t scales[4] = {
          lanes[0]->scales[g / 4], lanes[1]->scales[g / 4], lanes[2]->scales[g / 4],
          lanes[3]->scales[g / 4]};
      store_lanes(scales, tile->scales[v][g]);
    }
  }
  UNROLL for (int l = 0; l < 4; l++) tile->scale[v][l] = lanes[l]->scale;
  if (block256_has_minima(type)) {
    UNROLL for (int g = 0; g < groups; g += 8) {
      const int16x8x4_t minima = {
          {lanes[0]->minima[g / 8], lanes[1]->minima[g / 8], lanes[2]->minima[g / 8],
           lanes[3]->minima[g / 8]}};
      vst4q_s16(tile->minima[v][g], minima);
    }
    UNROLL for (int l = 0; l < 4; l++) tile->minimum_scale[v][l] = lanes[l]->minimum_scale;
  }
}

// The quants and sums of up to TILE_COLUMNS columns at one block; a missing second column of two is the first again.
typedef struct {
  const int8_t *quants[TILE_COLUMNS];
  const int16_t *sums[TILE_COLUMNS];
  float scales[TILE_COLUMNS];
} tile_columns;

// Adds the products of 16 values. `steps` is the number of columns, or of pairs of columns.
TILE_INLINE void multiply_sixteen(
    int steps, const tile *tile, const tile_columns *x, int g,
    int32x4_t (*sums)[TILE_COLUMNS / COLUMN_STEP]) {
#if I8MM
  int8x16_t quants[TILE_COLUMNS / COLUMN_STEP][2];
  UNROLL for (int s = 0; s < steps; s++) {
    const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s] + 16 * g));
    const int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(x->quants[2 * s + 1] + 16 * g));
    quants[s][0] = vreinterpretq_s8_s64(vzip1q_s64(a, b));
    quants[s][1] = vreinterpretq_s8_s64(vzip2q_s64(a, b));
  }
  UNROLL for (int h = 0; h < 2; h++) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      const int8x16_t values = vld1q_s8(tile->values[g][v] + 16 * h);
      UNROLL for (int s = 0; s < steps; s++) {
        sums[v][s] = vmmlaq_s32(sums[v][s], values, quants[s][h]);
      }
    }
  }
#else
  int32x4_t quants[TILE_COLUMNS];
  UNROLL for (int s = 0; s < steps; s++) {
    quants[s] = vreinterpretq_s32_s8(vld1q_s8(x->quants[s] + 16 * g));
  }
  UNROLL for (int k = 0; k < 4; k++) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      const int8x16_t values = vld1q_s8(tile->values[g][v] + 16 * k);
      UNROLL for (int s = 0; s < steps; s++) {
        const int8x16_t four = vreinterpretq_s8_s32(vdupq_n_s32(quants[s][k]));
        sums[v][s] = vdotq_s32(sums[v][s], values, four);
      }
    }
  }
#endif
}

TILE_INLINE void add_minima(
    uint32_t type, int steps, const tile *tile, const tile_columns *x,
    int32x4_t (*minima)[TILE_COLUMNS / COLUMN_STEP]) {
  const int pairs = block256_group_vectors(type) == 2;
  UNROLL for (int s = 0; s < steps; s++) {
    int16x8_t sums[COLUMN_STEP][2];
    UNROLL for (int c = 0; c < COLUMN_STEP; c++) {
      const int16_t *from = x->sums[COLUMN_STEP * s + c];
      sums[c][0] = vld1q_s16(from);
      sums[c][1] = vld1q_s16(from + 8);
      // At most 32 * 127 in magnitude: the sums of 32 quants fit 16 bits.
      if (pairs) sums[c][0] = vpaddq_s16(sums[c][0], sums[c][1]);
    }
    UNROLL for (int g = 0; g < (pairs ? 8 : 16); g++) {
#if I8MM
      const int16_t first = sums[0][g / 8][g % 8], second = sums[1][g / 8][g % 8];
      const int16x4_t lanes = {first, second, first, second};
#else
      const int16x4_t lanes = vdup_n_s16(sums[0][g / 8][g % 8]);
#endif
      UNROLL for (int v = 0; v < VECTORS; v++) {
        minima[v][s] = vmlal_s16(minima[v][s], vld1_s16(tile->minima[v][g]), lanes);
      }
    }
  }
}

// Multiplies a tile with `steps` columns, or pairs of columns, and continues their totals.
TILE_INLINE void multiply_tile(
    uint32_t type, int steps, const tile *tile, const tile_columns *x, float (*totals)[VECTORS][4]) {
  const int group = tile_group(type);
  int32x4_t dots[VECTORS][TILE_COLUMNS / COLUMN_STEP];
  int32x4_t minima[VECTORS][TILE_COLUMNS / COLUMN_STEP];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    UNROLL for (int s = 0; s < steps; s++) dots[v][s] = minima[v][s] = vdupq_n_s32(0);
  }
  if (group == 16) {
    for (int g = 0; g < 16; g++) multiply_sixteen(steps, tile, x, g, dots);
  } else {
    for (int g = 0; g < 16; g += group) {
      int32x4_t sums[VECTORS][TILE_COLUMNS / COLUMN_STEP];
      UNROLL for (int v = 0; v < VECTORS; v++) {
        UNROLL for (int s = 0; s < steps; s++) sums[v][s] = vdupq_n_s32(0);
      }
      UNROLL for (int i = 0; i < group; i++) multiply_sixteen(steps, tile, x, g + i, sums);
      UNROLL for (int v = 0; v < VECTORS; v++) {
        const int32x4_t scales = vld1q_s32(tile->scales[v][g / group]);
        UNROLL for (int s = 0; s < steps; s++) {
          dots[v][s] = vmlaq_s32(dots[v][s], sums[v][s], scales);
        }
      }
    }
  }
  if (block256_has_minima(type)) add_minima(type, steps, tile, x, minima);
  UNROLL for (int s = 0; s < steps; s++) {
#if I8MM
    const float first = x->scales[2 * s], second = x->scales[2 * s + 1];
    const float32x4_t scales = {first, second, first, second};
#else
    const float32x4_t scales = vdupq_n_f32(x->scales[s]);
#endif
    UNROLL for (int v = 0; v < VECTORS; v++) {
      float32x4_t total = vld1q_f32(totals[s][v]);
      total = vfmaq_f32(
          total, vmulq_f32(vld1q_f32(tile->scale[v]), scales), vcvtq_f32_s32(dots[v][s]));
      if (block256_has_minima(type)) {
        total = vfmsq_f32(
            total, vmulq_f32(vld1q_f32(tile->minimum_scale[v]), scales),
            vcvtq_f32_s32(minima[v][s]));
      }
      vst1q_f32(totals[s][v], total);
    }
  }
}

// A tile with all columns of block `b`.
TILE_INLINE void multiply_columns(
    uint32_t type, tile_scratch *scratch, const maslin_activations *activations, size_t b,
    size_t columns) {
  for (size_t first = 0; first < columns; first += TILE_COLUMNS) {
    tile_columns x;
    UNROLL for (size_t i = 0; i < TILE_COLUMNS; i++) {
      const size_t c = first + i < columns ? first + i : columns - 1;
      x.quants[i] = activations->quants + c * activations->quants_stride + 256 * b;
      x.sums[i] = activations->sums + c * activations->sums_stride + 16 * b;
      x.scales[i] = activations->scales[c * activations->scales_stride + b];
    }
    float(*totals)[VECTORS][4] = scratch->totals + first / COLUMN_STEP;
    const size_t left = columns - first;
    switch (((left < TILE_COLUMNS ? left : TILE_COLUMNS) + COLUMN_STEP - 1) / COLUMN_STEP) {
      case 1: multiply_tile(type, 1, &scratch->tile, &x, totals); break;
      case 2: multiply_tile(type, 2, &scratch->tile, &x, totals); break;
#if !I8MM
      case 3: multiply_tile(type, 3, &scratch->tile, &x, totals); break;
      default: multiply_tile(type, 4, &scratch->tile, &x, totals); break;
#endif
    }
  }
}

// Up to 8 rows (fewer at the end: the last one again, its results dropped) with up to TILE_MOST_COLUMNS columns.
TILE_INLINE void multiply_rows(
    uint32_t type, const uint8_t *weights, size_t row_bytes, size_t rows, size_t blocks,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    tile_scratch *scratch) {
  const uint8_t *pointers[TILE_ROWS];
  for (size_t r = 0; r < TILE_ROWS; r++) {
    pointers[r] = weights + (r < rows ? r : rows - 1) * row_bytes;
  }
  const size_t steps = (columns + COLUMN_STEP - 1) / COLUMN_STEP;
  memset(scratch->totals, 0, steps * sizeof scratch->totals[0]);
  for (size_t b = 0; b < blocks; b++) {
    for (int v = 0; v < VECTORS; v++) {
      decode_rows(
          type, pointers + v * LANE_ROWS, b * block256_bytes(type), &scratch->tile, v);
    }
    multiply_columns(type, scratch, activations, b, columns);
  }
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = 0; r < rows; r++) {
      const size_t lane = r % LANE_ROWS * COLUMN_STEP + c % COLUMN_STEP;
      out[c * out_stride + r] = scratch->totals[c / COLUMN_STEP][r / LANE_ROWS][lane];
    }
  }
}

TILE_INLINE void multiply_tiled(
    uint32_t type, const uint8_t *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    tile_scratch *scratch) {
  for (size_t first = 0; first < columns; first += TILE_MOST_COLUMNS) {
    const size_t left = columns - first;
    maslin_activations part = *activations;
    part.quants += first * part.quants_stride;
    part.scales += first * part.scales_stride;
    part.sums += first * part.sums_stride;
    for (size_t r = 0; r < rows; r += TILE_ROWS) {
      multiply_rows(
          type, weights + r * row_bytes, row_bytes, rows - r < TILE_ROWS ? rows - r : TILE_ROWS,
          count / 256, &part, left < TILE_MOST_COLUMNS ? left : TILE_MOST_COLUMNS,
          out + first * out_stride + r, out_stride, scratch);
    }
  }
}

// One function with a copy of the kernel for each type.
#define CASE(number)                                                                               \
  case number:                                                                                     \
    multiply_tiled(                                                                                \
        number, weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);  \
    break;

#define DEFINE_TILES(name)                                                                         \
  TILE void name(                                                                                  \
      uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,             \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    switch (type) {                                                                                \
      CASE(BLOCK256_Q2_K)                                                                          \
      CASE(BLOCK256_Q3_K)                                                                          \
      CASE(BLOCK256_Q4_K)                                                                          \
      CASE(BLOCK256_Q5_K)                                                                          \
      CASE(BLOCK256_Q6_K)                                                                          \
      CASE(BLOCK256_IQ2_XXS)                                                                       \
      CASE(BLOCK256_IQ2_XS)                                                                        \
      CASE(BLOCK256_IQ2_S)                                                                         \
      CASE(BLOCK256_IQ3_XXS)                                                                       \
      CASE(BLOCK256_IQ3_S)                                                                         \
      CASE(BLOCK256_IQ4_XS)                                                                        \
      default: break;                                                                              \
    }                                                                                              \
  }

#endif
#endif
