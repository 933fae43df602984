/* apply.c - calls a function of math.c on many numbers, for a test in Python. */
#include <stddef.h>
#include <stdint.h>

#define API __attribute__((visibility("default")))
#define FOR_ALL(NAME)                                                 \
  float NAME(float x);                                                \
  API void apply_##NAME(const float *x, float *y, size_t count) {     \
    for (size_t i = 0; i < count; ++i) y[i] = NAME(x[i]);             \
  }

FOR_ALL(expf)
FOR_ALL(logf)
FOR_ALL(tanhf)
FOR_ALL(erff)
FOR_ALL(truncf)
FOR_ALL(floorf)
FOR_ALL(ceilf)
FOR_ALL(roundf)
FOR_ALL(rintf)
FOR_ALL(nearbyintf)

float powf(float x, float y);
API void apply_powf(const float *x, const float *y, float *z, size_t count) {
  for (size_t i = 0; i < count; ++i) z[i] = powf(x[i], y[i]);
}
