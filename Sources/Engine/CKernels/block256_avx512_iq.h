// IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S and IQ4_XS in vectors with 16 rows in the 32-bit lanes: what the tiles and the kernels
// for a few columns share. Included by their files; the functions are static.
//
// Grids are looked up in registers, as levels: of an entry of eight values (two bits each) in two halves, of one of
// four (three bits each) likewise, so that a byte per half suffices. 64 entries take one look-up of 128 bytes per 128
// entries of the grid. Loads from the grids would be one for each entry.
#ifndef MASLIN_BLOCK256_AVX512_IQ_H
#define MASLIN_BLOCK256_AVX512_IQ_H

#if defined(__x86_64__)

#include "block256_avx512_tile.h"

// [h][entry]: two bits each, values 4 h to 4 h + 3, lowest bits first. Levels 8, 25, 43.
extern const uint8_t block256_iq2_xs_codes[2][512];
extern const uint8_t block256_iq2_s_codes[2][1024];
// [0][entry]: values 0 and 1, three bits each, lowest bits first; [1][entry]: values 3 and 2.
extern const uint8_t block256_iq3_xxs_codes[2][256];
extern const uint8_t block256_iq3_s_codes[2][512];

enum { IQ2_OFFSET = 43, IQ3_XXS_OFFSET = 62, IQ3_S_OFFSET = 15, IQ4_XS_OFFSET = 128 };

// The levels in ascending order from the lowest byte on.
#define LEVELS_IQ2 0x2B1908ull
#define LEVELS_IQ3_XXS 0x3E342C241C140C04ull
#define LEVELS_IQ3_S 0x0F0D0B0907050301ull

// 32 values of 16 rows.
typedef struct {
  // Entries of eight values: [h] has half h of entry j in byte j of a lane. Entries of four: [2 p + h] of entry 2 j + p.
  __m512i codes[4];
  // Byte j: the signs of values 8 j to 8 j + 7, lowest bit first.
  __m512i signs;
  // Entries of four: the scale. Entries of eight: those of 16 values each in the two words.
  __m512i scale;
} thirty_two_values;

// The words of a block that hold scales and what else lies apart from the indices.
typedef struct {
  __m512i words[12];
} block_header;

typedef struct {
  void (*header)(const uint8_t *const *rows, size_t offset, block_header *header);
  // Values 64 * part to 64 * part + 63.
  void (*read)(
      const uint8_t *const *rows, size_t offset, const block_header *header, int part,
      thirty_two_values two[2]);
} iq_reader;

// Bits of word `bits` moved by `move` to the right (to the left if negative).
AVX512_INLINE __m512i word_moved(__m512i bits, int move) {
  return move < 0 ? _mm512_slli_epi32(bits, (unsigned)-move & 31)
                  : _mm512_srli_epi32(bits, (unsigned)move & 31);
}

// Bytes 0 and 2 of the lanes of `a`, then those of `b`; with `odd` bytes 1 and 3.
AVX512_INLINE __m512i alternate_bytes(__m512i a, __m512i b, int odd) {
  const __m512i lanes = _mm512_setr_epi32(
      0x00000000, 0x04040404, 0x08080808, 0x0C0C0C0C, 0x10101010, 0x14141414, 0x18181818,
      0x1C1C1C1C, 0x20202020, 0x24242424, 0x28282828, 0x2C2C2C2C, 0x30303030, 0x34343434,
      0x38383838, 0x3C3C3C3C);
  const __m512i within = _mm512_set1_epi32(odd ? 0x43410301 : 0x42400200);
  return _mm512_permutex2var_epi8(a, _mm512_add_epi8(lanes, within), b);
}

// Entries of a table of 128 * `tables` bytes, a power of two; `upper[i]` has bit 7 + i of the indices.
AVX512_INLINE __m512i looked_up(
    const uint8_t *table, int tables, __m512i index, const __mmask64 upper[3]) {
  __m512i found[8];
  UNROLL for (int t = 0; t < tables; t++) {
    found[t] = _mm512_permutex2var_epi8(
        _mm512_load_si512(table + 128 * t), index, _mm512_load_si512(table + 128 * t + 64));
  }
  UNROLL for (int bit = 0; bit < 3; bit++) {
    UNROLL for (int t = 0; t < tables >> (bit + 1); t++) {
      found[t] = _mm512_mask_blend_epi8(upper[bit], found[2 * t], found[2 * t + 1]);
    }
  }
  return found[0];
}

AVX512_INLINE __m512i signs_of(__m512i seven_bits) {
  return _mm512_permutex2var_epi8(
      _mm512_loadu_si512(maslin_iq_signs), seven_bits, _mm512_loadu_si512(maslin_iq_signs + 64));
}

// Bits 2 j and up of byte `k` of every lane, in byte j.
AVX512_INLINE __m512i pairs_of_byte(__m512i words, int k) {
  const __m512i places = _mm512_set1_epi64(
      (long long)(0x2624222006040200ull + 0x0101010101010101ull * (unsigned)(8 * k)));
  return _mm512_multishift_epi64_epi8(places, words);
}

// 2 * nibble + 1 of the two nibbles of byte `k` in two words.
AVX512_INLINE __m512i odd_scales_of_byte(__m512i words, int k) {
  const __m512i low = _mm512_and_si512(word_moved(words, 8 * k - 1), _mm512_set1_epi32(0x1E));
  const __m512i both = _mm512_ternarylogic_epi32(
      low, word_moved(words, 8 * k - 13), _mm512_set1_epi32(0x1E0000), 0xF8);
  return _mm512_or_si512(both, _mm512_set1_epi32(0x10001));
}

AVX512_INLINE void header_iq2_xs(const uint8_t *const *rows, size_t offset, block_header *header) {
  transpose_rows(rows, offset + 58, header->words);
}

AVX512_INLINE void read_iq2_xs(
    const uint8_t *const *rows, size_t offset, const block_header *header, int part,
    thirty_two_values two[2]) {
  __m512i words[4];
  transpose_rows(rows, offset + 2 + 16 * (size_t)part, words);
  UNROLL for (int k = 0; k < 2; k++) {
    const int s = 2 * part + k;
    const __m512i low = alternate_bytes(words[2 * k], words[2 * k + 1], 0);
    const __m512i high = alternate_bytes(words[2 * k], words[2 * k + 1], 1);
    const __mmask64 upper[3] = {
        _mm512_movepi8_mask(low), _mm512_test_epi8_mask(high, _mm512_set1_epi8(1)), 0};
    UNROLL for (int h = 0; h < 2; h++) {
      two[k].codes[h] = looked_up(block256_iq2_xs_codes[h], 4, low, upper);
    }
    two[k].signs = signs_of(_mm512_srli_epi16(high, 1));
    two[k].scale = odd_scales_of_byte(header->words[2 + s / 4], s % 4);
  }
}

AVX512_INLINE void header_iq2_s(const uint8_t *const *rows, size_t offset, block_header *header) {
  transpose_rows(rows, offset + 66, header->words);
}

AVX512_INLINE void read_iq2_s(
    const uint8_t *const *rows, size_t offset, const block_header *header, int part,
    thirty_two_values two[2]) {
  // Words of two parts are read at once: the compiler drops those that are not used.
  __m512i low[4], signs[4];
  transpose_rows(rows, offset + 2 + 16 * (size_t)(part / 2), low);
  transpose_rows(rows, offset + 34 + 16 * (size_t)(part / 2), signs);
  UNROLL for (int k = 0; k < 2; k++) {
    const int s = 2 * part + k;
    const __m512i index = low[s % 4];
    const __m512i bits = pairs_of_byte(header->words[s / 4], s % 4);
    const __mmask64 upper[3] = {
        _mm512_movepi8_mask(index), _mm512_test_epi8_mask(bits, _mm512_set1_epi8(1)),
        _mm512_test_epi8_mask(bits, _mm512_set1_epi8(2))};
    UNROLL for (int h = 0; h < 2; h++) {
      two[k].codes[h] = looked_up(block256_iq2_s_codes[h], 8, index, upper);
    }
    two[k].signs = signs[s % 4];
    two[k].scale = odd_scales_of_byte(header->words[2 + s / 4], s % 4);
  }
}

AVX512_INLINE void header_iq3_xxs(
    const uint8_t *const *rows, size_t offset, block_header *header) {
  transpose_rows(rows, offset + 66, header->words);
  transpose_rows(rows, offset + 82, header->words + 4);
}

AVX512_INLINE void read_iq3_xxs(
    const uint8_t *const *rows, size_t offset, const block_header *header, int part,
    thirty_two_values two[2]) {
  // Bytes of eight bits from bits 0, 7, 14, 21 of each 32.
  const __m512i sevens = _mm512_set1_epi64(0x352E2720150E0700);
  __m512i words[4];
  transpose_rows(rows, offset + 2 + 16 * (size_t)part, words);
  UNROLL for (int k = 0; k < 2; k++) {
    const __m512i packed = header->words[2 * part + k];
    UNROLL for (int p = 0; p < 2; p++) {
      const __m512i index = alternate_bytes(words[2 * k], words[2 * k + 1], p);
      const __mmask64 upper[3] = {_mm512_movepi8_mask(index), 0, 0};
      UNROLL for (int h = 0; h < 2; h++) {
        two[k].codes[2 * p + h] = looked_up(block256_iq3_xxs_codes[h], 2, index, upper);
      }
    }
    two[k].signs = signs_of(_mm512_multishift_epi64_epi8(sevens, packed));
    // Bit 27 is overwritten: 2 * scale + 1.
    two[k].scale = _mm512_or_si512(_mm512_srli_epi32(packed, 27), _mm512_set1_epi32(1));
  }
}

AVX512_INLINE void header_iq3_s(const uint8_t *const *rows, size_t offset, block_header *header) {
  // Ninth bits 8 bytes, signs 32, scales 4; the last 16 bytes overlap what is before.
  transpose_rows(rows, offset + 66, header->words);
  transpose_rows(rows, offset + 82, header->words + 4);
  transpose_rows(rows, offset + 94, header->words + 8);
}

AVX512_INLINE void read_iq3_s(
    const uint8_t *const *rows, size_t offset, const block_header *header, int part,
    thirty_two_values two[2]) {
  __m512i words[4];
  transpose_rows(rows, offset + 2 + 16 * (size_t)part, words);
  UNROLL for (int k = 0; k < 2; k++) {
    const int s = 2 * part + k;
    const __m512i bits = pairs_of_byte(header->words[s / 4], s % 4);
    UNROLL for (int p = 0; p < 2; p++) {
      const __m512i index = alternate_bytes(words[2 * k], words[2 * k + 1], p);
      const __mmask64 upper[3] = {
          _mm512_movepi8_mask(index),
          _mm512_test_epi8_mask(bits, _mm512_set1_epi8((char)(1 << p))), 0};
      UNROLL for (int h = 0; h < 2; h++) {
        two[k].codes[2 * p + h] = looked_up(block256_iq3_s_codes[h], 4, index, upper);
      }
    }
    two[k].signs = header->words[s < 6 ? 2 + s : 3 + s];
    two[k].scale = _mm512_or_si512(
        _mm512_and_si512(word_moved(header->words[11], 4 * s - 1), _mm512_set1_epi32(0x1E)),
        _mm512_set1_epi32(1));
  }
}

// Values of IQ4_XS plus 128 by the lower four bits of an index.
AVX512_INLINE __m512i iq4_xs_values(void) {
  const __m512i four_times = _mm512_broadcast_i32x4(
      _mm_loadu_si128((const __m128i *)maslin_iq4_values));
  return _mm512_xor_si512(four_times, _mm512_set1_epi8((char)IQ4_XS_OFFSET));
}

// The scale of values 32 s to 32 s + 31 from the first two words of a block.
AVX512_INLINE __m512i iq4_xs_scale(__m512i first, __m512i second, int s) {
  const __m512i low = _mm512_and_si512(word_moved(second, 4 * s), _mm512_set1_epi32(15));
  const __m512i both = _mm512_ternarylogic_epi32(
      low, word_moved(first, 12 + 2 * s), _mm512_set1_epi32(0x30), 0xF8);
  return _mm512_sub_epi32(both, _mm512_set1_epi32(32));
}

#endif
#endif
