#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
#include "block32_avx512.h"

// Weights are unpacked into tiles of 16 rows and 32 blocks in which a vector holds the same 4 values of each row, so
// that the product of a block is complete without adding up lanes.

enum { tile_rows = 16, tile_blocks = 32, tile_columns = 128 };

// 16 rows of 32 blocks.
typedef struct {
  uint8_t weights[tile_blocks][8][tile_rows][4];
  float scales[tile_blocks][tile_rows];
  float minima[tile_blocks][tile_rows];
} weight_tile;

// What the private memory of a thread holds.
typedef struct {
  weight_tile tile;
  // The starting value of a product: the sum of the quants times minus the offset of the weights.
  int32_t corrections[tile_columns][tile_blocks];
  // The scale times the sum of the quants, for types with minima.
  float scaled_sums[tile_columns][tile_blocks];
  // The 4 sums of each row, by column.
  float sums[tile_columns][4][tile_rows];
  // What the tile unit returns for some blocks.
  int32_t products[maslin_tile_unit_blocks][maslin_tile_unit_columns][tile_rows];
} tile_memory;

_Static_assert(sizeof(tile_memory) <= MASLIN_SCRATCH_BYTES, "fits the scratch memory");

INLINE void unpack_block_of_rows(
    uint32_t type, const uint8_t *const *rows, size_t at, __m256i table, uint8_t (*tile)[16][4]) {
  // Rows i and i + 4 share a vector, so do 8 + i and 12 + i; then two rounds of 4 x 4 transposition and one across.
  __m512i v[8];
  for (int i = 0; i < 8; i++) {
    const int row = i < 4 ? i : i + 4;
    const __m256i lower = maslin_unpack_block(type, rows[row] + at, table);
    const __m256i upper = maslin_unpack_block(type, rows[row + 4] + at, table);
    v[i] = _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
  }
  __m512i quads[2][4];
  for (int q = 0; q < 2; q++) {
    const __m512i *w = v + 4 * q;
    const __m512i a = _mm512_unpacklo_epi32(w[0], w[1]), b = _mm512_unpackhi_epi32(w[0], w[1]);
    const __m512i c = _mm512_unpacklo_epi32(w[2], w[3]), d = _mm512_unpackhi_epi32(w[2], w[3]);
    quads[q][0] = _mm512_unpacklo_epi64(a, c);
    quads[q][1] = _mm512_unpackhi_epi64(a, c);
    quads[q][2] = _mm512_unpacklo_epi64(b, d);
    quads[q][3] = _mm512_unpackhi_epi64(b, d);
  }
  for (int t = 0; t < 4; t++) {
    const __m512i a = quads[0][t], b = quads[1][t];
    _mm512_store_si512(tile[t], _mm512_shuffle_i32x4(a, b, 0x88));
    _mm512_store_si512(tile[t + 4], _mm512_shuffle_i32x4(a, b, 0xDD));
  }
}

INLINE void unpack_tile(
    uint32_t type, const uint8_t *const *rows, size_t first_block, size_t blocks, size_t ahead,
    weight_tile *tile) {
  const uint32_t size = maslin_block32_bytes(type);
  const __m256i table = maslin_raised_table(type);
  uint16_t scales[tile_blocks][tile_rows], minima[tile_blocks][tile_rows];
  for (int r = 0; r < tile_rows; r++) {
    const uint8_t *block = rows[r] + first_block * size;
    for (size_t b = 0; b < blocks; b++, block += size) {
      scales[b][r] = type == MASLIN_MXFP4 ? block[0] : maslin_load16(block);
      if (maslin_block32_has_minimum(type)) minima[b][r] = maslin_load16(block + 2);
      _mm_prefetch((const char *)block + ahead, _MM_HINT_T1);
    }
  }
  for (size_t b = 0; b < blocks; b++) {
    unpack_block_of_rows(type, rows, (first_block + b) * size, table, tile->weights[b]);
    const __m256i words = _mm256_loadu_si256((const __m256i *)scales[b]);
    const __m512 scale = type == MASLIN_MXFP4 ? maslin_mxfp4_scales(_mm512_cvtepu16_epi32(words))
                                              : _mm512_cvtph_ps(words);
    _mm512_store_ps(tile->scales[b], scale);
    if (maslin_block32_has_minimum(type)) {
      const __m256i halves = _mm256_loadu_si256((const __m256i *)minima[b]);
      _mm512_store_ps(tile->minima[b], _mm512_cvtph_ps(halves));
    }
  }
}

// Adds one block of 16 rows to one of the 4 sums of each column.
INLINE void add_block(
    int has_minimum, int columns, const tile_memory *memory, size_t block, size_t first_column,
    const int8_t *const *quants, const float *const *scales, __m512 *sums) {
  const weight_tile *tile = &memory->tile;
  __m512i products[4];
  for (int c = 0; c < columns; c++) {
    products[c] = has_minimum
        ? _mm512_setzero_si512()
        : _mm512_set1_epi32(memory->corrections[first_column + (size_t)c][block]);
  }
  for (int t = 0; t < 8; t++) {
    const __m512i weights = _mm512_load_si512(tile->weights[block][t]);
    for (int c = 0; c < columns; c++) {
      int32_t four;
      memcpy(&four, quants[c] + 32 * block + 4 * t, sizeof four);
      products[c] = _mm512_dpbusd_epi32(products[c], weights, _mm512_set1_epi32(four));
    }
  }
  const __m512 weight_scales = _mm512_load_ps(tile->scales[block]);
  for (int c = 0; c < columns; c++) {
    const __m512 scale = _mm512_mul_ps(weight_scales, _mm512_set1_ps(scales[c][block]));
    sums[c] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(products[c]), sums[c]);
    if (has_minimum) {
      const float sum = memory->scaled_sums[first_column + (size_t)c][block];
      sums[c] = _mm512_fmadd_ps(
          _mm512_load_ps(tile->minima[block]), _mm512_set1_ps(sum), sums[c]);
    }
  }
}

INLINE void add_tile(
    int has_minimum, int columns, tile_memory *memory, size_t blocks, size_t first_column,
    const int8_t *const *quants, const float *const *scales) {
  __m512 sums[4][4];
  for (int i = 0; i < 4; i++) {
    for (int c = 0; c < columns; c++) {
      sums[i][c] = _mm512_load_ps(memory->sums[first_column + (size_t)c][i]);
    }
  }
#define ADD_BLOCK(i)                                                                               \
  add_block(has_minimum, columns, memory, b + i, first_column, quants, scales, sums[i])
  size_t b = 0;
  for (; b + 4 <= blocks; b += 4) {
    ADD_BLOCK(0);
    ADD_BLOCK(1);
    ADD_BLOCK(2);
    ADD_BLOCK(3);
  }
  if (b < blocks) ADD_BLOCK(0);
  if (b + 1 < blocks) ADD_BLOCK(1);
  if (b + 2 < blocks) ADD_BLOCK(2);
#undef ADD_BLOCK
  for (int i = 0; i < 4; i++) {
    for (int c = 0; c < columns; c++) {
      _mm512_store_ps(memory->sums[first_column + (size_t)c][i], sums[i][c]);
    }
  }
}

TARGET static void add_tile_to_columns(
    int has_minimum, size_t columns, tile_memory *memory, size_t blocks, size_t first_column,
    const int8_t *const *quants, const float *const *scales) {
#define CASES(has_minimum)                                                                         \
  switch (columns) {                                                                               \
    case 1: add_tile(has_minimum, 1, memory, blocks, first_column, quants, scales); break;         \
    case 2: add_tile(has_minimum, 2, memory, blocks, first_column, quants, scales); break;         \
    case 3: add_tile(has_minimum, 3, memory, blocks, first_column, quants, scales); break;         \
    default: add_tile(has_minimum, 4, memory, blocks, first_column, quants, scales); break;        \
  }
  if (has_minimum) {
    CASES(1)
  } else {
    CASES(0)
  }
#undef CASES
}

// The same for 16 columns whose products the tile unit makes, one of the 4 sums after the other.
INLINE void add_tile_of_unit(
    int has_minimum, const maslin_tile_unit *unit, tile_memory *memory, size_t blocks,
    size_t first_column, const int8_t *quants, size_t quants_stride, const float *scales,
    size_t scales_stride) {
  const weight_tile *tile = &memory->tile;
  for (size_t i = 0; i < 4; i++) {
    __m512 sums[maslin_tile_unit_columns];
#pragma clang loop unroll(full)
    for (size_t c = 0; c < maslin_tile_unit_columns; c++) {
      sums[c] = _mm512_load_ps(memory->sums[first_column + c][i]);
    }
    for (size_t first = i; first < blocks; first += 4 * maslin_tile_unit_blocks) {
      const size_t left = (blocks - first + 3) / 4;
      const size_t present = left < maslin_tile_unit_blocks ? left : maslin_tile_unit_blocks;
      unit->multiply(
          tile->weights[first][0][0], 4 * sizeof tile->weights[0], quants + 32 * first, 4 * 32,
          quants_stride, present, memory->products);
      for (size_t j = 0; j < present; j++) {
        const size_t b = first + 4 * j;
        const __m512 weight_scales = _mm512_load_ps(tile->scales[b]);
#pragma clang loop unroll(full)
        for (size_t c = 0; c < maslin_tile_unit_columns; c++) {
          __m512i product = _mm512_load_si512(memory->products[j][c]);
          if (!has_minimum) {
            const int32_t correction = memory->corrections[first_column + c][b];
            product = _mm512_add_epi32(product, _mm512_set1_epi32(correction));
          }
          const __m512 scale
              = _mm512_mul_ps(weight_scales, _mm512_set1_ps(scales[c * scales_stride + b]));
          sums[c] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(product), sums[c]);
          if (has_minimum) {
            const __m512 sum = _mm512_set1_ps(memory->scaled_sums[first_column + c][b]);
            sums[c] = _mm512_fmadd_ps(_mm512_load_ps(tile->minima[b]), sum, sums[c]);
          }
        }
      }
    }
#pragma clang loop unroll(full)
    for (size_t c = 0; c < maslin_tile_unit_columns; c++) {
      _mm512_store_ps(memory->sums[first_column + c][i], sums[c]);
    }
  }
}

TARGET static void unpack_tile_of_type(
    uint32_t type, const uint8_t *const *rows, size_t first_block, size_t blocks, size_t ahead,
    weight_tile *tile) {
  switch (type) {
    case MASLIN_Q4_0: unpack_tile(MASLIN_Q4_0, rows, first_block, blocks, ahead, tile); break;
    case MASLIN_Q4_1: unpack_tile(MASLIN_Q4_1, rows, first_block, blocks, ahead, tile); break;
    case MASLIN_Q5_0: unpack_tile(MASLIN_Q5_0, rows, first_block, blocks, ahead, tile); break;
    case MASLIN_Q5_1: unpack_tile(MASLIN_Q5_1, rows, first_block, blocks, ahead, tile); break;
    case MASLIN_IQ4_NL: unpack_tile(MASLIN_IQ4_NL, rows, first_block, blocks, ahead, tile); break;
    case MASLIN_MXFP4: unpack_tile(MASLIN_MXFP4, rows, first_block, blocks, ahead, tile); break;
    default: unpack_tile(MASLIN_Q8_0, rows, first_block, blocks, ahead, tile); break;
  }
}

// What depends on the sums of quants only, for one column and the blocks of a tile.
INLINE void prepare_sums(
    uint32_t type, const int16_t *quant_sums, const float *scales, size_t blocks,
    int32_t *corrections, float *scaled_sums) {
  const int bits = maslin_block32_offset_bits(type);
  size_t b = 0;
  for (; b + 16 <= blocks; b += 16) {
    const __m512i sums
        = _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(quant_sums + b)));
    if (bits >= 0) {
      const __m512i raised = _mm512_slli_epi32(sums, (unsigned)bits);
      _mm512_store_si512(corrections + b, _mm512_sub_epi32(_mm512_setzero_si512(), raised));
    } else {
      const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(scales + b), _mm512_cvtepi32_ps(sums));
      _mm512_store_ps(scaled_sums + b, scaled);
    }
  }
  // Not in vectors: loads under a mask cost more than the few blocks left.
#pragma clang loop vectorize(disable)
  for (; b < blocks; b++) {
    if (bits >= 0) {
      corrections[b] = -((int32_t)quant_sums[b] * (1 << bits));
    } else {
      scaled_sums[b] = scales[b] * (float)quant_sums[b];
    }
  }
}

INLINE const int8_t *quants_of(const maslin_activations *activations, size_t column, size_t block) {
  return activations->quants + column * activations->quants_stride + 32 * block;
}

INLINE const float *scales_of(const maslin_activations *activations, size_t column, size_t block) {
  return activations->scales + column * activations->scales_stride + block;
}

// For column `column` of the activations, which is `place` of those in hand.
TARGET static void prepare_sums_of_column(
    uint32_t type, const maslin_activations *activations, size_t column, size_t block,
    size_t blocks, size_t place, tile_memory *memory) {
  const int16_t *sums = activations->sums + column * activations->sums_stride + block;
  const float *scales = scales_of(activations, column, block);
  int32_t *corrections = memory->corrections[place];
  float *scaled_sums = memory->scaled_sums[place];
  if (maslin_block32_has_minimum(type)) {
    prepare_sums(MASLIN_Q4_1, sums, scales, blocks, corrections, scaled_sums);
  } else {
    prepare_sums(type, sums, scales, blocks, corrections, scaled_sums);
  }
}

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

TARGET void maslin_block32_tiled_matmul_avx512(
    uint32_t type, const maslin_tile_unit *unit, const void *weights, size_t row_bytes,
    size_t rows, size_t count, const maslin_activations *activations, size_t columns, float *out,
    size_t out_stride, void *scratch) {
  tile_memory *memory = scratch;
  const int has_minimum = maslin_block32_has_minimum(type);
  const size_t blocks = count / 32;
  if (unit) unit->begin();
  for (size_t first_row = 0; first_row < rows; first_row += tile_rows) {
    const size_t present = smaller(tile_rows, rows - first_row);
    const uint8_t *row[tile_rows];
    for (size_t r = 0; r < tile_rows; r++) {
      const size_t index = first_row + smaller(r, present - 1);
      row[r] = (const uint8_t *)weights + index * row_bytes;
    }
    for (size_t start = 0; start < columns; start += tile_columns) {
      const size_t width = smaller(tile_columns, columns - start);
      memset(memory->sums, 0, width * sizeof memory->sums[0]);
      for (size_t block = 0; block < blocks; block += tile_blocks) {
        const size_t length = smaller(tile_blocks, blocks - block);
        // Fetch what the next tile takes: the rest of these rows, then the next ones.
        const size_t ahead = block + 2 * tile_blocks <= blocks
            ? tile_blocks * maslin_block32_bytes(type)
            : tile_rows * row_bytes - block * maslin_block32_bytes(type);
        unpack_tile_of_type(type, row, block, length, ahead, &memory->tile);
        for (size_t c = 0; c < width; c++) {
          prepare_sums_of_column(type, activations, start + c, block, length, c, memory);
        }
        const size_t on_unit = unit ? width - width % maslin_tile_unit_columns : 0;
        for (size_t c = 0; c < on_unit; c += maslin_tile_unit_columns) {
          add_tile_of_unit(
              has_minimum, unit, memory, length, c, quants_of(activations, start + c, block),
              activations->quants_stride, scales_of(activations, start + c, block),
              activations->scales_stride);
        }
        for (size_t c = on_unit; c < width; c += 4) {
          const size_t group = smaller(4, width - c);
          const int8_t *quants[4];
          const float *scales[4];
          for (size_t i = 0; i < group; i++) {
            quants[i] = quants_of(activations, start + c + i, block);
            scales[i] = scales_of(activations, start + c + i, block);
          }
          add_tile_to_columns(has_minimum, group, memory, length, c, quants, scales);
        }
      }
      for (size_t c = 0; c < width; c++) {
        const float(*sums)[tile_rows] = memory->sums[c];
        const __m512 even = _mm512_add_ps(_mm512_load_ps(sums[0]), _mm512_load_ps(sums[2]));
        const __m512 odd = _mm512_add_ps(_mm512_load_ps(sums[1]), _mm512_load_ps(sums[3]));
        _mm512_mask_storeu_ps(
            out + (start + c) * out_stride + first_row, (__mmask16)((1u << present) - 1),
            _mm512_add_ps(even, odd));
      }
    }
  }
  if (unit) unit->end();
}
#endif
