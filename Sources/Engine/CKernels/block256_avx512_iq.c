// IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S and IQ4_XS under AVX-512, and the rounding of activations.
#include "block256_avx512_iq.h"

#if defined(__x86_64__)

// The grid is looked up in registers, two bits a value; each lane holds the four entries of 32 values of a row.
AVX512_INLINE void decode_iq2_xxs(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  __m512i grid[2][4];
  UNROLL for (int h = 0; h < 2; h++) {
    UNROLL for (int i = 0; i < 4; i++) {
      grid[h][i] = _mm512_load_si512(block256_iq2_xxs_codes[h] + 64 * i);
    }
  }
  const __m512i signs_low = _mm512_loadu_si512(maslin_iq_signs);
  const __m512i signs_high = _mm512_loadu_si512(maslin_iq_signs + 64);
  // Codes 0, 1, 2 to values plus 43, whatever the upper four bits of the index.
  const __m512i values = _mm512_set1_epi32(43 + 8 | (43 + 25) << 8 | (43 + 43) << 16);
  const __m512i twice = _mm512_set1_epi8(86);
  // Bytes of eight bits from bits 0, 7, 14, 21 of each 32.
  const __m512i sevens = _mm512_set1_epi64(0x352E2720150E0700);
  UNROLL for (int part = 0; part < 4; part++) {
    __m512i words[4];
    transpose_rows(rows, offset + 2 + 16 * part, words);
    UNROLL for (int s = 0; s < 2; s++) {
      const int sub = 2 * part + s;
      const __m512i index = words[2 * s], packed = words[2 * s + 1];
      const __mmask64 upper = _mm512_movepi8_mask(index);
      __m512i codes[2];
      UNROLL for (int h = 0; h < 2; h++) {
        codes[h] = _mm512_mask_blend_epi8(
            upper, _mm512_permutex2var_epi8(grid[h][0], index, grid[h][1]),
            _mm512_permutex2var_epi8(grid[h][2], index, grid[h][3]));
      }
      const __m512i seven_bits = _mm512_multishift_epi64_epi8(sevens, packed);
      const __m512i signs = _mm512_permutex2var_epi8(signs_low, seven_bits, signs_high);
      UNROLL for (int j = 0; j < 4; j++) {
        const int b = 8 * j;
        const __m512i entry_signs = _mm512_shuffle_epi8(
            signs, _mm512_add_epi8(
                       _mm512_set1_epi8((char)j),
                       _mm512_set4_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0)));
        const __m512i spread = _mm512_set1_epi64(
            (long long)(0x2624222006040200ull + 0x0101010101010101ull * (unsigned)b));
        UNROLL for (int h = 0; h < 2; h++) {
          const __m512i level = _mm512_multishift_epi64_epi8(spread, codes[h]);
          const __m512i plus = _mm512_permutexvar_epi8(level, values);
          const __mmask64 negative = _mm512_test_epi8_mask(
              entry_signs, _mm512_set1_epi32(h ? (int)0x80402010u : 0x08040201));
          const __m512i both = _mm512_mask_sub_epi8(plus, negative, twice, plus);
          _mm512_store_si512(tile->codes[8 * sub + 2 * j + h][v], both);
        }
      }
      // Bit 27 is overwritten: 2 * scale + 1.
      _mm512_store_si512(
          tile->scales[sub][v],
          _mm512_or_si512(_mm512_srli_epi32(packed, 27), _mm512_set1_epi32(1)));
    }
  }
  _mm512_store_ps(
      tile->scale[v], _mm512_mul_ps(half_of_rows(rows, offset), _mm512_set1_ps(0.125f)));
}

// Bits `bits` of byte j of the signs of every lane decide which bytes are negative.
AVX512_INLINE __mmask64 negative_of(__m512i signs, int j, uint32_t bits) {
  const __m512i byte = _mm512_shuffle_epi8(
      signs, _mm512_add_epi8(
                 _mm512_set1_epi8((char)j),
                 _mm512_set4_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0)));
  return _mm512_test_epi8_mask(byte, _mm512_set1_epi32((int)bits));
}

// Eight bits from four places of the lower lane of 64 bits and the same of the upper.
AVX512_INLINE __m512i levels_at(__m512i codes, uint32_t places) {
  const uint64_t both = places | (uint64_t)(places + 0x20202020u) << 32;
  return _mm512_multishift_epi64_epi8(_mm512_set1_epi64((long long)both), codes);
}

AVX512_INLINE void decode_iq2(
    iq_reader reader, const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i values = _mm512_set1_epi32(43 + 8 | (43 + 25) << 8 | (43 + 43) << 16);
  const __m512i twice = _mm512_set1_epi8(2 * IQ2_OFFSET);
  block_header header;
  reader.header(rows, offset, &header);
  UNROLL for (int part = 0; part < 4; part++) {
    thirty_two_values two[2];
    reader.read(rows, offset, &header, part, two);
    UNROLL for (int k = 0; k < 2; k++) {
      const int s = 2 * part + k;
      UNROLL for (int j = 0; j < 4; j++) {
        UNROLL for (int h = 0; h < 2; h++) {
          const __m512i level =
              levels_at(two[k].codes[h], 0x06040200u + 0x01010101u * (unsigned)(8 * j));
          const __m512i plus = _mm512_permutexvar_epi8(level, values);
          const __mmask64 negative =
              negative_of(two[k].signs, j, h ? 0x80402010u : 0x08040201u);
          _mm512_store_si512(
              tile->codes[8 * s + 2 * j + h][v],
              _mm512_mask_sub_epi8(plus, negative, twice, plus));
        }
      }
      _mm512_store_si512(
          tile->scales[2 * s][v],
          _mm512_and_si512(two[k].scale, _mm512_set1_epi32(0xFFFF)));
      _mm512_store_si512(tile->scales[2 * s + 1][v], _mm512_srli_epi32(two[k].scale, 16));
    }
  }
  _mm512_store_ps(
      tile->scale[v], _mm512_mul_ps(half_of_rows(rows, offset), _mm512_set1_ps(0.125f)));
}

AVX512_INLINE void decode_iq3(
    iq_reader reader, unsigned long long levels, int value_offset, float factor,
    const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i values = _mm512_add_epi8(
      _mm512_set1_epi64((long long)levels), _mm512_set1_epi8((char)value_offset));
  const __m512i twice = _mm512_set1_epi8((char)(2 * value_offset));
  const __m512i low_bytes = _mm512_set1_epi16(0x00FF);
  block_header header;
  reader.header(rows, offset, &header);
  UNROLL for (int part = 0; part < 4; part++) {
    thirty_two_values two[2];
    reader.read(rows, offset, &header, part, two);
    UNROLL for (int k = 0; k < 2; k++) {
      const int s = 2 * part + k;
      UNROLL for (int p = 0; p < 2; p++) {
        // Both bytes of an entry together; [0] has those of j = 0 and 2.
        const __m512i first = two[k].codes[2 * p], last = two[k].codes[2 * p + 1];
        const __m512i joined[2] = {
            _mm512_ternarylogic_epi32(low_bytes, first, _mm512_slli_epi16(last, 8), 0xCA),
            _mm512_ternarylogic_epi32(low_bytes, _mm512_srli_epi16(first, 8), last, 0xCA)};
        UNROLL for (int j = 0; j < 4; j++) {
          const __m512i level =
              levels_at(joined[j % 2], 0x080B0300u + 0x01010101u * (unsigned)(j / 2 * 16));
          const __m512i plus = _mm512_permutexvar_epi8(level, values);
          const __mmask64 negative =
              negative_of(two[k].signs, j, p ? 0x80402010u : 0x08040201u);
          _mm512_store_si512(
              tile->codes[8 * s + 2 * j + p][v],
              _mm512_mask_sub_epi8(plus, negative, twice, plus));
        }
      }
      _mm512_store_si512(tile->scales[s][v], two[k].scale);
    }
  }
  _mm512_store_ps(
      tile->scale[v], _mm512_mul_ps(half_of_rows(rows, offset), _mm512_set1_ps(factor)));
}

AVX512_INLINE void decode_iq2_xs(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const iq_reader reader = {header_iq2_xs, read_iq2_xs};
  decode_iq2(reader, rows, offset, tile, v);
}

AVX512_INLINE void decode_iq2_s(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const iq_reader reader = {header_iq2_s, read_iq2_s};
  decode_iq2(reader, rows, offset, tile, v);
}

AVX512_INLINE void decode_iq3_xxs(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const iq_reader reader = {header_iq3_xxs, read_iq3_xxs};
  decode_iq3(reader, LEVELS_IQ3_XXS, IQ3_XXS_OFFSET, 0.25f, rows, offset, tile, v);
}

AVX512_INLINE void decode_iq3_s(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const iq_reader reader = {header_iq3_s, read_iq3_s};
  decode_iq3(reader, LEVELS_IQ3_S, IQ3_S_OFFSET, 1, rows, offset, tile, v);
}

AVX512_INLINE void decode_iq4_xs(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i values = iq4_xs_values();
  __m512i header[4];
  transpose_rows(rows, offset, header);
  UNROLL for (int s = 0; s < 8; s++) {
    __m512i packed[4];
    transpose_rows(rows, offset + 8 + 16 * (size_t)s, packed);
    UNROLL for (int i = 0; i < 4; i++) {
      // The table repeats every 16 bytes, so bits above the nibble do not matter.
      const __m512i high = _mm512_srli_epi32(packed[i], 4);
      _mm512_store_si512(
          tile->codes[8 * s + i][v], _mm512_permutexvar_epi8(packed[i], values));
      _mm512_store_si512(tile->codes[8 * s + 4 + i][v], _mm512_permutexvar_epi8(high, values));
    }
    _mm512_store_si512(tile->scales[s][v], iq4_xs_scale(header[0], header[1], s));
  }
  _mm512_store_ps(tile->scale[v], half_of_rows(rows, offset));
}

TILED(matmul_iq2_xxs, decode_iq2_xxs, BLOCK256_IQ2_XXS, BLOCK256_IQ2_XXS_BYTES, 8, 0, 43)
TILED(matmul_iq2_xs, decode_iq2_xs, BLOCK256_IQ2_XS, BLOCK256_IQ2_XS_BYTES, 4, 0, IQ2_OFFSET)
TILED(matmul_iq2_s, decode_iq2_s, BLOCK256_IQ2_S, BLOCK256_IQ2_S_BYTES, 4, 0, IQ2_OFFSET)
TILED(
    matmul_iq3_xxs, decode_iq3_xxs, BLOCK256_IQ3_XXS, BLOCK256_IQ3_XXS_BYTES, 8, 0, IQ3_XXS_OFFSET)
TILED(matmul_iq3_s, decode_iq3_s, BLOCK256_IQ3_S, BLOCK256_IQ3_S_BYTES, 8, 0, IQ3_S_OFFSET)
TILED(matmul_iq4_xs, decode_iq4_xs, BLOCK256_IQ4_XS, BLOCK256_IQ4_XS_BYTES, 8, 0, IQ4_XS_OFFSET)

maslin_matmul_function block256_matmul_avx512_k(uint32_t type);

maslin_matmul_function block256_matmul_avx512(uint32_t type) {
  switch (type) {
    case BLOCK256_IQ2_XXS: return matmul_iq2_xxs;
    case BLOCK256_IQ2_XS: return matmul_iq2_xs;
    case BLOCK256_IQ2_S: return matmul_iq2_s;
    case BLOCK256_IQ3_XXS: return matmul_iq3_xxs;
    case BLOCK256_IQ3_S: return matmul_iq3_s;
    case BLOCK256_IQ4_XS: return matmul_iq4_xs;
    default: return block256_matmul_avx512_k(type);
  }
}

AVX512 void block256_quantize_avx512(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  for (size_t start = 0; start < count; start += 256, values += 256, quants += 256, sums += 16) {
    __m512i largest = _mm512_setzero_si512();
    for (int i = 0; i < 256; i += 16) {
      const __m512i bits = _mm512_loadu_si512(values + i);
      largest = _mm512_max_epu32(
          largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7FFFFFFF)));
    }
    const uint32_t magnitude_bits = _mm512_reduce_max_epu32(largest);
    float magnitude;
    memcpy(&magnitude, &magnitude_bits, sizeof magnitude);
    const float scale = magnitude / 127.0f;
    *scales++ = scale;
    if (scale == 0) {
      memset(quants, 0, 256);
      memset(sums, 0, 16 * sizeof *sums);
      continue;
    }
    const __m512 divisor = _mm512_set1_ps(scale);
    for (int g = 0; g < 16; g++) {
      __m512 quotient = _mm512_div_ps(_mm512_loadu_ps(values + 16 * g), divisor);
      // The second operand where a NaN is compared.
      quotient = _mm512_max_ps(quotient, _mm512_set1_ps(-127.0f));
      quotient = _mm512_min_ps(quotient, _mm512_set1_ps(127.0f));
      const __m512i rounded = _mm512_cvt_roundps_epi32(
          quotient, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm_storeu_si128((__m128i *)(quants + 16 * g), _mm512_cvtepi32_epi8(rounded));
      sums[g] = (int16_t)_mm512_reduce_add_epi32(rounded);
    }
  }
}

#endif
