/* scores.c - see scores.h. */
#include "scores.h"

#include "../exponential.h"

static float logit(const float *logits, int32_t index) {
  return logits[index] == logits[index] ? logits[index] : -__builtin_inff();
}

/* Puts the class in its place among the `found` ones; returns how many there are then. */
static int32_t insert(tvm_mnv3_result *results, int32_t found, int32_t count, int32_t index, float score) {
  int32_t place = found;
  while (place > 0 && score > results[place - 1].score) --place;
  if (place == count) return found;
  if (found < count) ++found;
  for (int32_t i = found - 1; i > place; --i) results[i] = results[i - 1];
  results[place] = (tvm_mnv3_result){index, score, 0};
  return found;
}

void mnv3_find_best(const float *logits, int32_t classes, tvm_mnv3_result *results, int32_t count) {
  int32_t found = 0;
  for (int32_t i = 0; i < classes; ++i) found = insert(results, found, count, i, logit(logits, i));
  double highest = results[0].score, sum = 0.0;
  for (int32_t i = 0; i < classes; ++i) {
    double below = logit(logits, i) - highest;
    sum += below == below ? exponential(below) : 1.0; /* the difference of equal infinities is no number */
  }
  for (int32_t i = 0; i < found; ++i) {
    double below = results[i].score - highest;
    results[i].score = (float)((below == below ? exponential(below) : 1.0) / sum);
  }
  for (int32_t i = found; i < count; ++i) results[i] = (tvm_mnv3_result){-1, 0.0f, 0};
}
