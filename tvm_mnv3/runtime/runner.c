/* runner.c - runs a model's library on a device (or under an emulator).
 *
 *   runner LIBRARY PREFIX THREADS REPEATS INPUT OUTPUT
 *
 * INPUT holds any number of samples, each all inputs of the model in order, raw; OUTPUT gets all outputs of each
 * sample in order, raw. Each sample is run REPEATS times. Exit codes are those of tvm-mnv3: 0 done, 1 the model
 * failed, 2 bad input or usage, 3 the device cannot do it. On failure one line on stderr says why, and OUTPUT is gone.
 */
#define _POSIX_C_SOURCE 200112L
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "thread_pool.h"

enum { DONE = 0, MODEL_FAILED = 1, BAD_INPUT = 2, DEVICE_FAILED = 3 };

typedef int32_t (*run_function)(void *, const void *const *, void *const *, const tvm_mnv3_parallel *);

typedef struct {
  const tvm_mnv3_model *description;
  run_function run;
  void *context;
  void **inputs;
  void **outputs;
} model;

static const char *output_path; /* removed on failure, once it is open */

static void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("runner: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  if (output_path) remove(output_path);
  exit(code);
}

static void *aligned_memory(size_t size) {
  void *memory;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, size ? size : 1)) {
    fail(DEVICE_FAILED, "%lu bytes of memory are not to be had", (unsigned long)size);
  }
  return memory;
}

static int number(const char *text, const char *what, int least, int most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < least || value > most) {
    fail(BAD_INPUT, "%s must be a number from %d to %d, not %s", what, least, most, text);
  }
  return (int)value;
}

static void *function(void *library, const char *prefix, const char *name) {
  char symbol[512];
  if (snprintf(symbol, sizeof symbol, "%s_%s", prefix, name) >= (int)sizeof symbol) {
    fail(BAD_INPUT, "the prefix %s is too long", prefix);
  }
  void *address = dlsym(library, symbol);
  if (!address) fail(BAD_INPUT, "the library has no function %s; is %s its prefix?", symbol, prefix);
  return address;
}

static void **buffers(const tvm_mnv3_tensor *tensors, int32_t count) {
  void **list = aligned_memory((size_t)count * sizeof *list);
  for (int32_t i = 0; i < count; ++i) list[i] = aligned_memory(tensors[i].bytes);
  return list;
}

static model load(const char *path, const char *prefix) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(DEVICE_FAILED, "the library does not load: %s", dlerror());
  /* POSIX lets a pointer from dlsym be read as a function, ISO C through its bytes only. */
  const tvm_mnv3_model *(*describe)(void);
  size_t (*context_size)(void);
  model m;
  *(void **)&describe = function(library, prefix, "model");
  *(void **)&context_size = function(library, prefix, "context_size");
  *(void **)&m.run = function(library, prefix, "run");
  m.description = describe();
  if (m.description->abi_version != TVM_MNV3_ABI_VERSION) {
    fail(BAD_INPUT, "the library has version %u of the interface, this runner knows %d; compile the model again",
         (unsigned)m.description->abi_version, TVM_MNV3_ABI_VERSION);
  }
  m.context = aligned_memory(context_size());
  m.inputs = buffers(m.description->inputs, m.description->num_inputs);
  m.outputs = buffers(m.description->outputs, m.description->num_outputs);
  return m;
}

/* Reads one sample; 0 at the end of the file. */
static int read_sample(const model *m, FILE *file, const char *path) {
  for (int32_t i = 0; i < m->description->num_inputs; ++i) {
    const tvm_mnv3_tensor *tensor = &m->description->inputs[i];
    size_t got = fread(m->inputs[i], 1, tensor->bytes, file);
    if (ferror(file)) fail(DEVICE_FAILED, "%s cannot be read", path);
    if (i == 0 && got == 0) return 0;
    if (got != tensor->bytes) {
      fail(BAD_INPUT, "%s ends inside a sample: input %s needs %lu bytes, %lu are left", path, tensor->name,
           (unsigned long)tensor->bytes, (unsigned long)got);
    }
  }
  return 1;
}

static void write_outputs(const model *m, FILE *file, const char *path) {
  for (int32_t i = 0; i < m->description->num_outputs; ++i) {
    size_t bytes = m->description->outputs[i].bytes;
    if (fwrite(m->outputs[i], 1, bytes, file) != bytes) fail(DEVICE_FAILED, "%s cannot be written", path);
  }
}

static FILE *opened(const char *path, const char *mode, int code) {
  FILE *file = fopen(path, mode);
  if (!file) fail(code, "%s cannot be opened", path);
  return file;
}

int main(int argc, char **argv) {
  if (argc != 7) fail(BAD_INPUT, "usage: runner LIBRARY PREFIX THREADS REPEATS INPUT OUTPUT");
  int threads = number(argv[3], "THREADS", 1, TVM_MNV3_POOL_MAX_THREADS);
  int repeats = number(argv[4], "REPEATS", 1, 1000000000);
  model m = load(argv[1], argv[2]);
  tvm_mnv3_pool *pool = tvm_mnv3_pool_create(aligned_memory(tvm_mnv3_pool_size(threads)), threads);
  if (!pool) fail(DEVICE_FAILED, "%d threads cannot be started", threads);
  tvm_mnv3_parallel parallel = tvm_mnv3_pool_parallel(pool);

  FILE *input = opened(argv[5], "rb", BAD_INPUT);
  FILE *output = opened(argv[6], "wb", DEVICE_FAILED);
  output_path = argv[6];
  while (read_sample(&m, input, argv[5])) {
    for (int i = 0; i < repeats; ++i) {
      int32_t status = m.run(m.context, (const void *const *)m.inputs, m.outputs, threads > 1 ? &parallel : NULL);
      if (status != TVM_MNV3_OK) fail(MODEL_FAILED, "%s_run returned %ld", argv[2], (long)status);
    }
    write_outputs(&m, output, argv[6]);
  }
  if (fclose(output)) fail(DEVICE_FAILED, "%s cannot be written", argv[6]);
  tvm_mnv3_pool_destroy(pool);
  return DONE;
}
