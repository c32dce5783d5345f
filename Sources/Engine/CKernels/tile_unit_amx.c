#include "maslin_tile_unit.h"
#include "tile_unit.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TARGET __attribute__((target("amx-tile,amx-int8")))

TARGET static void begin(void) {
  const maslin_tile_configuration configuration = maslin_tile_configuration_of_blocks();
  _tile_loadconfig(&configuration);
}

TARGET static void end(void) { _tile_release(); }

TARGET static void multiply(
    const uint8_t *weights, size_t weights_step, const int8_t *quants, size_t quants_step,
    size_t quants_stride, size_t blocks, int32_t (*products)[16][16]) {
#define LOAD(tile, from, stride) _tile_loadd(tile, from, stride)
#define STORE(tile, to, stride) _tile_stored(tile, to, stride)
#define ZERO(tile) _tile_zero(tile)
#define DOT(sums, a, b) _tile_dpbsud(sums, a, b)
  MASLIN_TILE_MULTIPLY(LOAD, STORE, ZERO, DOT)
#undef LOAD
#undef STORE
#undef ZERO
#undef DOT
}

static int processor_has_unit(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return 0;  // XGETBV may be used
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const uint32_t tile_and_bytes = 1u << 24 | 1u << 25;
  if ((d & tile_and_bytes) != tile_and_bytes) return 0;
  // The tile registers are part of what the operating system saves: XCR0 bits 17 and 18.
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 3u << 17) == 3u << 17;
}

// Linux lets a process use the tile registers once it has asked (arch_prctl, since 5.16).
static int ask_operating_system(void) {
  const long request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

static const maslin_tile_unit processor_unit = {begin, end, multiply};

// Whether the unit gives the products of its model. This code was written without a machine to run it on, so it has to
// prove itself on the one it meets before results depend on it.
static int agrees_with_model(const maslin_tile_unit *unit) {
  enum { blocks = maslin_tile_unit_blocks, group_bytes = 64, column_bytes = 32 * blocks };
  static const uint8_t extremes[4] = {0, 255, 127, 128};
  uint8_t weights[blocks][8 * group_bytes];
  int8_t quants[maslin_tile_unit_columns][column_bytes];
  uint32_t random = 1;
  for (size_t i = 0; i < sizeof weights; i++) {
    random = random * 1664525u + 1013904223u;
    ((uint8_t *)weights)[i] = random >> 31 ? extremes[random >> 29 & 3] : (uint8_t)(random >> 16);
  }
  for (size_t i = 0; i < sizeof quants; i++) {
    random = random * 1664525u + 1013904223u;
    ((int8_t *)quants)[i] = (int8_t)(random >> 31 ? extremes[random >> 29 & 3] : (uint8_t)(random >> 16));
  }
  const maslin_tile_unit *units[2] = {unit, maslin_model_tile_unit()};
  int32_t products[2][blocks][maslin_tile_unit_columns][maslin_tile_unit_rows];
  for (int i = 0; i < 2; i++) {
    units[i]->begin();
    units[i]->multiply(
        weights[0], sizeof weights[0], quants[0], 32, column_bytes, blocks, products[i]);
    units[i]->end();
  }
  return memcmp(products[0], products[1], sizeof products[0]) == 0;
}

int maslin_has_tile_unit(void) {
  static _Atomic int known = 0;  // 1: there is none, 2: there is one
  int state = atomic_load_explicit(&known, memory_order_relaxed);
  if (state == 0) {
    const int usable =
        processor_has_unit() && ask_operating_system() && agrees_with_model(&processor_unit);
    state = usable ? 2 : 1;
    atomic_store_explicit(&known, state, memory_order_relaxed);
  }
  return state == 2;
}

const maslin_tile_unit *maslin_processor_tile_unit(void) {
  return maslin_has_tile_unit() ? &processor_unit : 0;
}

#else

int maslin_has_tile_unit(void) { return 0; }

const maslin_tile_unit *maslin_processor_tile_unit(void) { return 0; }

#endif
