/* top5.c - runs a compiled classifier on a raw tensor and prints its five best classes.
 *
 * A bundle has everything it needs. For a bundle `small` whose prefix is mobilenet_v3_small:
 *
 *   cc -Ismall -DMODEL_HEADER='"mobilenet_v3_small.h"' -DMODEL=mobilenet_v3_small top5.c \
 *      small/libmobilenet_v3_small.so small/libtvm_mnv3_pool.a -pthread -Wl,-rpath,small -o top5
 *   ./top5 picture.f32 4 labels.txt
 *
 * picture.f32 holds the model's input as it lies in memory (after preprocessing, see model.json; in NumPy:
 * array.tofile("picture.f32")); of a model with several inputs, all of them in order. The second argument is the number
 * of threads (1 by default), the third a file with one label a line.
 */
#define _POSIX_C_SOURCE 200112L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include MODEL_HEADER
#include "thread_pool.h"

#define JOINED(prefix, name) prefix##_##name
#define OF_MODEL(prefix, name) JOINED(prefix, name)
#define MODEL_CONTEXT_SIZE OF_MODEL(MODEL, context_size)
#define MODEL_RUN OF_MODEL(MODEL, run)
#define MODEL_DESCRIPTION OF_MODEL(MODEL, model)

enum { BEST = 5, LONGEST_LABEL = 256 };

static void fail(const char *what, const char *which) {
  fprintf(stderr, "top5: %s: %s\n", which, what);
  exit(2);
}

static void *aligned_memory(size_t size) {
  void *memory;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, size ? size : 1)) fail("out of memory", "malloc");
  return memory;
}

/* One buffer per tensor. */
static void **buffers(const tvm_mnv3_tensor *tensors, int32_t count) {
  void **list = aligned_memory((size_t)count * sizeof *list);
  for (int32_t i = 0; i < count; ++i) list[i] = aligned_memory(tensors[i].bytes);
  return list;
}

static void read_inputs(const char *path, const tvm_mnv3_model *model, void **inputs) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot be opened", path);
  for (int32_t i = 0; i < model->num_inputs; ++i) {
    if (fread(inputs[i], 1, model->inputs[i].bytes, file) != model->inputs[i].bytes) fail("is too short", path);
  }
  if (fgetc(file) != EOF) fail("is longer than the model's inputs", path);
  fclose(file);
}

/* The indices of the best scores, best first; of equal scores the lower index. Returns how many there are. */
static size_t find_best(const float *scores, size_t classes, size_t best[BEST]) {
  size_t found = 0;
  for (size_t i = 0; i < classes; ++i) {
    size_t place = found;
    while (place > 0 && scores[i] > scores[best[place - 1]]) --place;
    if (place == BEST) continue;
    if (found < BEST) ++found;
    memmove(&best[place + 1], &best[place], (found - place - 1) * sizeof *best);
    best[place] = i;
  }
  return found;
}

/* The label on that line of the file, or the index itself. */
static void find_label(const char *path, size_t index, char label[LONGEST_LABEL]) {
  snprintf(label, LONGEST_LABEL, "class %lu", (unsigned long)index);
  FILE *file = path ? fopen(path, "r") : NULL;
  if (path && !file) fail("cannot be opened", path);
  char line[LONGEST_LABEL];
  for (size_t i = 0; file && fgets(line, sizeof line, file); ++i) {
    if (i < index) continue;
    line[strcspn(line, "\r\n")] = 0;
    strcpy(label, line);
    break;
  }
  if (file) fclose(file);
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 4) fail("usage: top5 TENSOR [THREADS [LABELS]]", "arguments");
  int threads = argc > 2 ? atoi(argv[2]) : 1;

  const tvm_mnv3_model *model = MODEL_DESCRIPTION();
  if (model->outputs[0].dtype != TVM_MNV3_FLOAT32) fail("its first output is not float32", model->name);
  void **inputs = buffers(model->inputs, model->num_inputs);
  void **outputs = buffers(model->outputs, model->num_outputs);
  read_inputs(argv[1], model, inputs);

  /* The whole setup: memory for the run, a pool, and the one line that joins the two. */
  void *context = aligned_memory(MODEL_CONTEXT_SIZE());
  tvm_mnv3_pool *pool = tvm_mnv3_pool_create(aligned_memory(tvm_mnv3_pool_size(threads)), threads);
  if (!pool) fail("so many threads cannot be had", argv[2]);
  tvm_mnv3_parallel parallel = tvm_mnv3_pool_parallel(pool);

  int32_t status = MODEL_RUN(context, (const void *const *)inputs, outputs, &parallel);
  if (status != TVM_MNV3_OK) fail("the model does not run", model->name);

  const float *scores = outputs[0];
  size_t best[BEST], found = find_best(scores, model->outputs[0].bytes / sizeof *scores, best);
  for (size_t i = 0; i < found; ++i) {
    char label[LONGEST_LABEL];
    find_label(argc > 3 ? argv[3] : NULL, best[i], label);
    printf("%12.6f  %s\n", scores[best[i]], label);
  }
  tvm_mnv3_pool_destroy(pool);
  return 0;
}
