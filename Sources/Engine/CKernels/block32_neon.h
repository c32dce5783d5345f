// Blocks of 32 values taken apart in NEON registers.
#ifndef MASLIN_BLOCK32_NEON_H
#define MASLIN_BLOCK32_NEON_H

#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF
#include <arm_neon.h>

#include "block32_formats.h"
#include "block32_kernels.h"
#include "neon_target.h"

#define BLOCK32_NEON_INLINE static inline __attribute__((always_inline)) NEON_DOT_PRODUCT

// The 32 weights of a block, signed.
BLOCK32_NEON_INLINE int8x16x2_t unpack_block(uint32_t type, const uint8_t *block) {
  const uint8_t *codes = block + maslin_block32_codes(type);
  int8x16x2_t weights;
  if (type == MASLIN_Q8_0) {
    weights.val[0] = vld1q_s8((const int8_t *)codes);
    weights.val[1] = vld1q_s8((const int8_t *)codes + 16);
    return weights;
  }
  const uint8x16_t pairs = vld1q_u8(codes);
  uint8x16_t nibbles[2] = {vandq_u8(pairs, vdupq_n_u8(15)), vshrq_n_u8(pairs, 4)};
  if (type == MASLIN_MXFP4 || type == MASLIN_IQ4_NL) {
    const int8x16_t table
        = vld1q_s8(type == MASLIN_MXFP4 ? maslin_mxfp4_values : maslin_iq4_values);
    weights.val[0] = vqtbl1q_s8(table, nibbles[0]);
    weights.val[1] = vqtbl1q_s8(table, nibbles[1]);
    return weights;
  }
  const uint32_t fifth_bits = maslin_block32_fifth_bits(type);
  if (fifth_bits) {
    const uint8x16_t own = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    for (int i = 0; i < 2; i++) {
      const uint8_t *bits = block + fifth_bits + 2 * i;
      const uint8x16_t set = vtstq_u8(vcombine_u8(vdup_n_u8(bits[0]), vdup_n_u8(bits[1])), own);
      nibbles[i] = vorrq_u8(nibbles[i], vandq_u8(set, vdupq_n_u8(16)));
    }
  }
  const int8_t offset = type == MASLIN_Q4_0 ? 8 : type == MASLIN_Q5_0 ? 16 : 0;
  for (int i = 0; i < 2; i++) {
    weights.val[i] = vsubq_s8(vreinterpretq_s8_u8(nibbles[i]), vdupq_n_s8(offset));
  }
  return weights;
}

// For few columns; right, but not fast, for more.
maslin_matmul_function maslin_block32_few_columns_neon(uint32_t type);

#endif
#endif
