// One column under AVX-512 for the types whose rows take more to be put into lanes than to be multiplied: a block of a
// row lies along the vectors, and the sums of four rows are added up together.
#include "block256_avx512_tile.h"

#if defined(__x86_64__)

enum { ROWS = 4 };

// One block of four rows: dots[r] is to be added over all lanes, scale has one row per lane.
typedef struct {
  __m512i dots[ROWS];
  __m128 scale;
} four_products;

typedef void (*multiply_four)(
    const uint8_t *const *rows, size_t offset, const int8_t *quants, const int16_t *sums,
    four_products *products);

AVX512_INLINE __m512i all_bytes(int value) { return _mm512_set1_epi8((char)value); }

// a | b & mask.
AVX512_INLINE __m512i or_masked(__m512i a, __m512i b, __m512i mask) {
  return _mm512_ternarylogic_epi32(a, b, mask, 0xF8);
}

AVX512_INLINE __m512i twice(const void *bytes) {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256(bytes));
}

// 16 bytes of two rows.
AVX512_INLINE __m256i of_two_rows(const uint8_t *const *rows, size_t offset) {
  return _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(rows[0] + offset))),
      _mm_loadu_si128((const __m128i *)(rows[1] + offset)), 1);
}

// A vector of words with a, b, c, d in its quarters.
AVX512_INLINE __m512i word_quarters(int a, int b, int c, int d) {
  const long long same = 0x0001000100010001;
  return _mm512_set_epi64(
      same * d, same * d, same * c, same * c, same * b, same * b, same * a, same * a);
}

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

// Starts the sums of four rows, where codes are 2^power more than values. Rows 2 p and 2 p + 1 have their scales in the
// halves of scales[p].
AVX512_INLINE void start_sums(
    const __m512i scales[2], const int16_t *sums, unsigned power, __m512i dots[ROWS]) {
  const __m512i zero = _mm512_setzero_si512(), sixteen = twice(sums);
  UNROLL for (int p = 0; p < 2; p++) {
    const __m512i excess =
        _mm512_slli_epi32(_mm512_dpwssd_epi32(zero, scales[p], sixteen), power);
    dots[2 * p] = _mm512_maskz_sub_epi32(0x00FF, zero, excess);
    dots[2 * p + 1] = _mm512_maskz_sub_epi32(0xFF00, zero, excess);
  }
}

// Adds the products of 64 codes and quants times the scales of their quarters. Codes are below 128, so that no pair
// saturates.
AVX512_INLINE void add_products(
    __m512i *dot, __m512i codes, __m512i quants, __m512i scales, __m512i quarters) {
  const __m512i pairs = _mm512_maddubs_epi16(codes, quants);
  const __m512i factors = _mm512_permutexvar_epi16(quarters, scales);
  // The compiler would split the intrinsic into two instructions for its latency; what counts here is their number.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(*dot) : "v"(pairs), "v"(factors));
}

AVX512_INLINE void multiply_q3_k(
    const uint8_t *const *rows, size_t offset, const int8_t *quants, const int16_t *sums,
    four_products *products) {
  // The last 16 bytes of a row in each lane: two of the codes, 12 of scales, the half.
  const __m512i last = _mm512_inserti64x4(
      _mm512_castsi256_si512(of_two_rows(rows, offset + 94)), of_two_rows(rows + 2, offset + 94),
      1);
  const __m512i half_words = _mm512_castsi128_si512(_mm_set_epi16(0, 0, 0, 0, 31, 23, 15, 7));
  const __m512i halves = _mm512_permutexvar_epi16(half_words, last);
  products->scale = _mm_cvtph_ps(_mm512_castsi512_si128(halves));
  const __m512i low_order = _mm512_set4_epi32(0x09080706, 0x05040302, 0x09080706, 0x05040302);
  const __m512i low = _mm512_srlv_epi64(
      _mm512_shuffle_epi8(last, low_order), _mm512_set4_epi64(4, 0, 4, 0));
  const __m512i upper = _mm512_rolv_epi32(
      _mm512_shuffle_epi8(last, _mm512_set1_epi32(0x0D0C0B0A)), _mm512_set4_epi32(30, 0, 2, 4));
  const __m512i six =
      or_masked(_mm512_and_si512(low, all_bytes(0x0F)), upper, all_bytes(0x30));
  const __m512i bytes = _mm512_sub_epi8(six, all_bytes(32));
  const __m512i scales[2] = {
      _mm512_cvtepi8_epi16(_mm512_castsi512_si256(bytes)),
      _mm512_cvtepi8_epi16(_mm512_extracti64x4_epi64(bytes, 1)),
  };
  start_sums(scales, sums, 2, products->dots);
  __m512i four_quants[4];
  UNROLL for (int s = 0; s < 4; s++) {
    const __m256i below = _mm256_loadu_si256((const __m256i *)(quants + 32 * s));
    const __m256i above = _mm256_loadu_si256((const __m256i *)(quants + 128 + 32 * s));
    four_quants[s] = _mm512_inserti64x4(_mm512_castsi256_si512(below), above, 1);
  }
  UNROLL for (int r = 0; r < ROWS; r++) {
    const __m512i packed = _mm512_loadu_si512(rows[r] + offset + 32);
    const __m512i high = _mm512_srlv_epi64(
        twice(rows[r] + offset), _mm512_set_epi64(4, 4, 4, 4, 0, 0, 0, 0));
    UNROLL for (int s = 0; s < 4; s++) {
      const __m512i two =
          _mm512_and_si512(s ? _mm512_srli_epi32(packed, 2 * (unsigned)s) : packed, all_bytes(3));
      const __m512i third = s < 2   ? _mm512_slli_epi32(high, 2 - (unsigned)s)
                            : s > 2 ? _mm512_srli_epi32(high, 1)
                                    : high;
      const int g = 16 * (r % 2) + 2 * s;
      add_products(
          &products->dots[r], or_masked(two, third, all_bytes(4)), four_quants[s], scales[r / 2],
          word_quarters(g, g + 1, g + 8, g + 9));
    }
  }
}

AVX512_INLINE void multiply_q6_k(
    const uint8_t *const *rows, size_t offset, const int8_t *quants, const int16_t *sums,
    four_products *products) {
  uint64_t halves = 0;
  __m512i scales[2];
  UNROLL for (int p = 0; p < 2; p++) {
    scales[p] = _mm512_cvtepi8_epi16(of_two_rows(rows + 2 * p, offset + 192));
  }
  UNROLL for (int r = 0; r < ROWS; r++) {
    uint16_t half;
    memcpy(&half, rows[r] + offset + 208, 2);
    halves |= (uint64_t)half << (16 * r);
  }
  products->scale = _mm_cvtph_ps(_mm_cvtsi64_si128((long long)halves));
  start_sums(scales, sums, 5, products->dots);
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  UNROLL for (int r = 0; r < ROWS; r++) {
    const uint8_t *block = rows[r] + offset;
    UNROLL for (int half = 0; half < 2; half++) {
      const __m512i packed = _mm512_loadu_si512(block + 64 * half);
      const __m512i bits = twice(block + 128 + 32 * half);
      const __m512i first = _mm512_sllv_epi64(bits, _mm512_set_epi64(2, 2, 2, 2, 4, 4, 4, 4));
      const __m512i second = _mm512_srlv_epi64(bits, _mm512_set_epi64(2, 2, 2, 2, 0, 0, 0, 0));
      const __m512i low = or_masked(_mm512_and_si512(packed, four), first, upper);
      const __m512i high =
          or_masked(_mm512_and_si512(_mm512_srli_epi32(packed, 4), four), second, upper);
      const int g = 16 * (r % 2) + 8 * half;
      add_products(
          &products->dots[r], low, _mm512_loadu_si512(quants + 128 * half), scales[r / 2],
          word_quarters(g, g + 1, g + 2, g + 3));
      add_products(
          &products->dots[r], high, _mm512_loadu_si512(quants + 128 * half + 64), scales[r / 2],
          word_quarters(g + 4, g + 5, g + 6, g + 7));
    }
  }
}

AVX512_INLINE void multiply_column(
    multiply_four multiply, size_t block_bytes, const uint8_t *weights, size_t row_bytes,
    size_t rows, size_t blocks, const maslin_activations *activations, float *out) {
  // Fetched rows stay in the first cache only if two times four of them take at most half of it.
  const int near = ROWS * row_bytes <= 8192;
  for (size_t r = 0; r < rows; r += ROWS) {
    const uint8_t *pointers[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
      pointers[i] = weights + (r + i < rows ? r + i : rows - 1) * row_bytes;
    }
    // The next rows lie right behind these: fetch as much of them as is used up here, in their order in memory.
    const int last = rows - r < 2 * ROWS;
    const uint8_t *next = weights + (last ? r : r + ROWS) * row_bytes;
    __m128 total = _mm_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
      const char *part = (const char *)next + ROWS * b * block_bytes;
      for (size_t at = 0; at < ROWS * block_bytes; at += 64) {
        if (near) {
          _mm_prefetch(part + at, _MM_HINT_T0);
        } else {
          _mm_prefetch(part + at, _MM_HINT_T1);
        }
      }
      four_products products;
      multiply(
          pointers, b * block_bytes, activations->quants + 256 * b, activations->sums + 16 * b,
          &products);
      const __m128 scale = _mm_mul_ps(products.scale, _mm_set1_ps(activations->scales[b]));
      total = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(add_four(products.dots)), total);
    }
    const __mmask8 mask = rows - r >= ROWS ? 15 : (__mmask8)((1u << (rows - r)) - 1);
    _mm_mask_storeu_ps(out + r, mask, total);
  }
}

AVX512 static void column_q3_k(
    const uint8_t *weights, size_t row_bytes, size_t rows, size_t blocks,
    const maslin_activations *activations, float *out) {
  multiply_column(
      multiply_q3_k, BLOCK256_Q3_K_BYTES, weights, row_bytes, rows, blocks, activations, out);
}

AVX512 static void column_q6_k(
    const uint8_t *weights, size_t row_bytes, size_t rows, size_t blocks,
    const maslin_activations *activations, float *out) {
  multiply_column(
      multiply_q6_k, BLOCK256_Q6_K_BYTES, weights, row_bytes, rows, blocks, activations, out);
}

int block256_one_column_avx512(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, float *out) {
  switch (type) {
    case BLOCK256_Q3_K:
      column_q3_k(weights, row_bytes, rows, count / 256, activations, out);
      return 1;
    case BLOCK256_Q6_K:
      column_q6_k(weights, row_bytes, rows, count / 256, activations, out);
      return 1;
    default: return 0;
  }
}

#endif
