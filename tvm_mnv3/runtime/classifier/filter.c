/* filter.c - see filter.h. */
#include "filter.h"

#include "../tvm_mnv3.h"

/* Half the width of the filter in pixels of the coarser side. */
static double radius(int32_t interpolation) { return interpolation == TVM_MNV3_BICUBIC ? 2.0 : 1.0; }

static double triangle(double x) { return x < 1.0 ? 1.0 - x : 0.0; }

/* Keys' cubic with a = -0.5. */
static double cubic(double x) {
  if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1.0;
  return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

taps mnv3_find_taps(const axis *axis, int64_t at, double *weights) {
  double scale = (double)axis->in / (double)axis->out, stretch = scale > 1.0 ? scale : 1.0;
  double reach = radius(axis->interpolation) * stretch, centre = ((double)at + 0.5) * scale;
  double begin = centre - reach + 0.5, end = centre + reach + 0.5;
  int32_t first = begin < 0.0 ? 0 : (int32_t)begin;
  int32_t count = (end > axis->in ? axis->in : (int32_t)end) - first;
  double sum = 0.0;
  for (int32_t i = 0; i < count; ++i) {
    double x = (first + i - centre + 0.5) / stretch, size = x < 0.0 ? -x : x;
    double weight = axis->interpolation == TVM_MNV3_BICUBIC ? cubic(size) : triangle(size);
    weights[i] = weight;
    sum += weight;
  }
  for (int32_t i = 0; i < count; ++i) weights[i] /= sum;
  return (taps){first, count};
}

int32_t mnv3_most_taps(double scale, int32_t interpolation) {
  return 2 * (int32_t)(radius(interpolation) * (scale > 1.0 ? scale : 1.0) + 1.0) + 1;
}
