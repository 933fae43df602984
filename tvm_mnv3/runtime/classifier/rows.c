/* rows.c - see rows.h. */
#include "rows.h"

static size_t bytes_per_pixel(int32_t format) {
  if (format == TVM_MNV3_NV21) return 1; /* of Y */
  return format == TVM_MNV3_RGBA || format == TVM_MNV3_BGRA ? 4 : 3;
}

/* Whether `rows` rows of `row` bytes fit: every row but the last takes a whole stride. Divided, not multiplied, for a
 * product may not fit into 64 bits. */
static int32_t check_plane(size_t row, size_t rows, size_t stride, size_t size) {
  if (stride < row) return TVM_MNV3_SHORT_STRIDE;
  if (size < row || (rows > 1 && (size - row) / (rows - 1) < stride)) return TVM_MNV3_SHORT_BUFFER;
  return TVM_MNV3_OK;
}

static int32_t check_chroma(const tvm_mnv3_pixels *pixels, picture *checked) {
  size_t row = ((size_t)pixels->width + 1) / 2 * 2, rows = ((size_t)pixels->height + 1) / 2, size = pixels->chroma_size;
  checked->chroma = pixels->chroma;
  checked->chroma_stride = pixels->chroma_stride ? pixels->chroma_stride : row;
  if (!pixels->chroma) {
    /* The last row of Y takes a whole stride, too. The product cannot overflow: the rows before it fit. */
    size_t before = (size_t)pixels->height * checked->stride;
    if (before > pixels->size) return TVM_MNV3_SHORT_BUFFER;
    checked->chroma = pixels->data + before;
    checked->chroma_stride = pixels->stride ? pixels->stride : row;
    size = pixels->size - before;
  }
  return check_plane(row, rows, checked->chroma_stride, size);
}

int32_t mnv3_check_pixels(const tvm_mnv3_pixels *pixels, picture *checked) {
  if (!pixels) return TVM_MNV3_NULL_POINTER;
  if (pixels->struct_size != sizeof *pixels) return TVM_MNV3_BAD_STRUCT;
  if (pixels->format < TVM_MNV3_RGB || pixels->format > TVM_MNV3_NV21) return TVM_MNV3_UNKNOWN_FORMAT;
  if (pixels->width < 1 || pixels->height < 1) return TVM_MNV3_BAD_SIZE;
  if (!pixels->data) return TVM_MNV3_NULL_POINTER;
  size_t row = (size_t)pixels->width * bytes_per_pixel(pixels->format);
  *checked = (picture){.format = pixels->format,
                       .width = pixels->width,
                       .height = pixels->height,
                       .data = pixels->data,
                       .stride = pixels->stride ? pixels->stride : row};
  int32_t status = check_plane(row, (size_t)pixels->height, checked->stride, pixels->size);
  if (status != TVM_MNV3_OK || pixels->format != TVM_MNV3_NV21) return status;
  return check_chroma(pixels, checked);
}

row_layout mnv3_layout_of(int32_t format) {
  switch (format) {
    case TVM_MNV3_RGB: return (row_layout){3, 0, 2};
    case TVM_MNV3_BGR: return (row_layout){3, 2, 0};
    case TVM_MNV3_RGBA: return (row_layout){4, 0, 2};
    case TVM_MNV3_BGRA: return (row_layout){4, 2, 0};
    default: return (row_layout){0, 0, 2};
  }
}

/* BT.601, full range: R = Y + 1.402 V', G = Y - 0.344136 U' - 0.714136 V', B = Y + 1.772 U' (ITU-T T.871), in units of
 * 2^-6, rounded: what the coefficients lose is 0.3 of a level at most. Sixteen bits hold it all: -16320 to 32640. */
static void convert_pixels(const uint8_t *restrict y, const int16_t *restrict chroma, int32_t count,
                           uint8_t *restrict channel) {
  for (int32_t i = 0; i < count; ++i) {
    int16_t sum = (int16_t)(y[i] + ((int16_t)(chroma[i] + 32) >> 6));
    sum = sum < 0 ? 0 : sum;
    channel[i] = (uint8_t)(sum > 255 ? 255 : sum);
  }
}

enum { BLOCK = 256 /* pixels, an even number */ };

/* What V and U add to the channels of each pixel, in units of 2^-6: of `pairs` pairs of pixels. */
static void read_chroma(const uint8_t *restrict vu, int32_t pairs, int16_t *restrict red, int16_t *restrict green,
                        int16_t *restrict blue) {
  for (int32_t i = 0; i < pairs; ++i) {
    int16_t v = (int16_t)(vu[2 * i] - 128), u = (int16_t)(vu[2 * i + 1] - 128);
    red[2 * i] = red[2 * i + 1] = (int16_t)(90 * v);
    green[2 * i] = green[2 * i + 1] = (int16_t)(-22 * u - 46 * v);
    blue[2 * i] = blue[2 * i + 1] = (int16_t)(113 * u);
  }
}

static void from_nv21(const uint8_t *y, const uint8_t *vu, int32_t first, int32_t count, uint8_t *planes) {
  int16_t add[3][BLOCK + 2];
  int32_t lead = first % 2; /* pixels before the first that share its chroma */
  for (int32_t done = 0; done < count; done += BLOCK) {
    int32_t block = count - done < BLOCK ? count - done : BLOCK;
    read_chroma(vu + first - lead + done, (lead + block + 1) / 2, add[0], add[1], add[2]);
    for (int32_t channel = 0; channel < 3; ++channel) {
      convert_pixels(y + done, add[channel] + lead, block, planes + (size_t)channel * (size_t)count + done);
    }
  }
}

const uint8_t *mnv3_read_row(const picture *picture, int32_t y, int32_t first, int32_t count, uint8_t *buffer) {
  const uint8_t *row = picture->data + (size_t)y * picture->stride;
  if (picture->format != TVM_MNV3_NV21) return row + (size_t)first * bytes_per_pixel(picture->format);
  from_nv21(row + first, picture->chroma + (size_t)(y / 2) * picture->chroma_stride, first, count, buffer);
  return buffer;
}
