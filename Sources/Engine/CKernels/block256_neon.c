// Blocks of 256 values on ARM with the dot product instructions: one and two columns, the table of kernels, and the
// rounding of activations.
//
// Two rows at a time, their values used as they leave the registers they are taken apart in: this is what runs when
// weights stream from memory.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#if defined(__aarch64__)

#include "block256_neon.h"

enum { FEW_COLUMNS = 2, ROWS = 2 };

// The columns at one block.
typedef struct {
  const int8_t *quants[FEW_COLUMNS];
  const int16_t *sums[FEW_COLUMNS];
  const float *scales[FEW_COLUMNS];
} block_columns;

NEON_INLINE int32_t sum_of_minima(
    uint32_t type, const block256_header *header, const int16_t *column_sums) {
  const int16x8_t first = vld1q_s16(column_sums), second = vld1q_s16(column_sums + 8);
  int32x4_t total;
  if (block256_group_vectors(type) == 2) {
    // At most 32 * 127 in magnitude: the sums of 32 quants fit 16 bits.
    const int16x8_t sums = vpaddq_s16(first, second);
    total = vmull_s16(vget_low_s16(header->minima[0]), vget_low_s16(sums));
    total = vmlal_high_s16(total, header->minima[0], sums);
  } else {
    total = vmull_s16(vget_low_s16(header->minima[0]), vget_low_s16(first));
    total = vmlal_high_s16(total, header->minima[0], first);
    total = vmlal_s16(total, vget_low_s16(header->minima[1]), vget_low_s16(second));
    total = vmlal_high_s16(total, header->minima[1], second);
  }
  return vaddvq_s32(total);
}

NEON_INLINE void add_block(
    uint32_t type, int rows, int columns, const uint8_t *const *blocks, const block_columns *x,
    float (*totals)[FEW_COLUMNS]) {
  const int group = block256_group_vectors(type);
  block256_header headers[ROWS];
  int32x4_t dots[ROWS][FEW_COLUMNS];
  UNROLL for (int r = 0; r < rows; r++) {
    block256_read_header(type, blocks[r], &headers[r]);
    UNROLL for (int c = 0; c < columns; c++) dots[r][c] = vdupq_n_s32(0);
  }
  UNROLL for (int part = 0; part < 4; part++) {
    int8x16_t values[ROWS][4];
    UNROLL for (int r = 0; r < rows; r++) {
      block256_read_values(type, blocks[r], part, values[r]);
    }
    UNROLL for (int c = 0; c < columns; c++) {
      const int8x16x4_t quants = vld1q_s8_x4(x->quants[c] + 64 * part);
      UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < 4; v += group) {
          int32x4_t sum = vdotq_s32(vdupq_n_s32(0), values[r][v], quants.val[v]);
          if (group == 2) sum = vdotq_s32(sum, values[r][v + 1], quants.val[v + 1]);
          const int g = (4 * part + v) / group;
          dots[r][c] = vmlaq_n_s32(dots[r][c], sum, headers[r].scales[g / 4][g % 4]);
        }
      }
    }
  }
  UNROLL for (int c = 0; c < columns; c++) {
    UNROLL for (int r = 0; r < rows; r++) {
      const float scale = *x->scales[c];
      const float dot = (float)vaddvq_s32(dots[r][c]);
      float total = __builtin_fmaf(headers[r].scale * scale, dot, totals[r][c]);
      if (block256_has_minima(type)) {
        const float minimum = (float)sum_of_minima(type, &headers[r], x->sums[c]);
        total = __builtin_fmaf(-(headers[r].minimum_scale * scale), minimum, total);
      }
      totals[r][c] = total;
    }
  }
}

NEON_INLINE void multiply_rows(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t row_bytes, size_t blocks,
    const maslin_activations *activations, float *out, size_t out_stride) {
  const uint8_t *pointers[ROWS];
  block_columns x;
  float totals[ROWS][FEW_COLUMNS];
  UNROLL for (int r = 0; r < rows; r++) {
    pointers[r] = weights + (size_t)r * row_bytes;
    UNROLL for (int c = 0; c < columns; c++) totals[r][c] = 0;
  }
  UNROLL for (int c = 0; c < columns; c++) {
    x.quants[c] = activations->quants + (size_t)c * activations->quants_stride;
    x.sums[c] = activations->sums + (size_t)c * activations->sums_stride;
    x.scales[c] = activations->scales + (size_t)c * activations->scales_stride;
  }
  for (size_t b = 0; b < blocks; b++) {
    add_block(type, rows, columns, pointers, &x, totals);
    UNROLL for (int r = 0; r < rows; r++) pointers[r] += block256_bytes(type);
    UNROLL for (int c = 0; c < columns; c++) {
      x.quants[c] += 256;
      x.sums[c] += 16;
      x.scales[c]++;
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int c = 0; c < columns; c++) out[(size_t)c * out_stride + (size_t)r] = totals[r][c];
  }
}

NEON_INLINE void multiply_few(
    uint32_t type, int columns, const uint8_t *weights, size_t row_bytes, size_t rows,
    size_t blocks, const maslin_activations *activations, float *out, size_t out_stride) {
  size_t r = 0;
  for (; r + ROWS <= rows; r += ROWS) {
    multiply_rows(
        type, ROWS, columns, weights + r * row_bytes, row_bytes, blocks, activations, out + r,
        out_stride);
  }
  if (r < rows) {
    multiply_rows(
        type, 1, columns, weights + r * row_bytes, row_bytes, blocks, activations, out + r,
        out_stride);
  }
}

#define FEW(columns)                                                                               \
  multiply_few(type, columns, weights, row_bytes, rows, count / 256, activations, out, out_stride)

NEON_INLINE void multiply(
    uint32_t type, int i8mm, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch) {
  switch (columns) {
    case 0: break;
    case 1: FEW(1); break;
    case 2: FEW(2); break;
    default:
      (i8mm ? block256_tiles_neon_i8mm : block256_tiles_neon)(
          type, weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);
  }
}

#define FOR_EACH_TYPE(ACTION)                                                                      \
  ACTION(q2_k, BLOCK256_Q2_K)                                                                      \
  ACTION(q3_k, BLOCK256_Q3_K)                                                                      \
  ACTION(q4_k, BLOCK256_Q4_K)                                                                      \
  ACTION(q5_k, BLOCK256_Q5_K)                                                                      \
  ACTION(q6_k, BLOCK256_Q6_K)                                                                      \
  ACTION(iq2_xxs, BLOCK256_IQ2_XXS)                                                                \
  ACTION(iq2_xs, BLOCK256_IQ2_XS)                                                                  \
  ACTION(iq2_s, BLOCK256_IQ2_S)                                                                    \
  ACTION(iq3_xxs, BLOCK256_IQ3_XXS)                                                                \
  ACTION(iq3_s, BLOCK256_IQ3_S)                                                                    \
  ACTION(iq4_xs, BLOCK256_IQ4_XS)

// The few-column kernels of both sets are the same; only what they hand over to differs.
#define DEFINE(name, number)                                                                       \
  NEON static void few_##name(                                                                     \
      int i8mm, const void *weights, size_t row_bytes, size_t rows, size_t count,                  \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    multiply(                                                                                      \
        number, i8mm, weights, row_bytes, rows, count, activations, columns, out, out_stride,      \
        scratch);                                                                                  \
  }                                                                                                \
  static void dot_product_##name(                                                                  \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    few_##name(                                                                                    \
        0, weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);       \
  }                                                                                                \
  static void matrix_##name(                                                                       \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    few_##name(                                                                                    \
        1, weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);       \
  }

FOR_EACH_TYPE(DEFINE)

#define CASE(name, number)                                                                         \
  case number: return i8mm ? matrix_##name : dot_product_##name;

maslin_matmul_function block256_matmul_neon(uint32_t type, int i8mm) {
  switch (type) {
    FOR_EACH_TYPE(CASE)
    default: return 0;
  }
}

// `value` where it exceeds `bound`, else `bound`: also where it is no number.
NEON_INLINE float32x4_t above(float32x4_t value, float32x4_t bound) {
  return vbslq_f32(vcgtq_f32(value, bound), value, bound);
}

NEON void block256_quantize_neon(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t start = 0; start < count; start += 256, values += 256, quants += 256, sums += 16) {
    uint32x4_t largest = vdupq_n_u32(0);
    for (int i = 0; i < 256; i += 4) {
      const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(values + i));
      largest = vmaxq_u32(largest, vandq_u32(bits, vdupq_n_u32(0x7FFFFFFF)));
    }
    const uint32_t magnitude_bits = vmaxvq_u32(largest);
    float magnitude;
    memcpy(&magnitude, &magnitude_bits, sizeof magnitude);
    const float scale = magnitude / 127.0f;
    *scales++ = scale;
    if (scale == 0) {
      memset(quants, 0, 256);
      memset(sums, 0, 16 * sizeof *sums);
      continue;
    }
    const float32x4_t divisor = vdupq_n_f32(scale);
    for (int g = 0; g < 16; g++) {
      int32x4_t rounded[4];
      UNROLL for (int i = 0; i < 4; i++) {
        const float32x4_t quotient = vdivq_f32(vld1q_f32(values + 16 * g + 4 * i), divisor);
        const float32x4_t bounded =
            vminq_f32(above(quotient, vdupq_n_f32(-127)), vdupq_n_f32(127));
        rounded[i] = vcvtnq_s32_f32(bounded);
      }
      const int16x8_t first = vcombine_s16(vmovn_s32(rounded[0]), vmovn_s32(rounded[1]));
      const int16x8_t second = vcombine_s16(vmovn_s32(rounded[2]), vmovn_s32(rounded[3]));
      vst1q_s8(quants + 16 * g, vcombine_s8(vmovn_s16(first), vmovn_s16(second)));
      sums[g] = vaddvq_s16(vaddq_s16(first, second));
    }
  }
}

#endif
