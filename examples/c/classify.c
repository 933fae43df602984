/* classify.c - a JPEG in, its five best classes out.
 *
 * A bundle has everything it needs but a reader of JPEG files, for which any will do; here it is stb_image.h (one file,
 * public domain: https://github.com/nothings/stb, Debian's libstb-dev). For a bundle `small` with the prefix
 * mobilenet_v3_small:
 *
 *   cc -Ismall -I/usr/include/stb -DMODEL_HEADER='"mobilenet_v3_small.h"' -DMODEL=mobilenet_v3_small classify.c \
 *      small/libmobilenet_v3_small.so small/libtvm_mnv3_classifier.a -pthread -lm -Wl,-rpath,small -o classify
 *   ./classify small/labels.txt tench.jpg
 */
#include <stdio.h>
#include <stdlib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#include "stb_image.h"

#include MODEL_HEADER
#include "classifier.h"

#define JOINED(prefix, name) prefix##_##name
#define OF_MODEL(prefix, name) JOINED(prefix, name)
#define MODEL_DESCRIPTION OF_MODEL(MODEL, model)

enum { BEST = 5 };

static void fail(const char *which, const char *what) {
  fprintf(stderr, "classify: %s: %s\n", which, what);
  exit(2);
}

static void check(int32_t status, const char *which) {
  if (status != TVM_MNV3_OK) fail(which, tvm_mnv3_status_text(status));
}

/* The whole file; an app on Android asks its AssetManager. */
static char *read_text(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(path, "cannot be opened");
  *size = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*size + 1);
  if (!text || fread(text, 1, *size, file) != *size) fail(path, "cannot be read");
  fclose(file);
  return text;
}

static void classify(tvm_mnv3_classifier *classifier, const char *path) {
  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  unsigned char *data = stbi_load(path, &pixels.width, &pixels.height, NULL, 3);
  if (!data) fail(path, "is no JPEG that can be read");
  pixels.format = TVM_MNV3_RGB;
  pixels.data = data;
  pixels.size = (size_t)pixels.width * (size_t)pixels.height * 3;

  tvm_mnv3_result best[BEST];
  check(tvm_mnv3_classify(classifier, &pixels, best, BEST), path);
  for (int i = 0; i < BEST && best[i].index >= 0; ++i) {
    printf("%6.2f%%  %4d  %s\n", 100.0 * (double)best[i].score, (int)best[i].index, best[i].label);
  }
  stbi_image_free(data);
}

int main(int argc, char **argv) {
  if (argc < 3) fail("arguments", "usage: classify LABELS PICTURE.jpg ...");
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  char *labels = read_text(argv[1], &options.labels_size);
  options.labels = labels;
  tvm_mnv3_classifier *classifier;
  check(tvm_mnv3_classifier_create(MODEL_DESCRIPTION(), &options, &classifier), argv[1]);
  free(labels); /* create has copied them */

  for (int i = 2; i < argc; ++i) classify(classifier, argv[i]);
  tvm_mnv3_classifier_destroy(classifier);
  return 0;
}
