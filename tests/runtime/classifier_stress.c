/* classifier_stress.c - many threads, each with a classifier of its own, on two models at once.
 *
 *   classifier_stress THREADS RUNS LIBRARY PREFIX LIBRARY PREFIX
 *
 * Thread i takes model i % 2 and classifies the same picture RUNS times; every answer must be that of a classifier
 * that works alone, to the bit. Prints "every answer is the same" and returns 0, or says what differs and returns 1.
 */
#define _POSIX_C_SOURCE 200112L
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier.h"

enum { TOP = 3, WIDTH = 150, HEIGHT = 100, MOST_THREADS = 64 };

typedef struct {
  const tvm_mnv3_model *model;
  tvm_mnv3_result alone[TOP];
} subject;

typedef struct {
  const subject *subject;
  int runs, differs;
} job;

static uint8_t picture[WIDTH * HEIGHT * 3];

static int32_t classify(tvm_mnv3_classifier *classifier, tvm_mnv3_result *best) {
  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  pixels.width = WIDTH, pixels.height = HEIGHT, pixels.data = picture, pixels.size = sizeof picture;
  return tvm_mnv3_classify(classifier, &pixels, best, TOP);
}

static int same(const tvm_mnv3_result *left, const tvm_mnv3_result *right) {
  for (int i = 0; i < TOP; ++i) {
    if (left[i].index != right[i].index || memcmp(&left[i].score, &right[i].score, sizeof left[i].score)) return 0;
  }
  return 1;
}

static tvm_mnv3_classifier *created(const tvm_mnv3_model *model, int threads) {
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  options.threads = threads;
  tvm_mnv3_classifier *classifier;
  int32_t status = tvm_mnv3_classifier_create(model, &options, &classifier);
  if (status == TVM_MNV3_OK) return classifier;
  fprintf(stderr, "%s\n", tvm_mnv3_status_text(status));
  exit(2);
}

static void *work(void *argument) {
  job *mine = argument;
  tvm_mnv3_classifier *classifier = created(mine->subject->model, 2);
  for (int run = 0; run < mine->runs; ++run) {
    tvm_mnv3_result best[TOP];
    if (classify(classifier, best) || !same(best, mine->subject->alone)) mine->differs = 1;
  }
  tvm_mnv3_classifier_destroy(classifier);
  return NULL;
}

static subject load(const char *path, const char *prefix) {
  char symbol[256];
  subject loaded;
  const tvm_mnv3_model *(*describe)(void);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  snprintf(symbol, sizeof symbol, "%s_model", prefix);
  if (!library || !(*(void **)&describe = dlsym(library, symbol))) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  loaded.model = describe();
  tvm_mnv3_classifier *classifier = created(loaded.model, 1);
  if (classify(classifier, loaded.alone)) exit(2);
  tvm_mnv3_classifier_destroy(classifier);
  return loaded;
}

int main(int argc, char **argv) {
  int threads = argc == 7 ? atoi(argv[1]) : 0, runs = argc == 7 ? atoi(argv[2]) : 0;
  if (threads < 1 || threads > MOST_THREADS || runs < 1) return 2;
  for (size_t i = 0; i < sizeof picture; ++i) picture[i] = (uint8_t)(i * 2654435761u >> 24);
  subject subjects[2] = {load(argv[3], argv[4]), load(argv[5], argv[6])};
  job jobs[MOST_THREADS];
  pthread_t started[MOST_THREADS];
  for (int i = 0; i < threads; ++i) {
    jobs[i] = (job){&subjects[i % 2], runs, 0};
    if (pthread_create(&started[i], NULL, work, &jobs[i])) return 2;
  }
  int differs = 0;
  for (int i = 0; i < threads; ++i) {
    pthread_join(started[i], NULL);
    if (jobs[i].differs) fprintf(stderr, "thread %d got another answer\n", i);
    differs |= jobs[i].differs;
  }
  if (!differs) puts("every answer is the same");
  return differs;
}
