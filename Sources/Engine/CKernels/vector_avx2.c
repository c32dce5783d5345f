// Vector kernels for AVX2 with FMA: two registers a vector.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
// Vectors are passed only between functions that are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#include "maslin_vector.h"

#define VECTOR_KERNELS maslin_vector_kernels_avx2
#define SCORE_HEADS 2
#define SCORE_ROWS 2
#define SUM_HEADS 2
#define SUM_VECTORS 2
#define INDEX_HEADS 4
#define INDEX_VECTORS 1
#define DELTA_VECTORS 4

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "vector_kernels.h"
#pragma clang attribute pop
#endif
