// Many columns of blocks of 256 values on ARM, with the dot product instructions.
#define I8MM 0
#include "block256_neon_tile.h"

#if defined(__aarch64__)
DEFINE_TILES(block256_tiles_neon)
#endif
