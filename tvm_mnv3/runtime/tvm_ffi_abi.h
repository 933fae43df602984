/* The part of TVM FFI's C ABI that a compiled model needs to be called by TVM's runtime (tvm/ffi/c_api.h of
 * apache-tvm-ffi 0.1.14, dlpack.h 1.x), and readers for its arguments. Nothing here calls TVM. */
#ifndef TVM_MNV3_TVM_FFI_ABI_H
#define TVM_MNV3_TVM_FFI_ABI_H

#include <stddef.h>
#include <stdint.h>

#include "tvm_mnv3.h"

enum { kTVMFFIInt = 1, kTVMFFIDLTensorPtr = 7, kTVMFFITensor = 70 };
enum { kDLCPU = 1, kDLInt = 0, kDLUInt = 1, kDLFloat = 2 };

typedef struct {
  int32_t type_index;
  uint32_t zero_padding;
  union {
    int64_t v_int64;
    void *v_ptr;
  };
} TVMFFIAny;

/* The header of every object of TVM FFI; in a tensor the DLTensor follows it. */
typedef struct {
  uint64_t combined_ref_count;
  int32_t type_index;
  uint32_t padding;
  int64_t deleter;
} TVMFFIObject;

typedef struct {
  void *data;
  struct {
    int32_t device_type;
    int32_t device_id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} DLTensor;

_Static_assert(sizeof(void *) != 8 || sizeof(TVMFFIAny) == 16, "TVMFFIAny");
_Static_assert(sizeof(void *) != 8 || sizeof(TVMFFIObject) == 24, "TVMFFIObject");
_Static_assert(sizeof(void *) != 8 || sizeof(DLTensor) == 48, "DLTensor");

static inline void set_int(TVMFFIAny *result, int64_t value) {
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = value;
}

/* The tensor of an argument in CPU memory, or null. */
static inline const DLTensor *as_tensor(const TVMFFIAny *arg) {
  const DLTensor *tensor = 0;
  if (arg->v_ptr == 0) return 0;
  if (arg->type_index == kTVMFFIDLTensorPtr) {
    tensor = (const DLTensor *)arg->v_ptr;
  } else if (arg->type_index == kTVMFFITensor) {
    tensor = (const DLTensor *)((const char *)arg->v_ptr + sizeof(TVMFFIObject));
  }
  return tensor != 0 && tensor->device.device_type == kDLCPU ? tensor : 0;
}

/* Whether a tensor is dense and row-major. */
static inline int is_compact(const DLTensor *tensor) {
  int64_t stride = 1;
  if (tensor->strides == 0) return 1;
  for (int32_t i = tensor->ndim - 1; i >= 0; --i) {
    if (tensor->shape[i] != 1 && tensor->strides[i] != stride) return 0;
    stride *= tensor->shape[i];
  }
  return 1;
}

static inline int has_dtype(const DLTensor *tensor, int32_t dtype) {
  static const uint8_t codes[][2] = {{kDLFloat, 32}, {kDLFloat, 16}, {kDLInt, 8},
                                     {kDLUInt, 8},   {kDLInt, 32},   {kDLInt, 64}};
  return tensor->dtype.code == codes[dtype][0] && tensor->dtype.bits == codes[dtype][1] && tensor->dtype.lanes == 1;
}

/* The data of an argument that must be a compact tensor of that shape and dtype; 0 if it is not. */
static inline int tensor_data(const TVMFFIAny *arg, const tvm_mnv3_tensor *expected, void **data) {
  const DLTensor *tensor = as_tensor(arg);
  if (tensor == 0 || tensor->ndim != expected->ndim || !has_dtype(tensor, expected->dtype)) return 0;
  for (int32_t i = 0; i < tensor->ndim; ++i) {
    if (tensor->shape[i] != expected->shape[i]) return 0;
  }
  *data = (char *)tensor->data + tensor->byte_offset;
  return is_compact(tensor);
}

/* The data of an argument that must be a compact tensor of at least so many bytes; 0 if it is not. */
static inline int workspace_data(const TVMFFIAny *arg, size_t bytes, void **data) {
  const DLTensor *tensor = as_tensor(arg);
  if (tensor == 0 || !is_compact(tensor)) return 0;
  uint64_t size = (uint64_t)tensor->dtype.bits * tensor->dtype.lanes / 8;
  for (int32_t i = 0; i < tensor->ndim; ++i) size *= (uint64_t)tensor->shape[i];
  *data = (char *)tensor->data + tensor->byte_offset;
  return size >= bytes;
}

#endif
