// What the parts of the cross-check share.
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "CKernels.h"

// Pseudo-random numbers from the seed on the command line.
uint32_t random_word(void);
size_t random_below(size_t bound);
// Bell-shaped around 0, within -1.5 ... 1.5.
float random_float(void);
void random_floats(float *values, size_t count);

// `bytes` bytes that end where readable memory ends, so that reading on is a fault. Release with `release`.
void *guarded(size_t bytes);
void release(void *memory, size_t bytes);

// Compares what the scalar definition and another set have computed, and counts.
void compare(
    const char *what, enum maslin_instruction_set set, const void *expected, const void *actual,
    size_t bytes);
// Adds scalar results to the checksum that machines compare.
void add_to_checksum(const float *values, size_t count);

void check_products(enum maslin_instruction_set set);
void check_vectors(enum maslin_instruction_set set);

#endif
