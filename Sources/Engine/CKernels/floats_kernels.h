// Products with activations that stay float.
//
// The result of a row and a column is made of 16 sums: sum i takes, in ascending order, the products of the values
// whose index is i modulo 16, each added by one fused multiply-add. A row whose length is no multiple of 16 is
// continued with zeros. The 16 sums are then added as a tree: i with i + 8, then i + 4, i + 2, i + 1.
#ifndef MASLIN_FLOATS_KERNELS_H
#define MASLIN_FLOATS_KERNELS_H

#include "maslin_matmul.h"

// Continues the 16 sums of each row and column with `count` further values: lanes[(r * columns + c) * 16 + i].
// Strides count floats. Only the last part of a row may have a `count` that is no multiple of 16.
typedef void (*maslin_accumulate_function)(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes);

void maslin_f32_accumulate_scalar(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes);
void maslin_f32_accumulate_avx2(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes);
void maslin_f32_accumulate_avx512(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes);
void maslin_f32_accumulate_neon(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes);

// Decodes `count` values of a row from value `first` on. `first` is a multiple of 512, `count` a whole number of
// blocks.
typedef void (*maslin_fill_function)(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values);

// The product over rows that `fill` turns into floats tile by tile: each value is decoded once per 128 columns.
void maslin_tiled_matmul(
    uint32_t type, maslin_fill_function fill, maslin_accumulate_function accumulate,
    const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch);

// Kernels of F32, F16 and BF16.
int maslin_floats_kernels_scalar(uint32_t type, maslin_matmul_kernels *kernels);
int maslin_floats_kernels_avx2(uint32_t type, maslin_matmul_kernels *kernels);
int maslin_floats_kernels_avx512(uint32_t type, maslin_matmul_kernels *kernels);
int maslin_floats_kernels_neon(uint32_t type, maslin_matmul_kernels *kernels);

// Products with decoded weights of any other type; NULL for a type that cannot be decoded.
maslin_float_matmul_function maslin_decoded_matmul(
    uint32_t type, enum maslin_instruction_set set);

// Adds up 16 sums in the order all implementations share.
static inline float maslin_sum_of_lanes(const float *lanes) {
#pragma STDC FP_CONTRACT OFF
  float sums[8];
  for (int i = 0; i < 8; i++) sums[i] = lanes[i] + lanes[i + 8];
  for (int i = 0; i < 4; i++) sums[i] += sums[i + 4];
  sums[0] += sums[2];
  sums[1] += sums[3];
  return sums[0] + sums[1];
}

#endif
