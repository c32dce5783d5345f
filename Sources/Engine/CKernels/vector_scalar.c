// Portable vector kernels: the compiler makes of 16 lanes what every machine of the architecture has.
#pragma STDC FP_CONTRACT OFF
// Vectors are passed only between functions that are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#include "maslin_vector.h"

#define VECTOR_KERNELS maslin_vector_kernels_scalar
#define SCORE_HEADS 1
#define SCORE_ROWS 1
#define SUM_HEADS 1
#define SUM_VECTORS 1
#define INDEX_HEADS 1
#define INDEX_VECTORS 1
#define DELTA_VECTORS 1

#include "vector_kernels.h"
