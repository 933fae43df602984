/* Calls a kernel again and again: called from Python, each call would cost as much as a small kernel. */

#include <stdint.h>

#define P void *
#define A(i) pointers[i]
#define CALL(types, ...)                                                                    \
  for (int32_t time = 0; time < times; time++) ((void (*)types)kernel)(__VA_ARGS__, 0, tasks); \
  return 0

/* `kernel` takes that many pointers, from 2 to 10, and a range of tasks. Returns 0, or 1 for another number. */
__attribute__((visibility("default"))) int32_t repeat(void *kernel, void *const *pointers, int32_t count, int32_t tasks,
                                                      int32_t times) {
  switch (count) {
    case 2: CALL((P, P, int32_t, int32_t), A(0), A(1));
    case 3: CALL((P, P, P, int32_t, int32_t), A(0), A(1), A(2));
    case 4: CALL((P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3));
    case 5: CALL((P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4));
    case 6: CALL((P, P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4), A(5));
    case 7: CALL((P, P, P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4), A(5), A(6));
    case 8: CALL((P, P, P, P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7));
    case 9: CALL((P, P, P, P, P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8));
    case 10:
      CALL((P, P, P, P, P, P, P, P, P, P, int32_t, int32_t), A(0), A(1), A(2), A(3), A(4), A(5), A(6), A(7), A(8), A(9));
    default: return 1;
  }
}
