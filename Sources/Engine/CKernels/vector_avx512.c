// Vector kernels for AVX-512: one register a vector.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF
// Vectors are passed only between functions that are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#include "maslin_vector.h"

#define VECTOR_KERNELS maslin_vector_kernels_avx512
#define SCORE_HEADS 4
#define SCORE_ROWS 4
#define SUM_HEADS 4
#define SUM_VECTORS 4
#define INDEX_HEADS 8
#define INDEX_VECTORS 2
#define DELTA_VECTORS 4

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c"))), apply_to = function)
#include "vector_kernels.h"
#pragma clang attribute pop
#endif
