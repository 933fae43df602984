/* futex.h - sleeping on a 32-bit word and waking its sleepers, by Linux system calls: see futex(2). */
#ifndef TVM_MNV3_FUTEX_H
#define TVM_MNV3_FUTEX_H

#include "system_calls.h"

enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

static inline void futex(uint32_t *word, long operation, long value) {
  system_call(CALL_FUTEX, (long)word, operation, value, 0); /* no time-out */
}

#if defined(__x86_64__)
static inline void relax(void) { __asm__ volatile("pause" ::: "memory"); }
#else
/* "yield" is a no-op on most cores; "isb" takes some tens of cycles, like "pause" on x86. */
static inline void relax(void) { __asm__ volatile("isb" ::: "memory"); }
#endif

/* Sleeps while *word is value; may also return for no reason. */
static inline void futex_wait(uint32_t *word, uint32_t value) { futex(word, FUTEX_WAIT_PRIVATE, (long)value); }

static inline void futex_wake(uint32_t *word, int32_t sleepers) { futex(word, FUTEX_WAKE_PRIVATE, sleepers); }

#endif
