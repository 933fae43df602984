/* rows.h - an app's picture, checked, and its rows. */
#ifndef TVM_MNV3_ROWS_H
#define TVM_MNV3_ROWS_H

#include "../classifier.h"

/* A picture whose every pixel may be read. */
typedef struct {
  int32_t format;
  int32_t width, height;
  const uint8_t *data, *chroma;
  size_t stride, chroma_stride;
} picture;

/* Checks what the app gave: a status. */
int32_t mnv3_check_pixels(const tvm_mnv3_pixels *pixels, picture *checked);

/* How a row's bytes lie. */
typedef struct {
  int32_t step;    /* bytes from a pixel to the next, where the channels lie side by side; 0: three planes */
  int32_t red, blue; /* the places of these channels; green is in the middle */
} row_layout;

row_layout mnv3_layout_of(int32_t format);

/* The bytes of pixels first to first + count - 1 of row y: the app's own, or converted into `buffer`, 3 count bytes. */
const uint8_t *mnv3_read_row(const picture *picture, int32_t y, int32_t first, int32_t count, uint8_t *buffer);

#endif
