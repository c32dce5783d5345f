// The definition of products with blocks of 256 values, and the only implementation on machines without vectors.
#include "block256.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// The largest magnitude by its bits, so that a NaN is larger than every number and the order of values is of no
// concern: a column with a NaN or an infinity gives results that are not finite rather than wrong ones.
static float largest_magnitude(const float *values) {
  uint32_t largest = 0;
  for (size_t i = 0; i < 256; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    bits &= 0x7fffffffu;
    if (bits > largest) largest = bits;
  }
  float magnitude;
  memcpy(&magnitude, &largest, sizeof magnitude);
  return magnitude;
}

void block256_quantize_scalar(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t start = 0; start < count; start += 256, values += 256, quants += 256, sums += 16) {
    const float scale = largest_magnitude(values) / 127.0f;
    *scales++ = scale;
    if (scale == 0) {
      memset(quants, 0, 256);
      memset(sums, 0, 16 * sizeof *sums);
      continue;
    }
    for (size_t g = 0; g < 16; g++) {
      int sum = 0;
      for (size_t i = 16 * g; i < 16 * g + 16; i++) {
        // Comparisons that a NaN fails: it becomes -127. A subnormal scale may exceed 127 before.
        float quotient = values[i] / scale;
        quotient = quotient > -127.0f ? quotient : -127.0f;
        quotient = quotient < 127.0f ? quotient : 127.0f;
        // Adding 1.5 * 2^23 leaves units in the last place: the processor rounds to nearest even.
        const float shifted = quotient + 12582912.0f;
        const int quant = (int)(shifted - 12582912.0f);
        quants[i] = (int8_t)quant;
        sum += quant;
      }
      sums[g] = (int16_t)sum;
    }
  }
}

static inline __attribute__((always_inline)) void multiply(
    block256_unpack_function unpack, size_t block_bytes, int has_minima,
    const uint8_t *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) out[c * out_stride + r] = 0;
    for (size_t b = 0; b < count / 256; b++) {
      block256_parts parts;
      unpack(weights + r * row_bytes + b * block_bytes, &parts);
      for (size_t c = 0; c < columns; c++) {
        const int8_t *quants = activations->quants + c * activations->quants_stride + 256 * b;
        const int16_t *sums = activations->sums + c * activations->sums_stride + 16 * b;
        const float scale = activations->scales[c * activations->scales_stride + b];
        int32_t dot = 0, minimum = 0;
        for (size_t g = 0; g < 16; g++) {
          int32_t sum = 0;
          for (size_t i = 16 * g; i < 16 * g + 16; i++) sum += parts.values[i] * quants[i];
          dot += parts.scales[g] * sum;
          minimum += parts.minima[g] * sums[g];
        }
        float total = out[c * out_stride + r];
        total = fmaf(parts.scale * scale, (float)dot, total);
        if (has_minima) total = fmaf(-(parts.minimum_scale * scale), (float)minimum, total);
        out[c * out_stride + r] = total;
      }
    }
  }
}

#define SCALAR(name, number, bytes, has_minima)                                                    \
  static void name(                                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    (void)scratch;                                                                                 \
    multiply(                                                                                      \
        block256_unpack(number), bytes, has_minima, weights, row_bytes, rows, count, activations,  \
        columns, out, out_stride);                                                                 \
  }

SCALAR(matmul_q2_k, BLOCK256_Q2_K, BLOCK256_Q2_K_BYTES, 1)
SCALAR(matmul_q3_k, BLOCK256_Q3_K, BLOCK256_Q3_K_BYTES, 0)
SCALAR(matmul_q4_k, BLOCK256_Q4_K, BLOCK256_Q4_K_BYTES, 1)
SCALAR(matmul_q5_k, BLOCK256_Q5_K, BLOCK256_Q5_K_BYTES, 1)
SCALAR(matmul_q6_k, BLOCK256_Q6_K, BLOCK256_Q6_K_BYTES, 0)
SCALAR(matmul_iq2_xxs, BLOCK256_IQ2_XXS, BLOCK256_IQ2_XXS_BYTES, 0)
SCALAR(matmul_iq2_xs, BLOCK256_IQ2_XS, BLOCK256_IQ2_XS_BYTES, 0)
SCALAR(matmul_iq2_s, BLOCK256_IQ2_S, BLOCK256_IQ2_S_BYTES, 0)
SCALAR(matmul_iq3_xxs, BLOCK256_IQ3_XXS, BLOCK256_IQ3_XXS_BYTES, 0)
SCALAR(matmul_iq3_s, BLOCK256_IQ3_S, BLOCK256_IQ3_S_BYTES, 0)
SCALAR(matmul_iq4_xs, BLOCK256_IQ4_XS, BLOCK256_IQ4_XS_BYTES, 0)

maslin_matmul_function block256_matmul_scalar(uint32_t type) {
  switch (type) {
    case BLOCK256_Q2_K: return matmul_q2_k;
    case BLOCK256_Q3_K: return matmul_q3_k;
    case BLOCK256_Q4_K: return matmul_q4_k;
    case BLOCK256_Q5_K: return matmul_q5_k;
    case BLOCK256_Q6_K: return matmul_q6_k;
    case BLOCK256_IQ2_XXS: return matmul_iq2_xxs;
    case BLOCK256_IQ2_XS: return matmul_iq2_xs;
    case BLOCK256_IQ2_S: return matmul_iq2_s;
    case BLOCK256_IQ3_XXS: return matmul_iq3_xxs;
    case BLOCK256_IQ3_S: return matmul_iq3_s;
    case BLOCK256_IQ4_XS: return matmul_iq4_xs;
    default: return 0;
  }
}
