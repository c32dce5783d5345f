// Products of weights in blocks of 256 values with activations rounded per 256 values: what all implementations share.
//
// The definition (block256_scalar.c computes it literally). A block gives two exact integers per row and column,
//
//   dot     = sum over 16-value groups g of scale[g] * sum over the group of value[i] * quant[i]
//   minimum = sum over groups of minimum[g] * sum[g]        (only types with minima)
//
// and the result is one chain over the blocks of the row, in order, starting from 0:
//
//   total = fma(weight_scale * activation_scale, (float)dot, total)
//   total = fma(-(weight_minimum_scale * activation_scale), (float)minimum, total)
//
// Only this chain rounds. So an implementation may add the integers in any order, over any vector length, and still
// returns the same bits.
#ifndef MASLIN_BLOCK256_H
#define MASLIN_BLOCK256_H

#include "maslin_formats.h"
#include "maslin_matmul.h"

// GGUF numbers of the weight types.
enum {
  BLOCK256_Q2_K = 10,
  BLOCK256_Q3_K = 11,
  BLOCK256_Q4_K = 12,
  BLOCK256_Q5_K = 13,
  BLOCK256_Q6_K = 14,
  BLOCK256_IQ2_XXS = 16,
  BLOCK256_IQ2_XS = 17,
  BLOCK256_IQ3_XXS = 18,
  BLOCK256_IQ3_S = 21,
  BLOCK256_IQ2_S = 22,
  BLOCK256_IQ4_XS = 23,
};

// Bytes of one block.
enum {
  BLOCK256_Q2_K_BYTES = 84,
  BLOCK256_Q3_K_BYTES = 110,
  BLOCK256_Q4_K_BYTES = 144,
  BLOCK256_Q5_K_BYTES = 176,
  BLOCK256_Q6_K_BYTES = 210,
  BLOCK256_IQ2_XXS_BYTES = 66,
  BLOCK256_IQ2_XS_BYTES = 74,
  BLOCK256_IQ2_S_BYTES = 82,
  BLOCK256_IQ3_XXS_BYTES = 98,
  BLOCK256_IQ3_S_BYTES = 110,
  BLOCK256_IQ4_XS_BYTES = 136,
};

// One block taken apart. Groups are of 16 values; types with larger ones repeat their scale.
typedef struct {
  float scale;         // weight_scale
  float minimum_scale; // weight_minimum_scale; 0 for types without minima
  int16_t scales[16];
  int16_t minima[16];
  int8_t values[256];
} block256_parts;

typedef void (*block256_unpack_function)(const uint8_t *block, block256_parts *parts);

// How a type is taken apart; NULL for a type without blocks of 256 values.
block256_unpack_function block256_unpack(uint32_t type);

void block256_quantize_scalar(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);

// Each returns NULL for a type it has no kernel for.
maslin_matmul_function block256_matmul_scalar(uint32_t type);
#if defined(__x86_64__)
maslin_matmul_function block256_matmul_avx2(uint32_t type);
maslin_matmul_function block256_matmul_avx512(uint32_t type);
void block256_quantize_avx2(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
void block256_quantize_avx512(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
#elif defined(__aarch64__)
maslin_matmul_function block256_matmul_neon(uint32_t type, int i8mm);
void block256_quantize_neon(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);
#endif

// The levels of IQ2_XXS grid entries in two bits each (0: 8, 1: 25, 2: 43): entry i has its values 0 to 3 in
// block256_iq2_xxs_codes[0][i], lowest bits first, and 4 to 7 in [1][i].
extern const uint8_t block256_iq2_xxs_codes[2][256];
// Signs of values 4 h to 4 h + 3 by their seven bits, at bits 2, 4, 0, 1.
extern const uint8_t block256_iq2_xxs_signs[2][128];
// Value plus 43 by an index that holds a sign at the bit above and the level at bits 0-1, 2-3, 4-5, 4-5; its other bits
// do not matter.
extern const uint8_t block256_iq2_xxs_values[4][64];

// The kernels of one weight type: fills `activation_block`, `quantize` and `matmul` and returns 1; 0 for a type
// without blocks of 256 values.
int maslin_block256_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels);

#endif
