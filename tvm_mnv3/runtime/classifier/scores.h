/* scores.h - from a classifier's logits to its best classes. */
#ifndef TVM_MNV3_SCORES_H
#define TVM_MNV3_SCORES_H

#include "../classifier.h"

/* Finds the `count` best of `classes` logits, with their softmax; what there is too much of gets index -1. A logit that
 * is no number counts as the lowest. Labels are left to the caller. */
void mnv3_find_best(const float *logits, int32_t classes, tvm_mnv3_result *results, int32_t count);

#endif
