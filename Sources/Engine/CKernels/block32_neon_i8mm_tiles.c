// Blocks of 32 on ARM with the matrix instructions for bytes (i8mm), for any number of columns.
#define I8MM 1
#include "block32_neon_tile.h"

#if defined(__aarch64__)
DEFINE_MATMULS(maslin_block32_matmul_neon_i8mm)
#endif
