// The layouts of the types with blocks of 32 values, as ggml defines them.
#ifndef MASLIN_BLOCK32_FORMATS_H
#define MASLIN_BLOCK32_FORMATS_H

#include <stdint.h>

#include "formats_half.h"
#include "maslin_formats.h"
#include "weight_types.h"

// Bytes of a block; where its 16 bytes of codes (32 for Q8_0) begin; where the fifth bits begin (0: none).
static inline __attribute__((always_inline)) uint32_t maslin_block32_bytes(uint32_t type) {
  switch (type) {
    case MASLIN_Q4_1: return 20;
    case MASLIN_Q5_0: return 22;
    case MASLIN_Q5_1: return 24;
    case MASLIN_Q8_0: return 34;
    case MASLIN_MXFP4: return 17;
    default: return 18;  // Q4_0, IQ4_NL
  }
}

static inline __attribute__((always_inline)) uint32_t maslin_block32_codes(uint32_t type) {
  return maslin_block32_bytes(type) - (type == MASLIN_Q8_0 ? 32 : 16);
}

static inline __attribute__((always_inline)) uint32_t maslin_block32_fifth_bits(uint32_t type) {
  return type == MASLIN_Q5_0 ? 2 : type == MASLIN_Q5_1 ? 4 : 0;
}

static inline __attribute__((always_inline)) int maslin_block32_has_minimum(uint32_t type) {
  return type == MASLIN_Q4_1 || type == MASLIN_Q5_1;
}

// What is subtracted from the unsigned bytes is a power of two, so that sums of quants are scaled by it in a shift:
// its exponent; -1 for types whose bytes count from zero.
static inline __attribute__((always_inline)) int maslin_block32_offset_bits(uint32_t type) {
  switch (type) {
    case MASLIN_Q4_0: return 3;
    case MASLIN_Q5_0:
    case MASLIN_MXFP4: return 4;
    case MASLIN_Q4_1:
    case MASLIN_Q5_1: return -1;
    default: return 7;  // Q8_0, IQ4_NL
  }
}

// 2^(e - 128), half the scale of an MXFP4 block: its values are tabulated doubled.
static inline float maslin_mxfp4_scale(uint8_t e) {
  return maslin_float_of_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

static inline uint16_t maslin_load16(const uint8_t *bytes) {
  uint16_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static inline float maslin_block32_scale(uint32_t type, const uint8_t *block) {
  if (type == MASLIN_MXFP4) return maslin_mxfp4_scale(block[0]);
  return maslin_half_to_float(maslin_load16(block));
}

static inline float maslin_block32_minimum(const uint8_t *block) {
  return maslin_half_to_float(maslin_load16(block + 2));
}

#endif
