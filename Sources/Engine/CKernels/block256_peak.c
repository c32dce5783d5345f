#include "maslin_matmul.h"
#include "maslin_peak.h"

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx512f,avx512vnni"))) static void run(uint64_t rounds) {
  const __m512i ones = _mm512_set1_epi32(0x01010101);
  __m512i sums[12];
  for (int i = 0; i < 12; i++) sums[i] = ones;
  for (uint64_t r = 0; r < rounds; r++) {
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 12; i++) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], ones, ones);
      // Keeps the compiler from adding rounds up.
      __asm__ volatile("" : "+v"(sums[i]));
    }
  }
}

uint64_t maslin_peak_products(uint64_t rounds) {
  if (maslin_best_instruction_set() != MASLIN_AVX512) return 0;
  run(rounds);
  return rounds * 12 * 64;
}

#else

uint64_t maslin_peak_products(uint64_t rounds) {
  (void)rounds;
  return 0;
}

#endif
