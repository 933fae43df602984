// host_symbols.h - the functions of the agent that a library may import, and the error that one of them records.
#ifndef TVM_MNV3_AGENT_HOST_SYMBOLS_H
#define TVM_MNV3_AGENT_HOST_SYMBOLS_H

#include <string>

namespace agent {

// The address of a function by its C name, or null.
void *host_symbol(const char *name);

// What a kernel said before it failed, once; empty if it said nothing.
std::string take_kernel_error();

}  // namespace agent

#endif
