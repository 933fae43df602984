/* classifier.c - see ../classifier.h. */
#include "../classifier.h"

#include "../thread_pool.h"
#include "cores.h"
#include "labels.h"
#include "resize.h"
#include "scores.h"
#include "tensor.h"

enum { DEFAULT_SHORT_SIDE = 8192, MOST_THREADS_BY_DEFAULT = 4 /* more wait for each other in so small a network */ };

/* As POSIX has them; glibc, musl and bionic (Android 4.2 on) alike. */
extern int posix_memalign(void **memory, size_t alignment, size_t size);
extern void free(void *memory);

struct tvm_mnv3_classifier {
  const tvm_mnv3_model *model;
  int32_t classes;
  input_form form;
  resizer resizer;
  tvm_mnv3_pool *pool; /* null: one thread, or the app's own */
  tvm_mnv3_parallel parallel;
  int has_parallel;
  tvm_mnv3_chosen chosen;
  void *context, *input;
  float *logits, *planes;
  const char **labels; /* null: none */
};

/* What lies behind the struct, in one piece of memory. */
typedef struct {
  size_t context, input, logits, planes, resizer, pool, label_starts, label_text;
} parts;

static size_t rounded(size_t bytes) {
  return (bytes + TVM_MNV3_ALIGNMENT - 1) / TVM_MNV3_ALIGNMENT * TVM_MNV3_ALIGNMENT;
}

/* Whether the model is one that this code can call, and a classifier of one picture. */
static int32_t check_model(const tvm_mnv3_model *model, tvm_mnv3_classifier *c) {
  if (model->abi_version != TVM_MNV3_ABI_VERSION) return TVM_MNV3_WRONG_VERSION;
  if (!model->run || model->num_inputs != 1 || model->num_outputs != 1) return TVM_MNV3_NO_CLASSIFIER;
  if (!model->picture) return TVM_MNV3_NO_PICTURE;
  const tvm_mnv3_tensor *output = &model->outputs[0];
  if (output->dtype != TVM_MNV3_FLOAT32 || output->ndim != 2 || output->shape[0] != 1) return TVM_MNV3_NO_CLASSIFIER;
  if (output->shape[1] < 1 || output->shape[1] > INT32_MAX) return TVM_MNV3_NO_CLASSIFIER;
  if (!mnv3_input_form_of(&model->inputs[0], model->picture, &c->form)) return TVM_MNV3_NO_CLASSIFIER;
  c->model = model;
  c->classes = (int32_t)output->shape[1];
  return TVM_MNV3_OK;
}

static int32_t check_options(const tvm_mnv3_options *options) {
  if (options->struct_size != sizeof *options) return TVM_MNV3_BAD_STRUCT;
  if (options->threads < 0 || options->threads > TVM_MNV3_POOL_MAX_THREADS) return TVM_MNV3_BAD_OPTION;
  if (options->cores < TVM_MNV3_BIG_CORES || options->cores > TVM_MNV3_ALL_CORES) return TVM_MNV3_BAD_OPTION;
  if (options->max_short_side < 0) return TVM_MNV3_BAD_OPTION;
  if (options->parallel && !options->parallel->parallel_for) return TVM_MNV3_NULL_POINTER;
  if (options->labels_size > 0 && !options->labels) return TVM_MNV3_NULL_POINTER;
  return TVM_MNV3_OK;
}

/* The default is less for a model of very small pictures, whose resize would have too many taps. */
static int32_t default_short_side(const tvm_mnv3_picture *how) {
  int32_t side = DEFAULT_SHORT_SIDE;
  while (side > 1 && mnv3_resizer_size(how, side) == 0) side /= 2;
  return side;
}

static void choose_threads(const tvm_mnv3_options *options, tvm_mnv3_chosen *chosen) {
  chosen->cores = options->cores;
  if (options->parallel) return; /* threads 0 and cpus 0: the app's own */
  uint64_t cpus = mnv3_find_cores("/sys/devices/system/cpu", mnv3_allowed_cores(), options->cores);
  int32_t count = mnv3_count_cores(cpus);
  int32_t by_default = count < MOST_THREADS_BY_DEFAULT ? count : MOST_THREADS_BY_DEFAULT;
  chosen->threads = options->threads ? options->threads : by_default;
  chosen->cpus = options->cores == TVM_MNV3_ALL_CORES ? 0 : cpus;
}

static parts sizes_of(const tvm_mnv3_classifier *c, const tvm_mnv3_options *options) {
  const tvm_mnv3_model *model = c->model;
  parts p = {.context = rounded(model->context_size),
             .input = rounded(model->inputs[0].bytes),
             .logits = rounded(model->outputs[0].bytes),
             .planes = rounded(3 * sizeof(float) * (size_t)c->form.crop),
             .resizer = mnv3_resizer_size(model->picture, options->max_short_side),
             .pool = c->chosen.threads > 1 ? tvm_mnv3_pool_size(c->chosen.threads) : 0};
  if (options->labels) {
    p.label_starts = rounded(sizeof(char *) * (size_t)c->classes);
    p.label_text = rounded(options->labels_size + 1);
  }
  return p;
}

static void *cut(uint8_t **memory, size_t bytes) {
  void *part = *memory;
  *memory += bytes;
  return bytes ? part : 0;
}

/* Gives every part its memory and starts the threads. */
static int32_t build(tvm_mnv3_classifier *c, const parts *p, const tvm_mnv3_options *options) {
  uint8_t *rest = (uint8_t *)c + rounded(sizeof *c);
  c->context = cut(&rest, p->context);
  c->input = cut(&rest, p->input);
  c->logits = cut(&rest, p->logits);
  c->planes = cut(&rest, p->planes);
  mnv3_resizer_init(&c->resizer, c->model->picture, options->max_short_side, cut(&rest, p->resizer));
  void *pool = cut(&rest, p->pool);
  c->labels = cut(&rest, p->label_starts);
  char *text = cut(&rest, p->label_text);
  if (c->labels) mnv3_split_lines(options->labels, options->labels_size, text, c->labels);
  if (options->parallel) c->parallel = *options->parallel;
  if (pool) {
    c->pool = tvm_mnv3_pool_create_on(pool, c->chosen.threads, c->chosen.cpus);
    if (!c->pool) return TVM_MNV3_NO_THREADS;
    c->parallel = tvm_mnv3_pool_parallel(c->pool);
  }
  c->has_parallel = options->parallel || c->pool;
  return TVM_MNV3_OK;
}

int32_t tvm_mnv3_classifier_create(const tvm_mnv3_model *model, const tvm_mnv3_options *given,
                                   tvm_mnv3_classifier **classifier) {
  if (!classifier) return TVM_MNV3_NULL_POINTER;
  *classifier = 0;
  if (!model) return TVM_MNV3_NULL_POINTER;
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  if (given) {
    if (given->struct_size != sizeof *given) return TVM_MNV3_BAD_STRUCT;
    options = *given;
  }
  tvm_mnv3_classifier draft = {0};
  int32_t status = check_options(&options);
  if (status == TVM_MNV3_OK) status = check_model(model, &draft);
  if (status != TVM_MNV3_OK) return status;
  if (options.labels && !mnv3_has_lines(options.labels, options.labels_size, draft.classes)) return TVM_MNV3_BAD_LABELS;
  if (options.max_short_side == 0) options.max_short_side = default_short_side(model->picture);
  choose_threads(&options, &draft.chosen);
  parts p = sizes_of(&draft, &options);
  if (p.resizer == 0) return TVM_MNV3_BAD_OPTION;

  size_t size = rounded(sizeof draft) + p.context + p.input + p.logits + p.planes + p.resizer + p.pool +
                p.label_starts + p.label_text;
  void *memory = 0;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, size)) return TVM_MNV3_OUT_OF_MEMORY;
  tvm_mnv3_classifier *c = memory;
  *c = draft;
  c->chosen.struct_size = sizeof c->chosen;
  c->chosen.classes = c->classes;
  c->chosen.memory = size;
  c->chosen.context = model->context_size;
  status = build(c, &p, &options);
  if (status != TVM_MNV3_OK) {
    free(memory);
    return status;
  }
  *classifier = c;
  return TVM_MNV3_OK;
}

static int32_t prepare(tvm_mnv3_classifier *c, const tvm_mnv3_pixels *pixels, void *input) {
  picture picture;
  int32_t status = mnv3_check_pixels(pixels, &picture);
  if (status == TVM_MNV3_OK) status = mnv3_resizer_begin(&c->resizer, &picture);
  if (status != TVM_MNV3_OK) return status;
  for (int32_t y = 0; y < c->form.crop; ++y) {
    mnv3_resizer_row(&c->resizer, y, c->planes);
    mnv3_write_input_row(&c->form, y, c->planes, input);
  }
  return TVM_MNV3_OK;
}

int32_t tvm_mnv3_prepare(tvm_mnv3_classifier *c, const tvm_mnv3_pixels *pixels, void *input, size_t bytes) {
  if (!c || !input) return TVM_MNV3_NULL_POINTER;
  if (bytes != c->model->inputs[0].bytes) return TVM_MNV3_SHORT_BUFFER;
  return prepare(c, pixels, input);
}

int32_t tvm_mnv3_classify(tvm_mnv3_classifier *c, const tvm_mnv3_pixels *pixels, tvm_mnv3_result *results,
                          int32_t count) {
  if (!c || !results) return TVM_MNV3_NULL_POINTER;
  if (count < 1) return TVM_MNV3_BAD_COUNT;
  int32_t status = prepare(c, pixels, c->input);
  if (status != TVM_MNV3_OK) return status;
  const void *inputs[1] = {c->input};
  void *outputs[1] = {c->logits};
  status = c->model->run(c->context, inputs, outputs, c->has_parallel ? &c->parallel : 0);
  if (status != TVM_MNV3_OK) return status;
  mnv3_find_best(c->logits, c->classes, results, count);
  for (int32_t i = 0; i < count && c->labels && results[i].index >= 0; ++i) {
    results[i].label = c->labels[results[i].index];
  }
  return TVM_MNV3_OK;
}

int32_t tvm_mnv3_classifier_chosen(const tvm_mnv3_classifier *c, tvm_mnv3_chosen *chosen) {
  if (!c || !chosen) return TVM_MNV3_NULL_POINTER;
  if (chosen->struct_size != sizeof *chosen) return TVM_MNV3_BAD_STRUCT;
  *chosen = c->chosen;
  return TVM_MNV3_OK;
}

void tvm_mnv3_classifier_destroy(tvm_mnv3_classifier *c) {
  if (!c) return;
  tvm_mnv3_pool_destroy(c->pool);
  free(c);
}
