// Products with float weights on ARM: NEON, FMA and the conversion of halves are part of the architecture.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>

#include "floats_kernels.h"
#include "formats_half.h"
#include "weight_types.h"

#define INLINE static inline __attribute__((always_inline))

// Continues the sums of up to 2 rows and 2 columns, both known when compiling: four vectors a row and column.
INLINE void accumulate_block(
    int rows, int columns, const float *weights, size_t weights_stride, size_t count,
    const float *values, size_t values_stride, float *lanes, size_t lanes_stride) {
  float32x4_t sums[2][2][4];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      for (int i = 0; i < 4; i++) {
        sums[r][c][i] = vld1q_f32(lanes + r * lanes_stride + c * 16 + 4 * i);
      }
    }
  }
  const float *w[2] = {weights, weights + weights_stride};
  const float *x[2] = {values, values + values_stride};
  float last[4][16] = {{0}};
  for (size_t k = 0; k < count; k += 16) {
    const size_t rest = count - k;
    const float *a[2], *b[2];
    for (int r = 0; r < rows; r++) a[r] = w[r] + k;
    for (int c = 0; c < columns; c++) b[c] = x[c] + k;
    if (rest < 16) {  // the rest of the row, continued with zeros
      for (int r = 0; r < rows; r++) a[r] = memcpy(last[r], a[r], rest * sizeof(float));
      for (int c = 0; c < columns; c++) b[c] = memcpy(last[2 + c], b[c], rest * sizeof(float));
    }
    for (int i = 0; i < 4; i++) {
      float32x4_t row[2];
      for (int r = 0; r < rows; r++) row[r] = vld1q_f32(a[r] + 4 * i);
      for (int c = 0; c < columns; c++) {
        const float32x4_t column = vld1q_f32(b[c] + 4 * i);
        for (int r = 0; r < rows; r++) {
          sums[r][c][i] = vfmaq_f32(sums[r][c][i], row[r], column);
        }
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      for (int i = 0; i < 4; i++) {
        vst1q_f32(lanes + r * lanes_stride + c * 16 + 4 * i, sums[r][c][i]);
      }
    }
  }
}

void maslin_f32_accumulate_neon(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes) {
  const size_t lanes_stride = columns * 16;
  for (size_t c = 0; c < columns; c += 2) {
    const float *x = values + c * values_stride;
    for (size_t r = 0; r < rows; r += 2) {
      const float *w = weights + r * weights_stride;
      float *sums = lanes + r * lanes_stride + c * 16;
#define ACCUMULATE(row_count, column_count)                                                        \
  accumulate_block(                                                                                \
      row_count, column_count, w, weights_stride, count, x, values_stride, sums, lanes_stride)
      if (rows - r == 1 && columns - c == 1) {
        ACCUMULATE(1, 1);
      } else if (rows - r == 1) {
        ACCUMULATE(1, 2);
      } else if (columns - c == 1) {
        ACCUMULATE(2, 1);
      } else {
        ACCUMULATE(2, 2);
      }
#undef ACCUMULATE
    }
  }
}

static void fill_f32(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  memcpy(values, row + 4 * first, 4 * count);
}

static void fill_f16(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  const uint8_t *halves = row + 2 * first;
  size_t k = 0;
  for (; k + 4 <= count; k += 4) {
    const uint16x4_t bits = vreinterpret_u16_u8(vld1_u8(halves + 2 * k));
    vst1q_f32(values + k, vcvt_f32_f16(vreinterpret_f16_u16(bits)));
  }
  for (; k < count; k++) {
    uint16_t half;
    memcpy(&half, halves + 2 * k, sizeof half);
    values[k] = maslin_half_to_float(half);
  }
}

static void fill_bf16(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  for (size_t k = 0; k < count; k++) {
    uint16_t upper;
    memcpy(&upper, row + 2 * (first + k), sizeof upper);
    values[k] = maslin_brain_to_float(upper);
  }
}

#define DEFINE_MATMUL(name)                                                                        \
  static void matmul_##name(                                                                       \
      const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,       \
      size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch) {        \
    maslin_tiled_matmul(                                                                           \
        0, fill_##name, maslin_f32_accumulate_neon, weights, row_bytes, rows, count, values,       \
        values_stride, columns, out, out_stride, scratch);                                         \
  }

DEFINE_MATMUL(f32)
DEFINE_MATMUL(f16)
DEFINE_MATMUL(bf16)

int maslin_floats_kernels_neon(uint32_t type, maslin_matmul_kernels *kernels) {
  *kernels = (maslin_matmul_kernels){0};
  switch (type) {
    case MASLIN_F32: kernels->float_matmul = matmul_f32; return 1;
    case MASLIN_F16: kernels->float_matmul = matmul_f16; return 1;
    case MASLIN_BF16: kernels->float_matmul = matmul_bf16; return 1;
    default: return 0;
  }
}
#endif
