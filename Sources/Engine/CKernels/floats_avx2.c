#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include <immintrin.h>

#include "floats_kernels.h"
#include "formats_half.h"
#include "weight_types.h"

#define TARGET __attribute__((target("avx2,f16c,fma")))
#define INLINE static inline __attribute__((always_inline)) TARGET

// 8 weights of a type.
INLINE __m256 load(uint32_t type, const uint8_t *weights) {
  switch (type) {
    case MASLIN_F16: return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)weights));
    case MASLIN_BF16: {
      const __m128i upper = _mm_loadu_si128((const __m128i *)weights);
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(upper), 16));
    }
    default: return _mm256_loadu_ps((const float *)weights);
  }
}

INLINE size_t bytes_per_value(uint32_t type) { return type == MASLIN_F32 ? 4 : 2; }

// Continues the sums of `rows` <= 2 rows and `columns` <= 2 columns, both known when compiling.
INLINE void accumulate_block(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t weights_stride,
    size_t count, const float *values, size_t values_stride, __m256 sums[2][2][2]) {
  const size_t size = bytes_per_value(type);
  size_t k = 0;
  for (; k + 16 <= count; k += 16) {
    for (int half = 0; half < 2; half++) {
      __m256 x[2];
      for (int c = 0; c < columns; c++) {
        x[c] = _mm256_loadu_ps(values + c * values_stride + k + 8 * half);
      }
      for (int r = 0; r < rows; r++) {
        const __m256 row = load(type, weights + r * weights_stride + (k + 8 * half) * size);
        for (int c = 0; c < columns; c++) {
          sums[r][c][half] = _mm256_fmadd_ps(row, x[c], sums[r][c][half]);
        }
      }
    }
  }
  if (k == count) return;
  // The rest of the row, continued with zeros.
  uint8_t last_weights[2][64] = {{0}};
  float last_values[2][16] = {{0}};
  for (int r = 0; r < rows; r++) {
    __builtin_memcpy(last_weights[r], weights + r * weights_stride + k * size, (count - k) * size);
  }
  for (int c = 0; c < columns; c++) {
    __builtin_memcpy(
        last_values[c], values + c * values_stride + k, (count - k) * sizeof(float));
  }
  for (int half = 0; half < 2; half++) {
    for (int r = 0; r < rows; r++) {
      const __m256 row = load(type, last_weights[r] + 8 * half * size);
      for (int c = 0; c < columns; c++) {
        const __m256 x = _mm256_loadu_ps(last_values[c] + 8 * half);
        sums[r][c][half] = _mm256_fmadd_ps(row, x, sums[r][c][half]);
      }
    }
  }
}

INLINE void accumulate_in_memory(
    int rows, int columns, const float *weights, size_t weights_stride, size_t count,
    const float *values, size_t values_stride, float *lanes, size_t lanes_stride) {
  __m256 sums[2][2][2];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      sums[r][c][0] = _mm256_loadu_ps(lanes + r * lanes_stride + c * 16);
      sums[r][c][1] = _mm256_loadu_ps(lanes + r * lanes_stride + c * 16 + 8);
    }
  }
  accumulate_block(
      MASLIN_F32, rows, columns, (const uint8_t *)weights, weights_stride * 4, count, values,
      values_stride, sums);
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      _mm256_storeu_ps(lanes + r * lanes_stride + c * 16, sums[r][c][0]);
      _mm256_storeu_ps(lanes + r * lanes_stride + c * 16 + 8, sums[r][c][1]);
    }
  }
}

#define FOR_ROWS_AND_COLUMNS(ACTION, rows, columns)                                                \
  if ((rows) == 1 && (columns) == 1) {                                                             \
    ACTION(1, 1);                                                                                  \
  } else if ((rows) == 1) {                                                                        \
    ACTION(1, 2);                                                                                  \
  } else if ((columns) == 1) {                                                                     \
    ACTION(2, 1);                                                                                  \
  } else {                                                                                         \
    ACTION(2, 2);                                                                                  \
  }

TARGET void maslin_f32_accumulate_avx2(
    const float *weights, size_t weights_stride, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *lanes) {
  const size_t lanes_stride = columns * 16;
  for (size_t c = 0; c < columns; c += 2) {
    const float *x = values + c * values_stride;
    for (size_t r = 0; r < rows; r += 2) {
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

INLINE float sum_of_lanes(const __m256 lanes[2]) {
  const __m256 half = _mm256_add_ps(lanes[0], lanes[1]);
  __m128 sums = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  sums = _mm_add_ps(sums, _mm_movehl_ps(sums, sums));
  return _mm_cvtss_f32(_mm_add_ss(sums, _mm_movehdup_ps(sums)));
}

INLINE void multiply_block(
    uint32_t type, int rows, int columns, const uint8_t *weights, size_t row_bytes, size_t count,
    const float *values, size_t values_stride, float *out, size_t out_stride) {
  __m256 sums[2][2][2];
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) {
      sums[r][c][0] = _mm256_setzero_ps();
      sums[r][c][1] = _mm256_setzero_ps();
    }
  }
  accumulate_block(
      type, rows, columns, weights, row_bytes, count, values, values_stride, sums);
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) out[c * out_stride + r] = sum_of_lanes(sums[r][c]);
  }
}

INLINE void fill_values(
    uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  const size_t size = bytes_per_value(type);
  const uint8_t *w = row + first * size;
  size_t k = 0;
  for (; k + 8 <= count; k += 8) _mm256_storeu_ps(values + k, load(type, w + k * size));
  if (type == MASLIN_F32) {
    __builtin_memcpy(values + k, w + k * size, (count - k) * size);
    return;
  }
  for (; k < count; k++) {
    uint16_t bits;
    __builtin_memcpy(&bits, w + k * size, sizeof bits);
    values[k] = type == MASLIN_F16 ? maslin_half_to_float(bits) : maslin_brain_to_float(bits);
  }
}

// Few columns take the weights straight from memory; many share rows that were made floats once.
enum { few_columns = 4 };

INLINE void multiply(
    uint32_t type, maslin_fill_function fill, const void *weights, size_t row_bytes, size_t rows,
    size_t count, const float *values, size_t values_stride, size_t columns, float *out,
    size_t out_stride, void *scratch) {
  if (columns > few_columns) {
    maslin_tiled_matmul(
        type, fill, maslin_f32_accumulate_avx2, weights, row_bytes, rows, count, values,
        values_stride, columns, out, out_stride, scratch);
    return;
  }
  for (size_t r = 0; r < rows; r += 2) {
    const uint8_t *w = (const uint8_t *)weights + r * row_bytes;
    for (size_t c = 0; c < columns; c += 2) {
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

int maslin_floats_kernels_avx2(uint32_t type, maslin_matmul_kernels *kernels) {
  *kernels = (maslin_matmul_kernels){0};
  switch (type) {
    case MASLIN_F32: kernels->float_matmul = matmul_f32; return 1;
    case MASLIN_F16: kernels->float_matmul = matmul_f16; return 1;
    case MASLIN_BF16: kernels->float_matmul = matmul_bf16; return 1;
    default: return 0;
  }
}
#endif
