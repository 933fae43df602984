// random_fill.h - contents for tensors that are measured and whose values do not matter.
#ifndef TVM_MNV3_AGENT_RANDOM_FILL_H
#define TVM_MNV3_AGENT_RANDOM_FILL_H

#include "arguments.h"

namespace agent {

// Fills a tensor of floats (16, 32 or 64 bits) with numbers from 1 to 10, of integers with 1 to 9: never zero, denormal
// or huge, which some cores are slower on. The same sequence in every session.
Error random_fill(const Tensor &tensor);

}  // namespace agent

#endif
