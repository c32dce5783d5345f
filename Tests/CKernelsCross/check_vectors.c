// The operations of maslin_vector.h on random arguments of random lengths.
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 8192, MOST_ROWS = 40, ROW = 300 };

static float source[4][MOST];
static float start[MOST];
static float result[2][MOST];
static const float *rows[2][MOST_ROWS];
static float row_values[2][MOST_ROWS][ROW];

static void fill(float scale) {
  for (int i = 0; i < 4; i++) random_floats(source[i], MOST);
  random_floats(start, MOST);
  for (size_t i = 0; i < MOST; i++) start[i] *= scale;
  for (int k = 0; k < 2; k++) {
    for (int r = 0; r < MOST_ROWS; r++) {
      random_floats(row_values[k][r], ROW);
      rows[k][r] = row_values[k][r];
    }
  }
}

// Runs CALL with both sets on the same start values; it changes `out`.
#define BOTH(name, CALL)                                                                           \
  do {                                                                                             \
    for (int i = 0; i < 2; i++) {                                                                  \
      const maslin_vector_kernels *k = kernels[i];                                                 \
      float *out = result[i];                                                                      \
      memcpy(out, start, sizeof start);                                                            \
      CALL;                                                                                        \
    }                                                                                              \
    compare(name, set, result[0], result[1], sizeof start);                                        \
    add_to_checksum(result[0], MOST);                                                              \
  } while (0)

static void check_elements(
    const maslin_vector_kernels *const kernels[2], enum maslin_instruction_set set, size_t n) {
  const float *x = source[0], *y = source[1], *z = source[2];
  const float spread = (float)(1u << random_below(8));
  fill(spread);
  BOTH("exponential", k->exponential(out, n, out));
  BOTH("sigmoid", k->sigmoid(out, n, out));
  BOTH("softplus", k->softplus(out, n, out));
  BOTH("softmax", k->softmax(out, n));
  BOTH("dot", out[0] = k->dot(x, y, n));
  BOTH("add", k->add(x, n, out));
  BOTH("add_scaled", k->add_scaled(x, z[0], n, out));
  BOTH("multiply", k->multiply(x, n, out));
  BOTH("normalize", k->normalize(x, n, y, 1e-6f, out));
  BOTH("normalize without weight", k->normalize(out, n, 0, 1e-5f, out));
  BOTH("normalize_length", k->normalize_length(out, n, 1e-6f));
  BOTH("gated_activation", k->gated_activation(x, y, n, INFINITY, out));
  BOTH("gated_activation with limit", k->gated_activation(x, out, n, 0.7f, out));
  BOTH("rotate_adjacent", k->rotate_adjacent(out, n, x, y));
  BOTH("rotate_halves", k->rotate_halves(out, n, x, y));
  BOTH("round_float8", k->round_float8(out, n));
  BOTH("round_float4", k->round_float4(out, n));
  BOTH("exponentials", out[n] = k->exponentials(out, n, x));
  BOTH("exponentials without sink", out[n] = k->exponentials(out, n, 0));
  for (size_t i = 0; i < MOST; i++) start[i] = fabsf(start[i]) / (1.5f * spread);
  BOTH("logarithm_of_one_plus", k->logarithm_of_one_plus(out, n, out));
}

static void check_shapes(
    const maslin_vector_kernels *const kernels[2], enum maslin_instruction_set set) {
  const float *x = source[0], *y = source[1], *z = source[2];
  const size_t width = 1 + random_below(100), heads = 1 + random_below(9);
  const size_t count = 1 + random_below(17), streams = 1 + random_below(6);
  const size_t first = random_below(width);
  float divisors[16], comb[256];
  fill(4);
  for (int i = 0; i < 16; i++) divisors[i] = 1 + fabsf(random_float());
  for (int i = 0; i < 256; i++) comb[i] = random_float();
  BOTH("hadamard", k->hadamard(out, (size_t)1 << (heads - 1), 0.25f));
  BOTH("scores", k->scores(x, width + 2, heads, rows[0], count, width, 0.3f, out, count + 1));
  BOTH(
      "weighted_sum",
      k->weighted_sum(x, count + 1, heads, rows[0], count, width, divisors, out, width + 1));
  BOTH("index_keys", k->index_keys(rows[0], width, out));
  BOTH("index_scores", k->index_scores(x, heads, width, y, z, out));
  BOTH("pool", k->pool(rows[0], rows[1], count, width, out));
  BOTH("collapse", k->collapse(x, streams, width, y, out));
  BOTH("expand", k->expand(out, streams, width, first, width, x, y, comb));
  BOTH("sinkhorn", k->sinkhorn(out, streams, count, 1e-6f));
  BOTH(
      "delta_step", k->delta_step(
                        out, width + 1, heads, width, x, y, z, -0.3f, 0.6f, 0.125f,
                        out + heads * (width + 1)));
  BOTH("convolve", k->convolve(rows[0], x, count > 16 ? 16 : count, width, out));
}

// There is one implementation, which must not depend on the machine.
static void check_angles(void) {
  double frequencies[64];
  float cosines[64], sines[64];
  for (int i = 0; i < 64; i++) frequencies[i] = fabs((double)random_float()) / (1 + i);
  for (int i = 0; i < 16; i++) {
    maslin_angles(
        (int32_t)random_below(1u << 20), frequencies, 64, 1.1f, i % 2, cosines, sines);
    add_to_checksum(cosines, 64);
    add_to_checksum(sines, 64);
  }
}

void check_vectors(enum maslin_instruction_set set) {
  const maslin_vector_kernels *kernels[2] = {
      maslin_vector_kernels_for(MASLIN_SCALAR), maslin_vector_kernels_for(set)};
  if (!kernels[0] || !kernels[1]) {
    compare("vector kernels exist", set, "yes", "no ", 3);
    return;
  }
  for (size_t n = 1; n <= 50; n += 1 + random_below(6)) check_elements(kernels, set, n);
  check_elements(kernels, set, 64 + random_below(200));
  for (int i = 0; i < 12; i++) check_shapes(kernels, set);
  check_angles();
}
