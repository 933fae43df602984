/* lanes.h - registers of 16-bit numbers, for what compilers do not find by themselves: LANES of them in each. */
#ifndef TVM_MNV3_LANES_H
#define TVM_MNV3_LANES_H

#include <stdint.h>

#if defined(__AVX2__)

#include <immintrin.h>

enum { LANES = 16 };
typedef __m256i lanes;

static inline lanes load_lanes(const uint16_t *from) { return _mm256_loadu_si256((const __m256i *)from); }
static inline void store_lanes(uint16_t *to, lanes x) { _mm256_storeu_si256((__m256i *)to, x); }
static inline lanes all_lanes(uint16_t x) { return _mm256_set1_epi16((short)x); }
static inline lanes add_lanes(lanes x, lanes y) { return _mm256_add_epi16(x, y); }

/* LANES bytes, each times 256. */
static inline lanes load_bytes(const uint8_t *from) {
  return _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from)), 8);
}

/* The upper halves of the products. */
static inline lanes upper_products(lanes x, lanes y) { return _mm256_mulhi_epu16(x, y); }

#elif defined(__SSE2__)

#include <emmintrin.h>

enum { LANES = 8 };
typedef __m128i lanes;

static inline lanes load_lanes(const uint16_t *from) { return _mm_loadu_si128((const __m128i *)from); }
static inline void store_lanes(uint16_t *to, lanes x) { _mm_storeu_si128((__m128i *)to, x); }
static inline lanes all_lanes(uint16_t x) { return _mm_set1_epi16((short)x); }
static inline lanes add_lanes(lanes x, lanes y) { return _mm_add_epi16(x, y); }

static inline lanes load_bytes(const uint8_t *from) {
  return _mm_unpacklo_epi8(_mm_setzero_si128(), _mm_loadl_epi64((const __m128i *)from));
}

static inline lanes upper_products(lanes x, lanes y) { return _mm_mulhi_epu16(x, y); }

#elif defined(__aarch64__)

#include <arm_neon.h>

enum { LANES = 8 };
typedef uint16x8_t lanes;

static inline lanes load_lanes(const uint16_t *from) { return vld1q_u16(from); }
static inline void store_lanes(uint16_t *to, lanes x) { vst1q_u16(to, x); }
static inline lanes all_lanes(uint16_t x) { return vdupq_n_u16(x); }
static inline lanes add_lanes(lanes x, lanes y) { return vaddq_u16(x, y); }

static inline lanes load_bytes(const uint8_t *from) { return vshll_n_u8(vld1_u8(from), 8); }

static inline lanes upper_products(lanes x, lanes y) {
  uint32x4_t low = vmull_u16(vget_low_u16(x), vget_low_u16(y)), high = vmull_high_u16(x, y);
  return vuzp2q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high));
}

#else
#error "the resize knows the vectors of x86-64 and 64-bit ARM only"
#endif

#endif
