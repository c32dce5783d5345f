#include "maslin_tile_unit.h"
#include "tile_unit.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
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

int maslin_has_tile_unit(void) {
  static _Atomic int known = 0;  // 1: there is none, 2: there is one
  int state = atomic_load_explicit(&known, memory_order_relaxed);
  if (state == 0) {
    state = processor_has_unit() && ask_operating_system() ? 2 : 1;
    atomic_store_explicit(&known, state, memory_order_relaxed);
  }
  return state == 2;
}

const maslin_tile_unit *maslin_processor_tile_unit(void) {
  static const maslin_tile_unit unit = {begin, end, multiply};
  return maslin_has_tile_unit() ? &unit : 0;
}

#else

int maslin_has_tile_unit(void) { return 0; }

const maslin_tile_unit *maslin_processor_tile_unit(void) { return 0; }

#endif
