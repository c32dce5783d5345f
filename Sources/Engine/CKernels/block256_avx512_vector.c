// One column under AVX-512: blocks of four rows at a time, each along the vector, their sums transposed at the end.
//
// A tile (block256_avx512_tile.h) would serve one column too, but would spend more on putting rows into lanes than on
// the product, and a single column is to run as fast as weights come from memory.
#include "block256_avx512_tile.h"

#if defined(__x86_64__)

enum { PREPARED_BYTES = 512, MOST_BLOCKS = MASLIN_SCRATCH_BYTES / PREPARED_BYTES };

// What is read of a block of four rows before its codes. It is read one block ahead: the chain from there to the sums is
// longer than the processor looks ahead.
typedef struct {
  __m512i codes[2][2];    // IQ2_XXS only: levels of two rows
  __m512i signs[2];
  __m512i packed[2];
  uint8_t scales[64] __attribute__((aligned(64))); // 16 bytes per row
  __m512i minima;         // 4 words per row, to be added
  __m128 scale;           // one row per lane
  __m128 minimum_scale;
} four_headers;

// Rearranges 256 quants of the column into up to PREPARED_BYTES, for all blocks of the same position.
typedef void (*prepare_quants)(const int8_t *quants, int8_t *prepared);
typedef void (*read_headers)(
    const uint8_t *const rows[4], size_t offset, const int16_t *sums, four_headers *headers);
// dots[r] is to be added over all lanes.
typedef void (*multiply_four)(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]);

// Lane r: the sum of all lanes of z[r].
AVX512_INLINE __m128i add_four(const __m512i z[4]) {
  const __m512i a = _mm512_add_epi32(
      _mm512_unpacklo_epi32(z[0], z[1]), _mm512_unpackhi_epi32(z[0], z[1]));
  const __m512i b = _mm512_add_epi32(
      _mm512_unpacklo_epi32(z[2], z[3]), _mm512_unpackhi_epi32(z[2], z[3]));
  const __m512i c = _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
  const __m256i d =
      _mm256_add_epi32(_mm512_castsi512_si256(c), _mm512_extracti64x4_epi64(c, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(d), _mm256_extracti128_si256(d, 1));
}

// Lane r: the sum of the four words of 128-bit lane r.
AVX512_INLINE __m128i add_lanes(__m512i z) {
  const __m512i pairs = _mm512_add_epi32(z, _mm512_shuffle_epi32(z, _MM_PERM_BADC));
  const __m512i all = _mm512_add_epi32(pairs, _mm512_shuffle_epi32(pairs, _MM_PERM_CDAB));
  const __m512i order = _mm512_castsi128_si512(_mm_set_epi32(12, 8, 4, 0));
  return _mm512_castsi512_si128(_mm512_permutexvar_epi32(order, all));
}

// 16 bytes at `offset` of four rows.
AVX512_INLINE __m512i lanes_of_rows(const uint8_t *const rows[4], size_t offset) {
  __m512i z = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(rows[0] + offset)));
  z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[1] + offset)), 1);
  z = _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[2] + offset)), 2);
  return _mm512_inserti32x4(z, _mm_loadu_si128((const __m128i *)(rows[3] + offset)), 3);
}

// The halves at `offset` of four rows.
AVX512_INLINE __m128 four_halves(const uint8_t *const rows[4], size_t offset) {
  uint64_t halves = 0;
  UNROLL for (int r = 0; r < 4; r++) {
    uint16_t half;
    memcpy(&half, rows[r] + offset, 2);
    halves |= (uint64_t)half << (16 * r);
  }
  return _mm_cvtph_ps(_mm_cvtsi64_si128((long long)halves));
}

// The low and the high halves of four 32-bit words.
AVX512_INLINE void both_halves(__m128i words, four_headers *headers) {
  const __m128i order = _mm_set_epi8(15, 14, 11, 10, 7, 6, 3, 2, 13, 12, 9, 8, 5, 4, 1, 0);
  const __m256 halves = _mm256_cvtph_ps(_mm_shuffle_epi8(words, order));
  headers->scale = _mm256_castps256_ps128(halves);
  headers->minimum_scale = _mm256_extractf128_ps(halves, 1);
}

AVX512_INLINE __m512i all_bytes(int value) { return _mm512_set1_epi8((char)value); }

// Adds the products of 64 codes and quants times the scales of their pairs. Codes are small enough for no pair to
// saturate.
AVX512_INLINE __m512i add_products(__m512i sum, __m512i codes, const int8_t *quants, __m512i scales) {
  const __m512i pairs = _mm512_maddubs_epi16(codes, _mm512_load_si512(quants));
  return _mm512_dpwssd_epi32(sum, pairs, scales);
}

AVX512_INLINE void move_quants(const int8_t *from, int8_t *to, const int order[8]) {
  UNROLL for (int i = 0; i < 8; i++) memcpy(to + 32 * i, from + 32 * order[i], 32);
}

// Q4_K, Q5_K

AVX512_INLINE void prepare_q4_k(const int8_t *quants, int8_t *prepared) {
  move_quants(quants, prepared, (const int[]){0, 2, 1, 3, 4, 6, 5, 7});
}

AVX512_INLINE void read_six_bit(
    const uint8_t *const rows[4], size_t offset, const int16_t *sums, four_headers *headers) {
  // Words of a lane: two halves, scales 0-3 with upper bits of 4-7, minima likewise, lower bits of both.
  const __m512i header = lanes_of_rows(rows, offset);
  const __m512i low = _mm512_srlv_epi32(
      _mm512_shuffle_epi32(header, _MM_PERM_DCDB), _mm512_set4_epi32(4, 0, 0, 0));
  const __m512i upper = _mm512_srli_epi32(_mm512_shuffle_epi32(header, _MM_PERM_CABA), 2);
  const __m512i low_bits = _mm512_set4_epi32(0x0F0F0F0F, 0x3F3F3F3F, 0x0F0F0F0F, 0x3F3F3F3F);
  const __m512i upper_bits = _mm512_set4_epi32(0x30303030, 0, 0x30303030, 0);
  // Bytes of a lane: 8 scales, 8 minima.
  const __m512i six = _mm512_ternarylogic_epi32(
      _mm512_and_si512(low, low_bits), upper, upper_bits, 0xF8);
  const __m128i halves = _mm512_castsi512_si128(_mm512_permutexvar_epi32(
      _mm512_castsi128_si512(_mm_set_epi32(12, 8, 4, 0)), header));
  both_halves(halves, headers);
  // Sums of 32 values as words, once per row.
  const __m256i sixteen = _mm256_loadu_si256((const __m256i *)sums);
  const __m256i pairs = _mm256_madd_epi16(sixteen, _mm256_set1_epi16(1));
  const __m512i sums32 = _mm512_broadcast_i32x4(_mm256_cvtepi32_epi16(pairs));
  headers->minima = _mm512_dpwssd_epi32(
      _mm512_setzero_si512(), _mm512_unpackhi_epi8(six, _mm512_setzero_si512()), sums32);
  _mm512_store_si512(headers->scales, six);
}

AVX512_INLINE void multiply_six_bit(
    int fifth_bits, const uint8_t *const rows[4], size_t offset, const int8_t *prepared,
    const four_headers *headers, __m512i dots[4]) {
  const __m512i four = all_bytes(0x0F), fifth = all_bytes(0x10);
  UNROLL for (int r = 0; r < 4; r++) {
    const __m512i row_scales = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(headers->scales + 16 * r)));
    __m512i sum = _mm512_setzero_si512(), bits = _mm512_setzero_si512();
    const uint8_t *codes = rows[r] + offset + (fifth_bits ? 48 : 16);
    if (fifth_bits) {
      bits = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(rows[r] + offset + 16)));
    }
    UNROLL for (int i = 0; i < 2; i++) {
      const __m512i packed = _mm512_loadu_si512(codes + 64 * i);
      UNROLL for (int h = 0; h < 2; h++) {
        __m512i code = _mm512_and_si512(h ? _mm512_srli_epi32(packed, 4) : packed, four);
        const int s = 4 * i + h;
        if (fifth_bits) {
          // Bit s of the bytes below, s + 2 of those above, to bit 4.
          const __m512i moved =
              i ? _mm512_srlv_epi64(bits, _mm512_set_epi64(2 + h, 2 + h, 2 + h, 2 + h, h, h, h, h))
                : _mm512_sllv_epi64(
                      bits, _mm512_set_epi64(
                                2 - h, 2 - h, 2 - h, 2 - h, 4 - h, 4 - h, 4 - h, 4 - h));
          code = _mm512_ternarylogic_epi32(code, moved, fifth, 0xF8);
        }
        // Scale s in the words below, s + 2 in those above.
        const long long below = (long long)(0x8000800080008000ull | 0x0001000100010001ull * (unsigned)s);
        const long long above = below + 0x0002000200020002ll;
        const __m512i spread = _mm512_shuffle_epi8(
            row_scales,
            _mm512_set_epi64(above, above, above, above, below, below, below, below));
        sum = add_products(sum, code, prepared + 128 * i + 64 * h, spread);
      }
    }
    dots[r] = sum;
  }
}

AVX512_INLINE void multiply_q4_k(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]) {
  (void)sums;
  multiply_six_bit(0, rows, offset, prepared, headers, dots);
}

AVX512_INLINE void multiply_q5_k(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]) {
  (void)sums;
  multiply_six_bit(1, rows, offset, prepared, headers, dots);
}

// Q6_K

AVX512_INLINE void prepare_q6_k(const int8_t *quants, int8_t *prepared) {
  memcpy(prepared, quants, 256);
}

AVX512_INLINE void read_q6_k(
    const uint8_t *const rows[4], size_t offset, const int16_t *sums, four_headers *headers) {
  (void)sums;
  headers->scale = four_halves(rows, offset + 208);
}

AVX512_INLINE void multiply_q6_k(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]) {
  (void)headers;
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  const __m256i sixteen = _mm256_loadu_si256((const __m256i *)sums);
  UNROLL for (int r = 0; r < 4; r++) {
    const uint8_t *block = rows[r] + offset;
    const __m256i scales =
        _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 192)));
    // Codes are 32 more than values.
    const __m256i excess = _mm256_dpwssd_epi32(_mm256_setzero_si256(), scales, sixteen);
    __m512i sum = _mm512_sub_epi32(
        _mm512_setzero_si512(), _mm512_zextsi256_si512(_mm256_slli_epi32(excess, 5)));
    const __m512i wide = _mm512_castsi256_si512(scales);
    UNROLL for (int half = 0; half < 2; half++) {
      const __m512i packed = _mm512_loadu_si512(block + 64 * half);
      const __m512i bits = _mm512_broadcast_i64x4(
          _mm256_loadu_si256((const __m256i *)(block + 128 + 32 * half)));
      const __m512i first = _mm512_sllv_epi64(bits, _mm512_set_epi64(2, 2, 2, 2, 4, 4, 4, 4));
      const __m512i second = _mm512_srlv_epi64(bits, _mm512_set_epi64(2, 2, 2, 2, 0, 0, 0, 0));
      const __m512i low = _mm512_ternarylogic_epi32(
          _mm512_and_si512(packed, four), first, upper, 0xF8);
      const __m512i high = _mm512_ternarylogic_epi32(
          _mm512_and_si512(_mm512_srli_epi32(packed, 4), four), second, upper, 0xF8);
      UNROLL for (int i = 0; i < 2; i++) {
        // One scale per 128-bit lane.
        const long long g = 8 * half + 4 * i, same = 0x0001000100010001ll;
        const __m512i order = _mm512_set_epi64(
            same * (g + 3), same * (g + 3), same * (g + 2), same * (g + 2), same * (g + 1),
            same * (g + 1), same * g, same * g);
        sum = add_products(
            sum, i ? high : low, prepared + 128 * half + 64 * i,
            _mm512_permutexvar_epi16(order, wide));
      }
    }
    dots[r] = sum;
  }
}

// Q2_K

AVX512_INLINE void prepare_q2_k(const int8_t *quants, int8_t *prepared) {
  move_quants(quants, prepared, (const int[]){0, 4, 1, 5, 2, 6, 3, 7});
}

AVX512_INLINE void read_q2_k(
    const uint8_t *const rows[4], size_t offset, const int16_t *sums, four_headers *headers) {
  const __m512i header = lanes_of_rows(rows, offset);
  const __m512i four = all_bytes(0x0F), zero = _mm512_setzero_si512();
  _mm512_store_si512(headers->scales, _mm512_and_si512(header, four));
  const __m512i minima = _mm512_and_si512(_mm512_srli_epi32(header, 4), four);
  const __m512i low_sums = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)sums));
  const __m512i high_sums = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(sums + 8)));
  headers->minima = _mm512_dpwssd_epi32(
      _mm512_dpwssd_epi32(zero, _mm512_unpacklo_epi8(minima, zero), low_sums),
      _mm512_unpackhi_epi8(minima, zero), high_sums);
  uint32_t halves[4];
  UNROLL for (int r = 0; r < 4; r++) memcpy(&halves[r], rows[r] + offset + 80, 4);
  both_halves(
      _mm_set_epi32((int)halves[3], (int)halves[2], (int)halves[1], (int)halves[0]), headers);
}

AVX512_INLINE void multiply_q2_k(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]) {
  (void)sums;
  const __m512i two = all_bytes(0x03);
  UNROLL for (int r = 0; r < 4; r++) {
    const __m512i row_scales = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(headers->scales + 16 * r)));
    const __m512i packed = _mm512_loadu_si512(rows[r] + offset + 16);
    __m512i sum = _mm512_setzero_si512();
    UNROLL for (int s = 0; s < 4; s++) {
      const __m512i code = _mm512_and_si512(_mm512_srli_epi32(packed, (unsigned)(2 * s)), two);
      // Scales 2 s, 2 s + 1, 8 + 2 s and 9 + 2 s in the words of a 128-bit lane each.
      const long long same = 0x0001000100010001ll;
      const long long first = (long long)0x8000800080008000ull + same * (2 * s);
      const __m512i spread = _mm512_shuffle_epi8(
          row_scales, _mm512_set_epi64(
                          first + 9 * same, first + 9 * same, first + 8 * same, first + 8 * same,
                          first + same, first + same, first, first));
      sum = add_products(sum, code, prepared + 64 * s, spread);
    }
    dots[r] = sum;
  }
}

// IQ2_XXS: two rows share a vector, the second in the upper half; byte e of a half belongs to grid entry e.

AVX512_INLINE void prepare_iq2_xxs(const int8_t *quants, int8_t *prepared) {
  // Value j of the 32 entries, twice.
  const __m512i eights = _mm512_set_epi64(
      0x7870686058504840, 0x3830282018100800, 0x7870686058504840, 0x3830282018100800,
      0x7870686058504840, 0x3830282018100800, 0x7870686058504840, 0x3830282018100800);
  UNROLL for (int j = 0; j < 8; j++) {
    const __m512i order = _mm512_add_epi8(eights, all_bytes(j));
    const __m512i low = _mm512_permutex2var_epi8(
        _mm512_loadu_si512(quants), order, _mm512_loadu_si512(quants + 64));
    const __m512i high = _mm512_permutex2var_epi8(
        _mm512_loadu_si512(quants + 128), order, _mm512_loadu_si512(quants + 192));
    _mm512_store_si512(prepared + 64 * j, _mm512_mask_blend_epi64(0xCC, low, high));
  }
}

AVX512_INLINE void read_iq2_xxs(
    const uint8_t *const rows[4], size_t offset, const int16_t *sums, four_headers *headers) {
  (void)sums;
  const __m512i even = _mm512_set_epi32(
      30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  // Bytes of eight bits from bits 0, 7, 14, 21 of each 32.
  const __m512i sevens = _mm512_set1_epi64(0x352E2720150E0700);
  UNROLL for (int p = 0; p < 2; p++) {
    const __m512i a = _mm512_loadu_si512(rows[2 * p] + offset + 2);
    const __m512i b = _mm512_loadu_si512(rows[2 * p + 1] + offset + 2);
    const __m512i index = _mm512_permutex2var_epi32(a, even, b);
    const __m512i packed = _mm512_permutex2var_epi32(a, odd, b);
    const __m512i seven_bits = _mm512_multishift_epi64_epi8(sevens, packed);
    headers->signs[p] = _mm512_permutex2var_epi8(
        _mm512_loadu_si512(maslin_iq_signs), seven_bits, _mm512_loadu_si512(maslin_iq_signs + 64));
    headers->packed[p] = packed;
    const __mmask64 upper = _mm512_movepi8_mask(index);
    UNROLL for (int h = 0; h < 2; h++) {
      const uint8_t *grid = block256_iq2_xxs_codes[h];
      headers->codes[p][h] = _mm512_mask_blend_epi8(
          upper,
          _mm512_permutex2var_epi8(
              _mm512_load_si512(grid), index, _mm512_load_si512(grid + 64)),
          _mm512_permutex2var_epi8(
              _mm512_load_si512(grid + 128), index, _mm512_load_si512(grid + 192)));
    }
  }
  headers->scale = _mm_mul_ps(four_halves(rows, offset), _mm_set1_ps(0.125f));
}

AVX512_INLINE void multiply_iq2_xxs(
    const uint8_t *const rows[4], size_t offset, const int8_t *prepared, const int16_t *sums,
    const four_headers *headers, __m512i dots[4]) {
  (void)rows, (void)offset, (void)sums;
  // Values of the codes in bits 0-1, 2-3 and 4-5 of an index.
  const __m512i first = _mm512_set1_epi32(8 | 25 << 8 | 43 << 16);
  const __m512i second = _mm512_set4_epi32(0, 0x2B2B2B2B, 0x19191919, 0x08080808);
  const __m512i third = _mm512_set_epi64(
      0, 0, 0x2B2B2B2B2B2B2B2B, 0x2B2B2B2B2B2B2B2B, 0x1919191919191919, 0x1919191919191919,
      0x0808080808080808, 0x0808080808080808);
  __m512i sum[2][2];
  UNROLL for (int h = 0; h < 2; h++) {
    sum[0][h] = sum[1][h] = _mm512_setzero_si512();
    UNROLL for (int j = 0; j < 4; j++) {
      const __m512i plain = _mm512_load_si512(prepared + 64 * (4 * h + j));
      UNROLL for (int p = 0; p < 2; p++) {
        const __m512i codes = headers->codes[p][h];
        const __m512i value =
            j == 0   ? _mm512_permutexvar_epi8(codes, first)
            : j == 1 ? _mm512_permutexvar_epi8(codes, second)
            : j == 2 ? _mm512_permutexvar_epi8(codes, third)
                     : _mm512_permutexvar_epi8(_mm512_srli_epi32(codes, 2), third);
        const __mmask64 negative =
            _mm512_test_epi8_mask(headers->signs[p], all_bytes(1 << (4 * h + j)));
        const __m512i quants =
            _mm512_mask_sub_epi8(plain, negative, _mm512_setzero_si512(), plain);
        sum[p][h] = _mm512_dpbusd_epi32(sum[p][h], value, quants);
      }
    }
  }
  UNROLL for (int p = 0; p < 2; p++) {
    // Bit 27 is overwritten: 2 * scale + 1.
    const __m512i scale =
        _mm512_or_si512(_mm512_srli_epi32(headers->packed[p], 27), _mm512_set1_epi32(1));
    const __m512i pair = _mm512_mullo_epi32(_mm512_add_epi32(sum[p][0], sum[p][1]), scale);
    dots[2 * p] = _mm512_zextsi256_si512(_mm512_castsi512_si256(pair));
    dots[2 * p + 1] = _mm512_zextsi256_si512(_mm512_extracti64x4_epi64(pair, 1));
  }
}

AVX512_INLINE void multiply_column(
    read_headers read, multiply_four multiply, prepare_quants prepare, size_t prepared_bytes, size_t block_bytes,
    int has_minima, const uint8_t *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, float *out, int8_t *prepared) {
  const size_t blocks = count / 256;
  for (size_t b = 0; b < blocks; b++) {
    prepare(activations->quants + 256 * b, prepared + prepared_bytes * b);
  }
  for (size_t r = 0; r < rows; r += 4) {
    const uint8_t *pointers[4];
    for (size_t i = 0; i < 4; i++) {
      pointers[i] = weights + (r + i < rows ? r + i : rows - 1) * row_bytes;
    }
    // The next four rows lie right behind these: fetch as much of them as is used up here.
    const uint8_t *next = weights + (r + 4) * row_bytes;
    const size_t left = rows > r + 4 ? rows - r - 4 : 0;
    const size_t ahead = (left < 4 ? left : 4) * row_bytes;
    size_t fetched = 0;
    __m128 total = _mm_setzero_ps();
    four_headers headers[2];
    if (blocks > 0) read(pointers, 0, activations->sums, &headers[0]);
    for (size_t b = 0; b < blocks; b++) {
      for (; fetched < (b + 1) * 4 * block_bytes && fetched < ahead; fetched += 64) {
        _mm_prefetch((const char *)next + fetched, _MM_HINT_T0);
      }
      if (b + 1 < blocks) {
        read(pointers, (b + 1) * block_bytes, activations->sums + 16 * (b + 1), &headers[~b & 1]);
      }
      const four_headers *current = &headers[b & 1];
      __m512i dots[4];
      multiply(
          pointers, b * block_bytes, prepared + prepared_bytes * b, activations->sums + 16 * b,
          current, dots);
      const __m128 scale = _mm_set1_ps(activations->scales[b]);
      const __m128 dot = _mm_cvtepi32_ps(add_four(dots));
      total = _mm_fmadd_ps(_mm_mul_ps(current->scale, scale), dot, total);
      if (has_minima) {
        const __m128 minima = _mm_cvtepi32_ps(add_lanes(current->minima));
        total = _mm_fnmadd_ps(_mm_mul_ps(current->minimum_scale, scale), minima, total);
      }
    }
    const __mmask8 mask = rows - r >= 4 ? 15 : (__mmask8)((1u << (rows - r)) - 1);
    _mm_mask_storeu_ps(out + r, mask, total);
  }
}

#define COLUMN(name, read, prepare, prepared_bytes, block_bytes, has_minima)                             \
  AVX512 static void column_##name(                                                                \
      const uint8_t *weights, size_t row_bytes, size_t rows, size_t count,                         \
      const maslin_activations *activations, float *out, void *scratch) {                          \
    multiply_column(                                                                               \
        read, multiply_##name, prepare, prepared_bytes, block_bytes, has_minima, weights, row_bytes,     \
        rows, count, activations, out, scratch);                                                   \
  }

COLUMN(q2_k, read_q2_k, prepare_q2_k, 256, BLOCK256_Q2_K_BYTES, 1)
COLUMN(q4_k, read_six_bit, prepare_q4_k, 256, BLOCK256_Q4_K_BYTES, 1)
COLUMN(q5_k, read_six_bit, prepare_q4_k, 256, BLOCK256_Q5_K_BYTES, 1)
COLUMN(q6_k, read_q6_k, prepare_q6_k, 256, BLOCK256_Q6_K_BYTES, 0)
COLUMN(iq2_xxs, read_iq2_xxs, prepare_iq2_xxs, 512, BLOCK256_IQ2_XXS_BYTES, 0)

int block256_column_avx512(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, float *out, void *scratch) {
  if (count / 256 > MOST_BLOCKS) return 0;
  switch (type) {
    case BLOCK256_Q2_K:
      column_q2_k(weights, row_bytes, rows, count, activations, out, scratch);
      return 1;
    case BLOCK256_Q4_K:
      column_q4_k(weights, row_bytes, rows, count, activations, out, scratch);
      return 1;
    case BLOCK256_Q5_K:
      column_q5_k(weights, row_bytes, rows, count, activations, out, scratch);
      return 1;
    case BLOCK256_Q6_K:
      column_q6_k(weights, row_bytes, rows, count, activations, out, scratch);
      return 1;
    case BLOCK256_IQ2_XXS:
      column_iq2_xxs(weights, row_bytes, rows, count, activations, out, scratch);
      return 1;
    default: return 0;
  }
}

#endif
