/* doubler.h - the header that a bundle of the model in doubler.c has. */
#ifndef DOUBLER_H
#define DOUBLER_H

#include "tvm_mnv3.h"

size_t doubler_context_size(void);
int32_t doubler_run(void *context, const void *const *inputs, void *const *outputs, const tvm_mnv3_parallel *parallel);
const tvm_mnv3_model *doubler_model(void);

#endif
