// Blocks of 256 values taken apart in NEON registers: what the ARM kernels share.
//
// A block is a header (scales and minima of its groups) and four parts of 64 values, each four vectors of 16 bytes
// in the order of the values. `type` and `part` are known when compiling, so that every branch on them disappears.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#ifndef MASLIN_BLOCK256_NEON_H
#define MASLIN_BLOCK256_NEON_H

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#include "block256.h"
#include "formats_half.h"
#include "neon_target.h"

#pragma STDC FP_CONTRACT OFF

#define NEON NEON_DOT_PRODUCT
#define NEON_INLINE static inline __attribute__((always_inline)) NEON

// Bytes of +1 and -1 by seven sign bits and their parity.
extern const uint64_t block256_neon_signs[128];

typedef struct {
  int32x4_t scales[4];  // of 16 groups of 16 values, or in the first two of 8 groups of 32
  int16x8_t minima[2];  // likewise
  float scale;
  float minimum_scale;
} block256_header;

NEON_INLINE size_t block256_bytes(uint32_t type) {
  switch (type) {
    case BLOCK256_Q2_K: return BLOCK256_Q2_K_BYTES;
    case BLOCK256_Q3_K: return BLOCK256_Q3_K_BYTES;
    case BLOCK256_Q4_K: return BLOCK256_Q4_K_BYTES;
    case BLOCK256_Q5_K: return BLOCK256_Q5_K_BYTES;
    case BLOCK256_Q6_K: return BLOCK256_Q6_K_BYTES;
    case BLOCK256_IQ2_XXS: return BLOCK256_IQ2_XXS_BYTES;
    case BLOCK256_IQ2_XS: return BLOCK256_IQ2_XS_BYTES;
    case BLOCK256_IQ2_S: return BLOCK256_IQ2_S_BYTES;
    case BLOCK256_IQ3_XXS: return BLOCK256_IQ3_XXS_BYTES;
    case BLOCK256_IQ3_S: return BLOCK256_IQ3_S_BYTES;
    default: return BLOCK256_IQ4_XS_BYTES;
  }
}

// Vectors of 16 values that share a scale.
NEON_INLINE int block256_group_vectors(uint32_t type) {
  switch (type) {
    case BLOCK256_Q2_K:
    case BLOCK256_Q3_K:
    case BLOCK256_Q6_K:
    case BLOCK256_IQ2_XS:
    case BLOCK256_IQ2_S: return 1;
    default: return 2;
  }
}

NEON_INLINE int block256_has_minima(uint32_t type) {
  return type == BLOCK256_Q2_K || type == BLOCK256_Q4_K || type == BLOCK256_Q5_K;
}

NEON_INLINE uint32_t word_at(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

NEON_INLINE uint32_t half_word_at(const uint8_t *bytes) {
  uint16_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

// The conversion instruction is exact, as is the function that the definition uses.
NEON_INLINE float half_at(const uint8_t *bytes) {
  const uint16x4_t bits = vdup_n_u16((uint16_t)half_word_at(bytes));
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(bits)), 0);
}

NEON_INLINE void widen_eight(int8x8_t bytes, int32x4_t *words) {
  const int16x8_t halves = vmovl_s8(bytes);
  words[0] = vmovl_s16(vget_low_s16(halves));
  words[1] = vmovl_s16(vget_high_s16(halves));
}

NEON_INLINE void widen_sixteen(int8x16_t bytes, int32x4_t *words) {
  widen_eight(vget_low_s8(bytes), words);
  widen_eight(vget_high_s8(bytes), words + 2);
}

// The nibbles of 8 bytes, low ones first within each byte.
NEON_INLINE uint8x16_t nibbles_in_turn(uint8x8_t bytes) {
  const uint8x8_t low = vand_u8(bytes, vdup_n_u8(15)), high = vshr_n_u8(bytes, 4);
  return vcombine_u8(vzip1_u8(low, high), vzip2_u8(low, high));
}

// 2 n + 1 for nibbles n.
NEON_INLINE void odd_scales(uint8x8_t bytes, int32x4_t *scales) {
  const uint8x16_t nibbles = nibbles_in_turn(bytes);
  const uint8x16_t odd = vorrq_u8(vaddq_u8(nibbles, nibbles), vdupq_n_u8(1));
  widen_sixteen(vreinterpretq_s8_u8(odd), scales);
}

// 2 n + 1 for the upper four bits n of 8 words: bit 27 is overwritten.
NEON_INLINE void odd_scales_of_words(uint32x4_t first, uint32x4_t second, int32x4_t *scales) {
  const uint32x4_t one = vdupq_n_u32(1);
  scales[0] = vreinterpretq_s32_u32(vorrq_u32(vshrq_n_u32(first, 27), one));
  scales[1] = vreinterpretq_s32_u32(vorrq_u32(vshrq_n_u32(second, 27), one));
}

NEON_INLINE void header_of_q3_k(const uint8_t *block, block256_header *header) {
  const uint8x8_t low = vld1_u8(block + 96);
  const uint8x16_t nibbles =
      vcombine_u8(vand_u8(low, vdup_n_u8(15)), vshr_n_u8(low, 4));
  const int32x4_t moves = {4, 2, 0, -2};
  const uint32x4_t upper = vshlq_u32(vdupq_n_u32(word_at(block + 104)), moves);
  const uint8x16_t scales = vorrq_u8(
      nibbles, vandq_u8(vreinterpretq_u8_u32(upper), vdupq_n_u8(0x30)));
  widen_sixteen(vsubq_s8(vreinterpretq_s8_u8(scales), vdupq_n_s8(32)), header->scales);
  header->scale = half_at(block + 108);
}

// The 6-bit scales and minima of Q4_K and Q5_K.
NEON_INLINE void header_of_six_bits(const uint8_t *block, block256_header *header) {
  const uint32_t a = word_at(block + 4), b = word_at(block + 8), c = word_at(block + 12);
  const uint32_t four = 0x0F0F0F0F, upper = 0x30303030, six = 0x3F3F3F3F;
  const uint64_t scales = (uint64_t)((c & four) | (a >> 2 & upper)) << 32 | (a & six);
  const uint64_t minima = (uint64_t)((c >> 4 & four) | (b >> 2 & upper)) << 32 | (b & six);
  widen_eight(vcreate_s8(scales), header->scales);
  header->minima[0] = vmovl_s8(vcreate_s8(minima));
  header->scale = half_at(block);
  header->minimum_scale = half_at(block + 2);
}

NEON_INLINE void header_of_iq4_xs(const uint8_t *block, block256_header *header) {
  uint64_t low = word_at(block + 4);
  const uint8x8_t nibbles = vget_low_u8(nibbles_in_turn(vcreate_u8(low)));
  // Two bits of the word for each scale, at bits 4 and 5 of its byte.
  const int16x8_t moves = {4, 2, 0, -2, -4, -6, -8, -10};
  const uint16x8_t upper = vandq_u16(
      vshlq_u16(vdupq_n_u16((uint16_t)half_word_at(block + 2)), moves), vdupq_n_u16(0x30));
  const int16x8_t scales = vsubq_s16(
      vreinterpretq_s16_u16(vorrq_u16(vmovl_u8(nibbles), upper)), vdupq_n_s16(32));
  header->scales[0] = vmovl_s16(vget_low_s16(scales));
  header->scales[1] = vmovl_s16(vget_high_s16(scales));
  header->scale = half_at(block);
}

NEON_INLINE void block256_read_header(
    uint32_t type, const uint8_t *block, block256_header *header) {
  switch (type) {
    case BLOCK256_Q2_K: {
      const uint8x16_t both = vld1q_u8(block);
      const int8x16_t minima = vreinterpretq_s8_u8(vshrq_n_u8(both, 4));
      widen_sixteen(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))), header->scales);
      header->minima[0] = vmovl_s8(vget_low_s8(minima));
      header->minima[1] = vmovl_s8(vget_high_s8(minima));
      header->scale = half_at(block + 80);
      header->minimum_scale = half_at(block + 82);
      break;
    }
    case BLOCK256_Q3_K: header_of_q3_k(block, header); break;
    case BLOCK256_Q4_K:
    case BLOCK256_Q5_K: header_of_six_bits(block, header); break;
    case BLOCK256_Q6_K:
      widen_sixteen(vld1q_s8((const int8_t *)block + 192), header->scales);
      header->scale = half_at(block + 208);
      break;
    case BLOCK256_IQ2_XXS: {
      uint32x4_t words[4];
      UNROLL for (int i = 0; i < 4; i++) {
        words[i] = vreinterpretq_u32_u8(vld1q_u8(block + 2 + 16 * i));
      }
      odd_scales_of_words(
          vuzp2q_u32(words[0], words[1]), vuzp2q_u32(words[2], words[3]), header->scales);
      header->scale = half_at(block) * 0.125f;
      break;
    }
    case BLOCK256_IQ2_XS:
      odd_scales(vld1_u8(block + 66), header->scales);
      header->scale = half_at(block) * 0.125f;
      break;
    case BLOCK256_IQ2_S:
      odd_scales(vld1_u8(block + 74), header->scales);
      header->scale = half_at(block) * 0.125f;
      break;
    case BLOCK256_IQ3_XXS:
      odd_scales_of_words(
          vreinterpretq_u32_u8(vld1q_u8(block + 66)), vreinterpretq_u32_u8(vld1q_u8(block + 82)),
          header->scales);
      header->scale = half_at(block) * 0.25f;
      break;
    case BLOCK256_IQ3_S: {
      int32x4_t scales[4];
      odd_scales(vcreate_u8(word_at(block + 106)), scales);
      header->scales[0] = scales[0];
      header->scales[1] = scales[1];
      header->scale = half_at(block);
      break;
    }
    default: header_of_iq4_xs(block, header); break;
  }
}

// `bits` moved to the left (to the right if negative) within each byte.
NEON_INLINE uint8x16_t moved(uint8x16_t bits, int move) {
  return move < 0 ? bits >> (uint8_t)-move : bits << (uint8_t)move;
}

NEON_INLINE uint8x16_t moved_and(uint8x16_t bits, int move, uint8_t mask) {
  return vandq_u8(moved(bits, move), vdupq_n_u8(mask));
}

// 16 values from two grid entries.
NEON_INLINE int8x16_t entries(uint64_t first, uint64_t second) {
  return vcombine_s8(vcreate_s8(first), vcreate_s8(second));
}

// ... negated by two bytes of sign bits.
NEON_INLINE int8x16_t signed_entries(int8x16_t values, const uint8_t *signs) {
  const uint8x16_t own = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
  const uint8x16_t bits = vcombine_u8(vld1_dup_u8(signs), vld1_dup_u8(signs + 1));
  const int8x16_t negative = vreinterpretq_s8_u8(vtstq_u8(bits, own));
  return vsubq_s8(veorq_s8(values, negative), negative);
}

// ... negated by two times seven bits at the end of a word.
NEON_INLINE int8x16_t seven_bit_signed_entries(int8x16_t values, uint32_t first, uint32_t second) {
  return vmulq_s8(
      values, entries(block256_neon_signs[first & 127], block256_neon_signs[second & 127]));
}

NEON_INLINE void values_of_iq2(
    uint32_t type, const uint8_t *block, int part, int8x16_t values[4]) {
  UNROLL for (int v = 0; v < 4; v++) {
    const int e = 8 * part + 2 * v;
    if (type == BLOCK256_IQ2_XXS) {
      const uint8_t *sub = block + 2 + 8 * (e / 4);
      const uint32_t signs = word_at(sub + 4) >> (7 * (e % 4));
      values[v] = seven_bit_signed_entries(
          entries(maslin_iq2_xxs_grid[sub[e % 4]], maslin_iq2_xxs_grid[sub[e % 4 + 1]]), signs,
          signs >> 7);
    } else if (type == BLOCK256_IQ2_XS) {
      const uint32_t both = word_at(block + 2 + 2 * e);
      values[v] = seven_bit_signed_entries(
          entries(maslin_iq2_xs_grid[both & 511], maslin_iq2_xs_grid[both >> 16 & 511]),
          both >> 9, both >> 25);
    } else {
      const uint32_t upper = (uint32_t)block[66 + e / 4] >> (e % 4 * 2);
      const uint32_t first = block[2 + e] | (upper & 3) << 8;
      const uint32_t second = block[3 + e] | (upper & 12) << 6;
      values[v] = signed_entries(
          entries(maslin_iq2_s_grid[first], maslin_iq2_s_grid[second]), block + 34 + e);
    }
  }
}

NEON_INLINE uint64_t two_short_entries(uint32_t first, uint32_t second) {
  return first | (uint64_t)second << 32;
}

NEON_INLINE void values_of_iq3(
    uint32_t type, const uint8_t *block, int part, int8x16_t values[4]) {
  UNROLL for (int v = 0; v < 4; v++) {
    const int e = 16 * part + 4 * v;
    const uint8_t *index = block + 2 + e;
    if (type == BLOCK256_IQ3_XXS) {
      const uint32_t *grid = maslin_iq3_xxs_grid;
      const uint32_t signs = word_at(block + 66 + 4 * (e / 8)) >> (14 * (e / 4 % 2));
      values[v] = seven_bit_signed_entries(
          entries(
              two_short_entries(grid[index[0]], grid[index[1]]),
              two_short_entries(grid[index[2]], grid[index[3]])),
          signs, signs >> 7);
    } else {
      const uint32_t *grid = maslin_iq3_s_grid;
      const uint32_t ninth = (uint32_t)block[66 + e / 8] << 8 >> (e % 8);
      values[v] = signed_entries(
          entries(
              two_short_entries(
                  grid[index[0] | (ninth & 256)], grid[index[1] | (ninth >> 1 & 256)]),
              two_short_entries(
                  grid[index[2] | (ninth >> 2 & 256)], grid[index[3] | (ninth >> 3 & 256)])),
          block + 74 + e / 2);
    }
  }
}

NEON_INLINE void values_of_iq4_xs(const uint8_t *block, int part, int8x16_t values[4]) {
  const int8x16_t table = vld1q_s8(maslin_iq4_values);
  UNROLL for (int s = 0; s < 2; s++) {
    const uint8x16_t codes = vld1q_u8(block + 8 + 16 * (2 * part + s));
    values[2 * s] = vqtbl1q_s8(table, vandq_u8(codes, vdupq_n_u8(15)));
    values[2 * s + 1] = vqtbl1q_s8(table, vshrq_n_u8(codes, 4));
  }
}

// Values 64 part to 64 part + 63.
NEON_INLINE void block256_read_values(
    uint32_t type, const uint8_t *block, int part, int8x16_t values[4]) {
  switch (type) {
    case BLOCK256_IQ2_XXS:
    case BLOCK256_IQ2_XS:
    case BLOCK256_IQ2_S: values_of_iq2(type, block, part, values); return;
    case BLOCK256_IQ3_XXS:
    case BLOCK256_IQ3_S: values_of_iq3(type, block, part, values); return;
    case BLOCK256_IQ4_XS: values_of_iq4_xs(block, part, values); return;
    default: break;
  }
  const int half = part / 2, upper = part % 2;
  UNROLL for (int v = 0; v < 4; v++) {
    // Of two times 32 values, this is vector v % 2 of number v / 2.
    const int which = v / 2, at = 16 * (v % 2);
    uint8x16_t codes;
    int8_t offset = 0;
    switch (type) {
      case BLOCK256_Q2_K:
        codes = moved_and(vld1q_u8(block + 16 + 32 * half + at), -2 * (2 * upper + which), 3);
        break;
      case BLOCK256_Q3_K:
        codes = vorrq_u8(
            moved_and(vld1q_u8(block + 32 + 32 * half + at), -2 * (2 * upper + which), 3),
            moved_and(vld1q_u8(block + at), 2 - (2 * part + which), 4));
        offset = 4;
        break;
      case BLOCK256_Q4_K:
        codes = moved_and(vld1q_u8(block + 16 + 32 * part + at), -4 * which, 15);
        break;
      case BLOCK256_Q5_K:
        codes = vorrq_u8(
            moved_and(vld1q_u8(block + 48 + 32 * part + at), -4 * which, 15),
            moved_and(vld1q_u8(block + 16 + at), 4 - (2 * part + which), 16));
        break;
      default:  // Q6_K
        codes = vorrq_u8(
            moved_and(vld1q_u8(block + 64 * half + 32 * which + at), -4 * upper, 15),
            moved_and(
                vld1q_u8(block + 128 + 32 * half + at), 4 - 2 * (2 * upper + which), 0x30));
        offset = 32;
        break;
    }
    values[v] = vreinterpretq_s8_u8(codes);
    if (offset) values[v] = vsubq_s8(values[v], vdupq_n_s8(offset));
  }
}

// The kernels for more columns than the rows kernels take; see block256_neon_tile.h.
void block256_tiles_neon(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch);
void block256_tiles_neon_i8mm(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch);

#endif
#endif
