// Decoding of tensor blocks, and the tables that the formats are made of.
#ifndef MASLIN_FORMATS_H
#define MASLIN_FORMATS_H

#include <stddef.h>
#include <stdint.h>

// Decodes `count` values (a whole number of blocks) of a GGUF tensor type into floats, in the order of multiplications
// of the format's definition. Returns 0 for a type it does not know.
int maslin_decode(uint32_t type, const void *blocks, size_t count, float *values);

// IEEE half to float, exact; and back, rounding to nearest even.
float maslin_float_from_half(uint16_t half);
uint16_t maslin_half_from_float(float value);

// Grids of the IQ formats: entry i is 8 (or 4) unsigned bytes, little-endian.
extern const uint64_t maslin_iq2_xxs_grid[256];
extern const uint64_t maslin_iq2_xs_grid[512];
extern const uint64_t maslin_iq2_s_grid[1024];
extern const uint32_t maslin_iq3_xxs_grid[256];
extern const uint32_t maslin_iq3_s_grid[512];
// Seven sign bits to eight: the eighth is the parity.
extern const uint8_t maslin_iq_signs[128];
// Values of the 16 codes of IQ4_NL and IQ4_XS, and of MXFP4 doubled.
extern const int8_t maslin_iq4_values[16];
extern const int8_t maslin_mxfp4_values[16];

#endif
