// Products of weights in blocks of 32 values with activations rounded to int8.
//
// A block is read as unsigned bytes q, an offset and a scale d: its weights are d * (q - offset), plus a minimum m for
// the types that have one. The integer product of a block with the activations is exact. The result of a row and a
// column is made of 4 sums: sum i takes the blocks whose index is i modulo 4, in ascending order, each added as
// fma(d * scale, product, sum), and after it fma(m, scale * (sum of the quants), sum) where there is a minimum.
// The 4 sums are added as (0 + 2) + (1 + 3).
#ifndef MASLIN_BLOCK32_KERNELS_H
#define MASLIN_BLOCK32_KERNELS_H

#include "maslin_matmul.h"

// Fills the activation block, `quantize` and `matmul`, and returns 1; 0 for a type without blocks of 32 values.
int maslin_block32_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels);

// The product for one type; NULL for a type without blocks of 32 values.
maslin_matmul_function maslin_block32_matmul_scalar(uint32_t type);
maslin_matmul_function maslin_block32_matmul_avx2(uint32_t type);
maslin_matmul_function maslin_block32_matmul_avx512(uint32_t type);
maslin_matmul_function maslin_block32_matmul_neon(uint32_t type);
maslin_matmul_function maslin_block32_matmul_neon_i8mm(uint32_t type);

void maslin_block32_quantize_scalar(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
void maslin_block32_quantize_avx2(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
void maslin_block32_quantize_avx512(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
void maslin_block32_quantize_neon(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);

#endif
