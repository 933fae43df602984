/* prepare.c - a picture through the classifier's resize: whole grey levels, CROP x CROP x 3, as bytes.
 *
 *   prepare WIDTH HEIGHT FORMAT INTERPOLATION RESIZE CROP INPUT OUTPUT
 */
#include <stdio.h>
#include <stdlib.h>

#include "classifier.h"

static int32_t run(void *context, const void *const *inputs, void *const *outputs, const tvm_mnv3_parallel *parallel) {
  (void)context, (void)inputs, (void)outputs, (void)parallel;
  return TVM_MNV3_OK;
}

int main(int argc, char **argv) {
  if (argc != 9) return 2;
  int32_t crop = atoi(argv[6]);
  int64_t shape[] = {1, crop, crop, 3}, classes[] = {1, 1};
  tvm_mnv3_picture how = {atoi(argv[5]), crop, atoi(argv[4]), {0, 0, 0}, {1, 1, 1}};
  tvm_mnv3_tensor input = {"x", TVM_MNV3_UINT8, 4, shape, (size_t)crop * (size_t)crop * 3};
  tvm_mnv3_tensor output = {"y", TVM_MNV3_FLOAT32, 2, classes, sizeof(float)};
  tvm_mnv3_model model = {TVM_MNV3_ABI_VERSION, 1, 1, "prepare", "by hand", &input, &output, 64, run, &how};

  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  pixels.width = atoi(argv[1]), pixels.height = atoi(argv[2]), pixels.format = atoi(argv[3]);
  FILE *file = fopen(argv[7], "rb");
  if (!file || fseek(file, 0, SEEK_END)) return 2;
  pixels.size = (size_t)ftell(file);
  rewind(file);
  uint8_t *data = malloc(pixels.size), *result = malloc(input.bytes);
  if (!data || !result || fread(data, 1, pixels.size, file) != pixels.size) return 2;
  fclose(file);
  pixels.data = data;

  tvm_mnv3_classifier *classifier;
  int32_t status = tvm_mnv3_classifier_create(&model, NULL, &classifier);
  if (status == TVM_MNV3_OK) status = tvm_mnv3_prepare(classifier, &pixels, result, input.bytes);
  if (status != TVM_MNV3_OK) fprintf(stderr, "%s\n", tvm_mnv3_status_text(status));
  file = fopen(argv[8], "wb");
  if (!file || fwrite(result, 1, input.bytes, file) != input.bytes || fclose(file)) return 2;
  return status != TVM_MNV3_OK;
}
