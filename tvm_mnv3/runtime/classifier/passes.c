/* passes.c - see passes.h. */
#include "passes.h"

#include "lanes.h"

enum { FRACTION = 22, ONE = 1 << FRACTION };

int32_t mnv3_fixed(double weight) { return (int32_t)(weight * ONE + (weight < 0.0 ? -0.5 : 0.5)); }

void mnv3_quantize_weights(const double *weights, int32_t count, uint16_t *quantized) {
  int32_t rest = 65536, largest = 0;
  for (int32_t i = 0; i < count; ++i) {
    int32_t whole = (int32_t)(weights[i] * 65536.0 + 0.5);
    quantized[i] = (uint16_t)(whole > 65535 ? 65535 : whole);
    rest -= quantized[i];
    if (weights[i] > weights[largest]) largest = i;
  }
  /* The largest takes what the rounding left. A single weight of one stays 65535: the sums are rounded up as much. */
  int32_t corrected = quantized[largest] + rest;
  quantized[largest] = (uint16_t)(corrected > 65535 ? 65535 : corrected);
}

/* Each product is truncated to 1/256 of a level, by half of that on average, so the sums begin with as much: the error
 * is below taps / 512 of a level, and 255 levels still fit into 16 bits. */
void mnv3_begin_sums(uint16_t *sums, int32_t length, int32_t taps) {
  for (int32_t i = 0; i < length; ++i) sums[i] = (uint16_t)((taps + 1) / 2);
}

static uint16_t product(uint8_t byte, uint16_t weight) { return (uint16_t)((uint32_t)(byte << 8) * weight >> 16); }

void mnv3_add_rows(uint16_t *sums, const uint8_t *first, uint16_t first_weight, const uint8_t *second,
                   uint16_t second_weight, int32_t length) {
  lanes w1 = all_lanes(first_weight), w2 = all_lanes(second_weight);
  int32_t i = 0;
  for (; i + LANES <= length; i += LANES) {
    lanes both = add_lanes(upper_products(load_bytes(first + i), w1), upper_products(load_bytes(second + i), w2));
    store_lanes(sums + i, add_lanes(load_lanes(sums + i), both));
  }
  for (; i < length; ++i) {
    sums[i] = (uint16_t)(sums[i] + product(first[i], first_weight) + product(second[i], second_weight));
  }
}

void mnv3_widen_sums(const uint16_t *restrict sums, int32_t length, float *restrict row) {
  for (int32_t i = 0; i < length; ++i) row[i] = sums[i];
}

void mnv3_widen_bytes(const uint8_t *restrict bytes, int32_t length, int32_t *restrict row) {
  for (int32_t i = 0; i < length; ++i) row[i] = bytes[i];
}

void mnv3_weigh_row(int32_t *restrict sums, const uint8_t *restrict row, int32_t weight, int32_t length) {
  for (int32_t i = 0; i < length; ++i) sums[i] += weight * row[i];
}

void mnv3_interleave_sums(const uint16_t *restrict planes, int32_t pixels, float *restrict row) {
  for (int32_t i = 0; i < pixels; ++i) {
    for (int32_t channel = 0; channel < 3; ++channel) row[3 * i + channel] = planes[channel * pixels + i];
  }
}

void mnv3_interleave_bytes(const uint8_t *restrict planes, int32_t pixels, int32_t *restrict row) {
  for (int32_t i = 0; i < pixels; ++i) {
    for (int32_t channel = 0; channel < 3; ++channel) row[3 * i + channel] = planes[channel * pixels + i];
  }
}

void mnv3_round_sums(float *levels, int32_t length) {
  for (int32_t i = 0; i < length; ++i) {
    float cut = levels[i] < 0.0f ? 0.0f : levels[i] > 255.0f ? 255.0f : levels[i];
    levels[i] = (float)(int32_t)(cut + 0.5f);
  }
}

static int32_t level(int32_t sum) {
  int32_t rounded = (sum + ONE / 2) >> FRACTION;
  return rounded < 0 ? 0 : rounded > 255 ? 255 : rounded;
}

void mnv3_round_to_bytes(const int32_t *restrict sums, int32_t length, uint8_t *restrict bytes) {
  for (int32_t i = 0; i < length; ++i) bytes[i] = (uint8_t)level(sums[i]);
}

void mnv3_round_to_floats(const int32_t *restrict sums, int32_t length, float *restrict levels) {
  for (int32_t i = 0; i < length; ++i) levels[i] = (float)level(sums[i]);
}
