// Decoding of tensor blocks, one value at a time: the definition that every faster path is held to.
//
// Layouts: ggml (gguf-py's quants.py, ggml-common.h) and, for the OCP type, "OCP Microscaling Formats (MX)
// Specification v1.0". Each product is formed in the order of gguf-py, so values agree bit for bit.
#include "formats_half.h"
#include "maslin_formats.h"

#pragma STDC FP_CONTRACT OFF

float maslin_float_from_half(uint16_t half) { return maslin_half_to_float(half); }

uint16_t maslin_half_from_float(float value) { return maslin_float_to_half(value); }

static uint16_t load16(const uint8_t *bytes) {
  uint16_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static uint32_t load32(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static float load_half(const uint8_t *bytes) { return maslin_half_to_float(load16(bytes)); }

// 2^(e - 128): half the scale of MXFP4, whose values are tabulated doubled.
static float half_power(uint8_t e) {
  return maslin_float_of_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

// Plain numbers

static void decode_f32(const uint8_t *bytes, size_t count, float *out) {
  memcpy(out, bytes, count * sizeof(float));
}

static void decode_f64(const uint8_t *bytes, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    double value;
    memcpy(&value, bytes + 8 * i, sizeof value);
    out[i] = (float)value;
  }
}

static void decode_f16(const uint8_t *bytes, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = load_half(bytes + 2 * i);
}

static void decode_bf16(const uint8_t *bytes, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) out[i] = maslin_brain_to_float(load16(bytes + 2 * i));
}

// Blocks of 32

static void decode_q4_0(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 18, out += 32) {
    float d = load_half(bytes);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[2 + i];
      out[i] = d * (float)((pair & 15) - 8);
      out[i + 16] = d * (float)((pair >> 4) - 8);
    }
  }
}

static void decode_q4_1(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 20, out += 32) {
    float d = load_half(bytes), m = load_half(bytes + 2);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[4 + i];
      out[i] = d * (float)(pair & 15) + m;
      out[i + 16] = d * (float)(pair >> 4) + m;
    }
  }
}

static void decode_q5_0(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 22, out += 32) {
    float d = load_half(bytes);
    uint32_t high = load32(bytes + 2);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[6 + i];
      int low = (pair & 15) | (int)(high >> i & 1) << 4;
      int upper = pair >> 4 | (int)(high >> (i + 16) & 1) << 4;
      out[i] = d * (float)(low - 16);
      out[i + 16] = d * (float)(upper - 16);
    }
  }
}

static void decode_q5_1(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 24, out += 32) {
    float d = load_half(bytes), m = load_half(bytes + 2);
    uint32_t high = load32(bytes + 4);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[8 + i];
      int low = (pair & 15) | (int)(high >> i & 1) << 4;
      int upper = pair >> 4 | (int)(high >> (i + 16) & 1) << 4;
      out[i] = d * (float)low + m;
      out[i + 16] = d * (float)upper + m;
    }
  }
}

static void decode_q8_0(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 34, out += 32) {
    float d = load_half(bytes);
    for (int i = 0; i < 32; i++) out[i] = (float)(int8_t)bytes[2 + i] * d;
  }
}

static void decode_mxfp4(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 17, out += 32) {
    float d = half_power(bytes[0]);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[1 + i];
      out[i] = d * (float)maslin_mxfp4_values[pair & 15];
      out[i + 16] = d * (float)maslin_mxfp4_values[pair >> 4];
    }
  }
}

static void decode_iq4_nl(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 32, bytes += 18, out += 32) {
    float d = load_half(bytes);
    for (int i = 0; i < 16; i++) {
      uint8_t pair = bytes[2 + i];
      out[i] = d * (float)maslin_iq4_values[pair & 15];
      out[i + 16] = d * (float)maslin_iq4_values[pair >> 4];
    }
  }
}

// Blocks of 256 with scales and minima

static void decode_q2_k(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 84, out += 256) {
    float d = load_half(bytes + 80), m = load_half(bytes + 82);
    for (int k = 0; k < 16; k++) {
      // Group k: half k / 8, shift 2 (k / 2 mod 4), upper or lower 16 bytes of the half by the parity of k.
      const uint8_t *codes = bytes + 16 + 32 * (k / 8) + 16 * (k % 2);
      int shift = 2 * (k / 2 % 4);
      float scale = d * (float)(bytes[k] & 15), minimum = m * (float)(bytes[k] >> 4);
      for (int i = 0; i < 16; i++)
        out[16 * k + i] = scale * (float)(codes[i] >> shift & 3) - minimum;
    }
  }
}

static void decode_q3_k(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 110, out += 256) {
    const uint8_t *mask = bytes, *scales = bytes + 96;
    float d = load_half(bytes + 108);
    for (int k = 0; k < 16; k++) {
      const uint8_t *codes = bytes + 32 + 32 * (k / 8) + 16 * (k % 2);
      int shift = 2 * (k / 2 % 4);
      int low = scales[k % 8] >> (k < 8 ? 0 : 4) & 15;
      int high = scales[8 + k % 4] >> (2 * (k / 4)) & 3;
      float scale = d * (float)((low | high << 4) - 32);
      for (int i = 0; i < 16; i++) {
        int code = codes[i] >> shift & 3;
        int above = mask[16 * (k % 2) + i] >> (k / 2) & 1;
        out[16 * k + i] = scale * (float)(code - (above ? 0 : 4));
      }
    }
  }
}

// The 6-bit scale and minimum of sub-block j, from the twelve bytes of Q4_K and Q5_K.
static void scale_and_minimum(const uint8_t *packed, int j, int *scale, int *minimum) {
  if (j < 4) {
    *scale = packed[j] & 63;
    *minimum = packed[j + 4] & 63;
  } else {
    *scale = (packed[j + 4] & 15) | packed[j - 4] >> 6 << 4;
    *minimum = packed[j + 4] >> 4 | packed[j] >> 6 << 4;
  }
}

static void decode_q4_k(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 144, out += 256) {
    float d = load_half(bytes), m = load_half(bytes + 2);
    for (int j = 0; j < 8; j++) {
      const uint8_t *codes = bytes + 16 + 32 * (j / 2);
      int s, t, shift = 4 * (j % 2);
      scale_and_minimum(bytes + 4, j, &s, &t);
      float scale = d * (float)s, minimum = m * (float)t;
      for (int i = 0; i < 32; i++)
        out[32 * j + i] = scale * (float)(codes[i] >> shift & 15) - minimum;
    }
  }
}

static void decode_q5_k(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 176, out += 256) {
    float d = load_half(bytes), m = load_half(bytes + 2);
    for (int j = 0; j < 8; j++) {
      const uint8_t *high = bytes + 16, *codes = bytes + 48 + 32 * (j / 2);
      int s, t, shift = 4 * (j % 2);
      scale_and_minimum(bytes + 4, j, &s, &t);
      float scale = d * (float)s, minimum = m * (float)t;
      for (int i = 0; i < 32; i++) {
        int code = (codes[i] >> shift & 15) | (high[i] >> j & 1) << 4;
        out[32 * j + i] = scale * (float)code - minimum;
      }
    }
  }
}

static void decode_q6_k(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 210, out += 256) {
    const int8_t *scales = (const int8_t *)(bytes + 192);
    float d = load_half(bytes + 208);
    for (int j = 0; j < 8; j++) {
      // 32 values each: half j / 4; codes by (j mod 2) of 64 bytes, low nibbles first; upper bits at 2 (j mod 4).
      const uint8_t *low = bytes + 64 * (j / 4) + 32 * (j % 2);
      const uint8_t *high = bytes + 128 + 32 * (j / 4);
      int shift = 4 * (j / 2 % 2);
      for (int i = 0; i < 32; i++) {
        int code = (low[i] >> shift & 15) | (high[i] >> (2 * (j % 4)) & 3) << 4;
        float scale = d * (float)scales[2 * j + i / 16];
        out[32 * j + i] = scale * (float)(code - 32);
      }
    }
  }
}

static void decode_iq4_xs(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 136, out += 256) {
    float d = load_half(bytes);
    uint16_t upper = load16(bytes + 2);
    for (int j = 0; j < 8; j++) {
      const uint8_t *codes = bytes + 8 + 16 * j;
      int scale = (bytes[4 + j / 2] >> (4 * (j % 2)) & 15) | (upper >> (2 * j) & 3) << 4;
      float ds = d * (float)(scale - 32);
      for (int i = 0; i < 16; i++) {
        out[32 * j + i] = ds * (float)maslin_iq4_values[codes[i] & 15];
        out[32 * j + i + 16] = ds * (float)maslin_iq4_values[codes[i] >> 4];
      }
    }
  }
}

// Blocks of 256 on grids

static void grid_of_eight(uint64_t entry, uint8_t signs, float scale, float *out) {
  for (int i = 0; i < 8; i++) {
    float value = scale * (float)(uint8_t)(entry >> (8 * i));
    out[i] = signs >> i & 1 ? -value : value;
  }
}

static void grid_of_four(uint32_t entry, uint8_t signs, float scale, float *out) {
  for (int i = 0; i < 4; i++) {
    float value = scale * (float)(uint8_t)(entry >> (8 * i));
    out[i] = signs >> i & 1 ? -value : value;
  }
}

static void decode_iq2_xxs(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 66, out += 256) {
    float d = load_half(bytes);
    for (int j = 0; j < 8; j++) {
      const uint8_t *group = bytes + 2 + 8 * j;
      uint32_t word = load32(group + 4);
      float scale = d * (0.5f + (float)(word >> 28)) * 0.25f;
      for (int k = 0; k < 4; k++)
        grid_of_eight(
            maslin_iq2_xxs_grid[group[k]], maslin_iq_signs[word >> (7 * k) & 127], scale,
            out + 32 * j + 8 * k);
    }
  }
}

static void decode_iq2_xs(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 74, out += 256) {
    float d = load_half(bytes);
    for (int k = 0; k < 32; k++) {
      uint16_t code = load16(bytes + 2 + 2 * k);
      int nibble = bytes[66 + k / 4] >> (4 * (k / 2 % 2)) & 15;
      float scale = d * (0.5f + (float)nibble) * 0.25f;
      grid_of_eight(
          maslin_iq2_xs_grid[code & 511], maslin_iq_signs[code >> 9], scale, out + 8 * k);
    }
  }
}

static void decode_iq2_s(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 82, out += 256) {
    float d = load_half(bytes);
    for (int k = 0; k < 32; k++) {
      int index = bytes[2 + k] | (bytes[66 + k / 4] >> (2 * (k % 4)) & 3) << 8;
      int nibble = bytes[74 + k / 4] >> (4 * (k / 2 % 2)) & 15;
      float scale = d * (0.5f + (float)nibble) * 0.25f;
      grid_of_eight(maslin_iq2_s_grid[index], bytes[34 + k], scale, out + 8 * k);
    }
  }
}

static void decode_iq3_xxs(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 98, out += 256) {
    float d = load_half(bytes);
    for (int j = 0; j < 8; j++) {
      uint32_t word = load32(bytes + 66 + 4 * j);
      float scale = d * (0.5f + (float)(word >> 28)) * 0.5f;
      for (int k = 0; k < 8; k++) {
        uint8_t signs = maslin_iq_signs[word >> (7 * (k / 2)) & 127];
        grid_of_four(
            maslin_iq3_xxs_grid[bytes[2 + 8 * j + k]], (uint8_t)(signs >> (4 * (k % 2))), scale,
            out + 32 * j + 4 * k);
      }
    }
  }
}

static void decode_iq3_s(const uint8_t *bytes, size_t count, float *out) {
  for (; count; count -= 256, bytes += 110, out += 256) {
    float d = load_half(bytes);
    for (int k = 0; k < 64; k++) {
      int index = bytes[2 + k] | (bytes[66 + k / 8] >> (k % 8) & 1) << 8;
      int nibble = bytes[106 + k / 16] >> (4 * (k / 8 % 2)) & 15;
      float scale = d * (float)(1 + 2 * nibble);
      grid_of_four(
          maslin_iq3_s_grid[index], (uint8_t)(bytes[74 + k / 2] >> (4 * (k % 2))), scale,
          out + 4 * k);
    }
  }
}

int maslin_decode(uint32_t type, const void *blocks, size_t count, float *values) {
  const uint8_t *bytes = blocks;
  switch (type) {
  case 0: decode_f32(bytes, count, values); return 1;
  case 1: decode_f16(bytes, count, values); return 1;
  case 2: decode_q4_0(bytes, count, values); return 1;
  case 3: decode_q4_1(bytes, count, values); return 1;
  case 6: decode_q5_0(bytes, count, values); return 1;
  case 7: decode_q5_1(bytes, count, values); return 1;
  case 8: decode_q8_0(bytes, count, values); return 1;
  case 10: decode_q2_k(bytes, count, values); return 1;
  case 11: decode_q3_k(bytes, count, values); return 1;
  case 12: decode_q4_k(bytes, count, values); return 1;
  case 13: decode_q5_k(bytes, count, values); return 1;
  case 14: decode_q6_k(bytes, count, values); return 1;
  case 16: decode_iq2_xxs(bytes, count, values); return 1;
  case 17: decode_iq2_xs(bytes, count, values); return 1;
  case 18: decode_iq3_xxs(bytes, count, values); return 1;
  case 20: decode_iq4_nl(bytes, count, values); return 1;
  case 21: decode_iq3_s(bytes, count, values); return 1;
  case 22: decode_iq2_s(bytes, count, values); return 1;
  case 23: decode_iq4_xs(bytes, count, values); return 1;
  case 28: decode_f64(bytes, count, values); return 1;
  case 30: decode_bf16(bytes, count, values); return 1;
  case 39: decode_mxfp4(bytes, count, values); return 1;
  default: return 0;
  }
}
