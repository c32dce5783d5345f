// Defines the table of kernels VECTOR_KERNELS for the target that the including file has chosen. That file also says how large tiles may be: SCORE_HEADS x SCORE_ROWS and SUM_HEADS x SUM_VECTORS sums, INDEX_HEADS x
// INDEX_VECTORS and DELTA_VECTORS sums (they do not change the bits).
#include "vector_lanes.h"

#define INDEX_KEYS MASLIN_INDEX_KEYS

#include "vector_functions.h"
#include "vector_rows.h"
#include "vector_attention.h"
#include "vector_streams.h"

const maslin_vector_kernels VECTOR_KERNELS = {
    .exponential = exponential,
    .logarithm_of_one_plus = logarithm_of_one_plus,
    .sigmoid = sigmoid,
    .softplus = softplus,
    .softmax = softmax,
    .dot = dot,
    .add = add,
    .add_scaled = add_scaled,
    .multiply = multiply,
    .normalize = normalize,
    .normalize_length = normalize_length,
    .gated_activation = gated_activation,
    .rotate_adjacent = rotate_adjacent,
    .rotate_halves = rotate_halves,
    .hadamard = hadamard,
    .round_float8 = round_float8,
    .round_float4 = round_float4,
    .scores = scores,
    .exponentials = exponentials,
    .weighted_sum = weighted_sum,
    .index_keys = index_keys,
    .index_scores = index_scores,
    .pool = pool,
    .collapse = collapse,
    .expand = expand,
    .sinkhorn = sinkhorn,
    .delta_step = delta_step,
    .convolve = convolve,
};
