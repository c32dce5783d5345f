// Reading memory as fast as one core can, to know what kernels could reach at best.
#ifndef MASLIN_MEMORY_H
#define MASLIN_MEMORY_H

#include <stddef.h>
#include <stdint.h>

// The sum over 64-bit words of a simple function of each; reads every byte once, in order. `count` is a multiple of 32.
uint64_t maslin_sum_words(const uint64_t *words, size_t count);

#endif
