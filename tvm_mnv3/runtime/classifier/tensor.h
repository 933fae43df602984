/* tensor.h - a picture's rows in the place and in the type that a model's input wants. */
#ifndef TVM_MNV3_TENSOR_H
#define TVM_MNV3_TENSOR_H

#include "../tvm_mnv3.h"

/* A model's input: float32 or uint8, channels first or last. */
typedef struct {
  int32_t dtype;
  int32_t channels_last;
  int32_t crop;
  float scale[3], shift[3]; /* of a float32 input: value = level * scale + shift */
} input_form;

/* Whether that tensor takes one such picture; then `form` says how. */
int mnv3_input_form_of(const tvm_mnv3_tensor *tensor, const tvm_mnv3_picture *how, input_form *form);

/* Writes row y: three planes of whole numbers from 0 to 255. */
void mnv3_write_input_row(const input_form *form, int32_t y, const float *planes, void *input);

#endif
