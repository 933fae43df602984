/* filter.h - the weights of an antialiased resize along one axis, as Pillow's (Resample.c). */
#ifndef TVM_MNV3_FILTER_H
#define TVM_MNV3_FILTER_H

#include <stdint.h>

/* One axis of a picture that is resized as a whole, from `in` to `out` pixels. */
typedef struct {
  int32_t in;
  int64_t out;
  int32_t interpolation;
} axis;

/* The pixels first to first + count - 1 make an output pixel. */
typedef struct {
  int32_t first;
  int32_t count;
} taps;

/* The weights of output pixel `at`: at most most_taps of them, their sum is 1. */
taps mnv3_find_taps(const axis *axis, int64_t at, double *weights);

/* How many taps an output pixel has at most, where the input is `scale` times as long. */
int32_t mnv3_most_taps(double scale, int32_t interpolation);

#endif
