/* tensor.c - see tensor.h. */
#include "tensor.h"

int mnv3_input_form_of(const tvm_mnv3_tensor *tensor, const tvm_mnv3_picture *how, input_form *form) {
  if (tensor->ndim != 4 || tensor->shape[0] != 1) return 0;
  if (tensor->dtype != TVM_MNV3_FLOAT32 && tensor->dtype != TVM_MNV3_UINT8) return 0;
  const int64_t *shape = tensor->shape;
  int first = shape[1] == 3 && shape[2] == how->crop && shape[3] == how->crop;
  int last = shape[3] == 3 && shape[1] == how->crop && shape[2] == how->crop;
  if (!first && !last) return 0;
  *form = (input_form){.dtype = tensor->dtype, .channels_last = !first, .crop = how->crop};
  for (int channel = 0; channel < 3; ++channel) {
    form->scale[channel] = (float)(1.0 / (255.0 * how->std[channel]));
    form->shift[channel] = (float)(-(double)how->mean[channel] / how->std[channel]);
  }
  return 1;
}

static void write_floats(const float *restrict levels, int32_t count, float scale, float shift, float *restrict to) {
  for (int32_t i = 0; i < count; ++i) to[i] = levels[i] * scale + shift;
}

void mnv3_write_input_row(const input_form *form, int32_t y, const float *planes, void *input) {
  size_t crop = (size_t)form->crop, row = (size_t)y * crop;
  for (size_t channel = 0; channel < 3; ++channel) {
    const float *levels = planes + channel * crop;
    float scale = form->scale[channel], shift = form->shift[channel];
    /* The first value of the row, and the distance from a value to the next. */
    size_t at = form->channels_last ? 3 * row + channel : channel * crop * crop + row;
    size_t step = form->channels_last ? 3 : 1;
    if (form->dtype == TVM_MNV3_UINT8) {
      for (size_t x = 0; x < crop; ++x) ((uint8_t *)input)[at + step * x] = (uint8_t)(int32_t)levels[x];
    } else if (step == 1) {
      write_floats(levels, form->crop, scale, shift, (float *)input + at);
    } else {
      for (size_t x = 0; x < crop; ++x) ((float *)input)[at + step * x] = levels[x] * scale + shift;
    }
  }
}
