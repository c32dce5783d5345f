// A few columns of IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S and IQ4_XS: included by block256_avx512_column.c, whose functions it
// uses.
//
// Byte j of the vector for word w of 32 values is value 8 j + w, and the quants are rearranged likewise. An index into
// a table of signed values takes the bits of a level from the codes and a sign from the signs, each at the place they
// have there; the tables ignore what else is in the index.
#ifndef MASLIN_BLOCK256_AVX512_IQ_COLUMN_H
#define MASLIN_BLOCK256_AVX512_IQ_COLUMN_H

#if defined(__x86_64__)

#include "block256_avx512_iq.h"

// Where value v of four has its level, and its sign.
typedef struct {
  int bits;      // of a level
  int code[4];   // which of the two bytes of codes; all in the one there is for levels of two bits
  int level[4];  // the lowest bit
  int shift[4];  // by which codes are moved before
} level_places;

static const level_places two_bit_places = {2, {0, 0, 0, 0}, {0, 2, 4, 4}, {0, 0, 0, 2}};
static const level_places three_bit_places = {3, {0, 0, 1, 1}, {0, 3, 3, 0}, {0, 0, 0, 0}};
// Of the signs of values 0 to 3 moved by 4 to the left for value 0; of those of values 4 to 7 moved by 4 to the right
// for all but value 4.
static const int sign_places[4] = {4, 1, 2, 3};

// Value `v` of four plus `offset` by index, the levels given in the bytes of `levels`.
AVX512_INLINE __m512i signed_values(
    level_places places, int v, unsigned long long levels, int offset) {
  const __m512i low = _mm512_set_epi64(
      0x0706050403020100, 0x0706050403020100, 0x0706050403020100, 0x0706050403020100,
      0x0706050403020100, 0x0706050403020100, 0x0706050403020100, 0x0706050403020100);
  const __m512i eights = _mm512_set_epi64(
      0x3838383838383838, 0x3030303030303030, 0x2828282828282828, 0x2020202020202020,
      0x1818181818181818, 0x1010101010101010, 0x0808080808080808, 0);
  const __m512i index = _mm512_or_si512(low, eights);
  const __m512i level = _mm512_and_si512(
      _mm512_srli_epi16(index, (unsigned)places.level[v]), all_bytes((1 << places.bits) - 1));
  const __m512i magnitude =
      _mm512_shuffle_epi8(_mm512_set1_epi64((long long)levels), level);
  const __mmask64 negative = _mm512_test_epi8_mask(index, all_bytes(1 << sign_places[v]));
  const __m512i base = all_bytes(offset);
  return _mm512_mask_sub_epi8(
      _mm512_add_epi8(base, magnitude), negative, base, magnitude);
}

// Values 4 w to 4 w + 3 of entries of eight, or the values of entries of four with number 2 j + w.
AVX512_INLINE void four_values(
    level_places places, const __m512i tables[4], const __m512i codes[2], __m512i signs, int w,
    __m512i values[4]) {
  const __m512i first = w ? signs : _mm512_slli_epi16(signs, 4);
  const __m512i rest = w ? _mm512_srli_epi16(signs, 4) : signs;
  UNROLL for (int v = 0; v < 4; v++) {
    const __m512i place = all_bytes(((1 << places.bits) - 1) << places.level[v]);
    const __m512i level = word_moved(codes[places.code[v]], places.shift[v]);
    const __m512i index = _mm512_ternarylogic_epi32(place, level, v ? rest : first, 0xCA);
    values[v] = _mm512_permutexvar_epi8(index, tables[v]);
  }
}

// Scales are of 16 values, two in a lane: products are added in pairs, then multiplied with the scales of both.
AVX512_INLINE void multiply_iq2(
    iq_reader reader, size_t block_bytes, const uint8_t *const *rows, size_t offset,
    const block_columns *columns, int count, __m512i *dot, __m512i *minimum) {
  __m512i tables[4];
  UNROLL for (int v = 0; v < 4; v++) {
    tables[v] = signed_values(two_bit_places, v, LEVELS_IQ2, IQ2_OFFSET);
  }
  block_header header;
  reader.header(rows, offset, &header);
  UNROLL for (int part = 0; part < 4; part++) {
    thirty_two_values two[2];
    reader.read(rows, offset, &header, part, two);
    UNROLL for (int k = 0; k < 2; k++) {
      const int s = 2 * part + k;
      fetch_part(columns, block_bytes, s, 8);
      UNROLL for (int c = 0; c < count; c++) {
        minimum[c] = _mm512_dpwssd_epi32(minimum[c], two[k].scale, two_sums(columns, c, s));
      }
      UNROLL for (int w = 0; w < 2; w++) {
        __m512i values[4];
        four_values(two_bit_places, tables, two[k].codes + w, two[k].signs, w, values);
        UNROLL for (int v = 0; v < 4; v++) {
          UNROLL for (int c = 0; c < count; c++) {
            // At most 2 * 86 * 127: no saturation.
            const __m512i pairs =
                _mm512_maddubs_epi16(values[v], four_quants(columns, c, 8 * s + 4 * w + v));
            dot[c] = _mm512_dpwssd_epi32(dot[c], pairs, two[k].scale);
          }
        }
      }
    }
  }
  UNROLL for (int c = 0; c < count; c++) {
    dot[c] = _mm512_sub_epi32(
        dot[c], _mm512_mullo_epi32(minimum[c], _mm512_set1_epi32(IQ2_OFFSET)));
  }
}

AVX512_INLINE void multiply_iq3(
    iq_reader reader, size_t block_bytes, unsigned long long levels, int value_offset,
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot) {
  __m512i tables[4];
  UNROLL for (int v = 0; v < 4; v++) {
    tables[v] = signed_values(three_bit_places, v, levels, value_offset);
  }
  block_header header;
  reader.header(rows, offset, &header);
  UNROLL for (int part = 0; part < 4; part++) {
    thirty_two_values two[2];
    reader.read(rows, offset, &header, part, two);
    UNROLL for (int k = 0; k < 2; k++) {
      const int s = 2 * part + k;
      fetch_part(columns, block_bytes, s, 8);
      __m512i sum[FEW_COLUMNS];
      UNROLL for (int c = 0; c < count; c++) sum[c] = correction(columns, c, s);
      UNROLL for (int w = 0; w < 2; w++) {
        __m512i values[4];
        four_values(three_bit_places, tables, two[k].codes + 2 * w, two[k].signs, w, values);
        UNROLL for (int v = 0; v < 4; v++) {
          UNROLL for (int c = 0; c < count; c++) {
            sum[c] = _mm512_dpbusd_epi32(
                sum[c], values[v], four_quants(columns, c, 8 * s + 4 * w + v));
          }
        }
      }
      UNROLL for (int c = 0; c < count; c++) add_scaled(&dot[c], sum[c], two[k].scale);
    }
  }
}

AVX512_INLINE void multiply_iq2_xs(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  const iq_reader reader = {header_iq2_xs, read_iq2_xs};
  multiply_iq2(reader, BLOCK256_IQ2_XS_BYTES, rows, offset, columns, count, dot, minimum);
}

AVX512_INLINE void multiply_iq2_s(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  const iq_reader reader = {header_iq2_s, read_iq2_s};
  multiply_iq2(reader, BLOCK256_IQ2_S_BYTES, rows, offset, columns, count, dot, minimum);
}

AVX512_INLINE void multiply_iq3_xxs(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  (void)minimum;
  const iq_reader reader = {header_iq3_xxs, read_iq3_xxs};
  multiply_iq3(
      reader, BLOCK256_IQ3_XXS_BYTES, LEVELS_IQ3_XXS, IQ3_XXS_OFFSET, rows, offset, columns, count,
      dot);
}

AVX512_INLINE void multiply_iq3_s(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  (void)minimum;
  const iq_reader reader = {header_iq3_s, read_iq3_s};
  multiply_iq3(
      reader, BLOCK256_IQ3_S_BYTES, LEVELS_IQ3_S, IQ3_S_OFFSET, rows, offset, columns, count, dot);
}

AVX512_INLINE void multiply_iq4_xs(
    const uint8_t *const *rows, size_t offset, const block_columns *columns, int count,
    __m512i *dot, __m512i *minimum) {
  (void)minimum;
  const __m512i values = iq4_xs_values();
  __m512i header[4];
  transpose_rows(rows, offset, header);
  UNROLL for (int s = 0; s < 8; s++) {
    fetch_part(columns, BLOCK256_IQ4_XS_BYTES, s, 8);
    __m512i packed[4], sum[FEW_COLUMNS];
    transpose_rows(rows, offset + 8 + 16 * (size_t)s, packed);
    UNROLL for (int c = 0; c < count; c++) sum[c] = correction(columns, c, s);
    UNROLL for (int i = 0; i < 4; i++) {
      // The table repeats every 16 bytes, so bits above the nibble do not matter.
      const __m512i low = _mm512_permutexvar_epi8(packed[i], values);
      const __m512i high = _mm512_permutexvar_epi8(moved(packed[i], 4), values);
      UNROLL for (int c = 0; c < count; c++) {
        sum[c] = _mm512_dpbusd_epi32(sum[c], low, four_quants(columns, c, 8 * s + i));
        sum[c] = _mm512_dpbusd_epi32(sum[c], high, four_quants(columns, c, 8 * s + 4 + i));
      }
    }
    const __m512i scale = iq4_xs_scale(header[0], header[1], s);
    UNROLL for (int c = 0; c < count; c++) add_scaled(&dot[c], sum[c], scale);
  }
}

#endif
#endif
