#pragma STDC FP_CONTRACT OFF
#include "floats_kernels.h"
#include "maslin_formats.h"
#include "weight_types.h"

// The sizes of a block: values, and the bytes they take.
typedef struct {
  uint16_t values;
  uint16_t bytes;
} block_size;

static block_size block_size_of(uint32_t type) {
  switch (type) {
    case MASLIN_F64: return (block_size){1, 8};
    case MASLIN_Q4_0: return (block_size){32, 18};
    case MASLIN_Q4_1: return (block_size){32, 20};
    case MASLIN_Q5_0: return (block_size){32, 22};
    case MASLIN_Q5_1: return (block_size){32, 24};
    case MASLIN_Q8_0: return (block_size){32, 34};
    case MASLIN_IQ4_NL: return (block_size){32, 18};
    case MASLIN_MXFP4: return (block_size){32, 17};
    case MASLIN_Q2_K: return (block_size){256, 84};
    case MASLIN_Q3_K: return (block_size){256, 110};
    case MASLIN_Q4_K: return (block_size){256, 144};
    case MASLIN_Q5_K: return (block_size){256, 176};
    case MASLIN_Q6_K: return (block_size){256, 210};
    case MASLIN_IQ2_XXS: return (block_size){256, 66};
    case MASLIN_IQ2_XS: return (block_size){256, 74};
    case MASLIN_IQ2_S: return (block_size){256, 82};
    case MASLIN_IQ3_XXS: return (block_size){256, 98};
    case MASLIN_IQ3_S: return (block_size){256, 110};
    case MASLIN_IQ4_XS: return (block_size){256, 136};
    default: return (block_size){0, 0};
  }
}

static void fill(uint32_t type, const uint8_t *row, size_t first, size_t count, float *values) {
  const block_size size = block_size_of(type);
  maslin_decode(type, row + first / size.values * size.bytes, count, values);
}

// A kernel does not learn the type of its weights from its arguments: there is one for each.
#define DEFINE_MATMUL(set, name, type)                                                             \
  static void matmul_##name##_##set(                                                               \
      const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,       \
      size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch) {        \
    maslin_tiled_matmul(                                                                           \
        type, fill, maslin_f32_accumulate_##set, weights, row_bytes, rows, count, values,          \
        values_stride, columns, out, out_stride, scratch);                                         \
  }

#define FOR_EACH_TYPE(ACTION, set)                                                                 \
  ACTION(set, f64, MASLIN_F64)                                                                     \
  ACTION(set, q4_0, MASLIN_Q4_0)                                                                   \
  ACTION(set, q4_1, MASLIN_Q4_1)                                                                   \
  ACTION(set, q5_0, MASLIN_Q5_0)                                                                   \
  ACTION(set, q5_1, MASLIN_Q5_1)                                                                   \
  ACTION(set, q8_0, MASLIN_Q8_0)                                                                   \
  ACTION(set, iq4_nl, MASLIN_IQ4_NL)                                                               \
  ACTION(set, mxfp4, MASLIN_MXFP4)                                                                 \
  ACTION(set, q2_k, MASLIN_Q2_K)                                                                   \
  ACTION(set, q3_k, MASLIN_Q3_K)                                                                   \
  ACTION(set, q4_k, MASLIN_Q4_K)                                                                   \
  ACTION(set, q5_k, MASLIN_Q5_K)                                                                   \
  ACTION(set, q6_k, MASLIN_Q6_K)                                                                   \
  ACTION(set, iq2_xxs, MASLIN_IQ2_XXS)                                                             \
  ACTION(set, iq2_xs, MASLIN_IQ2_XS)                                                               \
  ACTION(set, iq2_s, MASLIN_IQ2_S)                                                                 \
  ACTION(set, iq3_xxs, MASLIN_IQ3_XXS)                                                             \
  ACTION(set, iq3_s, MASLIN_IQ3_S)                                                                 \
  ACTION(set, iq4_xs, MASLIN_IQ4_XS)

#define CASE(set, name, type)                                                                      \
  case type: return matmul_##name##_##set;

#define DEFINE_SET(set)                                                                            \
  FOR_EACH_TYPE(DEFINE_MATMUL, set)                                                                \
  static maslin_float_matmul_function decoded_matmul_##set(uint32_t type) {                        \
    switch (type) {                                                                                \
      FOR_EACH_TYPE(CASE, set)                                                                     \
      default: return 0;                                                                           \
    }                                                                                              \
  }

DEFINE_SET(scalar)
#if defined(__x86_64__)
DEFINE_SET(avx2)
DEFINE_SET(avx512)
#elif defined(__aarch64__)
DEFINE_SET(neon)
#endif

maslin_float_matmul_function maslin_decoded_matmul(
    uint32_t type, enum maslin_instruction_set set) {
#if defined(__x86_64__)
  if (set == MASLIN_AVX2) return decoded_matmul_avx2(type);
  if (set == MASLIN_AVX512) return decoded_matmul_avx512(type);
#elif defined(__aarch64__)
  if (set != MASLIN_SCALAR) return decoded_matmul_neon(type);
#endif
  (void)set;
  return decoded_matmul_scalar(type);
}
