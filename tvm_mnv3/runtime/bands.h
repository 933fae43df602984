/* bands.h - one bottleneck by bands of rows, for a generated driver.
 *
 * Expansion, depthwise convolution and projection take turns: the rows that a band of the depthwise output needs are
 * expanded, then the band itself is computed, then its pixels are projected. The wide tensors between them never exist
 * as a whole: two windows hold the rows that are in use, small enough for the second-level cache.
 *
 * Kernels know nothing of it. Each does any range of its tasks, and finds its rows in a window because the window's
 * address is shifted by the rows that come before it ("origin" below). The tasks of a bottleneck are ranges of rows, each
 * with windows of its own while it runs (slots.h), so that tasks need not wait for each other; the rows around a range are
 * expanded twice.
 */
#ifndef TVM_MNV3_BANDS_H
#define TVM_MNV3_BANDS_H

#include <stddef.h>
#include <stdint.h>

void *memmove(void *to, const void *from, size_t size);

/* Sizes of one bottleneck; pixels and rows are counted in whole pictures, bytes say so. */
typedef struct {
  int32_t height, width, out_height, out_width; /* of the depthwise input and output */
  int32_t kernel, stride, padding;              /* of the depthwise convolution; padding is that of the upper edge */
  int32_t band;                                 /* rows of the depthwise output that are computed at a time */
  int32_t expand_tile, expand_tiles;            /* pixels of a tile, and tiles of the picture; no tiles: no expansion */
  int32_t project_tile, project_tiles;
  int32_t wide_pixel, deep_pixel;               /* bytes of a pixel of the depthwise input and output */
  int32_t wide_origin, deep_origin;             /* where in a task's windows the first row of a band begins, in bytes */
} bands_sizes;

/* The kernels, with everything but the windows bound. `wide` and `deep` are addresses of row 0, wherever that would be. */
typedef struct {
  void (*expand)(const void *state, uintptr_t wide, int32_t first_tile, int32_t end_tile);
  void (*depthwise)(const void *state, uintptr_t wide, uintptr_t deep, int32_t first_row, int32_t end_row);
  void (*project)(const void *state, uintptr_t deep, int32_t first_tile, int32_t end_tile);
} bands_kernels;

static inline int32_t bands_least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Rows `first` to `end` of the depthwise output. A task's first and last pixel begin and end a tile of the projection. */
static void bands_rows(const bands_sizes *s, const bands_kernels *kernels, const void *state, uint8_t *windows,
                       int32_t first, int32_t end) {
  uint8_t *wide = windows + s->wide_origin, *deep = windows + s->deep_origin;
  const int32_t wide_row = s->width * s->wide_pixel, deep_row = s->out_width * s->deep_pixel;
  int32_t origin = first * s->stride - s->padding; /* the row at `wide` */
  if (origin < 0) origin = 0;
  int32_t expanded = s->expand_tiles ? origin * s->width / s->expand_tile : 0; /* tiles; whole ones before them */
  int32_t projected = first * s->out_width / s->project_tile;
  for (int32_t row = first, stop; row < end; row = stop) {
    const int32_t bands = (end - row + s->band - 1) / s->band; /* the rest of the rows, in about equal ones */
    stop = row + (end - row + bands - 1) / bands;
    int32_t from = row * s->stride - s->padding; /* the rows needed: from .. until */
    int32_t until = bands_least((stop - 1) * s->stride - s->padding + s->kernel, s->height);
    if (from > origin && s->expand_tiles) {
      const int32_t kept = expanded * s->expand_tile - from * s->width;
      memmove(wide, wide + (size_t)(from - origin) * (size_t)wide_row, (size_t)kept * (size_t)s->wide_pixel);
      origin = from;
    }
    const uintptr_t wide_zero = (uintptr_t)wide - (uintptr_t)origin * (uintptr_t)wide_row;
    if (s->expand_tiles) {
      const int32_t tiles = bands_least((until * s->width + s->expand_tile - 1) / s->expand_tile, s->expand_tiles);
      if (tiles > expanded) kernels->expand(state, wide_zero, expanded, tiles);
      expanded = tiles;
    }
    const uintptr_t deep_zero = (uintptr_t)deep - (uintptr_t)row * (uintptr_t)deep_row;
    kernels->depthwise(state, wide_zero, deep_zero, row, stop);
    const int32_t whole = stop * s->out_width / s->project_tile;
    const int32_t tiles = stop == s->out_height ? s->project_tiles : whole;
    if (tiles > projected) kernels->project(state, deep_zero, projected, tiles);
    projected = tiles;
    /* Pixels that fill no tile yet wait before the next band's. */
    const int32_t left = stop * s->out_width - whole * s->project_tile;
    const size_t left_bytes = (size_t)left * (size_t)s->deep_pixel;
    memmove(deep - left_bytes, deep + (size_t)(stop - row) * (size_t)deep_row - left_bytes, left_bytes);
  }
}

#endif
