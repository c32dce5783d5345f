// Products with weights in blocks of 256 values.
#ifndef MASLIN_BLOCK256_KERNELS_H
#define MASLIN_BLOCK256_KERNELS_H

#include "maslin_matmul.h"

// Fills the activation block, `quantize` and `matmul`, and returns 1; 0 for a type without blocks of 256 values.
__attribute__((weak)) int maslin_block256_kernels(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels);

#endif
