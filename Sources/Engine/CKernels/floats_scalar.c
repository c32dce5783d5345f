#pragma STDC FP_CONTRACT OFF
#include "floats_kernels.h"
#include "formats_half.h"
#include "weight_types.h"

void maslin_f32_accumulate_scalar(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes) {
  const size_t whole = count & ~(size_t)15;
  for (size_t r = 0; r < rows; r++) {
    const float *w = weights + r * weights_stride;
    for (size_t c = 0; c < columns; c++) {
      const float *x = values + c * values_stride;
      float *sums = lanes + (r * columns + c) * 16;
      for (size_t k = 0; k < whole; k += 16) {
        for (size_t i = 0; i < 16; i++) sums[i] = __builtin_fmaf(w[k + i], x[k + i], sums[i]);
      }
      if (whole == count) continue;
      for (size_t i = 0; i < 16; i++) {
        const int inside = whole + i < count;
        const float a = inside ? w[whole + i] : 0, b = inside ? x[whole + i] : 0;
        sums[i] = __builtin_fmaf(a, b, sums[i]);
      }
    }
  }
}

static void fill_f32(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  __builtin_memcpy(values, row + 4 * first, 4 * count);
}

static void fill_f16(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  for (size_t i = 0; i < count; i++) {
    uint16_t half;
    __builtin_memcpy(&half, row + 2 * (first + i), 2);
    values[i] = maslin_half_to_float(half);
  }
}

static void fill_bf16(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  (void)type;
  for (size_t i = 0; i < count; i++) {
    uint16_t upper;
    __builtin_memcpy(&upper, row + 2 * (first + i), 2);
    values[i] = maslin_brain_to_float(upper);
  }
}

#define DEFINE_MATMUL(name, fill)                                                                  \
  static void name(                                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,       \
      size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch) {        \
    maslin_tiled_matmul(                                                                           \
        0, fill, maslin_f32_accumulate_scalar, weights, row_bytes, rows, count, values,            \
        values_stride, columns, out, out_stride, scratch);                                         \
  }

DEFINE_MATMUL(matmul_f32, fill_f32)
DEFINE_MATMUL(matmul_f16, fill_f16)
DEFINE_MATMUL(matmul_bf16, fill_bf16)

int maslin_floats_kernels_scalar(uint32_t type, maslin_matmul_kernels *kernels) {
  *kernels = (maslin_matmul_kernels){0};
  switch (type) {
    case MASLIN_F32: kernels->float_matmul = matmul_f32; return 1;
    case MASLIN_F16: kernels->float_matmul = matmul_f16; return 1;
    case MASLIN_BF16: kernels->float_matmul = matmul_bf16; return 1;
    default: return 0;
  }
}
