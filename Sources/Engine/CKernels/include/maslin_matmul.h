// Matrix products over block-quantised and floating-point weights.
//
// Weights lie as in a GGUF file: `rows` rows of `row_bytes` bytes. The result of row r and column c goes to
// out[c * out_stride + r].
//
// Every implementation (scalar, AVX2, AVX-512, NEON) returns the same bits for the same row and column, whatever the
// number of rows and columns of the call: the order of every floating-point operation is fixed by the scalar one.
#ifndef MASLIN_MATMUL_H
#define MASLIN_MATMUL_H

#include <stddef.h>
#include <stdint.h>

// Instruction sets, in the order of preference on one architecture.
enum maslin_instruction_set {
  MASLIN_SCALAR = 0,
  MASLIN_AVX2 = 1,     // AVX2, FMA, F16C
  MASLIN_AVX512 = 2,   // AVX-512 F, BW, VL, DQ, VNNI, VBMI
  MASLIN_NEON = 3,     // ARMv8.2 with dotprod
  MASLIN_NEON_I8MM = 4 // and i8mm
};

// The best instruction set this machine has; never more than what the operating system enables.
enum maslin_instruction_set maslin_best_instruction_set(void);

// Columns of activations rounded to int8, structure of arrays. Buffers start at multiples of 64 bytes; strides are in
// elements; the quants of a column are followed by zeros up to a multiple of 64.
//
// Blocks are of 256 values for weight types with blocks of 256 (sums: one per 16 values), and of 32 for weight types
// with blocks of 32 (sums: one per 32 values).
typedef struct {
  const int8_t *quants;
  const float *scales;
  const int16_t *sums;
  size_t quants_stride;
  size_t scales_stride;
  size_t sums_stride;
} maslin_activations;

// Rounds one column of `count` values (a multiple of 32). scale = max|x| / 127, quant = round to nearest even of
// x / scale; a block of zeros has scale 0.
typedef void (*maslin_quantize_function)(
    const float *values, size_t count, int8_t *quants, float *scales, int16_t *sums);

// `count` is the length of a row. `scratch` is private to the calling thread, aligned to 64 bytes, of
// MASLIN_SCRATCH_BYTES bytes.
typedef void (*maslin_matmul_function)(
    const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch);

// The same for activations that stay float; `values_stride` counts floats between columns.
typedef void (*maslin_float_matmul_function)(
    const void *weights, size_t row_bytes, size_t rows, size_t count, const float *values,
    size_t values_stride, size_t columns, float *out, size_t out_stride, void *scratch);

#define MASLIN_SCRATCH_BYTES (1u << 20)

// The kernels of one weight type (GGUF type number) for one instruction set.
typedef struct {
  uint32_t activation_block;               // 256, 32, or 0 when only `float_matmul` exists
  maslin_quantize_function quantize;       // NULL when activation_block is 0
  maslin_matmul_function matmul;           // NULL when activation_block is 0
  maslin_float_matmul_function float_matmul; // never NULL for a known weight type
} maslin_matmul_kernels;

// Fills `kernels` and returns 1; returns 0 for a type without kernels (integers, unknown numbers) or an instruction
// set this machine lacks.
int maslin_matmul_kernels_for(
    uint32_t type, enum maslin_instruction_set set, maslin_matmul_kernels *kernels);

#endif
