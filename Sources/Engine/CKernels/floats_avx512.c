#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>

#include "floats_kernels.h"
#include "weight_types.h"

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,fma,avx2")))
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE __mmask16 mask_of(size_t count) { return (__mmask16)((1u << count) - 1); }

// 16 weights of a type, and the first `count` < 16 of them followed by zeros.
INLINE __m512 load(uint32_t type, const uint8_t *weights) {
  switch (type) {
    case MASLIN_F16: return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)weights));
    case MASLIN_BF16: {
      const __m256i upper = _mm256_loadu_si256((const __m256i *)weights);
      return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16));
    }
    default: return _mm512_loadu_ps(weights);
  }
}

INLINE __m512 load_part(uint32_t type, const uint8_t *weights, size_t count) {
  const __mmask16 mask = mask_of(count);
  switch (type) {
    case MASLIN_F16: return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, weights));
    case MASLIN_BF16: {
      const __m256i upper = _mm256_maskz_loadu_epi16(mask, weights);
      return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(upper), 16));
    }
    default: return _mm512_maskz_loadu_ps(mask, weights);
  }
}

INLINE size_t bytes_per_value(uint32_t type) { return type == MASLIN_F32 ? 4 : 2; }

enum { most_columns = 6 };

// Continues the sums of `rows` <= 4 rows and `columns` <= 6 columns, both known when compiling.
INLINE void accumulate_block(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t weights_stride,
    size_t count, const float *values, size_t values_stride, __m512 sums[4][most_columns],
    size_t prefetch_distance) {
  const size_t size = bytes_per_value(type);
  size_t k = 0;
  for (; k + 16 <= count; k += 16) {
    __m512 row[4];
    for (int r = 0; r < rows; r++) {
      const uint8_t *w = weights + r * weights_stride + k * size;
      if (prefetch_distance) _mm_prefetch((const char *)w + prefetch_distance, _MM_HINT_T1);
      row[r] = load(type, w);
    }
    for (int c = 0; c < columns; c++) {
      const __m512 x = _mm512_loadu_ps(values + c * values_stride + k);
      for (int r = 0; r < rows; r++) sums[r][c] = _mm512_fmadd_ps(row[r], x, sums[r][c]);
    }
  }
  if (k == count) return;
  for (int r = 0; r < rows; r++) {
    const __m512 row = load_part(type, weights + r * weights_stride + k * size, count - k);
    for (int c = 0; c < columns; c++) {
      const __m512 x = _mm512_maskz_loadu_ps(mask_of(count - k), values + c * values_stride + k);
      sums[r][c] = _mm512_fmadd_ps(row, x, sums[r][c]);
    }
  }
}

INLINE void accumulate_in_memory(
    int rows, int columns, const float *weights, size_t weights_stride, size_t count,
    const float *values, size_t values_stride, float *lanes, size_t lanes_stride) {
  __m512 sums[4][most_columns];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      sums[r][c] = _mm512_loadu_ps(lanes + r * lanes_stride + c * 16);
    }
  }
  accumulate_block(
      MASLIN_F32, rows, columns, (const uint8_t *)weights, weights_stride * 4, count, values,
      values_stride, sums, 0);
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      _mm512_storeu_ps(lanes + r * lanes_stride + c * 16, sums[r][c]);
    }
  }
}

#define FOR_COLUMNS(ACTION, rows, columns)                                                         \
  switch (columns) {                                                                               \
    case 1: ACTION(rows, 1); break;                                                                \
    case 2: ACTION(rows, 2); break;                                                                \
    case 3: ACTION(rows, 3); break;                                                                \
    case 4: ACTION(rows, 4); break;                                                                \
    case 5: ACTION(rows, 5); break;                                                                \
    default: ACTION(rows, 6); break;                                                               \
  }

#define FOR_ROWS_AND_COLUMNS(ACTION, rows, columns)                                                \
  switch (rows) {                                                                                  \
    case 1: FOR_COLUMNS(ACTION, 1, columns); break;                                                \
    case 2: FOR_COLUMNS(ACTION, 2, columns); break;                                                \
    case 3: FOR_COLUMNS(ACTION, 3, columns); break;                                                \
    default: FOR_COLUMNS(ACTION, 4, columns); break;                                               \
  }

TARGET void maslin_f32_accumulate_avx512(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes) {
  const size_t lanes_stride = columns * 16;
  for (size_t c = 0; c < columns; c += most_columns) {
    const float *x = values + c * values_stride;
    for (size_t r = 0; r < rows; r += 4) {
      const float *w = weights + r * weights_stride;
      float *sums = lanes + r * lanes_stride + c * 16;
#define ACTION(row_count, column_count)                                                            \
  accumulate_in_memory(                                                                            \
      row_count, column_count, w, weights_stride, count, x, values_stride, sums, lanes_stride)
      FOR_ROWS_AND_COLUMNS(ACTION, rows - r, columns - c)
#undef ACTION
    }
  }
}

INLINE float sum_of_lanes(__m512 lanes) {
  const __m256 half
      = _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
  __m128 sums = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  sums = _mm_add_ps(sums, _mm_movehl_ps(sums, sums));
  return _mm_cvtss_f32(_mm_add_ss(sums, _mm_movehdup_ps(sums)));
}

INLINE void multiply_block(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t row_bytes, size_t count,
    const float *values, size_t values_stride, float *out, size_t out_stride) {
  __m512 sums[4][most_columns];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) sums[r][c] = _mm512_setzero_ps();
  }
  // Rows are read side by side: the next ones begin where the last of these ends.
  accumulate_block(
      type, rows, columns, weights, row_bytes, count, values, values_stride, sums,
      (size_t)rows * row_bytes);
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) out[c * out_stride + r] = sum_of_lanes(sums[r][c]);
  }
}

INLINE void fill_values(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  const size_t size = bytes_per_value(type);
  const uint8_t *w = row + first * size;
  size_t k = 0;
  for (; k + 16 <= count; k += 16) {
    // The part of the row that the next tile takes.
    _mm_prefetch((const char *)w + (k + count) * size, _MM_HINT_T1);
    _mm512_storeu_ps(values + k, load(type, w + k * size));
  }
  if (k < count) {
    _mm512_mask_storeu_ps(
        values + k, mask_of(count - k), load_part(type, w + k * size, count - k));
  }
}

// Few columns take the weights straight from memory; many share rows that were made floats once.
enum { few_columns = 8 };

INLINE void multiply(
    uint32_t type, maslin_fill_function fill, const void *weights, size_t row_bytes, size_t rows,
    size_t count, const float *values, size_t values_stride, size_t columns, float *out,
    size_t out_stride, void *scratch) {
  if (columns > few_columns) {
    maslin_tiled_matmul(
        type, fill, maslin_f32_accumulate_avx512, weights, row_bytes, rows, count, values,
        values_stride, columns, out, out_stride, scratch);
    return;
  }
  for (size_t r = 0; r < rows; r += 4) {
    const uint8_t *w = (const uint8_t *)weights + r * row_bytes;
    for (size_t c = 0; c < columns; c += most_columns) {
      const float *x = values + c * values_stride;
      float *y = out + c * out_stride + r;
#define ACTION(row_count, column_count)                                                            \
  multiply_block(                                                                                  \
      type, row_count, column_count, w, row_bytes, count, x, values_stride, y, out_stride)
      FOR_ROWS_AND_COLUMNS(ACTION, rows - r, columns - c)
#undef ACTION
    }
  }
}

#define DEFINE_MATMUL(name, type_number)                                                           \
  TARGET static void fill_##name(                                                                  \
      uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {              \
    (void)type;                                                                                    \
    fill_values(type_number, row, first, count, values);                                           \
  }                                                                                                \
  TARGET static void matmul_##name(                                                                \
      const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,       \
      size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch) {        \
    multiply(                                                                                      \
        type_number, fill_##name, weights, row_bytes, rows, count, values, values_stride, columns, \
        out, out_stride, scratch);                                                                 \
  }

DEFINE_MATMUL(f32, MASLIN_F32)
DEFINE_MATMUL(f16, MASLIN_F16)
DEFINE_MATMUL(bf16, MASLIN_BF16)

int maslin_floats_kernels_avx512(uint32_t type, maslin_matmul_kernels *kernels) {
  *kernels = (maslin_matmul_kernels){0};
  switch (type) {
    case MASLIN_F32: kernels->float_matmul = matmul_f32; return 1;
    case MASLIN_F16: kernels->float_matmul = matmul_f16; return 1;
    case MASLIN_BF16: kernels->float_matmul = matmul_bf16; return 1;
    default: return 0;
  }
}
#endif
