/* exponential.h - e^x in double, to a float's precision, without a libm. */
#ifndef TVM_MNV3_EXPONENTIAL_H
#define TVM_MNV3_EXPONENTIAL_H

#include <stdint.h>

static inline double power_of_two(int64_t exponent) { /* for -1022 <= exponent <= 1023 */
  union { uint64_t bits; double value; } u = {(uint64_t)(exponent + 1023) << 52};
  return u.value;
}

/* e^x as 2^n e^r with |r| <= ln(2)/2, and Taylor's polynomial of degree 10 for e^r: its remainder is below
 * 0.347^11 / 11! = 3e-13. What a float cannot tell from infinity or 0 is cut off before. x is no NaN. */
static inline double exponential(double x) {
  const double ln2 = 0.693147180559945309417, log2_e = 1.44269504088896340736;
  if (x > 128.0) return (double)__builtin_inff();
  if (x < -128.0) return 0.0;
  double scaled = x * log2_e;
  int64_t n = (int64_t)(scaled + (scaled < 0.0 ? -0.5 : 0.5));
  double r = x - (double)n * ln2;
  double sum = 1.0;
  for (int k = 10; k > 0; --k) sum = 1.0 + sum * r / k;
  return sum * power_of_two(n);
}

#endif
