// Products of bytes on tiles (Intel AMX), used inside the AVX-512 kernels where the processor has it.
//
// NOT YET RUN ON A DEVICE: no machine with the unit was at hand. The instructions are reached through a layer that has
// a second implementation, a model of the unit in plain C after Intel's Software Developer's Manual (volume 2,
// TILELOADD, TDPBSUD, TILESTORED), and the code above that layer is tested on the model. Before the unit of a processor is
// used, it has to give the model's products on random and extreme bytes; one that does not is left alone.
#ifndef MASLIN_TILE_UNIT_H
#define MASLIN_TILE_UNIT_H

#include "maslin_matmul.h"

// Whether the processor has the unit, the operating system lets this process use it (which is asked for once), and its
// products are those of the model.
int maslin_has_tile_unit(void);

// Kernels of AVX-512 that run large products on the model: for tests. Returns 0 for types without blocks of 32 values
// and on machines without AVX-512.
int maslin_matmul_kernels_on_tile_model(uint32_t type, maslin_matmul_kernels *kernels);

#endif
