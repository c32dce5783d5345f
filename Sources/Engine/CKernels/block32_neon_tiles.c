// Blocks of 32 on ARM with the dot product instructions, for any number of columns.
#define I8MM 0
#include "block32_neon_tile.h"

#if defined(__aarch64__)
DEFINE_MATMULS(maslin_block32_matmul_neon)
#endif
