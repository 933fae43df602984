// kernel.cc - calls functions of a library by TVM FFI's convention.
#include "kernel.h"

#include "host_symbols.h"
#include "protocol.h"

namespace agent {

KernelFunction find_kernel(const Library &library, const std::string &name) {
  return reinterpret_cast<KernelFunction>(library.find("__tvm_ffi_" + name));
}

Error call_kernel(KernelFunction kernel, const Arguments &arguments, Answer *answer) {
  TVMFFIAny result{};
  int status = kernel(nullptr, arguments.values(), static_cast<int32_t>(arguments.count()), &result);
  if (status != 0) {
    std::string said = take_kernel_error();
    return said.empty() ? "the kernel failed with status " + to_text(status) : said;
  }
  if (result.type_index > kTypeFloat) {
    return "the kernel returned a value of type " + to_text(result.type_index) + "; only numbers can be sent";
  }
  answer->type = result.type_index;
  answer->number = result.v_int64;
  return {};
}

}  // namespace agent
