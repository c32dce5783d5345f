// Operations on vectors of floats: norms, activations, rotations, attention, hyper-connections, recurrences.
// Every implementation returns the same bits as the scalar one.
#ifndef MASLIN_VECTOR_H
#define MASLIN_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#endif
