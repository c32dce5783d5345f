// Q2_K, Q3_K, Q4_K, Q5_K and Q6_K under AVX-512.
#include "block256_avx512_tile.h"

#if defined(__x86_64__)

AVX512_INLINE __m512i all_bytes(int value) { return _mm512_set1_epi8((char)value); }

// Byte k of every 32-bit lane, as a number.
AVX512_INLINE __m512i byte_of_lanes(__m512i bytes, int k) {
  return _mm512_and_si512(_mm512_srli_epi32(bytes, (unsigned)(8 * k)), _mm512_set1_epi32(255));
}

// Bytes k and k + 1 of every 32-bit lane as two words (k even).
AVX512_INLINE __m512i two_words_of_lanes(__m512i bytes, int k) {
  const __m512i low = byte_of_lanes(bytes, k);
  return _mm512_or_si512(low, _mm512_slli_epi32(byte_of_lanes(bytes, k + 1), 16));
}

// Byte k of every 32-bit lane in both words of the lane.
AVX512_INLINE __m512i same_words_of_lanes(__m512i bytes, int k) {
  const __m512i low = byte_of_lanes(bytes, k);
  return _mm512_or_si512(low, _mm512_slli_epi32(low, 16));
}

AVX512_INLINE void store_halves(float *floats, __m512i lanes) {
  _mm512_store_ps(floats, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(lanes)));
}

// a | b & mask.
AVX512_INLINE __m512i or_masked(__m512i a, __m512i b, __m512i mask) {
  return _mm512_ternarylogic_epi32(a, b, mask, 0xF8);
}

// The first 16 bytes of Q4_K and Q5_K: two halves, 8 scales and 8 minima of six bits.
AVX512_INLINE void decode_six_bit_header(
    const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  __m512i header[4];
  transpose_rows(rows, offset, header);
  store_halves(tile->scale[v], header[0]);
  store_halves(tile->minimum_scale[v], _mm512_srli_epi32(header[0], 16));
  const __m512i six = all_bytes(0x3F), four = all_bytes(0x0F), upper = all_bytes(0x30);
  const __m512i low_scales = _mm512_and_si512(header[1], six);
  const __m512i low_minima = _mm512_and_si512(header[2], six);
  const __m512i high_scales = or_masked(
      _mm512_and_si512(header[3], four), _mm512_srli_epi32(header[1], 2), upper);
  const __m512i high_minima = or_masked(
      _mm512_and_si512(_mm512_srli_epi32(header[3], 4), four), _mm512_srli_epi32(header[2], 2),
      upper);
  UNROLL for (int k = 0; k < 4; k++) {
    _mm512_store_si512(tile->scales[k][v], byte_of_lanes(low_scales, k));
    _mm512_store_si512(tile->scales[4 + k][v], byte_of_lanes(high_scales, k));
    // Groups of 32 values are two groups of 16 with the same minimum.
    _mm512_store_si512(tile->minima[k][v], same_words_of_lanes(low_minima, k));
    _mm512_store_si512(tile->minima[4 + k][v], same_words_of_lanes(high_minima, k));
  }
}

AVX512_INLINE void decode_q4_k(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  decode_six_bit_header(rows, offset, tile, v);
  const __m512i four = all_bytes(0x0F);
  UNROLL for (int part = 0; part < 8; part++) {
    __m512i packed[4];
    transpose_rows(rows, offset + 16 + 16 * part, packed);
    UNROLL for (int i = 0; i < 4; i++) {
      const int q = 16 * (part / 2) + 4 * (part % 2) + i;
      const __m512i high = _mm512_and_si512(_mm512_srli_epi32(packed[i], 4), four);
      _mm512_store_si512(tile->codes[q][v], _mm512_and_si512(packed[i], four));
      _mm512_store_si512(tile->codes[q + 8][v], high);
    }
  }
}

AVX512_INLINE void decode_q5_k(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  decode_six_bit_header(rows, offset, tile, v);
  const __m512i four = all_bytes(0x0F), fifth = all_bytes(0x10);
  __m512i high[8];
  transpose_rows(rows, offset + 16, high);
  transpose_rows(rows, offset + 32, high + 4);
  UNROLL for (int part = 0; part < 8; part++) {
    __m512i packed[4];
    transpose_rows(rows, offset + 48 + 16 * part, packed);
    UNROLL for (int i = 0; i < 4; i++) {
      const int q = 16 * (part / 2) + 4 * (part % 2) + i, bit = part / 2 * 2;
      const __m512i bits = high[4 * (part % 2) + i];
      const __m512i first = bit < 4 ? _mm512_slli_epi32(bits, (unsigned)(4 - bit) & 7)
                                    : _mm512_srli_epi32(bits, (unsigned)(bit - 4) & 7);
      const __m512i second = bit < 4 ? _mm512_slli_epi32(bits, (unsigned)(3 - bit) & 7)
                                     : _mm512_srli_epi32(bits, (unsigned)(bit - 3) & 7);
      const __m512i low = _mm512_and_si512(packed[i], four);
      const __m512i upper = _mm512_and_si512(_mm512_srli_epi32(packed[i], 4), four);
      _mm512_store_si512(tile->codes[q][v], or_masked(low, first, fifth));
      _mm512_store_si512(tile->codes[q + 8][v], or_masked(upper, second, fifth));
    }
  }
}

AVX512_INLINE void decode_q6_k(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  UNROLL for (int half = 0; half < 2; half++) {
    UNROLL for (int part = 0; part < 2; part++) {
      __m512i first[4], second[4], high[4];
      transpose_rows(rows, offset + 64 * half + 16 * part, first);
      transpose_rows(rows, offset + 64 * half + 32 + 16 * part, second);
      transpose_rows(rows, offset + 128 + 32 * half + 16 * part, high);
      UNROLL for (int i = 0; i < 4; i++) {
        uint8_t(*codes)[2][64] = tile->codes + 32 * half + 4 * part + i;
        const __m512i a = first[i], b = second[i], bits = high[i];
        const __m512i a_high = _mm512_and_si512(_mm512_srli_epi32(a, 4), four);
        const __m512i b_high = _mm512_and_si512(_mm512_srli_epi32(b, 4), four);
        _mm512_store_si512(
            codes[0][v],
            or_masked(_mm512_and_si512(a, four), _mm512_slli_epi32(bits, 4), upper));
        _mm512_store_si512(
            codes[8][v],
            or_masked(_mm512_and_si512(b, four), _mm512_slli_epi32(bits, 2), upper));
        _mm512_store_si512(codes[16][v], or_masked(a_high, bits, upper));
        _mm512_store_si512(
            codes[24][v], or_masked(b_high, _mm512_srli_epi32(bits, 2), upper));
      }
    }
  }
  __m512i scales[4];
  transpose_rows(rows, offset + 192, scales);
  UNROLL for (int g = 0; g < 16; g++) {
    const __m512i top = _mm512_slli_epi32(scales[g / 4], (unsigned)(24 - 8 * (g % 4)));
    _mm512_store_si512(tile->scales[g][v], _mm512_srai_epi32(top, 24));
  }
  _mm512_store_ps(tile->scale[v], half_of_rows(rows, offset + 208));
}

// Codes times scales are at most 3 * 15: they go into the tile multiplied.
AVX512_INLINE void decode_q2_k(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i four = all_bytes(0x0F), two = all_bytes(0x03);
  __m512i packed[4], factors[16];
  transpose_rows(rows, offset, packed);
  UNROLL for (int w = 0; w < 4; w++) {
    const __m512i scales = _mm512_and_si512(packed[w], four);
    const __m512i minima = _mm512_and_si512(_mm512_srli_epi32(packed[w], 4), four);
    UNROLL for (int k = 0; k < 4; k++) factors[4 * w + k] = same_words_of_lanes(scales, k);
    _mm512_store_si512(tile->minima[2 * w][v], two_words_of_lanes(minima, 0));
    _mm512_store_si512(tile->minima[2 * w + 1][v], two_words_of_lanes(minima, 2));
  }
  UNROLL for (int part = 0; part < 4; part++) {
    __m512i codes[4];
    transpose_rows(rows, offset + 16 + 16 * part, codes);
    UNROLL for (int i = 0; i < 4; i++) {
      UNROLL for (int s = 0; s < 4; s++) {
        const int q = 32 * (part / 2) + 8 * s + 4 * (part % 2) + i;
        const __m512i code = _mm512_and_si512(_mm512_srli_epi32(codes[i], (unsigned)(2 * s)), two);
        _mm512_store_si512(tile->codes[q][v], _mm512_mullo_epi16(code, factors[q / 4]));
      }
    }
  }
  uint32_t halves[16];
  UNROLL for (int i = 0; i < 16; i++) memcpy(&halves[i], rows[i] + offset + 80, 4);
  const __m512i both = _mm512_loadu_si512(halves);
  store_halves(tile->scale[v], both);
  store_halves(tile->minimum_scale[v], _mm512_srli_epi32(both, 16));
}

// Values times scales are -124 to 128: they go into the tile multiplied, plus 127.
AVX512_INLINE void decode_q3_k(const uint8_t *const *rows, size_t offset, tile *tile, int v) {
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  const __m512i two = all_bytes(0x03), third = all_bytes(0x04);
  // The scales lie in the middle of the last 16 bytes, the half at their end.
  __m512i last[4], packed[4];
  transpose_rows(rows, offset + 94, last);
  const __m512i a = _mm512_or_si512(_mm512_srli_epi32(last[0], 16), _mm512_slli_epi32(last[1], 16));
  const __m512i b = _mm512_or_si512(_mm512_srli_epi32(last[1], 16), _mm512_slli_epi32(last[2], 16));
  const __m512i t = _mm512_or_si512(_mm512_srli_epi32(last[2], 16), _mm512_slli_epi32(last[3], 16));
  packed[0] = or_masked(_mm512_and_si512(a, four), _mm512_slli_epi32(t, 4), upper);
  packed[1] = or_masked(_mm512_and_si512(b, four), _mm512_slli_epi32(t, 2), upper);
  packed[2] = or_masked(_mm512_and_si512(_mm512_srli_epi32(a, 4), four), t, upper);
  packed[3] = or_masked(
      _mm512_and_si512(_mm512_srli_epi32(b, 4), four), _mm512_srli_epi32(t, 2), upper);
  __m512i high[8];
  transpose_rows(rows, offset, high);
  transpose_rows(rows, offset + 16, high + 4);
  UNROLL for (int part = 0; part < 4; part++) {
    __m512i codes[4];
    transpose_rows(rows, offset + 32 + 16 * part, codes);
    UNROLL for (int s = 0; s < 4; s++) {
      const int group = 8 * (part / 2) + 2 * s + part % 2, bit = 4 * (part / 2) + s;
      const __m512i factor = _mm512_sub_epi16(
          same_words_of_lanes(packed[group / 4], group % 4), _mm512_set1_epi16(32));
      // 127 - 4 * scale in every byte: codes carry 4 more than values.
      const __m512i bytes = _mm512_shuffle_epi8(
          factor, _mm512_set4_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0));
      const __m512i doubled = _mm512_add_epi8(bytes, bytes);
      const __m512i base =
          _mm512_sub_epi8(all_bytes(127), _mm512_add_epi8(doubled, doubled));
      UNROLL for (int i = 0; i < 4; i++) {
        const __m512i bits = high[4 * (part % 2) + i];
        const __m512i third_bit = bit <= 2 ? _mm512_slli_epi32(bits, (unsigned)(2 - bit) & 7)
                                           : _mm512_srli_epi32(bits, (unsigned)(bit - 2) & 7);
        const __m512i low = _mm512_and_si512(_mm512_srli_epi32(codes[i], (unsigned)(2 * s)), two);
        const __m512i code = or_masked(low, third_bit, third);
        const __m512i even = _mm512_mullo_epi16(
            _mm512_and_si512(code, _mm512_set1_epi16(0x00FF)), factor);
        const __m512i odd = _mm512_mullo_epi16(
            _mm512_andnot_si512(_mm512_set1_epi16(0x00FF), code), factor);
        // Bytes of `even` below, of `odd` above.
        const __m512i product =
            _mm512_ternarylogic_epi32(even, odd, _mm512_set1_epi16(0x00FF), 0xE4);
        _mm512_store_si512(tile->codes[4 * group + i][v], _mm512_add_epi8(product, base));
      }
    }
  }
  store_halves(tile->scale[v], _mm512_srli_epi32(last[3], 16));
}

TILED(matmul_q2_k, decode_q2_k, BLOCK256_Q2_K, BLOCK256_Q2_K_BYTES, 64, 1, 0)
TILED(matmul_q3_k, decode_q3_k, BLOCK256_Q3_K, BLOCK256_Q3_K_BYTES, 64, 0, 127)
TILED(matmul_q4_k, decode_q4_k, BLOCK256_Q4_K, BLOCK256_Q4_K_BYTES, 8, 1, 0)
TILED(matmul_q5_k, decode_q5_k, BLOCK256_Q5_K, BLOCK256_Q5_K_BYTES, 8, 1, 0)
TILED(matmul_q6_k, decode_q6_k, BLOCK256_Q6_K, BLOCK256_Q6_K_BYTES, 4, 0, 32)

maslin_matmul_function block256_matmul_avx512_k(uint32_t type) {
  switch (type) {
    case BLOCK256_Q2_K: return matmul_q2_k;
    case BLOCK256_Q3_K: return matmul_q3_k;
    case BLOCK256_Q4_K: return matmul_q4_k;
    case BLOCK256_Q5_K: return matmul_q5_k;
    case BLOCK256_Q6_K: return matmul_q6_k;
    default: return 0;
  }
}

#endif
