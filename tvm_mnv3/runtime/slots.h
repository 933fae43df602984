/* slots.h - memory that a task has to itself while it runs, for a generated driver.
 *
 * A job's tasks each need some, but only as many of them run at a time as there are threads. So memory goes with the
 * running, not with the task: whoever begins takes the lowest slot that is free, which is most often the one it had
 * before, and finds it in its core's cache.
 */
#ifndef TVM_MNV3_SLOTS_H
#define TVM_MNV3_SLOTS_H

#include <stdint.h>

/* `taken` has a bit for each slot, set while somebody has it; so no more than 64 tasks may run at a time. */
static inline int32_t slot_take(uint64_t *taken) {
  uint64_t had = __atomic_load_n(taken, __ATOMIC_RELAXED), lowest;
  do {
    lowest = ~had & (had + 1);
    /* Acquire: what the slot's last owner did there is done. */
  } while (!__atomic_compare_exchange_n(taken, &had, had | lowest, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
  return (int32_t)__builtin_ctzll(lowest);
}

static inline void slot_give(uint64_t *taken, int32_t slot) {
  __atomic_fetch_and(taken, ~((uint64_t)1 << slot), __ATOMIC_RELEASE);
}

#endif
