#include "block256.h"
#include "block32_kernels.h"
#include "floats_kernels.h"
#include "maslin_matmul.h"

// Whether this machine runs kernels of `set`.
static int available(enum maslin_instruction_set set) {
  const enum maslin_instruction_set best = maslin_best_instruction_set();
  switch (set) {
    case MASLIN_SCALAR: return 1;
    case MASLIN_AVX2: return best == MASLIN_AVX2 || best == MASLIN_AVX512;
    case MASLIN_AVX512: return best == MASLIN_AVX512;
    case MASLIN_NEON: return best == MASLIN_NEON || best == MASLIN_NEON_I8MM;
    case MASLIN_NEON_I8MM: return best == MASLIN_NEON_I8MM;
  }
  return 0;
}

static int floats_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels) {
#if defined(__x86_64__)
  if (set == MASLIN_AVX2) return maslin_floats_kernels_avx2(type, kernels);
  if (set == MASLIN_AVX512) return maslin_floats_kernels_avx512(type, kernels);
#elif defined(__aarch64__)
  if (set != MASLIN_SCALAR) return maslin_floats_kernels_neon(type, kernels);
#endif
  (void)set;
  return maslin_floats_kernels_scalar(type, kernels);
}

int maslin_matmul_kernels_for(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels) {
  *kernels = (maslin_matmul_kernels){0};
  if (!available(set)) return 0;
  if (floats_kernels(type, set, kernels)) return 1;
  const maslin_float_matmul_function decoded = maslin_decoded_matmul(type, set);
  if (!decoded) return 0;
  if (!maslin_block32_kernels(type, set, kernels)) {
    maslin_block256_kernels(type, set, kernels);
  }
  kernels->float_matmul = decoded;
  return 1;
}
