// Many columns of blocks of 256 values on ARM, with the matrix instructions for bytes (i8mm).
#define I8MM 1
#include "block256_neon_tile.h"

#if defined(__aarch64__)
DEFINE_TILES(block256_tiles_neon_i8mm)
#endif
