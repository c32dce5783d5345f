// A few columns under AVX-512: 16 rows in the lanes of a vector, as in block256_avx512_tile.h, but codes are used as
// they are read instead of being written to a tile. This is what runs when weights stream from memory.
//
// Where it saves a shift, codes stay at their place in the byte, multiplied by a power of two; scales of other codes
// then carry that power, and the sum is divided by it at the end. It is a multiple of it, so that is exact.
#include "block256_avx512_tile.h"

#if defined(__x86_64__)

enum { FEW_COLUMNS = 4 };

// The columns of one block.
typedef struct {
  const int8_t *quants;
  const int16_t *sums;
  const int32_t *corrections; // -offset * sums of groups
  size_t quants_stride, sums_stride, corrections_stride;
  const uint8_t *next; // where the rows lie that come next: as many bytes as 16 blocks take
} block_columns;

// How a type is read.
typedef struct {
  size_t block_bytes;
  size_t halves;   // where the half (or two) of a block lies
  int half_count;
  float factor;    // of the scale
  int group;       // values per correction; 0 without
  int offset;
  int permuted;    // whether quants are rearranged: byte j of word w of 32 is value 8 j + w
} column_shape;

typedef void (*multiply_sixteen)(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum);

AVX512_INLINE __m512i four_quants(const block_columns *columns, int c, int q) {
  int32_t four;
  memcpy(&four, columns->quants + (size_t)c * columns->quants_stride + 4 * q, 4);
  return _mm512_set1_epi32(four);
}

AVX512_INLINE __m512i two_sums(const block_columns *columns, int c, int pair) {
  int32_t two;
  memcpy(&two, columns->sums + (size_t)c * columns->sums_stride + 2 * pair, 4);
  return _mm512_set1_epi32(two);
}

AVX512_INLINE __m512i correction(const block_columns *columns, int c, int group) {
  return _mm512_set1_epi32(columns->corrections[(size_t)c * columns->corrections_stride + group]);
}

// Fetches one of `parts` parts of the next bytes. All at once would hold up the reads behind it.
AVX512_INLINE void fetch_part(
    const block_columns *columns, size_t block_bytes, int part, size_t parts) {
  const size_t bytes = TILE_ROWS * block_bytes / parts;
  UNROLL for (size_t at = 0; at < bytes; at += 64) {
    _mm_prefetch((const char *)columns->next + (size_t)part * bytes + at, _MM_HINT_T1);
  }
}

AVX512_INLINE __m512i all_bytes(int value) { return _mm512_set1_epi8((char)value); }

// a | b & mask.
AVX512_INLINE __m512i or_masked(__m512i a, __m512i b, __m512i mask) {
  return _mm512_ternarylogic_epi32(a, b, mask, 0xF8);
}

// Bits of word `bits` moved by `move` to the right (to the left if negative).
AVX512_INLINE __m512i moved(__m512i bits, int move) {
  return move < 0 ? _mm512_slli_epi32(bits, (unsigned)-move & 31)
                  : _mm512_srli_epi32(bits, (unsigned)move & 31);
}

AVX512_INLINE void add_scaled(__m512i *total, __m512i sum, __m512i scale) {
  *total = _mm512_add_epi32(*total, _mm512_mullo_epi32(sum, scale));
}

AVX512_INLINE void multiply_q2_k(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  __m512i header[4];
  transpose_rows(rows, offset, header);
  const __m512i low_words = _mm512_set4_epi32(
      (int)0x800D800C, (int)0x80098008, (int)0x80058004, (int)0x80018000);
  const __m512i high_words = _mm512_set4_epi32(
      (int)0x800F800E, (int)0x800B800A, (int)0x80078006, (int)0x80038002);
  UNROLL for (int w = 0; w < 4; w++) {
    const __m512i minima = _mm512_and_si512(_mm512_srli_epi32(header[w], 4), all_bytes(0x0F));
    const __m512i low = _mm512_shuffle_epi8(minima, low_words);
    const __m512i high = _mm512_shuffle_epi8(minima, high_words);
    UNROLL for (int c = 0; c < count; c++) {
      minimum[c] = _mm512_dpwssd_epi32(minimum[c], low, two_sums(columns, c, 2 * w));
      minimum[c] = _mm512_dpwssd_epi32(minimum[c], high, two_sums(columns, c, 2 * w + 1));
    }
  }
  UNROLL for (int part = 0; part < 4; part++) {
    __m512i codes[4];
    transpose_rows(rows, offset + 16 + 16 * part, codes);
    UNROLL for (int s = 0; s < 4; s++) {
      if (s % 2 == 0) fetch_part(columns, BLOCK256_Q2_K_BYTES, 2 * part + s / 2, 8);
      // Codes times 4^s, scales times 4^(3 - s).
      const int group = 8 * (part / 2) + 2 * s + part % 2;
      __m512i sum[FEW_COLUMNS];
      UNROLL for (int c = 0; c < count; c++) sum[c] = _mm512_setzero_si512();
      UNROLL for (int i = 0; i < 4; i++) {
        const __m512i code = _mm512_and_si512(codes[i], all_bytes(3 << 2 * s));
        UNROLL for (int c = 0; c < count; c++) {
          sum[c] = _mm512_dpbusd_epi32(sum[c], code, four_quants(columns, c, 4 * group + i));
        }
      }
      const __m512i scale = _mm512_and_si512(
          moved(header[group / 4], 8 * (group % 4) - (6 - 2 * s)),
          _mm512_set1_epi32(15 << (6 - 2 * s)));
      UNROLL for (int c = 0; c < count; c++) add_scaled(&dot[c], sum[c], scale);
    }
  }
  UNROLL for (int c = 0; c < count; c++) dot[c] = _mm512_srai_epi32(dot[c], 6);
}

// Q4_K, and Q5_K with its fifth bits.
AVX512_INLINE void multiply_six_bit(
    int fifth_bits, const uint8_t *const *rows, size_t offset, const block_columns *columns,
    int count, __m512i *dot, __m512i *minimum) {
  __m512i header[4], scales[2], minima[2], high_bits[8];
  transpose_rows(rows, offset, header);
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  scales[0] = _mm512_and_si512(header[1], all_bytes(0x3F));
  minima[0] = _mm512_and_si512(header[2], all_bytes(0x3F));
  scales[1] = or_masked(_mm512_and_si512(header[3], four), moved(header[1], 2), upper);
  minima[1] = or_masked(_mm512_and_si512(moved(header[3], 4), four), moved(header[2], 2), upper);
  if (fifth_bits) {
    transpose_rows(rows, offset + 16, high_bits);
    transpose_rows(rows, offset + 32, high_bits + 4);
  }
  UNROLL for (int s = 0; s < 8; s++) {
    // The minimum of 32 values in both words of a lane, for the two sums of 16.
    const int spread = 0x80008000 | (s % 4) * 0x00010001;
    const __m512i order = _mm512_set4_epi32(
        spread + 0x000C000C, spread + 0x00080008, spread + 0x00040004, spread);
    const __m512i both = _mm512_shuffle_epi8(minima[s / 4], order);
    UNROLL for (int c = 0; c < count; c++) {
      minimum[c] = _mm512_dpwssd_epi32(minimum[c], both, two_sums(columns, c, s));
    }
  }
  UNROLL for (int chunk = 0; chunk < 4; chunk++) {
    __m512i low_sum[FEW_COLUMNS], high_sum[FEW_COLUMNS];
    UNROLL for (int c = 0; c < count; c++) low_sum[c] = high_sum[c] = _mm512_setzero_si512();
    UNROLL for (int part = 0; part < 2; part++) {
      fetch_part(
          columns, fifth_bits ? BLOCK256_Q5_K_BYTES : BLOCK256_Q4_K_BYTES, 2 * chunk + part, 8);
      __m512i packed[4];
      transpose_rows(
          rows, offset + (fifth_bits ? 48 : 16) + 32 * (size_t)chunk + 16 * (size_t)part, packed);
      UNROLL for (int i = 0; i < 4; i++) {
        const int q = 16 * chunk + 4 * part + i;
        __m512i low = _mm512_and_si512(packed[i], four);
        // Times 16 without fifth bits.
        __m512i high = _mm512_and_si512(packed[i], all_bytes(0xF0));
        if (fifth_bits) {
          const __m512i bits = high_bits[4 * part + i];
          low = or_masked(low, moved(bits, 2 * chunk - 4), all_bytes(0x10));
          high = or_masked(moved(high, 4), moved(bits, 2 * chunk - 3), all_bytes(0x10));
        }
        UNROLL for (int c = 0; c < count; c++) {
          low_sum[c] = _mm512_dpbusd_epi32(low_sum[c], low, four_quants(columns, c, q));
          high_sum[c] = _mm512_dpbusd_epi32(high_sum[c], high, four_quants(columns, c, q + 8));
        }
      }
    }
    const __m512i pair = scales[chunk / 2];
    const int at = 16 * (chunk % 2), power = fifth_bits ? 0 : 4;
    const __m512i low_scale =
        _mm512_and_si512(moved(pair, at - power), _mm512_set1_epi32(0x3F << power));
    const __m512i high_scale = _mm512_and_si512(moved(pair, at + 8), _mm512_set1_epi32(0x3F));
    UNROLL for (int c = 0; c < count; c++) {
      add_scaled(&dot[c], low_sum[c], low_scale);
      add_scaled(&dot[c], high_sum[c], high_scale);
    }
  }
  if (!fifth_bits) {
    UNROLL for (int c = 0; c < count; c++) dot[c] = _mm512_srai_epi32(dot[c], 4);
  }
}

AVX512_INLINE void multiply_q4_k(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  multiply_six_bit(0, rows, offset, columns, count, dot, minimum);
}

AVX512_INLINE void multiply_q5_k(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  multiply_six_bit(1, rows, offset, columns, count, dot, minimum);
}

AVX512_INLINE void multiply_q6_k(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  (void)minimum;
  const __m512i four = all_bytes(0x0F), upper = all_bytes(0x30);
  __m512i scales[4];
  transpose_rows(rows, offset + 192, scales);
  UNROLL for (int half = 0; half < 2; half++) {
    UNROLL for (int part = 0; part < 2; part++) {
      __m512i first[4], second[4], high[4];
      transpose_rows(rows, offset + 64 * half + 16 * part, first);
      transpose_rows(rows, offset + 64 * half + 32 + 16 * part, second);
      transpose_rows(rows, offset + 128 + 32 * half + 16 * part, high);
      UNROLL for (int k = 0; k < 4; k++) {
        const int group = 8 * half + 2 * k + part;
        fetch_part(columns, BLOCK256_Q6_K_BYTES, 8 * half + 4 * part + k, 16);
        __m512i sum[FEW_COLUMNS];
        UNROLL for (int c = 0; c < count; c++) sum[c] = correction(columns, c, group);
        UNROLL for (int i = 0; i < 4; i++) {
          const __m512i packed = k % 2 ? second[i] : first[i];
          const __m512i low = _mm512_and_si512(k / 2 ? moved(packed, 4) : packed, four);
          const __m512i bits = k == 2 ? high[i] : moved(high[i], 2 * k - 4);
          const __m512i code = or_masked(low, bits, upper);
          UNROLL for (int c = 0; c < count; c++) {
            sum[c] = _mm512_dpbusd_epi32(sum[c], code, four_quants(columns, c, 4 * group + i));
          }
        }
        const __m512i top = _mm512_slli_epi32(scales[group / 4], (unsigned)(24 - 8 * (group % 4)));
        const __m512i scale = _mm512_srai_epi32(top, 24);
        UNROLL for (int c = 0; c < count; c++) add_scaled(&dot[c], sum[c], scale);
      }
    }
  }
}

// A lane holds the four grid entries of 32 values of a row; byte j of vector (h, s) is value 4 h + s of entry j, and
// the quants are rearranged likewise. An index takes the two bits of a level from the grid and a sign from the sign
// table, each at the place they have there; the tables of values ignore what else is in the index.
AVX512_INLINE void multiply_iq2_xxs(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  (void)minimum;
  __m512i grid[2][4], values[3], signs[2][2];
  UNROLL for (int h = 0; h < 2; h++) {
    UNROLL for (int i = 0; i < 4; i++) {
      grid[h][i] = _mm512_load_si512(block256_iq2_xxs_codes[h] + 64 * i);
    }
    UNROLL for (int i = 0; i < 2; i++) {
      signs[h][i] = _mm512_load_si512(block256_iq2_xxs_signs[h] + 64 * i);
    }
  }
  UNROLL for (int s = 0; s < 3; s++) values[s] = _mm512_load_si512(block256_iq2_xxs_values[s]);
  const __m512i last_values = _mm512_load_si512(block256_iq2_xxs_values[3]);
  // Bytes of eight bits from bits 0, 7, 14, 21 of each 32.
  const __m512i sevens = _mm512_set1_epi64(0x352E2720150E0700);
  UNROLL for (int part = 0; part < 4; part++) {
    __m512i words[4];
    transpose_rows(rows, offset + 2 + 16 * part, words);
    // Two groups of 32 at a time: the chain from an index to its products is long.
    __mmask64 upper[2];
    __m512i seven_bits[2], sum[2][FEW_COLUMNS];
    UNROLL for (int k = 0; k < 2; k++) {
      fetch_part(columns, BLOCK256_IQ2_XXS_BYTES, 2 * part + k, 8);
      upper[k] = _mm512_movepi8_mask(words[2 * k]);
      seven_bits[k] = _mm512_multishift_epi64_epi8(sevens, words[2 * k + 1]);
      UNROLL for (int c = 0; c < count; c++) sum[k][c] = correction(columns, c, 2 * part + k);
    }
    UNROLL for (int h = 0; h < 2; h++) {
      __m512i codes[2], sign[2];
      UNROLL for (int k = 0; k < 2; k++) {
        const __m512i index = words[2 * k];
        codes[k] = _mm512_mask_blend_epi8(
            upper[k], _mm512_permutex2var_epi8(grid[h][0], index, grid[h][1]),
            _mm512_permutex2var_epi8(grid[h][2], index, grid[h][3]));
        sign[k] = _mm512_permutex2var_epi8(signs[h][0], seven_bits[k], signs[h][1]);
      }
      UNROLL for (int s = 0; s < 4; s++) {
        const __m512i place = all_bytes(s == 0 ? 0x03 : s == 1 ? 0x0C : 0x30);
        UNROLL for (int k = 0; k < 2; k++) {
          // The level at bits 0, 2, 4; the last moved to 4.
          const __m512i levels = s == 3 ? moved(codes[k], 2) : codes[k];
          const __m512i both = _mm512_ternarylogic_epi32(place, levels, sign[k], 0xCA);
          const __m512i value =
              _mm512_permutexvar_epi8(both, s == 3 ? last_values : values[s]);
          UNROLL for (int c = 0; c < count; c++) {
            sum[k][c] = _mm512_dpbusd_epi32(
                sum[k][c], value, four_quants(columns, c, 8 * (2 * part + k) + 4 * h + s));
          }
        }
      }
    }
    UNROLL for (int k = 0; k < 2; k++) {
      // Bit 27 is overwritten: 2 * scale + 1.
      const __m512i scale = _mm512_or_si512(moved(words[2 * k + 1], 27), _mm512_set1_epi32(1));
      UNROLL for (int c = 0; c < count; c++) add_scaled(&dot[c], sum[k][c], scale);
    }
  }
}

// What is prepared per call, in the scratch memory: corrections of all blocks of the columns, and quants rearranged.
AVX512_INLINE void prepare(
    column_shape shape, size_t blocks, int count, const maslin_activations *activations,
    int32_t *corrections, int8_t *permuted) {
  if (!shape.group && !shape.permuted) return;
  for (size_t i = 0; i < blocks * (size_t)count; i++) {
    const size_t c = i / blocks, b = i % blocks;
    const __m256i sums = _mm256_loadu_si256(
        (const __m256i *)(activations->sums + c * activations->sums_stride + 16 * b));
    if (shape.group == 16) {
      const __m512i negated = _mm512_mullo_epi32(
          _mm512_cvtepi16_epi32(sums), _mm512_set1_epi32(-shape.offset));
      _mm512_store_si512(corrections + 16 * i, negated);
    } else if (shape.group == 32) {
      const __m256i factor = _mm256_set1_epi16((int16_t)-shape.offset);
      _mm256_store_si256(
          (__m256i *)(corrections + 16 * i), _mm256_madd_epi16(sums, factor));
    }
    if (shape.permuted) {
      // Of 32 quants, byte j of word v is number 8 j + v.
      const __m512i order = _mm512_set_epi64(
          0x3F372F273E362E26, 0x3D352D253C342C24, 0x3B332B233A322A22, 0x3931292138302820,
          0x1F170F071E160E06, 0x1D150D051C140C04, 0x1B130B031A120A02, 0x1911090118100800);
      const int8_t *quants = activations->quants + c * activations->quants_stride + 256 * b;
      for (size_t k = 0; k < 256; k += 64) {
        _mm512_store_si512(
            permuted + 256 * i + k,
            _mm512_permutexvar_epi8(order, _mm512_loadu_si512(quants + k)));
      }
    }
  }
}

AVX512_INLINE void read_halves(
    column_shape shape, const uint8_t *const *rows, size_t block, uint32_t halves[16]) {
  UNROLL for (int r = 0; r < 16; r++) {
    const uint8_t *from = rows[r] + block * shape.block_bytes + shape.halves;
    if (shape.half_count == 2) {
      memcpy(&halves[r], from, 4);
    } else {
      uint16_t half;
      memcpy(&half, from, 2);
      halves[r] = half;
    }
  }
}

AVX512_INLINE void multiply_few(
    column_shape shape, multiply_sixteen multiply, int count, const uint8_t *weights,
    size_t row_bytes, size_t rows, size_t blocks, const maslin_activations *activations,
    float *out, size_t out_stride, void *scratch) {
  int32_t *corrections = scratch;
  int8_t *permuted = (int8_t *)(corrections + 16 * blocks * (size_t)count);
  prepare(shape, blocks, count, activations, corrections, permuted);
  for (size_t r = 0; r < rows; r += TILE_ROWS) {
    const uint8_t *pointers[TILE_ROWS];
    for (size_t i = 0; i < TILE_ROWS; i++) {
      pointers[i] = weights + (r + i < rows ? r + i : rows - 1) * row_bytes;
    }
    // The next rows lie right behind these: fetch as much of them as is used up here, in their order in memory.
    const int last = rows - r < 2 * TILE_ROWS;
    const uint8_t *next = last ? weights + r * row_bytes : weights + (r + TILE_ROWS) * row_bytes;
    // The halves are read one block ahead: a vector read right after sixteen small writes would wait.
    uint32_t halves[2][16] __attribute__((aligned(64)));
    if (blocks > 0) read_halves(shape, pointers, 0, halves[0]);
    __m512 total[FEW_COLUMNS];
    UNROLL for (int c = 0; c < count; c++) total[c] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
      if (b + 1 < blocks) read_halves(shape, pointers, b + 1, halves[~b & 1]);
      const block_columns columns = {
          shape.permuted ? permuted + 256 * b : activations->quants + 256 * b,
          activations->sums + 16 * b,
          corrections + 16 * b,
          shape.permuted ? 256 * blocks : activations->quants_stride,
          activations->sums_stride,
          16 * blocks,
          next + TILE_ROWS * b * shape.block_bytes,
      };
      __m512i dot[FEW_COLUMNS], minimum[FEW_COLUMNS];
      UNROLL for (int c = 0; c < count; c++) dot[c] = minimum[c] = _mm512_setzero_si512();
      multiply(pointers, b * shape.block_bytes, &columns, count, dot, minimum);
      const __m512i both = _mm512_load_si512(halves[b & 1]);
      __m512 scale = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(both));
      if (shape.factor != 1) scale = _mm512_mul_ps(scale, _mm512_set1_ps(shape.factor));
      const __m512 lower = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(both, 16)));
      UNROLL for (int c = 0; c < count; c++) {
        const __m512 activation_scale = _mm512_set1_ps(
            activations->scales[(size_t)c * activations->scales_stride + b]);
        total[c] = _mm512_fmadd_ps(
            _mm512_mul_ps(scale, activation_scale), _mm512_cvtepi32_ps(dot[c]), total[c]);
        if (shape.half_count == 2) {
          total[c] = _mm512_fnmadd_ps(
              _mm512_mul_ps(lower, activation_scale), _mm512_cvtepi32_ps(minimum[c]), total[c]);
        }
      }
    }
    const __mmask16 mask =
        rows - r >= TILE_ROWS ? 0xFFFF : (__mmask16)((1u << (rows - r)) - 1);
    UNROLL for (int c = 0; c < count; c++) {
      _mm512_mask_storeu_ps(out + (size_t)c * out_stride + r, mask, total[c]);
    }
  }
}

#include "block256_avx512_iq_column.h"

#define FEW(name, ...)                                                                             \
  AVX512 static void few_##name(                                                                   \
      const uint8_t *weights, size_t row_bytes, size_t rows, size_t blocks,                        \
      const maslin_activations *activations, size_t columns, float *out, size_t out_stride,        \
      void *scratch) {                                                                             \
    const column_shape shape = {__VA_ARGS__};                                                      \
    switch (columns) {                                                                             \
      case 1: FEW_OF(name, 1); break;                                                              \
      case 2: FEW_OF(name, 2); break;                                                              \
      case 3: FEW_OF(name, 3); break;                                                              \
      default: FEW_OF(name, 4); break;                                                             \
    }                                                                                              \
  }
#define FEW_OF(name, count)                                                                        \
  multiply_few(                                                                                    \
      shape, multiply_##name, count, weights, row_bytes, rows, blocks, activations, out,           \
      out_stride, scratch)

FEW(q2_k, BLOCK256_Q2_K_BYTES, 80, 2, 1, 0, 0, 0)
FEW(q4_k, BLOCK256_Q4_K_BYTES, 0, 2, 1, 0, 0, 0)
FEW(q5_k, BLOCK256_Q5_K_BYTES, 0, 2, 1, 0, 0, 0)
FEW(q6_k, BLOCK256_Q6_K_BYTES, 208, 1, 1, 16, 32, 0)
FEW(iq2_xxs, BLOCK256_IQ2_XXS_BYTES, 0, 1, 0.125f, 32, 43, 1)
FEW(iq2_xs, BLOCK256_IQ2_XS_BYTES, 0, 1, 0.125f, 0, 0, 1)
FEW(iq2_s, BLOCK256_IQ2_S_BYTES, 0, 1, 0.125f, 0, 0, 1)
FEW(iq3_xxs, BLOCK256_IQ3_XXS_BYTES, 0, 1, 0.25f, 32, IQ3_XXS_OFFSET, 1)
FEW(iq3_s, BLOCK256_IQ3_S_BYTES, 0, 1, 1, 32, IQ3_S_OFFSET, 1)
FEW(iq4_xs, BLOCK256_IQ4_XS_BYTES, 0, 1, 1, 32, IQ4_XS_OFFSET, 0)

int block256_few_columns_avx512(
    uint32_t type, const void *weights, size_t row_bytes, size_t rows, size_t count,
    const maslin_activations *activations, size_t columns, float *out, size_t out_stride,
    void *scratch) {
  const size_t blocks = count / 256;
  if (columns == 0 || columns > 2 * FEW_COLUMNS) return 0;
  if (columns == 1 &&
      block256_one_column_avx512(type, weights, row_bytes, rows, count, activations, out)) {
    return 1;
  }
  if (blocks > MASLIN_SCRATCH_BYTES / (FEW_COLUMNS * (64 + 256))) return 0;
  void (*few)(
      const uint8_t *, size_t, size_t, size_t, const maslin_activations *, size_t, float *, size_t,
      void *);
  switch (type) {
    case BLOCK256_Q2_K: few = few_q2_k; break;
    case BLOCK256_Q4_K: few = few_q4_k; break;
    case BLOCK256_Q5_K: few = few_q5_k; break;
    case BLOCK256_Q6_K: few = few_q6_k; break;
    case BLOCK256_IQ2_XXS: few = few_iq2_xxs; break;
    case BLOCK256_IQ2_XS: few = few_iq2_xs; break;
    case BLOCK256_IQ2_S: few = few_iq2_s; break;
    case BLOCK256_IQ3_XXS: few = few_iq3_xxs; break;
    case BLOCK256_IQ3_S: few = few_iq3_s; break;
    case BLOCK256_IQ4_XS: few = few_iq4_xs; break;
    default: return 0;
  }
  if (columns <= FEW_COLUMNS) {
    few(weights, row_bytes, rows, blocks, activations, columns, out, out_stride, scratch);
    return 1;
  }
  // In two goes over rows that stay in the cache.
  const size_t half = (columns + 1) / 2, together = 4 * TILE_ROWS;
  maslin_activations rest = *activations;
  rest.quants += half * rest.quants_stride;
  rest.scales += half * rest.scales_stride;
  rest.sums += half * rest.sums_stride;
  for (size_t r = 0; r < rows; r += together) {
    const uint8_t *start = (const uint8_t *)weights + r * row_bytes;
    const size_t some = rows - r < together ? rows - r : together;
    few(start, row_bytes, some, blocks, activations, half, out + r, out_stride, scratch);
    few(start, row_bytes, some, blocks, &rest, columns - half, out + half * out_stride + r,
        out_stride, scratch);
  }
  return 1;
}

#endif
