// The layer between kernels and a unit for products of tiles of bytes.
#ifndef MASLIN_TILE_UNIT_LAYER_H
#define MASLIN_TILE_UNIT_LAYER_H

#include <stddef.h>
#include <stdint.h>

// Columns of activations, and rows of weights, that a call multiplies.
enum { maslin_tile_unit_columns = 16, maslin_tile_unit_rows = 16, maslin_tile_unit_blocks = 4 };

typedef struct {
  // Before and after calls of `multiply` on one thread.
  void (*begin)(void);
  void (*end)(void);

  // Products of up to 4 blocks of 32 values: products[i][c][r] for column c and row r of block i.
  //
  // weights: block i begins at i * weights_step, as 8 groups of 4 bytes (unsigned) of each of 16 rows.
  // quants: block i of column c begins at i * quants_step + c * quants_stride.
  void (*multiply)(
      const uint8_t *weights, size_t weights_step, const int8_t *quants, size_t quants_step,
      size_t quants_stride, size_t blocks, int32_t (*products)[16][16]);
} maslin_tile_unit;

// The processor's unit; NULL where there is none that may be used.
const maslin_tile_unit *maslin_processor_tile_unit(void);

// The unit modelled in C.
const maslin_tile_unit *maslin_model_tile_unit(void);

// The configuration of the tiles, as LDTILECFG reads it.
typedef struct {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} maslin_tile_configuration;

_Static_assert(sizeof(maslin_tile_configuration) == 64, "the size LDTILECFG reads");

// Tiles 0 to 3 hold products (16 columns of 16 sums), 4 and 5 activations (16 columns of 32 bytes), 6 and 7 weights
// (8 groups of 16 times 4 bytes).
static inline maslin_tile_configuration maslin_tile_configuration_of_blocks(void) {
  maslin_tile_configuration configuration = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    configuration.rows[tile] = tile < 6 ? 16 : 8;
    configuration.row_bytes[tile] = tile == 4 || tile == 5 ? 32 : 64;
  }
  return configuration;
}

// The body of `multiply`, over the instructions of a unit: LOAD(tile, pointer, stride), STORE(tile, pointer, stride),
// ZERO(tile), and DOT(sums, signed bytes, unsigned bytes). Tiles are numbered by constants.
#define MASLIN_TILE_BLOCK(i, LOAD, STORE, ZERO, DOT)                                               \
  if (blocks > (i)) {                                                                              \
    ZERO(i);                                                                                       \
    LOAD(4 + (i) % 2, quants + (i) * quants_step, quants_stride);                                  \
    LOAD(6 + (i) % 2, weights + (i) * weights_step, 64);                                           \
    DOT(i, 4 + (i) % 2, 6 + (i) % 2);                                                              \
    STORE(i, products[i], 64);                                                                     \
  }

#define MASLIN_TILE_MULTIPLY(LOAD, STORE, ZERO, DOT)                                               \
  MASLIN_TILE_BLOCK(0, LOAD, STORE, ZERO, DOT)                                                     \
  MASLIN_TILE_BLOCK(1, LOAD, STORE, ZERO, DOT)                                                     \
  MASLIN_TILE_BLOCK(2, LOAD, STORE, ZERO, DOT)                                                     \
  MASLIN_TILE_BLOCK(3, LOAD, STORE, ZERO, DOT)

#endif
