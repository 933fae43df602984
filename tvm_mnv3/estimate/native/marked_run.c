/* marked_run.c - runs a library under the emulator with marks for counter.c around one run of it.
 *
 *   marked_run model LIBRARY PREFIX
 *   marked_run kernel LIBRARY SYMBOL TASKS IN OUT BYTES...
 *
 * The first runs a whole model, the second one kernel: void SYMBOL(void *..., int32_t begin, int32_t end) on operands
 * of BYTES each, all of TASKS at once. The file IN holds what they hold, one after another, and OUT gets what they hold
 * afterwards; for "-" they hold small numbers, whatever their dtype, and nothing is written. One run warms the caches,
 * the next is counted; with a file IN, which asks for the numbers, the first one counts.
 * Prints the address that the library is loaded at, in hexadecimal.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tvm_mnv3.h"

enum { MARK = 0x5A, MOST_OPERANDS = 8 };

typedef int32_t (*run_function)(void *, const void *const *, void *const *, const tvm_mnv3_parallel *);

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "marked_run: %s%s\n", what, detail);
  exit(2);
}

static void *function(void *library, const char *prefix, const char *name) {
  char symbol[512];
  if (snprintf(symbol, sizeof symbol, "%s%s", prefix, name) >= (int)sizeof symbol) fail("too long a name: ", prefix);
  void *address = dlsym(library, symbol);
  if (!address) fail("the library does not export ", symbol);
  return address;
}

/* Every byte 0x3A: a small positive number as a float, a half and an integer. */
static void *operand(size_t bytes) {
  void *memory;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, bytes ? bytes : 1)) fail("out of memory", "");
  memset(memory, 0x3A, bytes);
  return memory;
}

static void **operands(const tvm_mnv3_tensor *tensors, int32_t count) {
  void **list = operand((size_t)count * sizeof *list);
  for (int32_t i = 0; i < count; ++i) list[i] = operand(tensors[i].bytes);
  return list;
}

static void run_model(void *library, const char *prefix) {
  run_function run;
  const tvm_mnv3_model *(*describe)(void);
  size_t (*context_size)(void);
  *(void **)&run = function(library, prefix, "_run");
  *(void **)&describe = function(library, prefix, "_model");
  *(void **)&context_size = function(library, prefix, "_context_size");
  const tvm_mnv3_model *model = describe();
  void *context = operand(context_size());
  void **inputs = operands(model->inputs, model->num_inputs), **outputs = operands(model->outputs, model->num_outputs);
  for (int counted = 0; counted <= 1; ++counted) {
    getpriority(MARK, counted);
    int32_t status = run(context, (const void *const *)inputs, outputs, NULL);
    getpriority(MARK, 0);
    if (status != TVM_MNV3_OK) fail("the model failed", "");
  }
}

static FILE *opened(const char *path, const char *mode) {
  if (!strcmp(path, "-")) return NULL;
  FILE *file = fopen(path, mode);
  if (!file) fail("cannot open ", path);
  return file;
}

/* Any number of arguments fits one call: each takes a register or a slot of 8 bytes (AAPCS64, 6.8.2), and a kernel
 * does not look at those it does not have. */
static void run_kernel(void *library, const char *symbol, int32_t tasks, const char *in, const char *out, int count,
                       char **bytes) {
  void (*kernel)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                 uintptr_t);
  uintptr_t a[MOST_OPERANDS + 2] = {0};
  if (count > MOST_OPERANDS) fail("too many operands for ", symbol);
  *(void **)&kernel = function(library, symbol, "");
  FILE *given = opened(in, "rb"), *results = opened(out, "wb");
  for (int i = 0; i < count; ++i) {
    size_t size = strtoull(bytes[i], NULL, 10);
    a[i] = (uintptr_t)operand(size);
    if (given && fread((void *)a[i], 1, size, given) != size) fail("too few bytes in ", in);
  }
  a[count + 1] = (uintptr_t)tasks;
  for (int counted = given != NULL; counted <= 1; ++counted) {
    getpriority(MARK, counted);
    kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
    getpriority(MARK, 0);
  }
  for (int i = 0; results && i < count; ++i) {
    size_t size = strtoull(bytes[i], NULL, 10);
    if (fwrite((void *)a[i], 1, size, results) != size) fail("cannot write ", out);
  }
  if (results && fclose(results)) fail("cannot write ", out);
}

int main(int argc, char **argv) {
  if (argc < 4) fail("too few arguments", "");
  void *library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("the library does not load: ", dlerror());
  if (!strcmp(argv[1], "model")) {
    run_model(library, argv[3]);
  } else if (argc > 7) {
    run_kernel(library, argv[3], atoi(argv[4]), argv[5], argv[6], argc - 7, argv + 7);
  } else {
    fail("too few arguments", "");
  }
  Dl_info place;
  char symbol[512];
  snprintf(symbol, sizeof symbol, strcmp(argv[1], "model") ? "%s" : "%s_run", argv[3]);
  if (!dladdr(dlsym(library, symbol), &place)) fail("the library has no address", "");
  printf("%llx\n", (unsigned long long)(uintptr_t)place.dli_fbase);
  return 0;
}
