// The instructions that an ARM kernel may use, given function by function.
#ifndef MASLIN_NEON_TARGET_H
#define MASLIN_NEON_TARGET_H

#if defined(__aarch64__)

// GCC has the instructions from ARMv8.2 on, whatever is added to an earlier architecture.
#if defined(__clang__)
#define NEON_DOT_PRODUCT __attribute__((target("+dotprod")))
#define NEON_I8MM __attribute__((target("+dotprod,+i8mm")))
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define NEON_DOT_PRODUCT __attribute__((target("arch=armv8.2-a+dotprod")))
#define NEON_I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
#endif
