// The speed limit of integer products on one core, to know what kernels could reach at best.
#ifndef MASLIN_PEAK_H
#define MASLIN_PEAK_H

#include <stdint.h>

// Runs `rounds` times 768 independent multiply-adds of bytes (VPDPBUSD) in registers, and returns how many that were; 0
// without AVX-512 VNNI.
uint64_t maslin_peak_products(uint64_t rounds);

#endif
