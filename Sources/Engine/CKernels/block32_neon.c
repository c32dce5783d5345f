// Few columns of blocks of 32 on ARM with the dot product instructions (SDOT, part of ARMv8.2 with dotprod), and the
// rounding of activations.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#if defined(__aarch64__)
#include "block32_neon.h"

#define TARGET NEON_DOT_PRODUCT
#define INLINE BLOCK32_NEON_INLINE

// A step takes 4 blocks of a row: their products lie in one vector in the order of the 4 sums of the result.

// The 16-bit words at `at` in 4 blocks, as floats.
INLINE float32x4_t halves_of_blocks(uint32_t type, const uint8_t *blocks, uint32_t at) {
  const uint32_t size = maslin_block32_bytes(type);
  uint64_t words = 0;
  for (uint32_t b = 0; b < 4; b++) {
    words |= (uint64_t)maslin_load16(blocks + b * size + at) << (16 * b);
  }
  return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(words)));
}

INLINE float32x4_t scales_of_blocks(uint32_t type, const uint8_t *blocks) {
  if (type != MASLIN_MXFP4) return halves_of_blocks(type, blocks, 0);
  float scales[4];
  for (int b = 0; b < 4; b++) scales[b] = maslin_mxfp4_scale(blocks[17 * b]);
  return vld1q_f32(scales);
}

// 4 blocks of one column of activations.
typedef struct {
  const int8_t *quants;
  const float *scales;
  const int16_t *sums;
} column_blocks;

enum { most_columns = 4 };

// Adds 4 blocks of `rows` rows, of which those under `present` exist, to the sums of each column.
INLINE void add_blocks(
    uint32_t type, int rows, int columns, const uint8_t *const *blocks,
    const column_blocks *activations, uint32x4_t present, float32x4_t (*sums)[most_columns]) {
  const uint32_t size = maslin_block32_bytes(type);
  int8x16x2_t weights[2][4];
  float32x4_t scales[2], minima[2];
  for (int r = 0; r < rows; r++) {
    for (uint32_t b = 0; b < 4; b++) weights[r][b] = unpack_block(type, blocks[r] + b * size);
    scales[r] = scales_of_blocks(type, blocks[r]);
    if (maslin_block32_has_minimum(type)) minima[r] = halves_of_blocks(type, blocks[r], 2);
  }
  for (int c = 0; c < columns; c++) {
    const column_blocks x = activations[c];
    int32x4_t products[2][4];
    for (int b = 0; b < 4; b++) {
      const int8x16_t lower = vld1q_s8(x.quants + 32 * b);
      const int8x16_t upper = vld1q_s8(x.quants + 32 * b + 16);
      for (int r = 0; r < rows; r++) {
        const int32x4_t half = vdotq_s32(vdupq_n_s32(0), weights[r][b].val[0], lower);
        products[r][b] = vdotq_s32(half, weights[r][b].val[1], upper);
      }
    }
    const float32x4_t scale = vld1q_f32(x.scales);
    for (int r = 0; r < rows; r++) {
      const int32x4_t *p = products[r];
      const int32x4_t product = vpaddq_s32(vpaddq_s32(p[0], p[1]), vpaddq_s32(p[2], p[3]));
      float32x4_t sum
          = vfmaq_f32(sums[r][c], vmulq_f32(scales[r], scale), vcvtq_f32_s32(product));
      if (maslin_block32_has_minimum(type)) {
        const float32x4_t quant_sums = vcvtq_f32_s32(vmovl_s16(vld1_s16(x.sums)));
        sum = vfmaq_f32(sum, minima[r], vmulq_f32(scale, quant_sums));
      }
      sums[r][c] = vbslq_f32(present, sum, sums[r][c]);
    }
  }
}

// Up to 2 rows and 4 columns, their numbers known when compiling.
INLINE void multiply_block(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t row_bytes, size_t count,
    const maslin_activations *activations, size_t first_column, float *out, size_t out_stride) {
  const uint32_t size = maslin_block32_bytes(type);
  column_blocks x[most_columns];
  float32x4_t sums[2][most_columns];
  for (int c = 0; c < columns; c++) {
    const size_t column = first_column + (size_t)c;
    x[c].quants = activations->quants + column * activations->quants_stride;
    x[c].scales = activations->scales + column * activations->scales_stride;
    x[c].sums = activations->sums + column * activations->sums_stride;
    for (int r = 0; r < rows; r++) sums[r][c] = vdupq_n_f32(0);
  }
  const uint8_t *blocks[2] = {weights, weights + (rows - 1) * row_bytes};
  const size_t count_of_blocks = count / 32;
  for (size_t b = 0; b + 4 <= count_of_blocks; b += 4) {
    add_blocks(type, rows, columns, blocks, x, vdupq_n_u32(UINT32_MAX), sums);
    for (int r = 0; r < 2; r++) blocks[r] += 4 * size;
    for (int c = 0; c < columns; c++) {
      x[c].quants += 128;
      x[c].scales += 4;
      x[c].sums += 4;
    }
  }
  const size_t rest = count_of_blocks % 4;
  if (rest) {
    uint8_t last[2][4 * 34] = {{0}};
    int8_t quants[most_columns][128] = {{0}};
    float scales[most_columns][4] = {{0}};
    int16_t quant_sums[most_columns][4] = {{0}};
    for (int r = 0; r < 2; r++) {
      memcpy(last[r], blocks[r], rest * size);
      blocks[r] = last[r];
    }
    for (int c = 0; c < columns; c++) {
      memcpy(quants[c], x[c].quants, rest * 32);
      memcpy(scales[c], x[c].scales, rest * sizeof(float));
      memcpy(quant_sums[c], x[c].sums, rest * sizeof(int16_t));
      x[c] = (column_blocks){quants[c], scales[c], quant_sums[c]};
    }
    const uint32_t index[4] = {0, 1, 2, 3};
    const uint32x4_t present = vcltq_u32(vld1q_u32(index), vdupq_n_u32((uint32_t)rest));
    add_blocks(type, rows, columns, blocks, x, present, sums);
  }
  for (int c = 0; c < columns; c++) {
    for (int r = 0; r < rows; r++) {
      const float32x2_t s = vadd_f32(vget_low_f32(sums[r][c]), vget_high_f32(sums[r][c]));
      out[c * out_stride + r] = vget_lane_f32(s, 0) + vget_lane_f32(s, 1);
    }
  }
}

INLINE void multiply(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride) {
  for (size_t r = 0; r < rows; r += 2) {
    const uint8_t *w = (const uint8_t *)weights + r * row_bytes;
    for (size_t c = 0; c < columns; c += most_columns) {
      float *y = out + c * out_stride + r;
#define CASE(n)                                                                                    \
  if (rows - r == 1) {                                                                             \
    multiply_block(type, 1, n, w, row_bytes, count, activations, c, y, out_stride);                \
  } else {                                                                                         \
    multiply_block(type, 2, n, w, row_bytes, count, activations, c, y, out_stride);                \
  }
      switch (columns - c) {
        case 1: CASE(1) break;
        case 2: CASE(2) break;
        case 3: CASE(3) break;
        default: CASE(4) break;
      }
#undef CASE
    }
  }
}

#define DEFINE_MATMUL(name, type)                                                                  \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    (void)scratch;                                                                                 \
    multiply(type, weights, row_bytes, rows, count, activations, columns, out, out_stride);        \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

maslin_matmul_function maslin_block32_few_columns_neon(uint32_t type) {
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

// `value` where it exceeds `bound`, else `bound`: also where it is no number.
INLINE float32x4_t above(float32x4_t value, float32x4_t bound) {
  return vbslq_f32(vcgtq_f32(value, bound), value, bound);
}

TARGET void maslin_block32_quantize_neon(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t block = 0; block < count / 32; block++) {
    float32x4_t x[8];
    float32x4_t largest = vdupq_n_f32(0);
    for (int i = 0; i < 8; i++) {
      x[i] = vld1q_f32(values + 32 * block + 4 * i);
      largest = above(vabsq_f32(x[i]), largest);
    }
    const float scale = vmaxvq_f32(largest) / 127.0f;
    const float32x4_t divisor = vdupq_n_f32(scale);
    const uint32x4_t scaled = vcgtq_f32(divisor, vdupq_n_f32(0));
    int32x4_t sum = vdupq_n_s32(0);
    int16x4_t q[8];
    for (int i = 0; i < 8; i++) {
      const float32x4_t quotient = vbslq_f32(scaled, vdivq_f32(x[i], divisor), vdupq_n_f32(0));
      const float32x4_t bounded
          = vminq_f32(above(quotient, vdupq_n_f32(-127)), vdupq_n_f32(127));
      const int32x4_t rounded = vcvtnq_s32_f32(bounded);
      sum = vaddq_s32(sum, rounded);
      q[i] = vmovn_s32(rounded);
    }
    for (int i = 0; i < 8; i += 2) {
      vst1_s8(quants + 32 * block + 4 * i, vmovn_s16(vcombine_s16(q[i], q[i + 1])));
    }
    scales[block] = scale;
    sums[block] = (int16_t)vaddvq_s32(sum);
  }
}
#endif
