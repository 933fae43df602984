/* resize.c - see resize.h.
 *
 * Pillow resizes across, rounds to grey levels, then resizes down and rounds again. Bicubic is done just so: its filter
 * overshoots, and what the rounding cuts off is seen. Bilinear weights are never negative, so both steps may change
 * places: rounding moves a value by half a level at most, and a mean of such values no further. Down first is several
 * times faster, for it reads and adds whole rows.
 */
#include "resize.h"

#include "passes.h"

enum { ALIGNMENT = 64, MAX_TAPS = 500 /* whose rounding errors stay below half a level: passes.c */,
       NUMBER = 4 /* bytes of a float or an int32 */ };

/* Sizes of the memory's parts in bytes, in the order of the struct. */
typedef struct {
  int32_t most_taps, most_pixels;
  size_t across_weights, across_first, weights, row, sums, converted, ring;
} sizes;

static size_t rounded(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static int32_t even(int32_t count) { return (count + 1) / 2 * 2; }

static sizes sizes_for(const tvm_mnv3_picture *how, int32_t max_short_side) {
  /* The long side's scale is a little larger: its length after resizing is truncated. */
  double scale = (double)max_short_side / how->resize * (how->resize + 1) / how->resize;
  sizes s = {.most_taps = even(mnv3_most_taps(scale, how->interpolation))};
  s.most_pixels = (int32_t)((how->crop + 4) * (scale > 1.0 ? scale : 1.0)) + 8;
  size_t crop = (size_t)how->crop, most = (size_t)s.most_taps, pixels = (size_t)s.most_pixels;
  s.across_weights = rounded(crop * most * NUMBER);
  s.across_first = rounded(crop * sizeof(int32_t));
  s.weights = rounded(most * sizeof(double));
  s.row = rounded((4 * (pixels + most) + 4) * NUMBER); /* taps of no weight and loads of four may go beyond the last */
  int bicubic = how->interpolation == TVM_MNV3_BICUBIC;
  s.sums = rounded(bicubic ? 3 * crop * NUMBER : 4 * pixels * sizeof(uint16_t));
  s.converted = rounded(2 * 3 * pixels);
  s.ring = bicubic ? rounded(most * 3 * crop) : 0;
  return s;
}

size_t mnv3_resizer_size(const tvm_mnv3_picture *how, int32_t max_short_side) {
  if (how->resize < 1 || how->crop < 1 || how->resize > 4096 || how->crop > 4096) return 0;
  if (max_short_side < 1 || max_short_side > 65535) return 0;
  sizes s = sizes_for(how, max_short_side);
  if (s.most_taps > MAX_TAPS) return 0;
  return s.across_weights + s.across_first + s.weights + s.row + s.sums + s.converted + s.ring;
}

static void *cut(uint8_t **memory, size_t bytes) {
  void *part = *memory;
  *memory += bytes;
  return part;
}

void mnv3_resizer_init(resizer *r, const tvm_mnv3_picture *how, int32_t max_short_side, void *memory) {
  sizes s = sizes_for(how, max_short_side);
  uint8_t *rest = memory;
  *r = (resizer){.how = *how, .max_short_side = max_short_side};
  r->most_taps = s.most_taps;
  r->most_pixels = s.most_pixels;
  r->across_weights = cut(&rest, s.across_weights);
  r->across_first = cut(&rest, s.across_first);
  r->weights = cut(&rest, s.weights);
  r->row = cut(&rest, s.row);
  r->sums = cut(&rest, s.sums);
  r->converted = cut(&rest, s.converted);
  r->ring = cut(&rest, s.ring);
  for (size_t i = 0; i < s.row / NUMBER; ++i) ((int32_t *)r->row)[i] = 0;
}

/* Half of it, rounded to even as Python's round. */
static int64_t half(int64_t x) {
  int64_t down = x >= 0 ? x / 2 : -((1 - x) / 2);
  return down + (x - 2 * down == 1 && down % 2 != 0);
}

static void set_weight(const resizer *r, int32_t x, int32_t tap, double weight) {
  size_t at = (size_t)x * (size_t)r->most_taps + (size_t)tap;
  if (r->how.interpolation == TVM_MNV3_BICUBIC) {
    ((int32_t *)r->across_weights)[at] = mnv3_fixed(weight);
  } else {
    ((float *)r->across_weights)[at] = (float)(weight / 256.0); /* the sums' unit */
  }
}

/* The weights of all columns, and the part of a row that they need. */
static void weigh_columns(resizer *r) {
  int32_t end = 0;
  r->across_count = 0;
  for (int32_t x = r->begin; x < r->end; ++x) {
    taps taps = mnv3_find_taps(&r->across, r->left + x, r->weights);
    if (x == r->begin) r->first = taps.first;
    r->across_first[x] = taps.first - r->first;
    end = taps.first + taps.count;
    if (taps.count > r->across_count) r->across_count = even(taps.count);
    for (int32_t tap = 0; tap < r->most_taps; ++tap) set_weight(r, x, tap, tap < taps.count ? r->weights[tap] : 0.0);
  }
  r->pixels = end - r->first;
}

int32_t mnv3_resizer_begin(resizer *r, const picture *picture) {
  int32_t width = picture->width, height = picture->height, crop = r->how.crop;
  int32_t short_side = width < height ? width : height, long_side = width < height ? height : width;
  if (short_side > r->max_short_side) return TVM_MNV3_TOO_LARGE;
  int64_t other = (int64_t)((double)((int64_t)r->how.resize * long_side) / short_side); /* as torchvision's Resize */
  axis across = {width, width <= height ? r->how.resize : other, r->how.interpolation};
  axis down = {height, width <= height ? other : r->how.resize, r->how.interpolation};
  int same = r->across.in == across.in && r->down.in == down.in;
  r->picture = *picture;
  r->layout = mnv3_layout_of(picture->format);
  r->next_row = 0;
  if (same) return TVM_MNV3_OK; /* as of a camera's next frame: all that follows depends on the size alone */
  r->across = across;
  r->down = down;
  r->left = half(across.out - crop);
  r->top = half(down.out - crop);
  r->begin = r->left < 0 ? (int32_t)-r->left : 0;
  r->end = across.out - r->left < crop ? (int32_t)(across.out - r->left) : crop;
  weigh_columns(r);
  return TVM_MNV3_OK;
}

static int32_t step_of(const resizer *r) { return r->layout.step ? r->layout.step : 3; }

/* Two rows at a time may be asked for: `slot` 0 and 1. */
static const uint8_t *input_row(const resizer *r, int32_t y, int32_t slot) {
  return mnv3_read_row(&r->picture, y, r->first, r->pixels, r->converted + (size_t)slot * 3 * (size_t)r->most_pixels);
}

/* Weighs the rows of one output row into r->row. */
static void weigh_rows(resizer *r, taps down) {
  int32_t length = r->pixels * step_of(r);
  uint16_t weights[MAX_TAPS + 1];
  mnv3_quantize_weights(r->weights, down.count, weights);
  weights[down.count] = 0; /* an odd row is added with any other, whose weight is nothing */
  mnv3_begin_sums(r->sums, length, down.count);
  for (int32_t i = 0; i < down.count; i += 2) {
    const uint8_t *first = input_row(r, down.first + i, 0);
    const uint8_t *second = i + 1 < down.count ? input_row(r, down.first + i + 1, 1) : first;
    mnv3_add_rows(r->sums, first, weights[i], second, weights[i + 1], length);
  }
  if (r->layout.step) {
    mnv3_widen_sums(r->sums, length, r->row);
  } else {
    mnv3_interleave_sums(r->sums, r->pixels, r->row);
  }
}

/* The rows that the next output row will be the first to read. A camera's frame is seldom in a cache, and these loads
 * take as long as the sums; asked for while columns are computed, they cost little. */
typedef struct {
  const uint8_t *data; /* where the crop begins in the first of them */
  size_t stride;
  int32_t rows, bytes;
} rows_ahead;

static rows_ahead find_rows_ahead(const resizer *r, taps down) {
  int32_t next = down.first + down.count, left = r->down.in - next;
  int32_t rows = (int32_t)(r->down.in / r->down.out) + 1;
  int32_t bytes_per_pixel = r->layout.step ? r->layout.step : 1;
  if (left <= 0) return (rows_ahead){0};
  const uint8_t *row = r->picture.data + (size_t)next * r->picture.stride;
  return (rows_ahead){row + (size_t)r->first * (size_t)bytes_per_pixel, r->picture.stride, rows < left ? rows : left,
                      r->pixels * bytes_per_pixel};
}

/* Asks for the part of them that belongs to columns x to x + 3 of `crop`. */
static void fetch_rows_ahead(const rows_ahead *ahead, int32_t x, int32_t crop) {
  size_t begin = (size_t)x * (size_t)ahead->bytes / (size_t)crop;
  size_t end = (size_t)(x + 4 < crop ? x + 4 : crop) * (size_t)ahead->bytes / (size_t)crop;
  for (int32_t row = 0; row < ahead->rows; ++row) {
    for (size_t at = begin; at < end; at += 64) __builtin_prefetch(ahead->data + (size_t)row * ahead->stride + at);
  }
}

static void bilinear_row(resizer *r, taps down, float *planes) {
  int32_t crop = r->how.crop, step = step_of(r);
  rows_ahead ahead = find_rows_ahead(r, down);
  float *red = planes + r->layout.red * crop, *green = planes + crop, *blue = planes + r->layout.blue * crop;
  weigh_rows(r, down);
  for (int32_t i = 0; i < 3 * crop; ++i) planes[i] = 0.0f; /* columns beyond the picture are black */
  for (int32_t x = r->begin; x < r->end; ++x) {
    if (x % 4 == 0) fetch_rows_ahead(&ahead, x, crop);
    const float *weights = (const float *)r->across_weights + (size_t)x * (size_t)r->most_taps;
    const float *pixels = (const float *)r->row + (size_t)r->across_first[x] * (size_t)step;
    four_floats sum = mnv3_weigh_floats(pixels, step, weights, r->across_count);
    red[x] = sum[0];
    green[x] = sum[1];
    blue[x] = sum[2];
  }
  mnv3_round_sums(planes, 3 * crop);
}

/* Resizes input row y across, into its place in the ring. */
static void resize_across(resizer *r, int32_t y) {
  int32_t crop = r->how.crop, step = step_of(r), *sums = r->sums;
  int32_t *red = sums + r->layout.red * crop, *green = sums + crop, *blue = sums + r->layout.blue * crop;
  const uint8_t *row = input_row(r, y, 0);
  if (r->layout.step) {
    mnv3_widen_bytes(row, r->pixels * step, r->row);
  } else {
    mnv3_interleave_bytes(row, r->pixels, r->row);
  }
  for (int32_t i = 0; i < 3 * crop; ++i) sums[i] = 0;
  for (int32_t x = r->begin; x < r->end; ++x) {
    const int32_t *weights = (const int32_t *)r->across_weights + (size_t)x * (size_t)r->most_taps;
    const int32_t *pixels = (const int32_t *)r->row + (size_t)r->across_first[x] * (size_t)step;
    four_ints sum = mnv3_weigh_ints(pixels, step, weights, r->across_count);
    red[x] = sum[0];
    green[x] = sum[1];
    blue[x] = sum[2];
  }
  mnv3_round_to_bytes(sums, 3 * crop, r->ring + (size_t)(y % r->most_taps) * (size_t)(3 * crop));
}

static void bicubic_row(resizer *r, taps down, float *planes) {
  int32_t length = 3 * r->how.crop, *sums = r->sums;
  if (r->next_row < down.first) r->next_row = down.first;
  for (; r->next_row < down.first + down.count; ++r->next_row) resize_across(r, r->next_row);
  for (int32_t i = 0; i < length; ++i) sums[i] = 0;
  for (int32_t i = 0; i < down.count; ++i) {
    const uint8_t *row = r->ring + (size_t)((down.first + i) % r->most_taps) * (size_t)length;
    mnv3_weigh_row(sums, row, mnv3_fixed(r->weights[i]), length);
  }
  mnv3_round_to_floats(sums, length, planes);
}

void mnv3_resizer_row(resizer *r, int32_t y, float *planes) {
  int64_t at = r->top + y;
  if (at < 0 || at >= r->down.out) {
    for (int32_t i = 0; i < 3 * r->how.crop; ++i) planes[i] = 0.0f;
    return;
  }
  taps down = mnv3_find_taps(&r->down, at, r->weights);
  if (r->how.interpolation == TVM_MNV3_BICUBIC) {
    bicubic_row(r, down, planes);
  } else {
    bilinear_row(r, down, planes);
  }
}
