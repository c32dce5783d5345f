// The table of kernels for weights in blocks of 256 values.
#include "block256.h"

int maslin_block256_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels) {
  maslin_matmul_function matmul = block256_matmul_scalar(type);
  if (!matmul) return 0;
  maslin_quantize_function quantize = block256_quantize_scalar;
#if defined(__x86_64__)
  if (set == MASLIN_AVX2) {
    matmul = block256_matmul_avx2(type);
    quantize = block256_quantize_avx2;
  }
  if (set == MASLIN_AVX512) {
    matmul = block256_matmul_avx512(type);
    quantize = block256_quantize_avx512;
  }
#elif defined(__aarch64__)
  if (set == MASLIN_NEON || set == MASLIN_NEON_I8MM) {
    matmul = block256_matmul_neon(type, set == MASLIN_NEON_I8MM);
    quantize = block256_quantize_neon;
  }
#endif
  (void)set;
  kernels->activation_block = 256;
  kernels->quantize = quantize;
  kernels->matmul = matmul;
  return 1;
}
