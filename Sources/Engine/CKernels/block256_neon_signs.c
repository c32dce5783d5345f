// Seven sign bits as a vector of factors, for the ARM kernels.
#if defined(__aarch64__)

#include <stdint.h>

// The eighth sign makes the number of negative ones even.
#define PARITY(n) ((0x6996 >> ((n) & 15) ^ 0x6996 >> ((n) >> 4)) & 1)
#define BITS(n) ((n) | PARITY(n) << 7)
#define FACTOR(n, i) ((uint64_t)(BITS(n) >> (i) & 1 ? 0xFF : 0x01) << (8 * (i)))
#define FACTORS(n)                                                                                 \
  FACTOR(n, 0) | FACTOR(n, 1) | FACTOR(n, 2) | FACTOR(n, 3) | FACTOR(n, 4) | FACTOR(n, 5) |        \
      FACTOR(n, 6) | FACTOR(n, 7)
#define FOUR(n) FACTORS(n), FACTORS((n) + 1), FACTORS((n) + 2), FACTORS((n) + 3)
#define SIXTEEN(n) FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)

extern const uint64_t block256_neon_signs[128];
const uint64_t block256_neon_signs[128] = {
  SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48),
  SIXTEEN(64), SIXTEEN(80), SIXTEEN(96), SIXTEEN(112),
};

#endif
