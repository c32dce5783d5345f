// Compares every kernel of every instruction set of this machine with the scalar definition, bit for bit.
//
//   check [--seed N] [--damage]
//
// Prints a line per set and a checksum of the scalar results, which must be the same on all machines. Exits with 1 when
// bits differ. With --damage one bit of every result is turned before it is compared: then every comparison must fail,
// which proves that none is blind.
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t state;
static uint64_t checksum;
static int damages;
static size_t comparisons, differences;

uint32_t random_word(void) {
  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545F4914F6CDD1Dull) >> 32);
}

size_t random_below(size_t bound) { return random_word() % bound; }

float random_float(void) {
  float sum = -1.5f;
  for (int i = 0; i < 3; i++) sum += (float)(random_word() >> 8) * 0x1p-24f;
  return sum;
}

void random_floats(float *values, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = random_float();
}

static size_t pages_for(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

void *guarded(size_t bytes) {
  const size_t usable = pages_for(bytes), page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *start =
      mmap(0, usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED || mprotect(start + usable, page, PROT_NONE) != 0) {
    perror("check: memory");
    exit(2);
  }
  return start + usable - bytes;
}

void release(void *memory, size_t bytes) {
  const size_t usable = pages_for(bytes), page = (size_t)sysconf(_SC_PAGESIZE);
  munmap((uint8_t *)memory + bytes - usable, usable + page);
}

static const char *name_of(enum maslin_instruction_set set) {
  static const char *const names[] = {"scalar", "AVX2", "AVX-512", "NEON", "NEON i8mm"};
  return names[set];
}

void compare(
    const char *what, enum maslin_instruction_set set, const void *expected, const void *actual,
    size_t bytes) {
  comparisons++;
  size_t at = 0;
  const uint8_t *a = expected, *b = actual;
  if (damages) {
    const size_t damaged = random_below(bytes);
    uint8_t *copy = malloc(bytes);
    memcpy(copy, actual, bytes);
    copy[damaged] ^= (uint8_t)(1u << random_below(8));
    differences += memcmp(expected, copy, bytes) != 0;
    free(copy);
    return;
  }
  while (at < bytes && a[at] == b[at]) at++;
  if (at == bytes) return;
  differences++;
  if (differences > 40) return;
  float wanted = 0, got = 0;
  const size_t word = at / 4 * 4;
  if (word + 4 <= bytes) {
    memcpy(&wanted, a + word, 4);
    memcpy(&got, b + word, 4);
  }
  printf(
      "  differs: %s, %s, byte %zu of %zu (as floats: %a, should be %a)\n", name_of(set), what, at,
      bytes, (double)got, (double)wanted);
}

void add_to_checksum(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    // Which NaN an operation returns is up to the processor.
    if (values[i] != values[i]) bits = 0x7FC00000;
    checksum = (checksum ^ bits) * 0x100000001B3ull;
  }
}

int main(int count, char **arguments) {
  uint64_t seed = 20;
  for (int i = 1; i < count; i++) {
    if (!strcmp(arguments[i], "--damage")) {
      damages = 1;
    } else if (!strcmp(arguments[i], "--seed") && i + 1 < count) {
      seed = strtoull(arguments[++i], 0, 10);
    } else {
      fprintf(stderr, "usage: check [--seed N] [--damage]\n");
      return 2;
    }
  }
  printf("seed %llu\n", (unsigned long long)seed);
  int sets = 0;
  for (int set = MASLIN_AVX2; set <= MASLIN_NEON_I8MM; set++) {
    maslin_matmul_kernels kernels;
    if (!maslin_matmul_kernels_for(0, (enum maslin_instruction_set)set, &kernels)) continue;
    sets++;
    state = seed * 0x9E3779B97F4A7C15ull + 1;
    checksum = 0xCBF29CE484222325ull;
    const size_t before = comparisons, different = differences;
    check_products((enum maslin_instruction_set)set);
    check_vectors((enum maslin_instruction_set)set);
    printf(
        "%s: %zu comparisons, %zu differ\n", name_of((enum maslin_instruction_set)set),
        comparisons - before, differences - different);
  }
  if (!sets) {
    printf("no vector instruction set on this machine: nothing compared\n");
    return 2;
  }
  if (damages) {
    printf("%zu of %zu damaged results were found\n", differences, comparisons);
    return differences == comparisons ? 0 : 1;
  }
  printf("checksum of the scalar results %016llx\n", (unsigned long long)checksum);
  return differences ? 1 : 0;
}
