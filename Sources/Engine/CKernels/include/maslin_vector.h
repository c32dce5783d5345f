// Operations on vectors of floats: norms, activations, rotations, attention, hyper-connections, recurrences.
//
// Every implementation returns the same bits. All are compiled from one source (vector_*.h), which is written in terms
// of vectors of 16 lanes: element i of an array lies in lane i mod 16, sums run over the vectors in order, each lane by
// itself, and the 16 sums are then added as a tree: (l, l + 8), (l, l + 4), (l, l + 2), (l, l + 1).
#ifndef MASLIN_VECTOR_H
#define MASLIN_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "maslin_matmul.h"

#pragma clang assume_nonnull begin

// The number of keys that the indexer scores together.
#define MASLIN_INDEX_KEYS 32

// Pointers to rows.
typedef const float *_Nonnull const *_Nonnull maslin_rows;

typedef struct {
  // out[i] = exp(x[i]), log(1 + x[i]) for x in 0...1, 1 / (1 + exp(-x[i])), log(1 + exp(x[i])); `out` may be `x`.
  void (*exponential)(const float *x, size_t count, float *out);
  void (*logarithm_of_one_plus)(const float *x, size_t count, float *out);
  void (*sigmoid)(const float *x, size_t count, float *out);
  void (*softplus)(const float *x, size_t count, float *out);
  // x[i] = exp(x[i] - max x), divided by their sum.
  void (*softmax)(float *x, size_t count);

  float (*dot)(const float *a, const float *b, size_t count);
  // target += source; target += scale * source; target *= source.
  void (*add)(const float *source, size_t count, float *target);
  void (*add_scaled)(const float *source, float scale, size_t count, float *target);
  void (*multiply)(const float *source, size_t count, float *target);
  // out = x * (1 / sqrt(mean(x^2) + epsilon)) * weight; `out` may be `x`.
  void (*normalize)(
      const float *x, size_t count, const float *_Nullable weight, float epsilon, float *out);
  // x *= 1 / sqrt(sum(x^2) + epsilon).
  void (*normalize_length)(float *x, size_t count, float epsilon);
  // out = silu(min(gate, limit)) * clamp(up, -limit, limit); `limit` may be infinite.
  void (*gated_activation)(
      const float *gate, const float *up, size_t count, float limit, float *out);
  // Turns pairs (2i, 2i + 1), or (i, i + pairs), by the angles of the given cosines and sines.
  void (*rotate_adjacent)(float *x, size_t pairs, const float *cosines, const float *sines);
  void (*rotate_halves)(float *x, size_t pairs, const float *cosines, const float *sines);
  // Walsh-Hadamard transform in natural order, times `scale`; `width` is a power of two.
  void (*hadamard)(float *x, size_t width, float scale);
  // Rounds to fp8 e4m3 and fp4 e2m1 with one power-of-two scale for `count` values, and back.
  void (*round_float8)(float *x, size_t count);
  void (*round_float4)(float *x, size_t count);

  // out[h * out_stride + n] = scale * (queries[h * query_stride ...] . rows[n])
  void (*scores)(
      const float *queries, size_t query_stride, size_t heads, maslin_rows rows, size_t count,
      size_t width, float scale, float *out, size_t out_stride);
  // x[i] = exp(x[i] - m) with m the maximum of x and the sink; returns the sum, that of the sink included.
  float (*exponentials)(float *x, size_t count, const float *_Nullable sink);
  // out[h * out_stride + c] = (sum over n, in order, of weights[h * weight_stride + n] * rows[n][c]) / divisors[h]
  void (*weighted_sum)(
      const float *weights, size_t weight_stride, size_t heads, maslin_rows rows, size_t count,
      size_t width, const float *divisors, float *out, size_t out_stride);
  // Lays MASLIN_INDEX_KEYS keys side by side: transposed[c * MASLIN_INDEX_KEYS + n] = keys[n][c].
  void (*index_keys)(maslin_rows keys, size_t width, float *transposed);
  // For MASLIN_INDEX_KEYS keys: scores[n] = sum over h, in order, of weights[h] * max(0, sum over c, in order, of
  // queries[h * width + c] * keys[n][c]).
  void (*index_scores)(
      const float *queries, size_t heads, size_t width, const float *weights,
      const float *transposed, float *scores);
  // Per column: softmax of the gates over the candidates, weighted sum of the keys.
  void (*pool)(maslin_rows keys, maslin_rows gates, size_t count, size_t width, float *out);

  // out[c] = sum over s, in order, of weights[s] * streams[s * width + c]
  void (*collapse)(
      const float *streams, size_t count, size_t width, const float *weights, float *out);
  // streams[t][c] = post[t] * output[c] + sum over s of comb[s][t] * streams[s][c] for columns first ..< last;
  // count <= 16.
  void (*expand)(
      float *streams, size_t count, size_t width, size_t first, size_t last, const float *output,
      const float *post, const float *comb);
  // Makes a count x count matrix doubly stochastic: softmax of the rows, then rounds of division; count <= 16.
  void (*sinkhorn)(float *comb, size_t count, size_t iterations, float epsilon);

  // One token of the gated delta rule for columns 0 ..< columns of one head; state rows are `stride` apart.
  void (*delta_step)(
      float *state, size_t stride, size_t key_width, size_t columns, const float *query,
      const float *key, const float *value, float decay, float beta, float scale, float *out);
  // out[c] = silu(sum over k, oldest first, of weights[c * taps + k] * rows[k][c]); taps <= 16
  void (*convolve)(
      maslin_rows rows, const float *weights, size_t taps, size_t width, float *out);
} maslin_vector_kernels;

// The kernels for an instruction set; NULL when this machine lacks it.
const maslin_vector_kernels *_Nullable maslin_vector_kernels_for(enum maslin_instruction_set set);

// cosines[i] and sines[i] = magnitude * cos, sin of position * frequencies[i] (negative for `inverse`).
//
// The angle is formed and reduced in double precision.
void maslin_angles(
    int32_t position, const double *frequencies, size_t pairs, float magnitude, int inverse,
    float *cosines, float *sines);

#pragma clang assume_nonnull end

#endif
