#ifndef MASLIN_CKERNELS_H
#define MASLIN_CKERNELS_H

#include "maslin_formats.h"
#include "maslin_mapping.h"
#include "maslin_matmul.h"
#include "maslin_tile_unit.h"
#include "maslin_memory.h"
#include "maslin_peak.h"
#include "maslin_threads.h"
#include "maslin_vector.h"

#endif
