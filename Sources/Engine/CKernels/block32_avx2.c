#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>

#include "block32_formats.h"
#include "block32_kernels.h"

#define TARGET __attribute__((target("avx2,f16c,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

// A step takes 4 blocks of 2 rows; its 8 products lie in one vector in the order of the 4 sums of the result, one row
// in each half.

// Whether the bytes of a type are taken as they are, signed. The others stay unsigned and small: at most 31, so that
// the sum of two products with activations fits 16 bits.
INLINE int is_signed(uint32_t type) { return type == MASLIN_Q8_0 || type == MASLIN_IQ4_NL; }

// The 32 weights of a block: signed, or raised by the type's offset.
INLINE __m256i unpack_block(uint32_t type, const uint8_t *block) {
  const uint8_t *codes = block + maslin_block32_codes(type);
  if (type == MASLIN_Q8_0) return _mm256_loadu_si256((const __m256i *)codes);
  const __m256i pairs = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)codes));
  const __m256i shifted = _mm256_srlv_epi64(pairs, _mm256_setr_epi64x(0, 0, 4, 4));
  const __m256i nibbles = _mm256_and_si256(shifted, _mm256_set1_epi8(15));
  if (type == MASLIN_IQ4_NL) {
    const __m128i table = _mm_loadu_si128((const __m128i *)maslin_iq4_values);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), nibbles);
  }
  if (type == MASLIN_MXFP4) {
    const __m128i table = _mm_loadu_si128((const __m128i *)maslin_mxfp4_values);
    const __m128i raised = _mm_add_epi8(table, _mm_set1_epi8(16));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(raised), nibbles);
  }
  if (maslin_block32_fifth_bits(type)) {
    int32_t bits;
    memcpy(&bits, block + maslin_block32_fifth_bits(type), sizeof bits);
    // Each byte takes the byte of bits it belongs to, then looks at its own bit.
    const __m256i bytes = _mm256_setr_epi64x(
        0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i own = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), bytes);
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, own), own);
    return _mm256_or_si256(nibbles, _mm256_and_si256(set, _mm256_set1_epi8(16)));
  }
  return nibbles;
}

// 8 sums of 4 products each. Activations are never -128, so products of pairs stay within 16 bits, and a sign change
// is exact.
INLINE __m256i products_of_block(uint32_t type, __m256i weights, __m256i quants) {
  const __m256i ones = _mm256_set1_epi16(1);
  if (is_signed(type)) {
    const __m256i magnitudes = _mm256_abs_epi8(weights);
    const __m256i signs = _mm256_sign_epi8(quants, weights);
    return _mm256_madd_epi16(_mm256_maddubs_epi16(magnitudes, signs), ones);
  }
  return _mm256_madd_epi16(_mm256_maddubs_epi16(weights, quants), ones);
}

// The sums over the 8 lanes of 8 vectors: those of blocks 0 to 3 of one row, then of the other.
INLINE __m256i sums_of_lanes(const __m256i products[2][4]) {
  __m256i rows[2];
  for (int r = 0; r < 2; r++) {
    const __m256i *p = products[r];
    rows[r] = _mm256_hadd_epi32(_mm256_hadd_epi32(p[0], p[1]), _mm256_hadd_epi32(p[2], p[3]));
  }
  return _mm256_add_epi32(
      _mm256_permute2x128_si256(rows[0], rows[1], 0x20),
      _mm256_permute2x128_si256(rows[0], rows[1], 0x31));
}

// The 16-bit words at `at` in 4 blocks of each row, as floats.
INLINE __m256 halves_of_blocks(
    uint32_t type, const uint8_t *first, const uint8_t *second, uint32_t at) {
  const uint32_t size = maslin_block32_bytes(type);
  uint64_t words[2] = {0, 0};
  for (uint32_t b = 0; b < 4; b++) {
    words[0] |= (uint64_t)maslin_load16(first + b * size + at) << (16 * b);
    words[1] |= (uint64_t)maslin_load16(second + b * size + at) << (16 * b);
  }
  return _mm256_cvtph_ps(_mm_set_epi64x((long long)words[1], (long long)words[0]));
}

INLINE __m256 scales_of_mxfp4(const uint8_t *first, const uint8_t *second) {
  float scales[8];
  for (int b = 0; b < 4; b++) {
    scales[b] = maslin_mxfp4_scale(first[17 * b]);
    scales[b + 4] = maslin_mxfp4_scale(second[17 * b]);
  }
  return _mm256_loadu_ps(scales);
}

// 4 blocks of one column of activations.
typedef struct {
  const int8_t *quants;
  const float *scales;
  const int16_t *sums;
} column_blocks;

// Adds 4 blocks of two rows, of which those under `present` exist, to the sums of each column.
INLINE void add_blocks(
    uint32_t type, int columns, const uint8_t *first, const uint8_t *second,
    const column_blocks *activations, __m256 present, __m256 *sums) {
  const uint32_t size = maslin_block32_bytes(type);
  __m256i weights[2][4];
  for (int b = 0; b < 4; b++) {
    weights[0][b] = unpack_block(type, first + b * size);
    weights[1][b] = unpack_block(type, second + b * size);
  }
  __m256 scales, minima = _mm256_setzero_ps();
  if (type == MASLIN_MXFP4) {
    scales = scales_of_mxfp4(first, second);
  } else {
    scales = halves_of_blocks(type, first, second, 0);
    if (maslin_block32_has_minimum(type)) minima = halves_of_blocks(type, first, second, 2);
  }
  for (int c = 0; c < columns; c++) {
    const column_blocks x = activations[c];
    __m256i products[2][4];
    for (int b = 0; b < 4; b++) {
      const __m256i quants = _mm256_loadu_si256((const __m256i *)(x.quants + 32 * b));
      products[0][b] = products_of_block(type, weights[0][b], quants);
      products[1][b] = products_of_block(type, weights[1][b], quants);
    }
    __m256i product = sums_of_lanes(products);
    const __m256 scale = _mm256_broadcast_ps((const __m128 *)x.scales);
    const __m256i quant_sums = _mm256_broadcastsi128_si256(
        _mm_cvtepi16_epi32(_mm_loadl_epi64((const __m128i *)x.sums)));
    if (!maslin_block32_has_minimum(type) && !is_signed(type)) {
      const int bits = maslin_block32_offset_bits(type);
      product = _mm256_sub_epi32(product, _mm256_slli_epi32(quant_sums, bits));
    }
    __m256 sum = _mm256_fmadd_ps(
        _mm256_mul_ps(scales, scale), _mm256_cvtepi32_ps(product), sums[c]);
    if (maslin_block32_has_minimum(type)) {
      const __m256 offset = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(quant_sums));
      sum = _mm256_fmadd_ps(minima, offset, sum);
    }
    sums[c] = _mm256_blendv_ps(sums[c], sum, present);
  }
}

enum { most_columns = 4 };

// A pair of rows and up to 4 columns, their number known when compiling.
INLINE void multiply_rows(
    uint32_t type, int columns, const uint8_t *first, const uint8_t *second, size_t count,
    const maslin_activations *activations, size_t first_column, float *results[2],
    size_t out_stride) {
  const uint32_t size = maslin_block32_bytes(type);
  column_blocks x[most_columns];
  __m256 sums[most_columns];
  for (int c = 0; c < columns; c++) {
    const size_t column = first_column + (size_t)c;
    x[c].quants = activations->quants + column * activations->quants_stride;
    x[c].scales = activations->scales + column * activations->scales_stride;
    x[c].sums = activations->sums + column * activations->sums_stride;
    sums[c] = _mm256_setzero_ps();
  }
  const __m256 all = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
  const size_t blocks = count / 32;
  const size_t row_bytes = blocks * size;
  const size_t ahead = 2 * row_bytes > 16384 ? 2 * row_bytes : 16384;
  for (size_t b = 0; b + 4 <= blocks; b += 4) {
    // What the next rows take of memory, in its order: these two are contiguous with them.
    for (size_t line = 0; line < 8 * size; line += 64) {
      _mm_prefetch((const char *)first + 2 * b * size + ahead + line, _MM_HINT_T1);
    }
    add_blocks(type, columns, first + b * size, second + b * size, x, all, sums);
    for (int c = 0; c < columns; c++) {
      x[c].quants += 128;
      x[c].scales += 4;
      x[c].sums += 4;
    }
  }
  const size_t rest = blocks % 4;
  if (rest) {
    const size_t at = (blocks - rest) * size;
    uint8_t last[2][4 * 34] = {{0}};
    int8_t quants[most_columns][128] = {{0}};
    float scales[most_columns][4] = {{0}};
    int16_t quant_sums[most_columns][4] = {{0}};
    memcpy(last[0], first + at, rest * size);
    memcpy(last[1], second + at, rest * size);
    for (int c = 0; c < columns; c++) {
      memcpy(quants[c], x[c].quants, rest * 32);
      memcpy(scales[c], x[c].scales, rest * sizeof(float));
      memcpy(quant_sums[c], x[c].sums, rest * sizeof(int16_t));
      x[c] = (column_blocks){quants[c], scales[c], quant_sums[c]};
    }
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3);
    const __m256i present = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)rest), index);
    add_blocks(type, columns, last[0], last[1], x, _mm256_castsi256_ps(present), sums);
  }
  for (int c = 0; c < columns; c++) {
    const __m256 t = _mm256_add_ps(sums[c], _mm256_permute_ps(sums[c], 0x4E));
    const __m256 sum = _mm256_add_ps(t, _mm256_movehdup_ps(t));
    results[0][c * out_stride] = _mm256_cvtss_f32(sum);
    results[1][c * out_stride] = _mm_cvtss_f32(_mm256_extractf128_ps(sum, 1));
  }
}

INLINE void multiply(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride) {
  for (size_t r = 0; r < rows; r += 2) {
    // The last of an odd number of rows is taken twice.
    const size_t other = r + 1 < rows ? r + 1 : r;
    const uint8_t *first = (const uint8_t *)weights + r * row_bytes;
    const uint8_t *second = (const uint8_t *)weights + other * row_bytes;
    for (size_t c = 0; c < columns; c += most_columns) {
      float *results[2] = {out + c * out_stride + r, out + c * out_stride + other};
#define CASE(n) multiply_rows(type, n, first, second, count, activations, c, results, out_stride)
      switch (columns - c) {
        case 1: CASE(1); break;
        case 2: CASE(2); break;
        case 3: CASE(3); break;
        default: CASE(4); break;
      }
#undef CASE
    }
  }
}

#define DEFINE_MATMUL(name, type)                                                                  \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    (void)scratch;                                                                                 \
    multiply(type, weights, row_bytes, rows, count, activations, columns, out, out_stride);        \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

maslin_matmul_function maslin_block32_matmul_avx2(uint32_t type) {
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

TARGET void maslin_block32_quantize_avx2(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  for (size_t block = 0; block < count / 32; block++) {
    __m256 x[4];
    __m256 largest = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
      x[i] = _mm256_loadu_ps(values + 32 * block + 8 * i);
      // max returns its second operand when the first is no number: such values do not count.
      largest = _mm256_max_ps(_mm256_and_ps(x[i], magnitude), largest);
    }
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    m = _mm_max_ss(m, _mm_movehdup_ps(m));
    const float scale = _mm_cvtss_f32(m) / 127.0f;
    const __m256 divisor = _mm256_set1_ps(scale);
    const __m256 scaled = _mm256_cmp_ps(divisor, _mm256_setzero_ps(), _CMP_GT_OQ);
    __m256i q[4];
    for (int i = 0; i < 4; i++) {
      const __m256 quotient = _mm256_and_ps(_mm256_div_ps(x[i], divisor), scaled);
      const __m256 bounded = _mm256_min_ps(
          _mm256_max_ps(quotient, _mm256_set1_ps(-127)), _mm256_set1_ps(127));
      q[i] = _mm256_cvtps_epi32(bounded);
    }
    const __m256i total
        = _mm256_add_epi32(_mm256_add_epi32(q[0], q[1]), _mm256_add_epi32(q[2], q[3]));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    // Packing works within halves: its groups of 4 values come in the order 0 2 4 6 1 3 5 7.
    const __m256i packed
        = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(
        (__m256i *)(quants + 32 * block), _mm256_permutevar8x32_epi32(packed, order));
    scales[block] = scale;
    sums[block] = (int16_t)_mm_cvtsi128_si32(sum);
  }
}
#endif
