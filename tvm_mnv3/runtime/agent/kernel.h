// kernel.h - a function of a library, as TVM compiles it.
#ifndef TVM_MNV3_AGENT_KERNEL_H
#define TVM_MNV3_AGENT_KERNEL_H

#include "object.h"

namespace agent {

// The C signature behind `__tvm_ffi_NAME`.
using KernelFunction = int (*)(void *self, const TVMFFIAny *arguments, int32_t count, TVMFFIAny *result);

// The kernel `name` of a library, or null.
KernelFunction find_kernel(const Library &library, const std::string &name);

// Calls it; the result is none or a number.
Error call_kernel(KernelFunction kernel, const Arguments &arguments, Answer *answer);

class Kernel : public Object {
 public:
  explicit Kernel(KernelFunction function) : function_(function) {}
  Error call(const Arguments &arguments, Answer *answer) override { return call_kernel(function_, arguments, answer); }

 private:
  KernelFunction function_;
};

}  // namespace agent

#endif
