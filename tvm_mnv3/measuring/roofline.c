/* What the machine can do at most: multiply-adds in registers, and reading memory.
 *
 * VECTOR_BYTES and ACCUMULATORS come from the core's description: enough independent sums to hide the latency of a
 * multiply-add, few enough to stay in registers. */

#include <stddef.h>

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES = VECTOR_BYTES / sizeof(float) };

static float sum_of(const vector *sums) {
  float total = 0;
  for (int i = 0; i < ACCUMULATORS; i++)
    for (int lane = 0; lane < LANES; lane++) total += sums[i][lane];
  return total;
}

/* iterations * ACCUMULATORS * LANES multiply-adds. The sums tend to 2, far from denormal numbers. */
__attribute__((visibility("default"))) float multiply_add_burst(size_t iterations, float factor) {
  vector sums[ACCUMULATORS], factors = {0}, ones = {0};
  factors += factor;
  ones += 1;
#pragma clang loop unroll(full)
  for (int i = 0; i < ACCUMULATORS; i++) sums[i] = ones * (float)i;
  for (size_t iteration = 0; iteration < iterations; iteration++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < ACCUMULATORS; i++) sums[i] = sums[i] * factors + ones;
  }
  return sum_of(sums);
}

/* Reads `bytes` bytes, a multiple of ACCUMULATORS * VECTOR_BYTES, from an address that is aligned to VECTOR_BYTES. */
__attribute__((visibility("default"))) float read_burst(const vector *data, size_t bytes) {
  vector sums[ACCUMULATORS] = {0};
  for (const vector *end = data + bytes / sizeof(vector); data < end; data += ACCUMULATORS) {
#pragma clang loop unroll(full)
    for (int i = 0; i < ACCUMULATORS; i++) sums[i] += data[i];
  }
  return sum_of(sums);
}
