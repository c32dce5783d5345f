// Vector kernels for ARM: NEON and FMA are part of the architecture, so that nothing has to be asked for; four
// registers a vector.
//
// NOT YET RUN ON A DEVICE: compared bit for bit with the scalar definition under emulation (Tests/CKernelsCross).
#if defined(__aarch64__)
#pragma STDC FP_CONTRACT OFF

#include "maslin_vector.h"

#define VECTOR_KERNELS maslin_vector_kernels_neon
#define SCORE_HEADS 2
#define SCORE_ROWS 2
#define SUM_HEADS 2
#define SUM_VECTORS 2
#define INDEX_HEADS 4
#define INDEX_VECTORS 1
#define DELTA_VECTORS 2

#include "vector_kernels.h"
#endif
