/* futex.h - sleeping on a 32-bit word and waking its sleepers, by Linux system calls (see futex(2)), and spinning. */
#ifndef TVM_MNV3_FUTEX_H
#define TVM_MNV3_FUTEX_H

#include "system_calls.h"

enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

static inline void futex(uint32_t *word, long operation, long value) {
  system_call(CALL_FUTEX, (long)word, operation, value, 0); /* no time-out */
}

/* One turn of a spinning loop takes between ten cycles and 140, so the end of spinning is a time: `moment` counts up at
 * a rate that no clock of the core changes, and a tenth of a millisecond is so many `moments_of_patience`. */
#if defined(__x86_64__)
static inline void relax(void) { __asm__ volatile("pause" ::: "memory"); }

static inline uint64_t moment(void) { return __builtin_ia32_rdtsc(); }

/* The rate is the processor's nominal one, two to four to the nanosecond. */
static inline uint64_t moments_of_patience(void) { return 300000; }
#else
/* "yield" is a no-op on most cores; "isb" takes some tens of cycles, like "pause" on x86. */
static inline void relax(void) { __asm__ volatile("isb" ::: "memory"); }

static inline uint64_t moment(void) {
  uint64_t count;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
  return count;
}

static inline uint64_t moments_of_patience(void) {
  uint64_t per_second;
  __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(per_second));
  return per_second / 10000;
}
#endif

/* Sleeps while *word is value; may also return for no reason. */
static inline void futex_wait(uint32_t *word, uint32_t value) { futex(word, FUTEX_WAIT_PRIVATE, (long)value); }

static inline void futex_wake(uint32_t *word, int32_t sleepers) { futex(word, FUTEX_WAKE_PRIVATE, sleepers); }

#endif
