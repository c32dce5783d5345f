// Matrix products: random weights of every type in random shapes, rounded and float activations.
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  uint32_t number;
  size_t values, bytes;
  int halves; // how many half floats a block holds,
  size_t at;  // and where they begin
} weight_type;

static const weight_type types[] = {
  {"F32", 0, 1, 4, 0, 0},         {"F16", 1, 1, 2, 1, 0},         {"BF16", 30, 1, 2, 0, 0},
  {"F64", 28, 1, 8, 0, 0},        {"Q4_0", 2, 32, 18, 1, 0},      {"Q4_1", 3, 32, 20, 2, 0},
  {"Q5_0", 6, 32, 22, 1, 0},      {"Q5_1", 7, 32, 24, 2, 0},      {"Q8_0", 8, 32, 34, 1, 0},
  {"IQ4_NL", 20, 32, 18, 1, 0},   {"MXFP4", 39, 32, 17, 0, 0},    {"Q2_K", 10, 256, 84, 2, 80},
  {"Q3_K", 11, 256, 110, 1, 108}, {"Q4_K", 12, 256, 144, 2, 0},   {"Q5_K", 13, 256, 176, 2, 0},
  {"Q6_K", 14, 256, 210, 1, 208}, {"IQ2_XXS", 16, 256, 66, 1, 0}, {"IQ2_XS", 17, 256, 74, 1, 0},
  {"IQ2_S", 22, 256, 82, 1, 0},   {"IQ3_XXS", 18, 256, 98, 1, 0}, {"IQ3_S", 21, 256, 110, 1, 0},
  {"IQ4_XS", 23, 256, 136, 1, 0},
};

// A finite half float, now and then a subnormal one.
static uint16_t random_half(void) {
  const uint32_t word = random_word();
  return (uint16_t)(random_below(16) ? word & 0xBFFF : word & 0x83FF);
}

static void random_block(const weight_type *type, uint8_t *block) {
  for (size_t i = 0; i < type->bytes; i++) block[i] = (uint8_t)random_word();
  // The most negative codes, which only hostile files have, and extreme scales.
  if (random_below(16) == 0) memset(block, 0x80, type->bytes);
  if (random_below(16) == 0) memset(block, 0xFF, type->bytes);
  for (int h = 0; h < type->halves; h++) {
    const uint16_t half = random_half();
    memcpy(block + type->at + 2 * (size_t)h, &half, 2);
  }
  const float value = random_float();
  const double wide = value;
  if (type->number == 0) memcpy(block, &value, 4);
  if (type->number == 30) memcpy(block, (const uint8_t *)&value + 2, 2);
  if (type->number == 28) memcpy(block, &wide, 8);
  // Exponents that leave room for products, and the subnormal ones.
  if (type->number == 39) {
    block[0] = (uint8_t)(random_below(8) ? 100 + random_below(50) : random_below(3));
  }
}

// A column as it comes, or with what rounding has to mind.
static void random_column(float *values, size_t count) {
  const size_t kind = random_below(8);
  random_floats(values, count);
  for (size_t i = 0; i < count; i++) {
    if (random_below(64) == 0) values[i] *= 16;
    if (kind == 1) values[i] *= 0x1p-146f;
    if (kind == 2 && i / 32 % 3 == 0) values[i] = 0;
    // Quotients halfway between integers.
    if (kind == 3) values[i] = i % 16 == 0 ? 127 : (float)random_below(254) - 126.5f;
  }
}

// Columns of rounded activations.
typedef struct {
  maslin_activations view;
  int8_t *quants;
  float *scales;
  int16_t *sums;
  size_t quants_bytes, scales_bytes, sums_bytes;
} rounded_columns;

static void *zeros(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  memset(memory, 0, (bytes + 63) / 64 * 64);
  return memory;
}

static rounded_columns round_columns(
    const maslin_matmul_kernels *kernels, const float *values, size_t count, size_t columns) {
  rounded_columns result;
  const size_t quants_stride = (count + 63) / 64 * 64;
  const size_t scales_stride = (count / kernels->activation_block + 15) / 16 * 16;
  const size_t sums_stride = (count / (kernels->activation_block == 256 ? 16 : 32) + 31) / 32 * 32;
  result.quants_bytes = quants_stride * columns;
  result.scales_bytes = scales_stride * columns * sizeof(float);
  result.sums_bytes = sums_stride * columns * sizeof(int16_t);
  result.quants = zeros(result.quants_bytes);
  result.scales = zeros(result.scales_bytes);
  result.sums = zeros(result.sums_bytes);
  for (size_t c = 0; c < columns; c++) {
    kernels->quantize(
        values + c * count, count, result.quants + c * quants_stride,
        result.scales + c * scales_stride, result.sums + c * sums_stride);
  }
  result.view = (maslin_activations){
      result.quants, result.scales, result.sums, quants_stride, scales_stride, sums_stride};
  return result;
}

static void free_columns(rounded_columns columns) {
  free(columns.quants);
  free(columns.scales);
  free(columns.sums);
}

static void *scratch_of_anything(void) {
  uint8_t *scratch = aligned_alloc(64, MASLIN_SCRATCH_BYTES);
  memset(scratch, (int)random_below(256), MASLIN_SCRATCH_BYTES);
  return scratch;
}

static void check_shape(
    const weight_type *type, enum maslin_instruction_set set, size_t rows, size_t count,
    size_t columns) {
  maslin_matmul_kernels scalar, other;
  if (!maslin_matmul_kernels_for(type->number, MASLIN_SCALAR, &scalar)
      || !maslin_matmul_kernels_for(type->number, set, &other)) {
    fprintf(stderr, "check: no kernels for %s\n", type->name);
    exit(2);
  }
  char what[128];
  snprintf(
      what, sizeof what, "%s, %zu rows of %zu, %zu columns", type->name, rows, count, columns);
  const size_t row_bytes = count / type->values * type->bytes, out_stride = rows + 3;
  const size_t out_count = out_stride * columns, out_bytes = out_count * sizeof(float);
  uint8_t *weights = guarded(rows * row_bytes);
  for (size_t at = 0; at < rows * row_bytes; at += type->bytes) random_block(type, weights + at);
  float *values = guarded(count * columns * sizeof(float));
  for (size_t c = 0; c < columns; c++) random_column(values + c * count, count);
  float *outs[2] = {guarded(out_bytes), guarded(out_bytes)};
  void *scratch = scratch_of_anything();

  for (int i = 0; i < 2; i++) {
    for (size_t k = 0; k < out_count; k++) outs[i][k] = -7;
    (i ? &other : &scalar)->float_matmul(
        weights, row_bytes, rows, count, values, count, columns, outs[i], out_stride, scratch);
  }
  char kind[160];
  snprintf(kind, sizeof kind, "float product, %s", what);
  compare(kind, set, outs[0], outs[1], out_bytes);
  add_to_checksum(outs[0], out_count);

  if (scalar.activation_block) {
    const rounded_columns a = round_columns(&scalar, values, count, columns);
    const rounded_columns b = round_columns(&other, values, count, columns);
    snprintf(kind, sizeof kind, "rounding, %s", what);
    compare(kind, set, a.quants, b.quants, a.quants_bytes);
    compare(kind, set, a.scales, b.scales, a.scales_bytes);
    compare(kind, set, a.sums, b.sums, a.sums_bytes);
    for (int i = 0; i < 2; i++) {
      for (size_t k = 0; k < out_count; k++) outs[i][k] = -7;
      (i ? &other : &scalar)->matmul(
          weights, row_bytes, rows, count, &a.view, columns, outs[i], out_stride, scratch);
    }
    snprintf(kind, sizeof kind, "product, %s", what);
    compare(kind, set, outs[0], outs[1], out_bytes);
    add_to_checksum(outs[0], out_count);
    free_columns(a);
    free_columns(b);
  }
  free(scratch);
  release(outs[0], out_bytes);
  release(outs[1], out_bytes);
  release(values, count * columns * sizeof(float));
  release(weights, rows * row_bytes);
}

// Values that are no numbers, or infinite, become the same quants everywhere.
static void check_rounding_of_extremes(enum maslin_instruction_set set) {
  static const uint32_t number_of_block[] = {8, 12}; // Q8_0, Q4_K
  for (int t = 0; t < 2; t++) {
    maslin_matmul_kernels scalar, other;
    maslin_matmul_kernels_for(number_of_block[t], MASLIN_SCALAR, &scalar);
    maslin_matmul_kernels_for(number_of_block[t], set, &other);
    float *values = guarded(512 * sizeof(float));
    for (int kind = 0; kind < 8; kind++) {
      random_column(values, 512);
      values[random_below(512)] = kind & 1 ? NAN : 3;
      values[random_below(512)] = kind & 2 ? -INFINITY : -3;
      values[random_below(512)] = kind & 4 ? 0x1.fffffep127f : 0x1p-149f;
      const rounded_columns a = round_columns(&scalar, values, 512, 1);
      const rounded_columns b = round_columns(&other, values, 512, 1);
      compare("rounding of extremes", set, a.quants, b.quants, a.quants_bytes);
      compare("scales of extremes", set, a.scales, b.scales, a.scales_bytes);
      compare("sums of extremes", set, a.sums, b.sums, a.sums_bytes);
      free_columns(a);
      free_columns(b);
    }
    release(values, 512 * sizeof(float));
  }
}

void check_products(enum maslin_instruction_set set) {
  for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
    const weight_type *type = &types[t];
    // Few columns of every number, with rows that are and are not a multiple of what a kernel takes at once.
    for (size_t columns = 1; columns <= 9; columns++) {
      const size_t blocks = 1 + random_below(type->values == 256 ? 3 : 9);
      const size_t count = type->values == 1 ? 1 + random_below(700) : blocks * type->values;
      check_shape(type, set, 1 + random_below(19), count, columns);
    }
    const size_t unit = type->values == 1 ? 24 : type->values;
    check_shape(type, set, 33 + random_below(8), 2 * unit, 13 + random_below(30));
    check_shape(type, set, 11, 19 * unit > 700 ? 3 * unit : 19 * unit, 7);
    check_shape(type, set, 3, unit, 131);
    check_shape(type, set, 2, 1024, 2);
  }
  // More columns than one pass of a tile takes.
  check_shape(&types[8], set, 9, 64, 259);
  check_shape(&types[13], set, 9, 256, 259);
  check_rounding_of_extremes(set);
}
