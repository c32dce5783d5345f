// What the kernels over blocks of 32 share on AVX-512.
#ifndef MASLIN_BLOCK32_AVX512_H
#define MASLIN_BLOCK32_AVX512_H

#include <immintrin.h>

#include "block32_formats.h"
#include "block32_kernels.h"
#include "tile_unit.h"

#define TARGET                                                                                     \
  __attribute__((                                                                                  \
      target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,f16c,fma,avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

// The table of a type whose codes are indices, raised by its offset.
INLINE __m256i maslin_raised_table(uint32_t type) {
  const int8_t *values = type == MASLIN_MXFP4 ? maslin_mxfp4_values : maslin_iq4_values;
  const __m128i table = _mm_loadu_si128((const __m128i *)values);
  const char offset = (char)(1 << maslin_block32_offset_bits(type));
  return _mm256_broadcastsi128_si256(_mm_add_epi8(table, _mm_set1_epi8(offset)));
}

// The 32 weights of a block as unsigned bytes: raised by the type's offset.
INLINE __m256i maslin_unpack_block(uint32_t type, const uint8_t *block, __m256i table) {
  const uint8_t *codes = block + maslin_block32_codes(type);
  if (type == MASLIN_Q8_0) {
    const __m256i weights = _mm256_loadu_si256((const __m256i *)codes);
    return _mm256_xor_si256(weights, _mm256_set1_epi8((char)0x80));
  }
  const __m256i pairs = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)codes));
  const __m256i shifted = _mm256_srlv_epi64(pairs, _mm256_setr_epi64x(0, 0, 4, 4));
  const __m256i nibbles = _mm256_and_si256(shifted, _mm256_set1_epi8(15));
  if (type == MASLIN_MXFP4 || type == MASLIN_IQ4_NL) return _mm256_shuffle_epi8(table, nibbles);
  if (maslin_block32_fifth_bits(type)) {
    uint32_t bits;
    memcpy(&bits, block + maslin_block32_fifth_bits(type), sizeof bits);
    return _mm256_mask_add_epi8(nibbles, bits, nibbles, _mm256_set1_epi8(16));
  }
  return nibbles;
}

// Scales of MXFP4 blocks from their exponents: 2^(e - 128).
INLINE __m512 maslin_mxfp4_scales(__m512i exponents) {
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(exponents, _mm512_set1_epi32(1)), 23);
  const __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), exponents);
  const __mmask16 small = _mm512_cmplt_epu32_mask(exponents, _mm512_set1_epi32(2));
  return _mm512_castsi512_ps(_mm512_mask_mov_epi32(normal, small, subnormal));
}

// The product by tiles of 16 rows, for more than a few columns: groups of 16 columns on `unit` unless it is NULL.
void maslin_block32_tiled_matmul_avx512(
    uint32_t type, const maslin_tile_unit *unit, const void *weights, size_t row_bytes,
    size_t rows, size_t count, const maslin_activations *activations, size_t columns, float *out,
    size_t out_stride, void *scratch);

#endif
