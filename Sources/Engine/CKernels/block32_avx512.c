#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "block32_avx512.h"

// Rows straight from memory, for few columns. A step takes 4 blocks of 2 rows; its 8 products lie in one vector in
// the order of the 4 sums of the result, one row in each half.

// The sums over the 8 lanes of 8 vectors: those of blocks 0 to 3 of one row, then of the other.
INLINE __m256i sums_of_lanes(const __m256i products[2][4]) {
  __m256i rows[2];
  for (int r = 0; r < 2; r++) {
    const __m256i *p = products[r];
    const __m256i a
        = _mm256_add_epi32(_mm256_unpacklo_epi32(p[0], p[1]), _mm256_unpackhi_epi32(p[0], p[1]));
    const __m256i b
        = _mm256_add_epi32(_mm256_unpacklo_epi32(p[2], p[3]), _mm256_unpackhi_epi32(p[2], p[3]));
    rows[r] = _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
  }
  return _mm256_add_epi32(
      _mm256_permute2x128_si256(rows[0], rows[1], 0x20),
      _mm256_permute2x128_si256(rows[0], rows[1], 0x31));
}

// The 16-bit words at the start of 4 blocks: scales in the lower half, minima (where the type has them) in the upper.
INLINE __m128i words_of_blocks(uint32_t type, const uint8_t *blocks) {
  switch (type) {
    case MASLIN_Q8_0: {
      const __m512i words = _mm512_castsi128_si512(_mm_setr_epi16(0, 17, 34, 51, 0, 0, 0, 0));
      return _mm512_castsi512_si128(_mm512_permutex2var_epi16(
          _mm512_loadu_si512(blocks), words, _mm512_loadu_si512(blocks + 64)));
    }
    case MASLIN_Q4_1: {
      const __m512i words = _mm512_castsi128_si512(_mm_setr_epi16(0, 10, 20, 30, 1, 11, 21, 31));
      return _mm512_castsi512_si128(
          _mm512_permutexvar_epi16(words, _mm512_loadu_si512(blocks)));
    }
    case MASLIN_Q5_0: {  // the second vector begins 24 bytes, 12 words on
      const __m512i words = _mm512_castsi128_si512(_mm_setr_epi16(0, 11, 22, 32 + 21, 0, 0, 0, 0));
      return _mm512_castsi512_si128(_mm512_permutex2var_epi16(
          _mm512_loadu_si512(blocks), words, _mm512_loadu_si512(blocks + 24)));
    }
    case MASLIN_Q5_1: {  // the second vector begins 32 bytes, 16 words on
      const __m512i words
          = _mm512_castsi128_si512(_mm_setr_epi16(0, 12, 24, 32 + 20, 1, 13, 25, 32 + 21));
      return _mm512_castsi512_si128(_mm512_permutex2var_epi16(
          _mm512_loadu_si512(blocks), words, _mm512_loadu_si512(blocks + 32)));
    }
    default: {
      const __m512i words = _mm512_castsi128_si512(_mm_setr_epi16(0, 9, 18, 27, 0, 0, 0, 0));
      return _mm512_castsi512_si128(
          _mm512_permutexvar_epi16(words, _mm512_loadu_si512(blocks)));
    }
  }
}

// Scales of 4 blocks of two rows.
INLINE __m256 scales_of_mxfp4(const uint8_t *first, const uint8_t *second) {
  const __m512i bytes
      = _mm512_castsi128_si512(_mm_setr_epi8(0, 17, 34, 51, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const __m128i a
      = _mm512_castsi512_si128(_mm512_permutexvar_epi8(bytes, _mm512_loadu_si512(first)));
  const __m128i b
      = _mm512_castsi512_si128(_mm512_permutexvar_epi8(bytes, _mm512_loadu_si512(second)));
  const __m256i exponents = _mm256_cvtepu8_epi32(_mm_unpacklo_epi32(a, b));
  return _mm512_castps512_ps256(maslin_mxfp4_scales(_mm512_castsi256_si512(exponents)));
}

// 4 blocks of one column of activations.
typedef struct {
  const int8_t *quants;
  const float *scales;
  const int16_t *sums;
} column_blocks;

// Adds 4 blocks of two rows, of which the first `present` sums exist, to the sums of each column.
INLINE void add_blocks(
    uint32_t type, int columns, const uint8_t *first, const uint8_t *second,
    const column_blocks *activations, __mmask8 present, __m256 *sums) {
  const uint32_t size = maslin_block32_bytes(type);
  const __m256i table = maslin_raised_table(type);
  __m256i weights[2][4];
  for (int b = 0; b < 4; b++) {
    weights[0][b] = maslin_unpack_block(type, first + b * size, table);
    weights[1][b] = maslin_unpack_block(type, second + b * size, table);
  }
  __m256 scales, minima = _mm256_setzero_ps();
  if (type == MASLIN_MXFP4) {
    scales = scales_of_mxfp4(first, second);
  } else {
    const __m128i a = words_of_blocks(type, first), b = words_of_blocks(type, second);
    scales = _mm256_cvtph_ps(_mm_unpacklo_epi64(a, b));
    if (maslin_block32_has_minimum(type)) minima = _mm256_cvtph_ps(_mm_unpackhi_epi64(a, b));
  }
  for (int c = 0; c < columns; c++) {
    const column_blocks x = activations[c];
    __m256i products[2][4];
    for (int b = 0; b < 4; b++) {
      const __m256i quants = _mm256_loadu_si256((const __m256i *)(x.quants + 32 * b));
      const __m256i zero = _mm256_setzero_si256();
      products[0][b] = _mm256_dpbusd_epi32(zero, weights[0][b], quants);
      products[1][b] = _mm256_dpbusd_epi32(zero, weights[1][b], quants);
    }
    __m256i product = sums_of_lanes(products);
    const __m256 scale = _mm256_broadcast_ps((const __m128 *)x.scales);
    const __m256i quant_sums = _mm256_broadcastsi128_si256(
        _mm_cvtepi16_epi32(_mm_loadl_epi64((const __m128i *)x.sums)));
    if (!maslin_block32_has_minimum(type)) {
      const int bits = maslin_block32_offset_bits(type);
      product = _mm256_sub_epi32(product, _mm256_slli_epi32(quant_sums, bits));
    }
    sums[c] = _mm256_mask3_fmadd_ps(
        _mm256_mul_ps(scales, scale), _mm256_cvtepi32_ps(product), sums[c], present);
    if (maslin_block32_has_minimum(type)) {
      const __m256 offset = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(quant_sums));
      sums[c] = _mm256_mask3_fmadd_ps(minima, offset, sums[c], present);
    }
  }
}

enum { few_columns = 3 };

// Two pairs of rows, up to `few_columns` columns, their number known when compiling. `rows` of the four exist.
INLINE void multiply_rows(
    uint32_t type, int columns, const uint8_t *weights, size_t row_bytes, size_t rows,
    size_t count, const maslin_activations *activations, size_t first_column, float *out,
    size_t out_stride) {
  const uint32_t size = maslin_block32_bytes(type);
  const uint8_t *row[4];
  for (size_t r = 0; r < 4; r++) row[r] = weights + (r < rows ? r : rows - 1) * row_bytes;
  column_blocks x[few_columns];
  for (int c = 0; c < columns; c++) {
    const size_t column = first_column + (size_t)c;
    x[c].quants = activations->quants + column * activations->quants_stride;
    x[c].scales = activations->scales + column * activations->scales_stride;
    x[c].sums = activations->sums + column * activations->sums_stride;
  }
  __m256 sums[2][few_columns];
  for (int c = 0; c < columns; c++) sums[0][c] = sums[1][c] = _mm256_setzero_ps();

  const size_t blocks = count / 32;
  const size_t ahead = 4 * row_bytes > 16384 ? 4 * row_bytes : 16384;
  for (size_t b = 0; b + 4 <= blocks; b += 4) {
    const size_t at = b * size;
    // What the next rows take of memory, in its order: these four are contiguous with them.
    for (size_t line = 0; line < 16 * size; line += 64) {
      _mm_prefetch((const char *)weights + 4 * at + ahead + line, _MM_HINT_T1);
    }
    add_blocks(type, columns, row[0] + at, row[1] + at, x, 0xFF, sums[0]);
    add_blocks(type, columns, row[2] + at, row[3] + at, x, 0xFF, sums[1]);
    for (int c = 0; c < columns; c++) {
      x[c].quants += 128;
      x[c].scales += 4;
      x[c].sums += 4;
    }
  }
  const size_t rest = blocks % 4;
  if (rest) {
    const size_t at = (blocks - rest) * size;
    uint8_t last[4][4 * 34] = {{0}};
    int8_t quants[few_columns][128] = {{0}};
    float scales[few_columns][4] = {{0}};
    int16_t quant_sums[few_columns][4] = {{0}};
    for (int r = 0; r < 4; r++) memcpy(last[r], row[r] + at, rest * size);
    for (int c = 0; c < columns; c++) {
      memcpy(quants[c], x[c].quants, rest * 32);
      memcpy(scales[c], x[c].scales, rest * sizeof(float));
      memcpy(quant_sums[c], x[c].sums, rest * sizeof(int16_t));
      x[c] = (column_blocks){quants[c], scales[c], quant_sums[c]};
    }
    const __mmask8 present = (__mmask8)(((1u << rest) - 1) * 0x11);
    add_blocks(type, columns, last[0], last[1], x, present, sums[0]);
    add_blocks(type, columns, last[2], last[3], x, present, sums[1]);
  }
  for (int c = 0; c < columns; c++) {
    float results[16];
    for (int pair = 0; pair < 2; pair++) {
      const __m256 s = sums[pair][c];
      const __m256 t = _mm256_add_ps(s, _mm256_permute_ps(s, 0x4E));
      _mm256_storeu_ps(results + 8 * pair, _mm256_add_ps(t, _mm256_movehdup_ps(t)));
    }
    for (size_t r = 0; r < rows; r++) out[c * out_stride + r] = results[4 * r];
  }
}

INLINE void multiply(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch) {
  if (columns > few_columns) {
    maslin_block32_tiled_matmul_avx512(
        type, maslin_processor_tile_unit(), weights, row_bytes, rows, count, activations, columns,
        out, out_stride, scratch);
    return;
  }
  for (size_t r = 0; r < rows; r += 4) {
    const uint8_t *w = (const uint8_t *)weights + r * row_bytes;
    const size_t present = rows - r < 4 ? rows - r : 4;
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    multiply_rows(type, n, w, row_bytes, present, count, activations, 0, out + r, out_stride);     \
    break;
    switch (columns) {
      CASE(1)
      CASE(2)
      CASE(3)
    }
#undef CASE
  }
}

#define DEFINE_MATMUL(name, type)                                                                  \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    multiply(                                                                                      \
        type, weights, row_bytes, rows, count, activations, columns, out, out_stride, scratch);    \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

maslin_matmul_function maslin_block32_matmul_avx512(uint32_t type) {
  switch (type) {
    case MASLIN_Q4_0: return matmul_q4_0;
    case MASLIN_Q4_1: return matmul_q4_1;
    case MASLIN_Q5_0: return matmul_q5_0;
    case MASLIN_Q5_1: return matmul_q5_1;
    case MASLIN_Q8_0: return matmul_q8_0;
    case MASLIN_IQ4_NL: return matmul_iq4_nl;
    case MASLIN_MXFP4: return matmul_mxfp4;
    default: return 0;
  }
}

TARGET void maslin_block32_quantize_avx512(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  const __m512 limit = _mm512_set1_ps(127);
  for (size_t block = 0; block < count / 32; block++) {
    const __m512 a = _mm512_loadu_ps(values + 32 * block);
    const __m512 b = _mm512_loadu_ps(values + 32 * block + 16);
    // max returns its second operand when the first is no number: such values do not count.
    __m512 largest = _mm512_max_ps(_mm512_abs_ps(a), _mm512_setzero_ps());
    largest = _mm512_max_ps(_mm512_abs_ps(b), largest);
    const float scale = _mm512_reduce_max_ps(largest) / 127.0f;
    const __mmask16 scaled = scale > 0 ? 0xFFFF : 0;
    const __m512 divisor = _mm512_set1_ps(scale);
    __m512 x = _mm512_maskz_div_ps(scaled, a, divisor);
    __m512 y = _mm512_maskz_div_ps(scaled, b, divisor);
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-127)), limit);
    y = _mm512_min_ps(_mm512_max_ps(y, _mm512_set1_ps(-127)), limit);
    const __m512i i = _mm512_cvtps_epi32(x), j = _mm512_cvtps_epi32(y);
    _mm_storeu_si128((__m128i *)(quants + 32 * block), _mm512_cvtepi32_epi8(i));
    _mm_storeu_si128((__m128i *)(quants + 32 * block + 16), _mm512_cvtepi32_epi8(j));
    scales[block] = scale;
    sums[block] = (int16_t)_mm512_reduce_add_epi32(_mm512_add_epi32(i, j));
  }
}
#endif
