#pragma STDC FP_CONTRACT OFF
#include "floats_kernels.h"

enum { tile_rows = 16, tile_values = 512, tile_columns = 128 };

_Static_assert(
    sizeof(float) * (tile_rows * tile_values + tile_rows * tile_columns * 16)
        <= MASLIN_SCRATCH_BYTES,
    "a tile and its sums fit the scratch memory");

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

void maslin_tiled_matmul(
    uint32_t type, maslin_fill_function fill, maslin_accumulate_function accumulate,
    const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch) {
  float *tile = scratch;
  float *lanes = tile + tile_rows * tile_values;
  for (size_t first_row = 0; first_row < rows; first_row += tile_rows) {
    const size_t r_count = smaller(tile_rows, rows - first_row);
    const uint8_t *tile_weights = (const uint8_t *)weights + first_row * row_bytes;
    for (size_t first_column = 0; first_column < columns; first_column += tile_columns) {
      const size_t c_count = smaller(tile_columns, columns - first_column);
      __builtin_memset(lanes, 0, r_count * c_count * 16 * sizeof(float));
      for (size_t first = 0; first < count; first += tile_values) {
        const size_t length = smaller(tile_values, count - first);
        for (size_t r = 0; r < r_count; r++) {
          fill(type, tile_weights + r * row_bytes, first, length, tile + r * tile_values);
        }
        accumulate(
            tile, tile_values, r_count, length, values + first_column * values_stride + first,
            values_stride, c_count, lanes);
      }
      for (size_t c = 0; c < c_count; c++) {
        for (size_t r = 0; r < r_count; r++) {
          out[(first_column + c) * out_stride + first_row + r]
              = maslin_sum_of_lanes(lanes + (r * c_count + c) * 16);
        }
      }
    }
  }
}
