// Which table of vector kernels serves an instruction set.
#include "maslin_vector.h"

extern const maslin_vector_kernels maslin_vector_kernels_scalar;
#if defined(__x86_64__)
extern const maslin_vector_kernels maslin_vector_kernels_avx2;
extern const maslin_vector_kernels maslin_vector_kernels_avx512;
#elif defined(__aarch64__)
extern const maslin_vector_kernels maslin_vector_kernels_neon;
#endif

const maslin_vector_kernels *maslin_vector_kernels_for(enum maslin_instruction_set set) {
  const enum maslin_instruction_set best = maslin_best_instruction_set();
  switch (set) {
  case MASLIN_SCALAR: return &maslin_vector_kernels_scalar;
#if defined(__x86_64__)
  case MASLIN_AVX2: return best >= MASLIN_AVX2 ? &maslin_vector_kernels_avx2 : 0;
  case MASLIN_AVX512: return best == MASLIN_AVX512 ? &maslin_vector_kernels_avx512 : 0;
#elif defined(__aarch64__)
  case MASLIN_NEON: return best >= MASLIN_NEON ? &maslin_vector_kernels_neon : 0;
  case MASLIN_NEON_I8MM: return best == MASLIN_NEON_I8MM ? &maslin_vector_kernels_neon : 0;
#endif
  default: (void)best; return 0;
  }
}
