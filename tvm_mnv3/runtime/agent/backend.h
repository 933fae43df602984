// backend.h - what kernels made by TVM call at run time: workspace memory and threads (tvm/runtime/base.h).
#ifndef TVM_MNV3_AGENT_BACKEND_H
#define TVM_MNV3_AGENT_BACKEND_H

namespace agent {

class Library;

// How many threads a kernel that asks for "all of them" gets, the caller's included; 1 at first.
void set_kernel_threads(int threads);

// Fills in the slots of a library (__TVMBackendAllocWorkspace and its kin), where it has them.
void connect_backend(const Library &library);

}  // namespace agent

#endif
