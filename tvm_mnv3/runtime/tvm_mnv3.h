/* tvm_mnv3.h - what every compiled model shares with the app that links it. C99, C++ safe, no libc needed.
 *
 * A model's own header declares, for its prefix P:
 *   size_t                P_context_size(void);
 *   int32_t               P_run(void *context, const void *const *inputs, void *const *outputs,
 *                               const tvm_mnv3_parallel *parallel);
 *   const tvm_mnv3_model *P_model(void);
 *
 * classifier.h builds on these: pixels in, labels out.
 *
 * A context is memory of P_context_size() bytes, aligned to TVM_MNV3_ALIGNMENT, that the caller gives and keeps;
 * it needs no initialisation, and one run at a time may use it. Inputs and outputs need no more than the alignment of
 * their dtype. The library itself holds no state: several contexts may run at once on the same weights.
 */
#ifndef TVM_MNV3_H
#define TVM_MNV3_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TVM_MNV3_ABI_VERSION 2
#define TVM_MNV3_ALIGNMENT 64

enum { /* status codes: what P_run returns (classifier.h has more) */
  TVM_MNV3_OK = 0,
  TVM_MNV3_NULL_POINTER = 1,       /* the context, an input or an output is a null pointer */
  TVM_MNV3_MISALIGNED_CONTEXT = 2, /* the context is not aligned to TVM_MNV3_ALIGNMENT bytes */
  TVM_MNV3_BAD_ARGUMENTS = 3       /* called by TVM: number, shape, dtype or layout of the tensors is not the model's */
};

enum { /* dtypes */
  TVM_MNV3_FLOAT32 = 0,
  TVM_MNV3_FLOAT16 = 1,
  TVM_MNV3_INT8 = 2,
  TVM_MNV3_UINT8 = 3,
  TVM_MNV3_INT32 = 4,
  TVM_MNV3_INT64 = 5
};

/* One input or output: dense, row-major. */
typedef struct {
  const char *name;
  int32_t dtype;
  int32_t ndim;
  const int64_t *shape;
  size_t bytes;
} tvm_mnv3_tensor;

/* One piece of a kernel's work: tasks begin to end - 1. */
typedef void (*tvm_mnv3_task)(void *state, int32_t begin, int32_t end);

/* The caller's threads. parallel_for calls task on ranges that cover 0 to count - 1 exactly once, in any order and
 * on any threads, and returns when all of them are done. A null tvm_mnv3_parallel runs all on the calling thread. The
 * result's bits do not depend on how the ranges are cut. */
typedef struct {
  void (*parallel_for)(void *pool, int32_t count, tvm_mnv3_task task, void *state);
  void *pool;
} tvm_mnv3_parallel;

enum { TVM_MNV3_BILINEAR = 0, TVM_MNV3_BICUBIC = 1 }; /* both antialiased, as Pillow's */

/* How a picture becomes the input: its short side is resized to `resize` pixels, the central crop x crop is cut out,
 * and every RGB value v from 0 to 255 becomes (v / 255 - mean) / std. */
typedef struct {
  int32_t resize;
  int32_t crop;
  int32_t interpolation;
  float mean[3];
  float std[3];
} tvm_mnv3_picture;

typedef struct {
  uint32_t abi_version; /* TVM_MNV3_ABI_VERSION */
  int32_t num_inputs;
  int32_t num_outputs;
  const char *name;     /* of the model */
  const char *compiler; /* tvm-mnv3's version */
  const tvm_mnv3_tensor *inputs;
  const tvm_mnv3_tensor *outputs;
  size_t context_size;
  /* since version 2 */
  int32_t (*run)(void *context, const void *const *inputs, void *const *outputs, const tvm_mnv3_parallel *parallel);
  const tvm_mnv3_picture *picture; /* null where it is not known */
} tvm_mnv3_model;

#ifdef __cplusplus
}
#endif
#endif
