// Products with blocks of 256 values under AVX2: a block of a row is taken apart into signed bytes once, then
// multiplied with every column.
#include "block256.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { MOST_ROWS = 8 };

#define UNROLL _Pragma("clang loop unroll(full)")

AVX2_INLINE float half_at(const uint8_t *bytes) {
  uint16_t half;
  memcpy(&half, bytes, 2);
  return _cvtsh_ss(half);
}

AVX2_INLINE __m256i load(const void *from) { return _mm256_loadu_si256((const __m256i *)from); }
AVX2_INLINE void store(void *to, __m256i value) { _mm256_storeu_si256((__m256i *)to, value); }
AVX2_INLINE __m256i all_bytes(int value) { return _mm256_set1_epi8((char)value); }

// Bits `from` and up of every byte that `mask` has at the bottom.
AVX2_INLINE __m256i bits_of(__m256i bytes, int from, int mask) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, from), all_bytes(mask));
}

AVX2_INLINE void no_minima(block256_parts *parts) {
  parts->minimum_scale = 0;
  store(parts->minima, _mm256_setzero_si256());
}

AVX2_INLINE void unpack_q2_k(const uint8_t *block, block256_parts *parts) {
  const __m256i header = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)block));
  store(parts->scales, _mm256_and_si256(header, _mm256_set1_epi16(15)));
  store(parts->minima, _mm256_srli_epi16(header, 4));
  for (int h = 0; h < 2; h++) {
    const __m256i codes = load(block + 16 + 32 * h);
    for (int s = 0; s < 4; s++) {
      store(parts->values + 128 * h + 32 * s, bits_of(codes, 2 * s, 3));
    }
  }
  parts->scale = half_at(block + 80);
  parts->minimum_scale = half_at(block + 82);
}

AVX2_INLINE void unpack_six_bit(int fifth_bits, const uint8_t *block, block256_parts *parts) {
  parts->scale = half_at(block);
  parts->minimum_scale = half_at(block + 2);
  uint32_t packed[3], bytes[4];
  memcpy(packed, block + 4, 12);
  bytes[0] = packed[0] & 0x3F3F3F3F;
  bytes[1] = (packed[2] & 0x0F0F0F0F) | (packed[0] >> 2 & 0x30303030);
  bytes[2] = packed[1] & 0x3F3F3F3F;
  bytes[3] = (packed[2] >> 4 & 0x0F0F0F0F) | (packed[1] >> 2 & 0x30303030);
  const __m128i scales = _mm_loadl_epi64((const __m128i *)bytes);
  const __m128i minima = _mm_loadl_epi64((const __m128i *)(bytes + 2));
  store(parts->scales, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(scales, scales)));
  store(parts->minima, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(minima, minima)));
  const uint8_t *codes = block + (fifth_bits ? 48 : 16);
  const __m256i high = fifth_bits ? load(block + 16) : _mm256_setzero_si256();
  for (int c = 0; c < 4; c++) {
    const __m256i both = load(codes + 32 * c);
    __m256i first = bits_of(both, 0, 15), second = bits_of(both, 4, 15);
    if (fifth_bits) {
      first = _mm256_or_si256(first, _mm256_slli_epi16(bits_of(high, 2 * c, 1), 4));
      second = _mm256_or_si256(second, _mm256_slli_epi16(bits_of(high, 2 * c + 1, 1), 4));
    }
    store(parts->values + 64 * c, first);
    store(parts->values + 64 * c + 32, second);
  }
}

AVX2_INLINE void unpack_q4_k(const uint8_t *block, block256_parts *parts) {
  unpack_six_bit(0, block, parts);
}

AVX2_INLINE void unpack_q5_k(const uint8_t *block, block256_parts *parts) {
  unpack_six_bit(1, block, parts);
}

AVX2_INLINE void unpack_q6_k(const uint8_t *block, block256_parts *parts) {
  for (int h = 0; h < 2; h++) {
    const __m256i high = load(block + 128 + 32 * h);
    for (int k = 0; k < 4; k++) {
      const __m256i packed = load(block + 64 * h + 32 * (k % 2));
      const __m256i low = bits_of(packed, k / 2 * 4, 15);
      const __m256i upper = _mm256_slli_epi16(bits_of(high, 2 * k, 3), 4);
      store(
          parts->values + 128 * h + 32 * k,
          _mm256_sub_epi8(_mm256_or_si256(low, upper), all_bytes(32)));
    }
  }
  store(
      parts->scales, _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 192))));
  parts->scale = half_at(block + 208);
  no_minima(parts);
}

#include "block256_avx2_iq.h"

AVX2_INLINE int32_t add_lanes(__m256i eight) {
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

// The lanes of four vectors added.
AVX2_INLINE __m128i add_lanes_of_four(const __m256i sums[4]) {
  const __m256i pairs = _mm256_hadd_epi32(
      _mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
  return _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

// Adds to `totals` the products of a block with `count` columns, 1 or 4.
AVX2_INLINE void multiply_columns(
    int count, int has_minima, const block256_parts *parts, const __m256i magnitudes[8],
    const __m256i scales[8], const maslin_activations *activations, size_t block, size_t first,
    float *totals) {
  const int8_t *quants = activations->quants + first * activations->quants_stride + 256 * block;
  const int16_t *sums = activations->sums + first * activations->sums_stride + 16 * block;
  const float *from = activations->scales + first * activations->scales_stride + block;
  __m256i dot[4], minimum[4];
  UNROLL for (int c = 0; c < count; c++) {
    dot[c] = _mm256_setzero_si256();
    if (has_minima) {
      minimum[c] = _mm256_madd_epi16(
          load(parts->minima), load(sums + (size_t)c * activations->sums_stride));
    }
  }
  UNROLL for (int i = 0; i < 8; i++) {
    const __m256i values = load(parts->values + 32 * i);
    UNROLL for (int c = 0; c < count; c++) {
      // Magnitudes are at most 127, as those of quants: two products fit 16 bits.
      const __m256i turned = _mm256_sign_epi8(
          load(quants + (size_t)c * activations->quants_stride + 32 * i), values);
      const __m256i pairs = _mm256_maddubs_epi16(magnitudes[i], turned);
      dot[c] = _mm256_add_epi32(dot[c], _mm256_madd_epi16(pairs, scales[i]));
    }
  }
  if (count == 1) {
    const float scale = *from;
    float total =
        __builtin_fmaf(parts->scale * scale, (float)add_lanes(dot[0]), *totals);
    if (has_minima) {
      total = __builtin_fmaf(
          -(parts->minimum_scale * scale), (float)add_lanes(minimum[0]), total);
    }
    *totals = total;
    return;
  }
  const size_t stride = activations->scales_stride;
  const __m128 scale = _mm_setr_ps(from[0], from[stride], from[2 * stride], from[3 * stride]);
  __m128 total = _mm_fmadd_ps(
      _mm_mul_ps(_mm_set1_ps(parts->scale), scale), _mm_cvtepi32_ps(add_lanes_of_four(dot)),
      _mm_loadu_ps(totals));
  if (has_minima) {
    total = _mm_fnmadd_ps(
        _mm_mul_ps(_mm_set1_ps(parts->minimum_scale), scale),
        _mm_cvtepi32_ps(add_lanes_of_four(minimum)), total);
  }
  _mm_storeu_ps(totals, total);
}

// A block of a row, ready to be multiplied.
typedef struct {
  block256_parts parts;
  __m256i magnitudes[8], scales[8];
} prepared_block;

AVX2_INLINE void prepare(
    block256_unpack_function unpack, const uint8_t *block, prepared_block *prepared) {
  block256_parts *parts = &prepared->parts;
  // Behind the last row nothing is read, only asked for.
  _mm_prefetch((const char *)block + 1024, _MM_HINT_T0);
  _mm_prefetch((const char *)block + 1088, _MM_HINT_T0);
  _mm_prefetch((const char *)block + 1152, _MM_HINT_T0);
  unpack(block, parts);
  UNROLL for (int i = 0; i < 8; i++) {
    prepared->magnitudes[i] = _mm256_abs_epi8(load(parts->values + 32 * i));
    // Words 2 i and 2 i + 1, each in a half of the vector.
    const __m256i order = _mm256_set_m128i(
        _mm_set1_epi16((int16_t)(0x0302 + 0x0404 * (i % 4))),
        _mm_set1_epi16((int16_t)(0x0100 + 0x0404 * (i % 4))));
    const __m128i eight = _mm_loadu_si128((const __m128i *)(parts->scales + i / 4 * 8));
    prepared->scales[i] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(eight), order);
  }
}

// `totals` has as many floats per row as there are columns. Several rows share the quants of four columns while those
// are in the nearest cache: columns lie so far apart that they push each other out of it.
AVX2_INLINE void multiply_rows(
    int rows, block256_unpack_function unpack, size_t block_bytes, int has_minima,
    const uint8_t *weights, size_t row_bytes, size_t count, const maslin_activations *activations,
    size_t columns, float *out, size_t out_stride, float *totals) {
  memset(totals, 0, (size_t)rows * columns * sizeof *totals);
  for (size_t b = 0; b < count / 256; b++) {
    prepared_block prepared[MOST_ROWS];
    for (int r = 0; r < rows; r++) {
      prepare(unpack, weights + (size_t)r * row_bytes + b * block_bytes, &prepared[r]);
    }
    size_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      for (int r = 0; r < rows; r++) {
        multiply_columns(
            4, has_minima, &prepared[r].parts, prepared[r].magnitudes, prepared[r].scales,
            activations, b, c, totals + (size_t)r * columns + c);
      }
    }
    for (; c < columns; c++) {
      for (int r = 0; r < rows; r++) {
        multiply_columns(
            1, has_minima, &prepared[r].parts, prepared[r].magnitudes, prepared[r].scales,
            activations, b, c, totals + (size_t)r * columns + c);
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) {
      out[c * out_stride + (size_t)r] = totals[(size_t)r * columns + c];
    }
  }
}

// As many columns at once as have their totals in the scratch memory.
AVX2_INLINE void multiply(
    block256_unpack_function unpack, size_t block_bytes, int has_minima, const uint8_t *weights,
    size_t row_bytes, size_t rows, size_t count, const maslin_activations *activations,
    size_t columns, float *out, size_t out_stride, float *totals) {
  const size_t most = MASLIN_SCRATCH_BYTES / (MOST_ROWS * sizeof *totals);
  for (size_t first = 0; first < columns; first += most) {
    const size_t some = columns - first < most ? columns - first : most;
    maslin_activations part = *activations;
    part.quants += first * part.quants_stride;
    part.scales += first * part.scales_stride;
    part.sums += first * part.sums_stride;
    size_t r = 0;
    for (; some >= 4 && r + MOST_ROWS <= rows; r += MOST_ROWS) {
      multiply_rows(
          MOST_ROWS, unpack, block_bytes, has_minima, weights + r * row_bytes, row_bytes, count,
          &part, some, out + first * out_stride + r, out_stride, totals);
    }
    // With the number known, one column keeps a block in registers.
    for (; some == 1 && r < rows; r++) {
      multiply_rows(
          1, unpack, block_bytes, has_minima, weights + r * row_bytes, row_bytes, count, &part, 1,
          out + first * out_stride + r, out_stride, totals);
    }
    for (; r < rows; r++) {
      multiply_rows(
          1, unpack, block_bytes, has_minima, weights + r * row_bytes, row_bytes, count, &part,
          some, out + first * out_stride + r, out_stride, totals);
    }
  }
}

#define ROWS(name, unpack, bytes, has_minima)                                                      \
  AVX2 static void matmul_##name(                                                                  \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    multiply(                                                                                      \
        unpack, bytes, has_minima, weights, row_bytes, rows, count, activations, columns, out,     \
        out_stride, scratch);                                                                      \
  }

ROWS(q2_k, unpack_q2_k, BLOCK256_Q2_K_BYTES, 1)
ROWS(q3_k, block256_unpack(BLOCK256_Q3_K), BLOCK256_Q3_K_BYTES, 0)
ROWS(q4_k, unpack_q4_k, BLOCK256_Q4_K_BYTES, 1)
ROWS(q5_k, unpack_q5_k, BLOCK256_Q5_K_BYTES, 1)
ROWS(q6_k, unpack_q6_k, BLOCK256_Q6_K_BYTES, 0)
ROWS(iq2_xxs, unpack_iq2_xxs, BLOCK256_IQ2_XXS_BYTES, 0)
ROWS(iq2_xs, unpack_iq2_xs, BLOCK256_IQ2_XS_BYTES, 0)
ROWS(iq2_s, unpack_iq2_s, BLOCK256_IQ2_S_BYTES, 0)
ROWS(iq3_xxs, unpack_iq3_xxs, BLOCK256_IQ3_XXS_BYTES, 0)
ROWS(iq3_s, unpack_iq3_s, BLOCK256_IQ3_S_BYTES, 0)
ROWS(iq4_xs, unpack_iq4_xs, BLOCK256_IQ4_XS_BYTES, 0)

maslin_matmul_function block256_matmul_avx2(uint32_t type) {
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

AVX2_INLINE uint32_t largest_lane(__m256i eight) {
  __m128i four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xB1));
  return (uint32_t)_mm_cvtsi128_si32(four);
}

AVX2 void block256_quantize_avx2(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t start = 0; start < count; start += 256, values += 256, quants += 256, sums += 16) {
    __m256i largest = _mm256_setzero_si256();
    for (int i = 0; i < 256; i += 8) {
      largest = _mm256_max_epu32(
          largest, _mm256_and_si256(load(values + i), _mm256_set1_epi32(0x7FFFFFFF)));
    }
    const uint32_t magnitude_bits = largest_lane(largest);
    float magnitude;
    memcpy(&magnitude, &magnitude_bits, sizeof magnitude);
    const float scale = magnitude / 127.0f;
    *scales++ = scale;
    if (scale == 0) {
      memset(quants, 0, 256);
      memset(sums, 0, 16 * sizeof *sums);
      continue;
    }
    const __m256 divisor = _mm256_set1_ps(scale);
    for (int g = 0; g < 16; g++) {
      __m256i rounded[2];
      for (int h = 0; h < 2; h++) {
        __m256 quotient = _mm256_div_ps(_mm256_loadu_ps(values + 16 * g + 8 * h), divisor);
        // The second operand where a NaN is compared.
        quotient = _mm256_max_ps(quotient, _mm256_set1_ps(-127.0f));
        quotient = _mm256_min_ps(quotient, _mm256_set1_ps(127.0f));
        rounded[h] = _mm256_cvtps_epi32(
            _mm256_round_ps(quotient, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
      }
      sums[g] = (int16_t)add_lanes(_mm256_add_epi32(rounded[0], rounded[1]));
      const __m256i words = _mm256_permute4x64_epi64(
          _mm256_packs_epi32(rounded[0], rounded[1]), 0xD8);
      _mm_storeu_si128(
          (__m128i *)(quants + 16 * g),
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
  }
}

#endif
