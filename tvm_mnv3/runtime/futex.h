/* futex.h - sleeping on a 32-bit word and waking its sleepers, by Linux system calls: see futex(2). */
#ifndef TVM_MNV3_FUTEX_H
#define TVM_MNV3_FUTEX_H

#include <stdint.h>

enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

#if defined(__x86_64__)

static inline void futex(uint32_t *word, long operation, long value) {
  long result = 202; /* the call's number goes in where the result comes out */
  register long no_timeout __asm__("r10") = 0;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(word), "S"(operation), "d"(value), "r"(no_timeout)
                   : "rcx", "r11", "memory");
}

static inline void relax(void) { __asm__ volatile("pause" ::: "memory"); }

#elif defined(__aarch64__)

static inline void futex(uint32_t *word, long operation, long value) {
  register long number __asm__("x8") = 98;
  register uint32_t *x0 __asm__("x0") = word;
  register long x1 __asm__("x1") = operation;
  register long x2 __asm__("x2") = value;
  register long no_timeout __asm__("x3") = 0;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(number), "r"(x1), "r"(x2), "r"(no_timeout) : "memory");
}

/* "yield" is a no-op on most cores; "isb" takes some tens of cycles, like "pause" on x86. */
static inline void relax(void) { __asm__ volatile("isb" ::: "memory"); }

#else
#error "the thread pool knows the system calls of x86-64 and 64-bit ARM only"
#endif

/* Sleeps while *word is value; may also return for no reason. */
static inline void futex_wait(uint32_t *word, uint32_t value) { futex(word, FUTEX_WAIT_PRIVATE, (long)value); }

static inline void futex_wake(uint32_t *word, int32_t sleepers) { futex(word, FUTEX_WAKE_PRIVATE, sleepers); }

#endif
