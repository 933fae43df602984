/* math.c - the float functions that TVM's kernels call by name, for a library without a libm.
 *
 * The transcendental ones are computed in double from a series whose remainder is stated, and rounded once, so they
 * are within 1 ulp of the true value (tests/runtime/test_math.py measures it). Special values are those of C99, annex
 * F. No errno, no exception flags, no state. Contraction is off so that every machine gives the same bits.
 */
#include <stdint.h>

#pragma STDC FP_CONTRACT OFF

#include "exponential.h" /* under that pragma */

float expf(float x);
float logf(float x);
float powf(float x, float y);
float tanhf(float x);
float erff(float x);
float truncf(float x);
float floorf(float x);
float ceilf(float x);
float roundf(float x);
float rintf(float x);
float nearbyintf(float x);

#define INFINITE ((double)__builtin_inff())
#define NOT_A_NUMBER __builtin_nanf("")

static const double LN2 = 0.693147180559945309417;
static const double TWO_OVER_SQRT_PI = 1.12837916709551257390;

static int is_nan(double x) { return x != x; }

/* log(x) of a positive, finite x as log(m) + n log(2) with sqrt(1/2) <= m < sqrt(2), and
 * log(m) = 2 artanh(s), s = (m - 1) / (m + 1), |s| <= 0.172: ten terms of the series leave 0.172^21 / 21 = 4e-18. */
static double logarithm(double x) {
  union { double value; uint64_t bits; } u = {x};
  int64_t n = (int64_t)(u.bits >> 52) - 1023;
  u.bits = (u.bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  double m = u.value;
  if (m > 1.41421356237309505) {
    m *= 0.5;
    n += 1;
  }
  double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
  for (int k = 19; k > 0; k -= 2) sum = 1.0 / k + square * sum;
  return 2.0 * s * sum + (double)n * LN2;
}

float expf(float x) { return is_nan(x) ? x : (float)exponential(x); }

float logf(float x) {
  if (is_nan(x) || x == INFINITE) return x;
  if (x == 0.0f) return (float)-INFINITE;
  return x < 0.0f ? NOT_A_NUMBER : (float)logarithm(x); /* every float, subnormals too, is a normal double */
}

/* 0: y is no integer; 1: odd; 2: even (every float from 2^24 on is an even integer, and so are the infinities here) */
static int parity(double y) {
  double size = y < 0.0 ? -y : y;
  if (size >= 16777216.0) return 2;
  int64_t whole = (int64_t)size;
  if ((double)whole != size) return 0;
  return whole & 1 ? 1 : 2;
}

float powf(float x, float y) {
  if (y == 0.0f || x == 1.0f) return 1.0f;
  if (is_nan(x) || is_nan(y)) return x + y;
  double size = x < 0.0f ? -(double)x : (double)x;
  if (size == 1.0 && (y == INFINITE || y == -INFINITE)) return 1.0f;
  int of_y = parity(y);
  if (x < 0.0f && x != -INFINITE && of_y == 0) return NOT_A_NUMBER;
  union { float value; uint32_t bits; } sign_of = {x};
  double sign = of_y == 1 && sign_of.bits >> 31 ? -1.0 : 1.0;
  double result;
  if (size == 0.0) {
    result = y < 0.0f ? INFINITE : 0.0;
  } else if (size == INFINITE) {
    result = y < 0.0f ? 0.0 : INFINITE;
  } else {
    result = exponential((double)y * logarithm(size));
  }
  return (float)(sign * result);
}

/* (e^2x - 1) / (e^2x + 1); near 0, where e^2x - 1 would lose digits, the first two terms of the series: the third,
 * 2/15 x^5, is beyond a float's digits there. */
float tanhf(float x) {
  if (is_nan(x)) return x;
  if (x > 20.0f) return 1.0f;
  if (x < -20.0f) return -1.0f;
  double wide = x;
  if (x < 0.001f && x > -0.001f) return (float)(wide * (1.0 - wide * wide / 3.0));
  double e = exponential(2.0 * wide);
  return (float)((e - 1.0) / (e + 1.0));
}

/* erf(x) = 2/sqrt(pi) e^(-x^2) sum over n of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): every term has the same sign, so
 * nothing cancels (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6). From 4 on, a float's erf is 1. */
float erff(float x) {
  if (is_nan(x) || x == 0.0f) return x;
  double size = x < 0.0f ? -(double)x : (double)x, erf = 1.0;
  if (size < 4.0) {
    double term = size, sum = size;
    for (int odd = 3; term > sum * 1e-12; odd += 2) {
      term *= 2.0 * size * size / odd;
      sum += term;
    }
    erf = TWO_OVER_SQRT_PI * exponential(-size * size) * sum;
  }
  return (float)(x < 0.0f ? -erf : erf);
}

/* Rounding to whole numbers. Exact; zero keeps its sign. Cores that round in one instruction never call these,
 * x86-64 without SSE4.1 does. */

static float with_sign_of(float size, float sign) {
  union { float value; uint32_t bits; } s = {size}, of = {sign};
  s.bits = (s.bits & 0x7fffffffu) | (of.bits & 0x80000000u);
  return s.value;
}

/* From 2^23 on every float is a whole number; NaN and the infinities count as whole, too. */
static int is_whole(float x) { return !(x < 8388608.0f && x > -8388608.0f); }

float truncf(float x) { return is_whole(x) ? x : with_sign_of((float)(int32_t)x, x); }

float floorf(float x) {
  float whole = truncf(x);
  return whole > x ? whole - 1.0f : whole;
}

float ceilf(float x) {
  float whole = truncf(x);
  return whole < x ? with_sign_of(whole + 1.0f, x) : whole;
}

float roundf(float x) { /* halves away from zero */
  float whole = truncf(x);
  float rest = x - whole; /* exact */
  if (rest >= 0.5f) return whole + 1.0f;
  return rest <= -0.5f ? whole - 1.0f : whole;
}

float rintf(float x) { /* halves to even, the default rounding mode: 2^23 pushes the fraction out */
  if (is_whole(x)) return x;
  float size = with_sign_of(x, 1.0f);
  return with_sign_of((size + 8388608.0f) - 8388608.0f, x);
}

float nearbyintf(float x) { return rintf(x); }
