// Products with blocks of 256 values under AVX-512 VNNI: tiles with one row of weights per 32-bit lane.
//
// 16 rows of one block become vectors of 16 x 4 codes (vector q: values 4 q to 4 q + 3 of every row). A product step is
// then VPDPBUSD of a vector with 4 quants of a column, broadcast; no sum ever crosses lanes, and a tile that is taken
// apart once serves all columns. Codes are unsigned: signed values are stored with an offset, which starts the sum of a
// group at -offset * (sum of its quants).
//
// Included by the files that hold the unpacking of types; everything here is static.
#ifndef MASLIN_BLOCK256_AVX512_TILE_H
#define MASLIN_BLOCK256_AVX512_TILE_H

#if defined(__x86_64__)

#include "block256.h"

#include <immintrin.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define AVX512                                                                                     \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,avx2,fma,f16c")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline
#define UNROLL _Pragma("clang loop unroll(full)")

enum { TILE_ROWS = 16, TILE_MOST_COLUMNS = 256 };

// One block of up to 2 x 16 rows.
typedef struct {
  uint8_t codes[64][2][64];    // 4 values of 16 rows each
  int32_t scales[16][2][16];   // per group
  int16_t minima[8][2][32];    // of two groups of 16 values each
  float scale[2][16];
  float minimum_scale[2][16];
} tile;

// What the driver keeps in the scratch memory of a thread.
typedef struct {
  tile tile;
  // -offset * sums of groups, per column of the current block.
  int32_t corrections[TILE_MOST_COLUMNS][16];
  float totals[TILE_MOST_COLUMNS][2][16];
} tile_scratch;

_Static_assert(sizeof(tile_scratch) <= MASLIN_SCRATCH_BYTES, "fits the scratch memory");

// How a type lies in a tile.
typedef struct {
  size_t block_bytes;
  int group;   // vectors of codes per scale: 4, 8; 64 when codes are multiplied by their scales already
  int minima;  // whether there are minima
  int offset;  // added to values to make codes
} tile_shape;

// Puts one block of 16 rows, `rows[i] + offset`, into half `v` of a tile.
typedef void (*tile_decode)(const uint8_t *const *rows, size_t offset, tile *tile, int v);

// A few columns of the types that have a kernel of their own for it; 0 for others, for more columns, and for rows too
// long for it.
int block256_few_columns_avx512(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch);

// One column of the types that are faster with rows along the vector; 0 for others.
int block256_one_column_avx512(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, float *out);

// Reads 16 bytes at `offset` of 16 rows: out[j] has word j of row i in lane i.
AVX512_INLINE void transpose_rows(const uint8_t *const *rows, size_t offset, __m512i out[4]) {
  __m512i four[4];
  UNROLL for (int i = 0; i < 4; i++) {
    // In two steps: an insertion from memory into 256 bits takes a quarter of what one into 512 takes.
    const __m256i low = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(rows[i] + offset))),
        _mm_loadu_si128((const __m128i *)(rows[4 + i] + offset)), 1);
    const __m256i high = _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(rows[8 + i] + offset))),
        _mm_loadu_si128((const __m128i *)(rows[12 + i] + offset)), 1);
    four[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  const __m512i low01 = _mm512_unpacklo_epi32(four[0], four[1]);
  const __m512i high01 = _mm512_unpackhi_epi32(four[0], four[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(four[2], four[3]);
  const __m512i high23 = _mm512_unpackhi_epi32(four[2], four[3]);
  out[0] = _mm512_unpacklo_epi64(low01, low23);
  out[1] = _mm512_unpackhi_epi64(low01, low23);
  out[2] = _mm512_unpacklo_epi64(high01, high23);
  out[3] = _mm512_unpackhi_epi64(high01, high23);
}

// The halves at `offset` of 16 rows as floats.
AVX512_INLINE __m512 half_of_rows(const uint8_t *const *rows, size_t offset) {
  uint16_t halves[16];
  UNROLL for (int i = 0; i < 16; i++) memcpy(&halves[i], rows[i] + offset, 2);
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

// Multiplies a tile with `count` columns from `first` on.
AVX512_INLINE void multiply_tile(
    tile_shape shape, int vectors, int count, tile_scratch *scratch,
    const maslin_activations *activations, size_t block, size_t first) {
  const tile *tile = &scratch->tile;
  const int8_t *quants = activations->quants + first * activations->quants_stride + 256 * block;
  const size_t stride = activations->quants_stride;
  __m512i dot[2][4], minimum[2][4];
  UNROLL for (int c = 0; c < count; c++) {
    UNROLL for (int v = 0; v < vectors; v++) {
      dot[v][c] = _mm512_setzero_si512();
      minimum[v][c] = _mm512_setzero_si512();
    }
  }
  if (shape.group == 64) {
    if (shape.offset) {
      UNROLL for (int c = 0; c < count; c++) {
        UNROLL for (int v = 0; v < vectors; v++) {
          dot[v][c] = _mm512_set1_epi32(scratch->corrections[first + c][0]);
        }
      }
    }
    for (int q = 0; q < 64; q += 4) {
      UNROLL for (int i = 0; i < 4; i++) {
        __m512i codes[2];
        UNROLL for (int v = 0; v < vectors; v++) {
          codes[v] = _mm512_load_si512(tile->codes[q + i][v]);
        }
        UNROLL for (int c = 0; c < count; c++) {
          int32_t four;
          memcpy(&four, quants + c * stride + 4 * (q + i), 4);
          const __m512i broadcast = _mm512_set1_epi32(four);
          UNROLL for (int v = 0; v < vectors; v++) {
            dot[v][c] = _mm512_dpbusd_epi32(dot[v][c], codes[v], broadcast);
          }
        }
      }
    }
  } else {
    for (int g = 0; g < 64 / shape.group; g++) {
      __m512i sum[2][4];
      UNROLL for (int c = 0; c < count; c++) {
        UNROLL for (int v = 0; v < vectors; v++) {
          sum[v][c] = shape.offset ? _mm512_set1_epi32(scratch->corrections[first + c][g])
                                   : _mm512_setzero_si512();
        }
      }
      UNROLL for (int i = 0; i < shape.group; i++) {
        __m512i codes[2];
        UNROLL for (int v = 0; v < vectors; v++) {
          codes[v] = _mm512_load_si512(tile->codes[shape.group * g + i][v]);
        }
        UNROLL for (int c = 0; c < count; c++) {
          int32_t four;
          memcpy(&four, quants + c * stride + 4 * (shape.group * g + i), 4);
          const __m512i broadcast = _mm512_set1_epi32(four);
          UNROLL for (int v = 0; v < vectors; v++) {
            sum[v][c] = _mm512_dpbusd_epi32(sum[v][c], codes[v], broadcast);
          }
        }
      }
      UNROLL for (int v = 0; v < vectors; v++) {
        const __m512i scale = _mm512_load_si512(tile->scales[g][v]);
        UNROLL for (int c = 0; c < count; c++) {
          dot[v][c] = _mm512_add_epi32(dot[v][c], _mm512_mullo_epi32(sum[v][c], scale));
        }
      }
    }
  }
  if (shape.minima) {
    const int16_t *sums = activations->sums + first * activations->sums_stride + 16 * block;
    UNROLL for (int p = 0; p < 8; p++) {
      UNROLL for (int c = 0; c < count; c++) {
        int32_t two;
        memcpy(&two, sums + c * activations->sums_stride + 2 * p, 4);
        const __m512i broadcast = _mm512_set1_epi32(two);
        UNROLL for (int v = 0; v < vectors; v++) {
          const __m512i minima = _mm512_load_si512(tile->minima[p][v]);
          minimum[v][c] = _mm512_dpwssd_epi32(minimum[v][c], minima, broadcast);
        }
      }
    }
  }
  UNROLL for (int c = 0; c < count; c++) {
    const float *scales = activations->scales + (first + c) * activations->scales_stride + block;
    const __m512 activation_scale = _mm512_set1_ps(*scales);
    UNROLL for (int v = 0; v < vectors; v++) {
      __m512 total = _mm512_load_ps(scratch->totals[first + c][v]);
      const __m512 scale = _mm512_mul_ps(_mm512_load_ps(tile->scale[v]), activation_scale);
      total = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dot[v][c]), total);
      if (shape.minima) {
        const __m512 minimum_scale = _mm512_load_ps(tile->minimum_scale[v]);
        const __m512 lower = _mm512_mul_ps(minimum_scale, activation_scale);
        total = _mm512_fnmadd_ps(lower, _mm512_cvtepi32_ps(minimum[v][c]), total);
      }
      _mm512_store_ps(scratch->totals[first + c][v], total);
    }
  }
}

// -offset * the sums of groups of one block, for `columns` columns from `first` on.
AVX512_INLINE void correct_columns(
    tile_shape shape, const maslin_activations *activations, size_t block, size_t first,
    size_t columns, int32_t corrections[][16]) {
  for (size_t c = 0; c < columns; c++) {
    const int16_t *sums = activations->sums + (first + c) * activations->sums_stride + 16 * block;
    const __m256i all = _mm256_loadu_si256((const __m256i *)sums);
    if (shape.group == 4) {
      const __m512i wide = _mm512_cvtepi16_epi32(all);
      const __m512i negated = _mm512_mullo_epi32(wide, _mm512_set1_epi32(-shape.offset));
      _mm512_store_si512(corrections[c], negated);
    } else {
      const __m256i factor = _mm256_set1_epi16((int16_t)-shape.offset);
      __m256i pairs = _mm256_madd_epi16(all, factor);
      if (shape.group == 64) {
        pairs = _mm256_hadd_epi32(pairs, pairs);
        pairs = _mm256_hadd_epi32(pairs, pairs);
        pairs = _mm256_add_epi32(pairs, _mm256_permute2x128_si256(pairs, pairs, 1));
      }
      _mm256_store_si256((__m256i *)corrections[c], pairs);
    }
  }
}

AVX512_INLINE void multiply_columns(
    tile_shape shape, int vectors, tile_scratch *scratch, const maslin_activations *activations,
    size_t block, size_t columns) {
  size_t c = 0;
  for (; c + 4 <= columns; c += 4) {
    multiply_tile(shape, vectors, 4, scratch, activations, block, c);
  }
  switch (columns - c) {
    case 3: multiply_tile(shape, vectors, 3, scratch, activations, block, c); break;
    case 2: multiply_tile(shape, vectors, 2, scratch, activations, block, c); break;
    case 1: multiply_tile(shape, vectors, 1, scratch, activations, block, c); break;
    default: break;
  }
}

// `vectors` x 16 rows (fewer at the end: the last one again, its results dropped) with up to TILE_MOST_COLUMNS columns.
AVX512_INLINE void multiply_rows(
    tile_shape shape, tile_decode decode, int vectors, const uint8_t *weights, size_t row_bytes,
    size_t rows, size_t following, size_t count, const maslin_activations *activations,
    size_t columns, float *out, size_t out_stride, tile_scratch *scratch) {
  const uint8_t *pointers[2 * TILE_ROWS];
  for (size_t r = 0; r < 2 * TILE_ROWS; r++) {
    pointers[r] = weights + (r < rows ? r : rows - 1) * row_bytes;
  }
  memset(scratch->totals, 0, columns * sizeof scratch->totals[0]);
  // The next rows lie right behind these: fetch as much of them as is used up here, in their order in memory.
  const uint8_t *next = weights + rows * row_bytes;
  const size_t ahead = following * row_bytes;
  const size_t step = (size_t)vectors * TILE_ROWS * shape.block_bytes;
  for (size_t b = 0; b < count / 256; b++) {
    for (size_t i = b * step; i < (b + 1) * step && i < ahead; i += 64) {
      _mm_prefetch((const char *)next + i, _MM_HINT_T1);
    }
    UNROLL for (int v = 0; v < vectors; v++) {
      decode(pointers + TILE_ROWS * v, b * shape.block_bytes, &scratch->tile, v);
    }
    if (shape.offset) {
      correct_columns(shape, activations, b, 0, columns, scratch->corrections);
    }
    multiply_columns(shape, vectors, scratch, activations, b, columns);
  }
  for (size_t c = 0; c < columns; c++) {
    for (int v = 0; v < vectors && (size_t)v * TILE_ROWS < rows; v++) {
      const size_t left = rows - (size_t)v * TILE_ROWS;
      const __mmask16 mask = left >= TILE_ROWS ? 0xFFFF : (__mmask16)((1u << left) - 1);
      const __m512 total = _mm512_load_ps(scratch->totals[c][v]);
      _mm512_mask_storeu_ps(out + c * out_stride + TILE_ROWS * v, mask, total);
    }
  }
}

AVX512_INLINE void multiply_tiled(
    tile_shape shape, tile_decode decode, const void *weights, size_t row_bytes, size_t rows,
    size_t count, const maslin_activations *activations, size_t columns, float *out,
    size_t out_stride, void *scratch) {
  for (size_t first = 0; first < columns; first += TILE_MOST_COLUMNS) {
    const size_t some = columns - first < TILE_MOST_COLUMNS ? columns - first : TILE_MOST_COLUMNS;
    maslin_activations part = *activations;
    part.quants += first * part.quants_stride;
    part.scales += first * part.scales_stride;
    part.sums += first * part.sums_stride;
    for (size_t r = 0; r < rows;) {
      const uint8_t *start = (const uint8_t *)weights + r * row_bytes;
      float *results = out + first * out_stride + r;
      const size_t left = rows - r;
      if (left > TILE_ROWS) {
        const size_t taken = left < 2 * TILE_ROWS ? left : 2 * TILE_ROWS;
        const size_t after = left - taken;
        multiply_rows(
            shape, decode, 2, start, row_bytes, taken,
            after < 2 * TILE_ROWS ? after : 2 * TILE_ROWS, count, &part, some, results, out_stride,
            scratch);
        r += taken;
      } else {
        multiply_rows(
            shape, decode, 1, start, row_bytes, left, 0, count, &part, some, results, out_stride,
            scratch);
        r += left;
      }
    }
  }
}

#define TILED(name, decode, number, ...)                                                           \
  AVX512 static void name(                                                                         \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    const tile_shape shape = {__VA_ARGS__};                                                        \
    if (block256_few_columns_avx512(                                                               \
            number, weights, row_bytes, rows, count, activations, columns, out, out_stride,        \
            scratch)) {                                                                            \
      return;                                                                                      \
    }                                                                                              \
    multiply_tiled(                                                                                \
        shape, decode, weights, row_bytes, rows, count, activations, columns, out, out_stride,     \
        scratch);                                                                                  \
  }

#endif
#endif
