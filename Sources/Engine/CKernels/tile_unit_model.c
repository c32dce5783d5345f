// The tile unit in plain C, instruction by instruction, after Intel's manual: what tests of the kernels run on.
#include <string.h>

#include "tile_unit.h"

typedef struct {
  maslin_tile_configuration configuration;
  uint8_t tiles[8][16][64];
} tile_registers;

static _Thread_local tile_registers registers;

// LDTILECFG: the tiles are zeros afterwards.
static void begin(void) {
  memset(&registers, 0, sizeof registers);
  registers.configuration = maslin_tile_configuration_of_blocks();
}

// TILERELEASE.
static void end(void) { memset(&registers, 0, sizeof registers); }

// TILELOADD: rows and bytes beyond those configured become zeros.
static void load(int tile, const void *from, size_t stride) {
  memset(registers.tiles[tile], 0, sizeof registers.tiles[tile]);
  for (size_t row = 0; row < registers.configuration.rows[tile]; row++) {
    memcpy(
        registers.tiles[tile][row], (const uint8_t *)from + row * stride,
        registers.configuration.row_bytes[tile]);
  }
}

// TILESTORED.
static void store(int tile, void *to, size_t stride) {
  for (size_t row = 0; row < registers.configuration.rows[tile]; row++) {
    memcpy(
        (uint8_t *)to + row * stride, registers.tiles[tile][row],
        registers.configuration.row_bytes[tile]);
  }
}

// TILEZERO.
static void zero(int tile) { memset(registers.tiles[tile], 0, sizeof registers.tiles[tile]); }

// TDPBSUD: sums of 4 products each of signed bytes of `a` and unsigned bytes of `b`, added without saturation. The
// instruction faults unless the shapes of the three tiles fit; the model leaves the sums alone.
static void dot(int sums, int a, int b) {
  const maslin_tile_configuration *shape = &registers.configuration;
  const int groups = shape->row_bytes[a] / 4;
  if (shape->rows[sums] != shape->rows[a] || shape->row_bytes[sums] != shape->row_bytes[b]
      || groups != shape->rows[b]) {
    return;
  }
  for (int row = 0; row < shape->rows[sums]; row++) {
    for (int column = 0; column < shape->row_bytes[sums] / 4; column++) {
      uint32_t sum;
      memcpy(&sum, &registers.tiles[sums][row][4 * column], sizeof sum);
      for (int group = 0; group < groups; group++) {
        for (int i = 0; i < 4; i++) {
          const int32_t left = (int8_t)registers.tiles[a][row][4 * group + i];
          const int32_t right = registers.tiles[b][group][4 * column + i];
          sum += (uint32_t)(left * right);
        }
      }
      memcpy(&registers.tiles[sums][row][4 * column], &sum, sizeof sum);
    }
  }
}

static void multiply(
    const uint8_t *weights, size_t weights_step, const int8_t *quants, size_t quants_step,
    size_t quants_stride, size_t blocks, int32_t (*products)[16][16]) {
  MASLIN_TILE_MULTIPLY(load, store, zero, dot)
}

const maslin_tile_unit *maslin_model_tile_unit(void) {
  static const maslin_tile_unit unit = {begin, end, multiply};
  return &unit;
}
