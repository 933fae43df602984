/* doubler.c - the smallest library with everything that a compiled model has: two typed inputs and outputs, weights in
 * read-only data, a context, a parallel kernel, a call of memcpy and one of expf.
 *
 *   y[i] = 2 x[i] + weights[i % 16] (float32, 1 x 1000), through the context; z = exp(n) (int32, 1) -> (float32, scalar)
 */
#include "doubler.h"

#define API __attribute__((visibility("default")))

enum { SIZE = 1000, CONTEXT_SIZE = SIZE * sizeof(float) };

extern const float doubler_weights[16] __attribute__((visibility("hidden")));
void *memcpy(void *restrict to, const void *restrict from, size_t size);
float expf(float x);

typedef struct {
  const float *x;
  float *y;
} state_t;

static void twice(void *opaque, int32_t begin, int32_t end) {
  const state_t *state = opaque;
  for (int32_t i = begin; i < end; ++i) state->y[i] = 2.0f * state->x[i] + doubler_weights[i % 16];
}

static const int64_t VECTOR[] = {1, SIZE}, ONE[] = {1};
static const tvm_mnv3_tensor INPUTS[] = {{"x", TVM_MNV3_FLOAT32, 2, VECTOR, SIZE * sizeof(float)},
                                         {"n", TVM_MNV3_INT32, 1, ONE, sizeof(int32_t)}};
static const tvm_mnv3_tensor OUTPUTS[] = {{"y", TVM_MNV3_FLOAT32, 2, VECTOR, SIZE * sizeof(float)},
                                          {"z", TVM_MNV3_FLOAT32, 0, ONE, sizeof(float)}};
static const tvm_mnv3_model MODEL = {TVM_MNV3_ABI_VERSION, 2, 2, "doubler", "by hand", INPUTS, OUTPUTS, CONTEXT_SIZE};

API size_t doubler_context_size(void) { return CONTEXT_SIZE; }

API const tvm_mnv3_model *doubler_model(void) { return &MODEL; }

API int32_t doubler_run(void *context, const void *const *inputs, void *const *outputs,
                        const tvm_mnv3_parallel *parallel) {
  if (!context || !inputs || !outputs) return TVM_MNV3_NULL_POINTER;
  if ((uintptr_t)context % TVM_MNV3_ALIGNMENT) return TVM_MNV3_MISALIGNED_CONTEXT;
  state_t state = {inputs[0], context};
  if (parallel) {
    parallel->parallel_for(parallel->pool, SIZE, twice, &state);
  } else {
    twice(&state, 0, SIZE);
  }
  memcpy(outputs[0], context, CONTEXT_SIZE);
  *(float *)outputs[1] = expf((float)*(const int32_t *)inputs[1]);
  return TVM_MNV3_OK;
}
