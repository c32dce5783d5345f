#include "maslin_memory.h"

uint64_t maslin_sum_words(const uint64_t *words, size_t count) {
  // Independent sums, so that no addition waits for a load that is still under way.
  uint64_t sums[16] = {0};
  for (size_t i = 0; i < count; i += 32) {
    // Two pages of 4 KiB ahead: hardware prefetchers stop at page boundaries.
    __builtin_prefetch((const char *)(words + i) + 4096, 0, 0);
    __builtin_prefetch((const char *)(words + i) + 4160, 0, 0);
    __builtin_prefetch((const char *)(words + i) + 4224, 0, 0);
    __builtin_prefetch((const char *)(words + i) + 4288, 0, 0);
    for (size_t j = 0; j < 16; j++) sums[j] += words[i + j] ^ words[i + 16 + j];
  }
  uint64_t total = 0;
  for (size_t j = 0; j < 16; j++) total += sums[j];
  return total;
}
