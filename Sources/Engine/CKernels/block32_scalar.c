#pragma STDC FP_CONTRACT OFF
#include "block32_formats.h"
#include "block32_kernels.h"

// The nearest integer, ties to even, for |value| < 2^22.
static float rounded(float value) { return (value + 0x1.8p23f) - 0x1.8p23f; }

void maslin_block32_quantize_scalar(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t block = 0; block < count / 32; block++) {
    const float *x = values + 32 * block;
    float largest = 0;
    for (int i = 0; i < 32; i++) {
      const float magnitude = __builtin_fabsf(x[i]);
      if (magnitude > largest) largest = magnitude;
    }
    const float scale = largest / 127.0f;
    int sum = 0;
    for (int i = 0; i < 32; i++) {
      // Values below 127 times the smallest float have no scale: they count as zeros. A subnormal scale is so coarse
      // that a quotient may pass 127. Written so that a NaN becomes -127.
      float q = scale > 0 ? x[i] / scale : 0;
      q = q > -127 ? q : -127;
      q = q < 127 ? q : 127;
      const int8_t quant = (int8_t)rounded(q);
      quants[32 * block + i] = quant;
      sum += quant;
    }
    scales[block] = scale;
    sums[block] = (int16_t)sum;
  }
}

// The 32 weights of a block before scaling.
static inline __attribute__((always_inline)) void unpack(
    uint32_t type, const uint8_t *block, int16_t *weights) {
  const uint8_t *codes = block + maslin_block32_codes(type);
  if (type == MASLIN_Q8_0) {
    for (int i = 0; i < 32; i++) weights[i] = (int8_t)codes[i];
    return;
  }
  for (int i = 0; i < 16; i++) {
    const int low = codes[i] & 15, high = codes[i] >> 4;
    if (type == MASLIN_MXFP4 || type == MASLIN_IQ4_NL) {
      const int8_t *table = type == MASLIN_MXFP4 ? maslin_mxfp4_values : maslin_iq4_values;
      weights[i] = table[low];
      weights[i + 16] = table[high];
    } else {
      weights[i] = (int16_t)low;
      weights[i + 16] = (int16_t)high;
    }
  }
  const uint32_t fifth_bits = maslin_block32_fifth_bits(type);
  if (fifth_bits) {
    for (int i = 0; i < 32; i++) {
      weights[i] |= (int16_t)((block[fifth_bits + i / 8] >> (i % 8) & 1) << 4);
    }
  }
  if (type == MASLIN_Q4_0 || type == MASLIN_Q5_0) {
    for (int i = 0; i < 32; i++) weights[i] -= type == MASLIN_Q4_0 ? 8 : 16;
  }
}

static inline __attribute__((always_inline)) float dot(
    uint32_t type, const uint8_t *row, size_t blocks, const int8_t *quants, const float *scales,
    const int16_t *sums) {
  float lanes[4] = {0, 0, 0, 0};
  for (size_t b = 0; b < blocks; b++) {
    const uint8_t *block = row + b * maslin_block32_bytes(type);
    int16_t weights[32];
    unpack(type, block, weights);
    int32_t product = 0;
    for (int i = 0; i < 32; i++) product += weights[i] * quants[32 * b + i];
    const float scale = maslin_block32_scale(type, block) * scales[b];
    lanes[b % 4] = __builtin_fmaf(scale, (float)product, lanes[b % 4]);
    if (maslin_block32_has_minimum(type)) {
      const float sum = scales[b] * (float)sums[b];
      lanes[b % 4] = __builtin_fmaf(maslin_block32_minimum(block), sum, lanes[b % 4]);
    }
  }
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

#define DEFINE_MATMUL(name, type)                                                                  \
  static void matmul_##name(                                                                       \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    (void)scratch;                                                                                 \
    for (size_t r = 0; r < rows; r++) {                                                            \
      for (size_t c = 0; c < columns; c++) {                                                       \
        out[c * out_stride + r] = dot(                                                             \
            type, (const uint8_t *)weights + r * row_bytes, count / 32,                            \
            activations->quants + c * activations->quants_stride,                                  \
            activations->scales + c * activations->scales_stride,                                  \
            activations->sums + c * activations->sums_stride);                                     \
      }                                                                                            \
    }                                                                                              \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

maslin_matmul_function maslin_block32_matmul_scalar(uint32_t type) {
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
