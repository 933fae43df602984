// core_names.h - what the numbers in /proc/cpuinfo mean.
#ifndef TVM_MNV3_AGENT_CORE_NAMES_H
#define TVM_MNV3_AGENT_CORE_NAMES_H

#include <string>

namespace agent {

// The name of a core, as compilers spell it ("cortex-a76"), from its implementer and part ("0x41", "0xd0b").
std::string core_name(const std::string &implementer, const std::string &part);

}  // namespace agent

#endif
