// Kernels over blocks of 32 on the model of the tile unit.
#include "maslin_tile_unit.h"

#if defined(__x86_64__)
#include "block32_avx512.h"

#define DEFINE_MATMUL(name, type)                                                                  \
  static void matmul_##name(                                                                       \
      const void *weights, size_t row_bytes, size_t rows, size_t count,                            \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    maslin_block32_tiled_matmul_avx512(                                                            \
        type, maslin_model_tile_unit(), weights, row_bytes, rows, count, activations, columns,     \
        out, out_stride, scratch);                                                                 \
  }

DEFINE_MATMUL(q4_0, MASLIN_Q4_0)
DEFINE_MATMUL(q4_1, MASLIN_Q4_1)
DEFINE_MATMUL(q5_0, MASLIN_Q5_0)
DEFINE_MATMUL(q5_1, MASLIN_Q5_1)
DEFINE_MATMUL(q8_0, MASLIN_Q8_0)
DEFINE_MATMUL(iq4_nl, MASLIN_IQ4_NL)
DEFINE_MATMUL(mxfp4, MASLIN_MXFP4)

static maslin_matmul_function matmul_of_type(uint32_t type) {
  switch (type) {
    case MASLIN_Q4_0: return matmul_q4_0;
    case MASLIN_Q4_1: return matmul_q4_1;
    case MASLIN_Q5_0: return matmul_q5_0;
    case MASLIN_Q5_1: return matmul_q5_1;
    case MASLIN_Q8_0: return matmul_q8_0;
    case MASLIN_IQ4_NL: return matmul_iq4_nl;
    case MASLIN_MXFP4: return matmul_mxfp4;
    default: return 0;
  }
}

int maslin_matmul_kernels_on_tile_model(uint32_t type, maslin_matmul_kernels *kernels) {
  const maslin_matmul_function matmul = matmul_of_type(type);
  if (!matmul || !maslin_matmul_kernels_for(type, MASLIN_AVX512, kernels)) return 0;
  kernels->matmul = matmul;
  return 1;
}

#else

int maslin_matmul_kernels_on_tile_model(uint32_t type, maslin_matmul_kernels *kernels) {
  (void)type;
  (void)kernels;
  return 0;
}

#endif
