#include "maslin_matmul.h"

#if defined(__x86_64__)
#include <cpuid.h>

// What the operating system saves on a context switch: bits 1-2 for AVX, 5-7 for AVX-512.
static uint64_t enabled_state(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

enum maslin_instruction_set maslin_best_instruction_set(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return MASLIN_SCALAR;
  const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
  const uint32_t base = fma | osxsave | avx | f16c;
  if ((c & base) != base) return MASLIN_SCALAR;
  const uint64_t state = enabled_state();
  if ((state & 0x6) != 0x6) return MASLIN_SCALAR;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return MASLIN_SCALAR;
  const uint32_t avx2 = 1u << 5;
  if (!(b & avx2)) return MASLIN_SCALAR;
  const uint32_t f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
  const uint32_t vbmi = 1u << 1, vnni = 1u << 11;
  const uint32_t wide = f | dq | bw | vl;
  if ((b & wide) == wide && (c & (vbmi | vnni)) == (vbmi | vnni) && (state & 0xE6) == 0xE6) {
    return MASLIN_AVX512;
  }
  return MASLIN_AVX2;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

enum maslin_instruction_set maslin_best_instruction_set(void) {
  const unsigned long dotprod = 1ul << 20; // HWCAP_ASIMDDP
  const unsigned long i8mm = 1ul << 13;    // HWCAP2_I8MM
  if (!(getauxval(AT_HWCAP) & dotprod)) return MASLIN_SCALAR;
  return (getauxval(AT_HWCAP2) & i8mm) ? MASLIN_NEON_I8MM : MASLIN_NEON;
}

#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>

static int has(const char *name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, 0, 0) == 0 && value != 0;
}

enum maslin_instruction_set maslin_best_instruction_set(void) {
  if (!has("hw.optional.arm.FEAT_DotProd")) return MASLIN_SCALAR;
  return has("hw.optional.arm.FEAT_I8MM") ? MASLIN_NEON_I8MM : MASLIN_NEON;
}

#else

enum maslin_instruction_set maslin_best_instruction_set(void) { return MASLIN_SCALAR; }

#endif
