// IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S and IQ4_XS taken apart under AVX2: 32 values in a vector. Included by
// block256_avx2.c, whose functions it uses.
#ifndef MASLIN_BLOCK256_AVX2_IQ_H
#define MASLIN_BLOCK256_AVX2_IQ_H

#if defined(__x86_64__)

AVX2_INLINE uint32_t word_at(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, 4);
  return word;
}

// Stores `magnitudes`, negated where a bit of `signs` is set.
AVX2_INLINE void store_signed(int8_t *values, __m256i magnitudes, uint32_t signs) {
  const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
  const __m256i spread = _mm256_setr_epi64x(
      0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32((int)signs), spread);
  const __m256i negative = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
  store(values, _mm256_sub_epi8(_mm256_xor_si256(magnitudes, negative), negative));
}

AVX2_INLINE __m256i four_entries(
    const uint64_t *grid, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return _mm256_setr_epi64x(
      (long long)grid[a], (long long)grid[b], (long long)grid[c], (long long)grid[d]);
}

// Stores the signs of 32 values, of seven bits each; the eighth is their parity.
AVX2_INLINE void store_signs(__m256i sevens, uint32_t signs[8]) {
  // Bit 7: parity of the index.
  const __m256i parity = _mm256_broadcastsi128_si256(_mm_set_epi64x(
      (long long)0x0080800080000080ull, (long long)0x8000008000808000ull));
  const __m256i odd = _mm256_xor_si256(
      _mm256_shuffle_epi8(parity, bits_of(sevens, 0, 15)),
      _mm256_shuffle_epi8(parity, bits_of(sevens, 4, 7)));
  store(signs, _mm256_or_si256(sevens, odd));
}

// Eight words of four times seven bits of signs below four bits of scale: of IQ2_XXS and IQ3_XXS.
AVX2_INLINE void take_words(__m256i words, block256_parts *parts, uint32_t signs[8]) {
  const __m256i first = _mm256_and_si256(words, _mm256_set1_epi32(0x7F));
  const __m256i second =
      _mm256_and_si256(_mm256_slli_epi32(words, 1), _mm256_set1_epi32(0x7F00));
  const __m256i third =
      _mm256_and_si256(_mm256_slli_epi32(words, 2), _mm256_set1_epi32(0x7F0000));
  const __m256i fourth =
      _mm256_and_si256(_mm256_slli_epi32(words, 3), _mm256_set1_epi32(0x7F000000));
  store_signs(
      _mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth)), signs);
  const __m256i scale = _mm256_slli_epi32(_mm256_srli_epi32(words, 28), 1);
  store(
      parts->scales,
      _mm256_or_si256(
          _mm256_or_si256(scale, _mm256_slli_epi32(scale, 16)), _mm256_set1_epi32(0x10001)));
}

// The scales of 16 groups by nibbles: 2 * nibble + 1.
AVX2_INLINE void odd_scales(__m128i nibbles, block256_parts *parts) {
  const __m256i words = _mm256_cvtepu8_epi16(nibbles);
  store(
      parts->scales,
      _mm256_add_epi16(_mm256_add_epi16(words, words), _mm256_set1_epi16(1)));
}

// The lower and upper nibbles of eight bytes in turn.
AVX2_INLINE __m128i nibbles_of(__m128i bytes) {
  const __m128i four = _mm_set1_epi8(15);
  return _mm_unpacklo_epi8(
      _mm_and_si128(bytes, four), _mm_and_si128(_mm_srli_epi16(bytes, 4), four));
}

AVX2_INLINE void unpack_iq2_xxs(const uint8_t *block, block256_parts *parts) {
  // The upper words of 64 bits.
  const __m256 odd = _mm256_shuffle_ps(
      _mm256_castsi256_ps(load(block + 2)), _mm256_castsi256_ps(load(block + 34)), 0xDD);
  uint32_t signs[8];
  take_words(_mm256_permute4x64_epi64(_mm256_castps_si256(odd), 0xD8), parts, signs);
  UNROLL for (int s = 0; s < 8; s++) {
    const uint8_t *part = block + 2 + 8 * s;
    store_signed(
        parts->values + 32 * s,
        four_entries(maslin_iq2_xxs_grid, part[0], part[1], part[2], part[3]),
        signs[s]);
  }
  parts->scale = half_at(block) * 0.125f;
  no_minima(parts);
}

AVX2_INLINE void unpack_iq2_xs(const uint8_t *block, block256_parts *parts) {
  const __m256i sevens = _mm256_packus_epi16(
      _mm256_srli_epi16(load(block + 2), 9), _mm256_srli_epi16(load(block + 34), 9));
  uint32_t signs[8];
  store_signs(_mm256_permute4x64_epi64(sevens, 0xD8), signs);
  UNROLL for (int s = 0; s < 8; s++) {
    uint64_t four;
    memcpy(&four, block + 2 + 8 * s, 8);
    store_signed(
        parts->values + 32 * s,
        four_entries(
            maslin_iq2_xs_grid, four & 511, four >> 16 & 511, four >> 32 & 511, four >> 48 & 511),
        signs[s]);
  }
  odd_scales(nibbles_of(_mm_loadl_epi64((const __m128i *)(block + 66))), parts);
  parts->scale = half_at(block) * 0.125f;
  no_minima(parts);
}

AVX2_INLINE void unpack_iq2_s(const uint8_t *block, block256_parts *parts) {
  uint16_t entries[32];
  UNROLL for (int h = 0; h < 2; h++) {
    const __m256i low =
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(block + 2 + 16 * h)));
    // A byte has the upper two bits of four entries: each of them in a word, multiplied up to bits 8 and 9.
    const __m256i four = _mm256_set1_epi32((int)word_at(block + 66 + 4 * h));
    const __m256i spread = _mm256_shuffle_epi8(
        four, _mm256_setr_epi64x(
                  (long long)0x8000800080008000ull, (long long)0x8001800180018001ull,
                  (long long)0x8002800280028002ull, (long long)0x8003800380038003ull));
    const __m256i upper = _mm256_and_si256(
        _mm256_mullo_epi16(spread, _mm256_set1_epi64x(0x0004001000400100)),
        _mm256_set1_epi16(0x300));
    store(entries + 16 * h, _mm256_or_si256(low, upper));
  }
  UNROLL for (int s = 0; s < 8; s++) {
    const uint16_t *four = entries + 4 * s;
    store_signed(
        parts->values + 32 * s,
        four_entries(maslin_iq2_s_grid, four[0], four[1], four[2], four[3]),
        word_at(block + 34 + 4 * s));
  }
  odd_scales(nibbles_of(_mm_loadl_epi64((const __m128i *)(block + 74))), parts);
  parts->scale = half_at(block) * 0.125f;
  no_minima(parts);
}

AVX2_INLINE void unpack_iq3_xxs(const uint8_t *block, block256_parts *parts) {
  const uint32_t *grid = maslin_iq3_xxs_grid;
  uint32_t signs[8];
  take_words(load(block + 66), parts, signs);
  UNROLL for (int s = 0; s < 8; s++) {
    const uint8_t *part = block + 2 + 8 * s;
    store_signed(
        parts->values + 32 * s,
        _mm256_setr_epi32(
            (int)grid[part[0]], (int)grid[part[1]], (int)grid[part[2]], (int)grid[part[3]],
            (int)grid[part[4]], (int)grid[part[5]], (int)grid[part[6]], (int)grid[part[7]]),
        signs[s]);
  }
  parts->scale = half_at(block) * 0.25f;
  no_minima(parts);
}

AVX2_INLINE void unpack_iq3_s(const uint8_t *block, block256_parts *parts) {
  uint16_t entries[64];
  const __m256i bit = _mm256_setr_epi64x(
      0x0008000400020001, 0x0080004000200010, 0x0800040002000100,
      (long long)0x8000400020001000ull);
  UNROLL for (int h = 0; h < 4; h++) {
    const __m256i low =
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(block + 2 + 16 * h)));
    uint16_t ninth;
    memcpy(&ninth, block + 66 + 2 * h, 2);
    const __m256i set = _mm256_cmpeq_epi16(
        _mm256_and_si256(_mm256_set1_epi16((int16_t)ninth), bit), bit);
    store(
        entries + 16 * h,
        _mm256_or_si256(low, _mm256_and_si256(set, _mm256_set1_epi16(256))));
  }
  const uint32_t *grid = maslin_iq3_s_grid;
  UNROLL for (int s = 0; s < 8; s++) {
    const uint16_t *eight = entries + 8 * s;
    store_signed(
        parts->values + 32 * s,
        _mm256_setr_epi32(
            (int)grid[eight[0]], (int)grid[eight[1]], (int)grid[eight[2]], (int)grid[eight[3]],
            (int)grid[eight[4]], (int)grid[eight[5]], (int)grid[eight[6]], (int)grid[eight[7]]),
        word_at(block + 74 + 4 * s));
  }
  const __m128i nibbles = nibbles_of(_mm_cvtsi32_si128((int)word_at(block + 106)));
  odd_scales(_mm_unpacklo_epi8(nibbles, nibbles), parts);
  parts->scale = half_at(block);
  no_minima(parts);
}

AVX2_INLINE void unpack_iq4_xs(const uint8_t *block, block256_parts *parts) {
  const __m256i values =
      _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)maslin_iq4_values));
  UNROLL for (int s = 0; s < 8; s++) {
    const __m128i packed = _mm_loadu_si128((const __m128i *)(block + 8 + 16 * s));
    const __m256i codes = _mm256_set_m128i(_mm_srli_epi16(packed, 4), packed);
    store(
        parts->values + 32 * s,
        _mm256_shuffle_epi8(values, _mm256_and_si256(codes, all_bytes(15))));
  }
  // The upper two bits of scale s: multiplied to the top of a word, then down to bit 4.
  uint16_t upper;
  memcpy(&upper, block + 2, 2);
  const __m128i two = _mm_and_si128(
      _mm_srli_epi16(
          _mm_mullo_epi16(
              _mm_set1_epi16((int16_t)upper),
              _mm_setr_epi16(1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 1 << 2, 1)),
          10),
      _mm_set1_epi16(0x30));
  const __m128i low =
      _mm_cvtepu8_epi16(nibbles_of(_mm_cvtsi32_si128((int)word_at(block + 4))));
  const __m128i scales = _mm_sub_epi16(_mm_or_si128(low, two), _mm_set1_epi16(32));
  store(
      parts->scales,
      _mm256_set_m128i(_mm_unpackhi_epi16(scales, scales), _mm_unpacklo_epi16(scales, scales)));
  parts->scale = half_at(block);
  no_minima(parts);
}

#endif
#endif
