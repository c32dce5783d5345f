// What compute threads need of the processor and the system.
#ifndef MASLIN_THREADS_H
#define MASLIN_THREADS_H

#include <stddef.h>
#include <stdint.h>

// Tells the processor that the thread is spinning.
static inline void maslin_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#if defined(__linux__)
// The logical processors that the calling thread may run on, as bits of `words`; returns 0 when the system does not say.
int maslin_allowed_processors(uint64_t *words, size_t count);
// Lets the calling thread run on these processors only; returns 0 when the system refuses.
int maslin_restrict_thread(const uint64_t *words, size_t count);
#endif

#endif
