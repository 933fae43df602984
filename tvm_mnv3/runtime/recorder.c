/* recorder.c - runs a model's library kernel by kernel on a device (or under an emulator) and writes all values.
 *
 *   recorder LIBRARY PREFIX ENTRY_OFFSET WEIGHTS_OFFSET ARENA_BYTES STEPS INPUT OUTPUT VALUES_BYTES
 *
 * The steps share ARENA_BYTES of memory. STEPS holds stepper_step records; INPUT any number of samples, each all inputs
 * of the model in order, raw; OUTPUT gets the outputs of every step of every sample, VALUES_BYTES a sample. Exit codes are
 * those of runner.c.
 */
#define _POSIX_C_SOURCE 200112L
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "stepper.h"

enum { DONE = 0, BAD_INPUT = 2, DEVICE_FAILED = 3 };

static void fail(int code, const char *what, const char *which) {
  fprintf(stderr, "recorder: %s: %s\n", what, which);
  exit(code);
}

static void *memory_of(size_t size) {
  void *memory;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, size ? size : 1)) fail(DEVICE_FAILED, "no memory", "is to be had");
  return memory;
}

static void *function(void *library, const char *prefix, const char *name) {
  char symbol[512];
  snprintf(symbol, sizeof symbol, "%s_%s", prefix, name);
  void *address = dlsym(library, symbol);
  if (!address) fail(BAD_INPUT, "the library lacks a function", symbol);
  return address;
}

static FILE *opened(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (!file) fail(BAD_INPUT, "cannot be opened", path);
  return file;
}

/* The whole file; `size` gets its bytes. */
static void *contents(const char *path, size_t *size) {
  FILE *file = opened(path, "rb");
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  void *memory = memory_of(*size);
  if (fread(memory, 1, *size, file) != *size) fail(DEVICE_FAILED, "cannot be read", path);
  fclose(file);
  return memory;
}

static void **buffers(const tvm_mnv3_tensor *tensors, int32_t count) {
  void **list = memory_of((size_t)count * sizeof *list);
  for (int32_t i = 0; i < count; ++i) list[i] = memory_of(tensors[i].bytes);
  return list;
}

int main(int argc, char **argv) {
  if (argc != 10) {
    fail(BAD_INPUT, "usage", "recorder LIBRARY PREFIX ENTRY WEIGHTS ARENA_BYTES STEPS INPUT OUTPUT VALUES_BYTES");
  }
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(DEVICE_FAILED, "the library does not load", dlerror());
  const tvm_mnv3_model *(*describe)(void);
  *(void **)&describe = function(library, argv[2], "model");
  const tvm_mnv3_model *description = describe();

  stepper_model model;
  size_t steps_bytes, values_bytes = (size_t)strtoull(argv[9], NULL, 10);
  model.base = (const uint8_t *)function(library, argv[2], "run") - strtoull(argv[3], NULL, 10);
  model.weights = model.base + strtoull(argv[4], NULL, 10);
  model.steps = contents(argv[6], &steps_bytes);
  model.num_steps = (int64_t)(steps_bytes / sizeof *model.steps);
  model.arena = memory_of(strtoull(argv[5], NULL, 10));
  void **inputs = buffers(description->inputs, description->num_inputs);
  model.inputs = (const void *const *)inputs;
  model.outputs = buffers(description->outputs, description->num_outputs);
  model.parallel = NULL;

  FILE *input = opened(argv[7], "rb"), *output = opened(argv[8], "wb");
  uint8_t *values = memory_of(values_bytes);
  for (;;) {
    for (int32_t i = 0; i < description->num_inputs; ++i) {
      size_t got = fread(inputs[i], 1, description->inputs[i].bytes, input);
      if (i == 0 && got == 0) return fclose(output) ? DEVICE_FAILED : DONE;
      if (got != description->inputs[i].bytes) fail(BAD_INPUT, "ends inside a sample", argv[7]);
    }
    stepper_record(&model, values);
    if (fwrite(values, 1, values_bytes, output) != values_bytes) fail(DEVICE_FAILED, "cannot be written", argv[8]);
  }
}
