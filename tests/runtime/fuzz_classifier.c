/* fuzz_classifier.c - libFuzzer's way into classifier.h: a model's description, options, pixels and labels made of the
 * fuzzer's bytes. Whatever they are, every call returns a status, and nothing is read beyond what may be read.
 */
#include <stdlib.h>
#include <string.h>

#include "classifier.h"

enum { CLASSES = 7, MOST_RESULTS = 9 };

typedef struct {
  const uint8_t *data;
  size_t size;
} bytes;

/* The next bytes; zeros when there are no more. */
static void take(bytes *from, void *to, size_t size) {
  memset(to, 0, size);
  size_t some = size < from->size ? size : from->size;
  memcpy(to, from->data, some);
  from->data += some;
  from->size -= some;
}

static uint8_t take_byte(bytes *from) {
  uint8_t byte;
  take(from, &byte, 1);
  return byte;
}

static int32_t run(void *context, const void *const *inputs, void *const *outputs, const tvm_mnv3_parallel *parallel) {
  (void)parallel;
  memset(context, 0, 64);
  memcpy(outputs[0], inputs[0], CLASSES * sizeof(float)); /* the picture's first values, for want of better */
  return TVM_MNV3_OK;
}

static tvm_mnv3_pixels pixels_of(bytes *from, uint8_t **memory) {
  uint8_t kind = take_byte(from);
  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  uint16_t numbers[4];
  take(from, numbers, sizeof numbers);
  pixels.format = kind % 8 - 1;
  pixels.width = kind & 64 ? (int16_t)numbers[0] : numbers[0] % 70;
  pixels.height = kind & 64 ? (int16_t)numbers[1] : numbers[1] % 70;
  pixels.stride = kind & 32 ? numbers[2] : 0;
  if (kind & 8) { /* any bits at all */
    take(from, &pixels.width, sizeof pixels.width);
    take(from, &pixels.height, sizeof pixels.height);
    take(from, &pixels.stride, sizeof pixels.stride);
  }
  if (kind & 16) pixels.struct_size = numbers[3];
  /* What `size` says is there is there, to the byte, so that the sanitizer sees a step too far. */
  pixels.size = from->size;
  *memory = malloc(from->size ? from->size : 1);
  memcpy(*memory, from->data, from->size);
  pixels.data = *memory;
  if (kind & 128) {
    pixels.chroma = *memory + from->size / 2;
    pixels.size = from->size / 2;
    pixels.chroma_size = from->size - from->size / 2;
    pixels.chroma_stride = numbers[3];
  }
  return pixels;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bytes from = {data, size};
  uint8_t form = take_byte(&from), choice = take_byte(&from), count = take_byte(&from);
  int32_t crop = 1 + take_byte(&from) % 24;
  tvm_mnv3_picture how = {1 + take_byte(&from) % 32, crop, form % 2, {0, 0, 0}, {1, 1, 1}};
  int64_t first[4] = {1, 3, crop, crop}, last[4] = {1, crop, crop, 3}, output_shape[2] = {1, CLASSES};
  int32_t dtype = form & 2 ? TVM_MNV3_UINT8 : TVM_MNV3_FLOAT32;
  size_t bytes_in = 3 * (size_t)crop * (size_t)crop * (form & 2 ? 1 : 4);
  if (bytes_in < CLASSES * sizeof(float)) return 0;
  tvm_mnv3_tensor input = {"x", dtype, 4, form & 4 ? first : last, bytes_in};
  tvm_mnv3_tensor output = {"y", TVM_MNV3_FLOAT32, 2, output_shape, CLASSES * sizeof(float)};
  tvm_mnv3_model model = {TVM_MNV3_ABI_VERSION, 1, 1, "fuzz", "fuzz", &input, &output, 64, run, &how};
  if (form & 8) input.shape[1] == 3 ? (first[1] = take_byte(&from)) : (last[1] = take_byte(&from));
  if (form & 16) model.abi_version = take_byte(&from);
  if (form & 32) model.picture = 0;

  char labels[64];
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  options.threads = 1;
  options.cores = choice & 1 ? (int8_t)take_byte(&from) : TVM_MNV3_BIG_CORES;
  if (choice & 2) take(&from, &options.max_short_side, sizeof options.max_short_side);
  if (options.max_short_side > 1 << 14) options.max_short_side = 1 << 14; /* time, not safety */
  if (choice & 4) {
    options.labels_size = take_byte(&from) % sizeof labels;
    take(&from, labels, options.labels_size);
    for (size_t i = 0; i < options.labels_size && choice & 32; ++i) { /* so that there are seven lines now and then */
      if (labels[i] % 8 == 0) labels[i] = '\n';
    }
    options.labels = labels;
  }
  if (choice & 8) options.struct_size = take_byte(&from);

  tvm_mnv3_classifier *classifier;
  if (tvm_mnv3_classifier_create(&model, choice & 16 ? 0 : &options, &classifier) != TVM_MNV3_OK) return 0;
  tvm_mnv3_result results[MOST_RESULTS];
  for (int picture = 0; picture < 2; ++picture) { /* the second one meets what the first has left */
    uint8_t *memory;
    tvm_mnv3_pixels pixels = pixels_of(&from, &memory);
    int32_t status = tvm_mnv3_classify(classifier, &pixels, results, count % (MOST_RESULTS + 1));
    if (!tvm_mnv3_status_text(status)[0]) abort();
    for (int i = 0; i < MOST_RESULTS && status == TVM_MNV3_OK && choice & 4 && i < count % (MOST_RESULTS + 1); ++i) {
      if (results[i].label && strlen(results[i].label) >= sizeof labels) abort();
    }
    free(memory);
  }
  tvm_mnv3_classifier_destroy(classifier);
  return 0;
}
