/* resize.h - the crop of a resized picture, row by row, to within one grey level of Pillow's. */
#ifndef TVM_MNV3_RESIZE_H
#define TVM_MNV3_RESIZE_H

#include "filter.h"
#include "rows.h"

typedef struct {
  /* Set once. */
  tvm_mnv3_picture how;
  int32_t max_short_side;
  int32_t most_taps;   /* of an output pixel */
  int32_t most_pixels; /* of an input row that the crop depends on */
  /* Memory, in one piece. Numbers are float for bilinear, int32 for bicubic. */
  void *across_weights;  /* crop x most_taps numbers */
  int32_t *across_first; /* crop */
  double *weights;       /* most_taps */
  void *row;             /* numbers: pixels side by side, 4 each at most */
  void *sums;            /* bilinear: the same as uint16 before it is widened; bicubic: 3 crop numbers */
  uint8_t *converted;    /* two rows in three planes */
  uint8_t *ring;         /* bicubic: rows that are resized across, most_taps x 3 crop */
  /* Of the picture at work. */
  picture picture;
  row_layout layout;
  axis across, down;
  int64_t left, top;     /* the crop's corner in the resized picture; negative: it begins beyond it */
  int32_t begin, end;    /* the crop's columns that lie in the picture */
  int32_t first, pixels; /* of an input row: what these columns depend on */
  int32_t across_count;  /* taps of every column: those with fewer have weights of zero behind */
  int32_t next_row;      /* bicubic: the first row that is not yet in the ring */
} resizer;

/* Bytes of memory for pictures up to that short side; 0: out of range. */
size_t mnv3_resizer_size(const tvm_mnv3_picture *how, int32_t max_short_side);

/* Sets up a resizer in such memory, which is aligned to 64 bytes. */
void mnv3_resizer_init(resizer *resizer, const tvm_mnv3_picture *how, int32_t max_short_side, void *memory);

/* Begins a picture: a status. */
int32_t mnv3_resizer_begin(resizer *resizer, const picture *picture);

/* Row y of the crop: red, green and blue, `crop` whole numbers from 0 to 255 each. Rows come in order, each once. */
void mnv3_resizer_row(resizer *resizer, int32_t y, float *planes);

#endif
