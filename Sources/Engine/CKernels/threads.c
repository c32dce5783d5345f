// The system's calls for binding threads, which Swift does not import.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>

#include "maslin_threads.h"

int maslin_allowed_processors(uint64_t *words, size_t count) {
  return sched_getaffinity(0, count * sizeof *words, (cpu_set_t *)words) == 0;
}

int maslin_restrict_thread(const uint64_t *words, size_t count) {
  return sched_setaffinity(0, count * sizeof *words, (const cpu_set_t *)words) == 0;
}
#endif
