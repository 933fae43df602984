/* passes.h - the loops of the resize, which take nearly all of its time: each over one row, written so that a compiler
 * makes vector instructions of it (NEON, SSE2, or what it is told the machine has). */
#ifndef TVM_MNV3_PASSES_H
#define TVM_MNV3_PASSES_H

#include <stdint.h>

/* Four numbers, at any address that one may have. */
typedef float four_floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t four_ints __attribute__((vector_size(16), aligned(4), may_alias));

/* --- Bilinear: weights are never negative. */

/* Weights in units of 2^-16, whose sum is one. */
void mnv3_quantize_weights(const double *weights, int32_t count, uint16_t *quantized);

/* Sums of weighted bytes in units of 2^-8: begun, two rows added to them, and widened to float. */
void mnv3_begin_sums(uint16_t *sums, int32_t length, int32_t taps);
void mnv3_add_rows(uint16_t *sums, const uint8_t *first, uint16_t first_weight, const uint8_t *second,
                   uint16_t second_weight, int32_t length);
void mnv3_widen_sums(const uint16_t *sums, int32_t length, float *row);

/* From three planes of `pixels` each to pixels of three numbers side by side. */
void mnv3_interleave_sums(const uint16_t *planes, int32_t pixels, float *row);

/* The weighted sum of an even `count` of pixels that lie `step` numbers apart; the first three numbers of it matter.
 * The count is the same for all columns: a loop's end that cannot be foreseen costs as much as the loop. */
static inline four_floats mnv3_weigh_floats(const float *pixels, int32_t step, const float *weights, int32_t count) {
  four_floats even = {0.0f, 0.0f, 0.0f, 0.0f}, odd = even; /* two sums: an addition need not wait for the one before */
  for (int32_t i = 0; i < count; i += 2, pixels += 2 * step) {
    even += *(const four_floats *)pixels * weights[i];
    odd += *(const four_floats *)(pixels + step) * weights[i + 1];
  }
  return even + odd;
}

/* Rounded to whole levels from 0 to 255, in place. */
void mnv3_round_sums(float *levels, int32_t length);

/* --- Bicubic: Pillow's own arithmetic, weights and sums in units of 2^-22. */

int32_t mnv3_fixed(double weight);

void mnv3_widen_bytes(const uint8_t *bytes, int32_t length, int32_t *row);
void mnv3_interleave_bytes(const uint8_t *planes, int32_t pixels, int32_t *row);

/* As of floats. */
static inline four_ints mnv3_weigh_ints(const int32_t *pixels, int32_t step, const int32_t *weights, int32_t count) {
  four_ints sum = {0, 0, 0, 0};
  for (int32_t i = 0; i < count; ++i, pixels += step) sum += *(const four_ints *)pixels * weights[i];
  return sum;
}

void mnv3_weigh_row(int32_t *sums, const uint8_t *row, int32_t weight, int32_t length);

/* Rounded to whole levels from 0 to 255. */
void mnv3_round_to_bytes(const int32_t *sums, int32_t length, uint8_t *bytes);
void mnv3_round_to_floats(const int32_t *sums, int32_t length, float *levels);

#endif
