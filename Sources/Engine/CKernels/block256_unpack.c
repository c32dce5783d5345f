// Blocks of 256 values taken apart into integers, one function per type. Layouts: ggml's quantisation formats.
#include "block256.h"
#include "formats_half.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

static uint16_t half_at(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

static uint32_t word_at(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void no_minima(block256_parts *parts) {
  parts->minimum_scale = 0;
  memset(parts->minima, 0, sizeof parts->minima);
}

// Eight values of a grid entry, negated where a bit of `signs` is set.
static void signed_entry(const uint8_t *entry, size_t count, uint32_t signs, int8_t *values) {
  for (size_t i = 0; i < count; i++) {
    values[i] = (int8_t)(signs >> i & 1 ? -entry[i] : entry[i]);
  }
}

// scales (low nibble: scale, high: minimum) 16, codes 64, d, dmin. Value 128 h + 32 s + l is bits 2 s of code 32 h + l.
static void unpack_q2_k(const uint8_t *block, block256_parts *parts) {
  for (size_t g = 0; g < 16; g++) {
    parts->scales[g] = block[g] & 15;
    parts->minima[g] = block[g] >> 4;
  }
  const uint8_t *codes = block + 16;
  for (size_t i = 0; i < 256; i++) {
    parts->values[i] = codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
  }
  parts->scale = maslin_half_to_float(half_at(block + 80));
  parts->minimum_scale = maslin_half_to_float(half_at(block + 82));
}

// high bits 32, codes 64, scales 12 (low nibbles in 8 bytes, then the upper two bits), d.
static void unpack_q3_k(const uint8_t *block, block256_parts *parts) {
  const uint8_t *high = block, *codes = block + 32, *scales = block + 96;
  for (size_t g = 0; g < 16; g++) {
    const int low = g < 8 ? scales[g] & 15 : scales[g - 8] >> 4;
    const int upper = scales[8 + g % 4] >> (g / 4 * 2) & 3;
    parts->scales[g] = (int16_t)((low | upper << 4) - 32);
  }
  for (size_t i = 0; i < 256; i++) {
    const int code = codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
    parts->values[i] = (int8_t)(code + (high[i % 32] >> (i / 32) & 1 ? 0 : -4));
  }
  parts->scale = maslin_half_to_float(half_at(block + 108));
  no_minima(parts);
}

// The 6-bit scales and minima that Q4_K and Q5_K share: d, dmin, then 12 bytes.
static void unpack_six_bit_header(const uint8_t *block, block256_parts *parts) {
  parts->scale = maslin_half_to_float(half_at(block));
  parts->minimum_scale = maslin_half_to_float(half_at(block + 2));
  const uint8_t *packed = block + 4;
  for (size_t s = 0; s < 8; s++) {
    int scale, minimum;
    if (s < 4) {
      scale = packed[s] & 63;
      minimum = packed[s + 4] & 63;
    } else {
      scale = (packed[s + 4] & 15) | (packed[s - 4] >> 6) << 4;
      minimum = packed[s + 4] >> 4 | (packed[s] >> 6) << 4;
    }
    parts->scales[2 * s] = parts->scales[2 * s + 1] = (int16_t)scale;
    parts->minima[2 * s] = parts->minima[2 * s + 1] = (int16_t)minimum;
  }
}

// header 16, codes 128: 32 bytes hold 64 values, low nibbles first.
static void unpack_q4_k(const uint8_t *block, block256_parts *parts) {
  unpack_six_bit_header(block, parts);
  const uint8_t *codes = block + 16;
  for (size_t i = 0; i < 256; i++) {
    parts->values[i] = codes[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
  }
}

// header 16, fifth bits 32 (bit s of byte l: value 32 s + l), codes as in Q4_K.
static void unpack_q5_k(const uint8_t *block, block256_parts *parts) {
  unpack_six_bit_header(block, parts);
  const uint8_t *high = block + 16, *codes = block + 48;
  for (size_t i = 0; i < 256; i++) {
    const int low = codes[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
    parts->values[i] = (int8_t)(low | (high[i % 32] >> (i / 32) & 1) << 4);
  }
}

// low nibbles 128, upper two bits 64, scales 16 (signed), d.
static void unpack_q6_k(const uint8_t *block, block256_parts *parts) {
  for (size_t i = 0; i < 256; i++) {
    const size_t half = i / 128, quarter = i % 128 / 32;
    const int low = block[64 * half + i % 64] >> (quarter / 2 * 4) & 15;
    const int upper = block[128 + 32 * half + i % 32] >> (quarter * 2) & 3;
    parts->values[i] = (int8_t)((low | upper << 4) - 32);
  }
  for (size_t g = 0; g < 16; g++) parts->scales[g] = (int8_t)block[192 + g];
  parts->scale = maslin_half_to_float(half_at(block + 208));
  no_minima(parts);
}

// d, then per 32 values: 4 grid indices, and 4 x 7 bits of signs below 4 bits of scale.
static void unpack_iq2_xxs(const uint8_t *block, block256_parts *parts) {
  for (size_t s = 0; s < 8; s++) {
    const uint8_t *part = block + 2 + 8 * s;
    const uint32_t signs = word_at(part + 4);
    parts->scales[2 * s] = parts->scales[2 * s + 1] = (int16_t)(2 * (signs >> 28) + 1);
    for (size_t j = 0; j < 4; j++) {
      const uint8_t *entry = (const uint8_t *)&maslin_iq2_xxs_grid[part[j]];
      signed_entry(
          entry, 8, maslin_iq_signs[signs >> 7 * j & 127], parts->values + 32 * s + 8 * j);
    }
  }
  parts->scale = maslin_half_to_float(half_at(block)) * 0.125f;
  no_minima(parts);
}

// d, 32 words (9 bits of grid index, 7 of signs), 8 bytes of 4-bit scales per 16 values.
static void unpack_iq2_xs(const uint8_t *block, block256_parts *parts) {
  for (size_t e = 0; e < 32; e++) {
    const uint16_t word = half_at(block + 2 + 2 * e);
    const uint8_t *entry = (const uint8_t *)&maslin_iq2_xs_grid[word & 511];
    signed_entry(entry, 8, maslin_iq_signs[word >> 9], parts->values + 8 * e);
  }
  for (size_t g = 0; g < 16; g++) {
    parts->scales[g] = (int16_t)(2 * (block[66 + g / 2] >> (g % 2 * 4) & 15) + 1);
  }
  parts->scale = maslin_half_to_float(half_at(block)) * 0.125f;
  no_minima(parts);
}

// d, 32 low bytes of grid indices, 32 bytes of signs, 8 bytes of upper index bits, 8 of 4-bit scales.
static void unpack_iq2_s(const uint8_t *block, block256_parts *parts) {
  for (size_t e = 0; e < 32; e++) {
    const uint32_t upper = block[66 + e / 4] >> (e % 4 * 2) & 3u;
    const uint8_t *entry = (const uint8_t *)&maslin_iq2_s_grid[block[2 + e] | upper << 8];
    signed_entry(entry, 8, block[34 + e], parts->values + 8 * e);
  }
  for (size_t g = 0; g < 16; g++) {
    parts->scales[g] = (int16_t)(2 * (block[74 + g / 2] >> (g % 2 * 4) & 15) + 1);
  }
  parts->scale = maslin_half_to_float(half_at(block)) * 0.125f;
  no_minima(parts);
}

// d, 64 grid indices (4 values each), then 8 words as in IQ2_XXS.
static void unpack_iq3_xxs(const uint8_t *block, block256_parts *parts) {
  for (size_t s = 0; s < 8; s++) {
    const uint32_t signs = word_at(block + 66 + 4 * s);
    parts->scales[2 * s] = parts->scales[2 * s + 1] = (int16_t)(2 * (signs >> 28) + 1);
    for (size_t j = 0; j < 8; j++) {
      const uint8_t *entry = (const uint8_t *)&maslin_iq3_xxs_grid[block[2 + 8 * s + j]];
      const uint32_t eight = maslin_iq_signs[signs >> 7 * (j / 2) & 127];
      signed_entry(entry, 4, eight >> (j % 2 * 4), parts->values + 32 * s + 4 * j);
    }
  }
  parts->scale = maslin_half_to_float(half_at(block)) * 0.25f;
  no_minima(parts);
}

// d, 64 low bytes of grid indices, 8 bytes of ninth bits, 32 bytes of signs, 4 bytes of 4-bit scales per 32 values.
static void unpack_iq3_s(const uint8_t *block, block256_parts *parts) {
  for (size_t e = 0; e < 64; e++) {
    const uint32_t ninth = block[66 + e / 8] >> (e % 8) & 1u;
    const uint8_t *entry = (const uint8_t *)&maslin_iq3_s_grid[block[2 + e] | ninth << 8];
    signed_entry(entry, 4, block[74 + e / 2] >> (e % 2 * 4), parts->values + 4 * e);
  }
  for (size_t g = 0; g < 16; g++) {
    parts->scales[g] = (int16_t)(2 * (block[106 + g / 4] >> (g / 2 % 2 * 4) & 15) + 1);
  }
  parts->scale = maslin_half_to_float(half_at(block));
  no_minima(parts);
}

// d, upper scale bits 2, lower scale nibbles 4, codes 128: 16 bytes hold 32 values, low nibbles first.
static void unpack_iq4_xs(const uint8_t *block, block256_parts *parts) {
  const uint16_t upper = half_at(block + 2);
  for (size_t g = 0; g < 16; g++) {
    const size_t s = g / 2;
    const int low = block[4 + s / 2] >> (s % 2 * 4) & 15;
    parts->scales[g] = (int16_t)((low | (upper >> 2 * s & 3) << 4) - 32);
  }
  for (size_t i = 0; i < 256; i++) {
    const uint8_t codes = block[8 + i / 32 * 16 + i % 16];
    parts->values[i] = maslin_iq4_values[codes >> (i / 16 % 2 * 4) & 15];
  }
  parts->scale = maslin_half_to_float(half_at(block));
  no_minima(parts);
}

block256_unpack_function block256_unpack(uint32_t type) {
  switch (type) {
    case BLOCK256_Q2_K: return unpack_q2_k;
    case BLOCK256_Q3_K: return unpack_q3_k;
    case BLOCK256_Q4_K: return unpack_q4_k;
    case BLOCK256_Q5_K: return unpack_q5_k;
    case BLOCK256_Q6_K: return unpack_q6_k;
    case BLOCK256_IQ2_XXS: return unpack_iq2_xxs;
    case BLOCK256_IQ2_XS: return unpack_iq2_xs;
    case BLOCK256_IQ2_S: return unpack_iq2_s;
    case BLOCK256_IQ3_XXS: return unpack_iq3_xxs;
    case BLOCK256_IQ3_S: return unpack_iq3_s;
    case BLOCK256_IQ4_XS: return unpack_iq4_xs;
    default: return 0;
  }
}
