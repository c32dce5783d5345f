#include "block32_kernels.h"

int maslin_block32_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels) {
  maslin_quantize_function quantize = maslin_block32_quantize_scalar;
  maslin_matmul_function matmul = maslin_block32_matmul_scalar(type);
#if defined(__x86_64__)
  if (set == MASLIN_AVX2) {
    quantize = maslin_block32_quantize_avx2;
    matmul = maslin_block32_matmul_avx2(type);
  }
  if (set == MASLIN_AVX512) {
    quantize = maslin_block32_quantize_avx512;
    matmul = maslin_block32_matmul_avx512(type);
  }
#elif defined(__aarch64__)
  if (set == MASLIN_NEON || set == MASLIN_NEON_I8MM) {
    quantize = maslin_block32_quantize_neon;
    matmul = set == MASLIN_NEON ? maslin_block32_matmul_neon(type)
                                : maslin_block32_matmul_neon_i8mm(type);
  }
#endif
  (void)set;
  if (!matmul) return 0;
  kernels->activation_block = 32;
  kernels->quantize = quantize;
  kernels->matmul = matmul;
  return 1;
}
