// Half and brain floats to float and back, inline.
#ifndef MASLIN_FORMATS_HALF_H
#define MASLIN_FORMATS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float maslin_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t maslin_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Exact; a NaN keeps its payload.
static inline float maslin_half_to_float(uint16_t half) {
  uint32_t magnitude = half & 0x7fffu;
  uint32_t wide = magnitude << 13;
  uint32_t normal = wide + (112u << 23);
  uint32_t special = wide + (224u << 23);
  uint32_t subnormal = maslin_bits_of_float((float)(int32_t)magnitude * 0x1p-24f);
  uint32_t bits = magnitude >= 0x7c00u ? special : magnitude >= 0x400u ? normal : subnormal;
  return maslin_float_of_bits(bits | (uint32_t)(half & 0x8000u) << 16);
}

// To nearest even; too large becomes infinite; a NaN stays one (quiet, upper payload bits kept).
static inline uint16_t maslin_float_to_half(float value) {
  uint32_t bits = maslin_bits_of_float(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u | (uint16_t)(magnitude >> 13 & 0x3ffu);
  if (magnitude >= 0x47800000u) return sign | 0x7c00u;  // 65536 and more
  if (magnitude < 0x38800000u) {
    // Below the smallest normal half. Adding 1/2 leaves a unit of 2^-24 in the last place, so the processor rounds.
    float shifted = maslin_float_of_bits(magnitude) + 0.5f;
    return sign | (uint16_t)(maslin_bits_of_float(shifted) - 0x3f000000u);
  }
  uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return sign | (uint16_t)((rounded - (112u << 23)) >> 13);
}

static inline float maslin_brain_to_float(uint16_t brain) {
  return maslin_float_of_bits((uint32_t)brain << 16);
}

#endif
