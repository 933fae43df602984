/* classifier.h - from an app's pixels to labels, by a compiled model. C99, C++ safe. Linux and Android.
 *
 *   tvm_mnv3_classifier *classifier;
 *   int32_t status = tvm_mnv3_classifier_create(mobilenet_v3_small_model(), NULL, &classifier);
 *   if (status != TVM_MNV3_OK) puts(tvm_mnv3_status_text(status));
 *
 *   tvm_mnv3_pixels frame = TVM_MNV3_PIXELS;
 *   frame.format = TVM_MNV3_RGB, frame.width = 1920, frame.height = 1080, frame.data = bytes, frame.size = size;
 *   tvm_mnv3_result best[5];
 *   status = tvm_mnv3_classify(classifier, &frame, best, 5);
 *
 *   tvm_mnv3_classifier_destroy(classifier);
 *
 * Threads: one call at a time may use a classifier. Any number of classifiers, of one model or of several, may work at
 * once: a classifier is a context of its own, and the weights are shared. All memory is taken by create; classify
 * allocates nothing, opens nothing and keeps nothing.
 *
 * Of libc it needs pthread_create, pthread_join, posix_memalign, free, memcpy and memset, which glibc, musl and bionic
 * have alike.
 */
#ifndef TVM_MNV3_CLASSIFIER_H
#define TVM_MNV3_CLASSIFIER_H

#include "tvm_mnv3.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { /* status codes, beside those of tvm_mnv3.h; tvm_mnv3_status_text has a sentence for each */
  TVM_MNV3_WRONG_VERSION = 4,   /* the model's library and the classifier are of different versions */
  TVM_MNV3_NO_CLASSIFIER = 5,   /* the model's inputs and outputs are not those of a classifier of one picture */
  TVM_MNV3_NO_PICTURE = 6,      /* the model does not say how a picture becomes its input */
  TVM_MNV3_BAD_STRUCT = 7,      /* struct_size is of no version of the struct */
  TVM_MNV3_BAD_OPTION = 8,      /* an option is out of range */
  TVM_MNV3_BAD_LABELS = 9,      /* not one label a line for each of the model's classes */
  TVM_MNV3_OUT_OF_MEMORY = 10,
  TVM_MNV3_NO_THREADS = 11,     /* so many threads cannot be started */
  TVM_MNV3_UNKNOWN_FORMAT = 12, /* no such pixel format */
  TVM_MNV3_BAD_SIZE = 13,       /* width or height is below 1 */
  TVM_MNV3_SHORT_STRIDE = 14,   /* a row does not fit into the stride */
  TVM_MNV3_SHORT_BUFFER = 15,   /* the pixels need more bytes than `size` says there are */
  TVM_MNV3_TOO_LARGE = 16,      /* the short side is above the option max_short_side */
  TVM_MNV3_BAD_COUNT = 17       /* fewer than one result is asked for */
};

/* A sentence for people, in English, for every status code, also for unknown ones; never null. */
const char *tvm_mnv3_status_text(int32_t status);

/* Layouts of 8-bit pixels; alpha is ignored. On a little-endian machine Java's int 0xAARRGGBB is BGRA. NV21 is a camera's:
 * rows of Y, then rows of V and U in turn for every 2x2 pixels, full range (BT.601, as in JPEG). */
enum { TVM_MNV3_RGB = 0, TVM_MNV3_BGR = 1, TVM_MNV3_RGBA = 2, TVM_MNV3_BGRA = 3, TVM_MNV3_NV21 = 4 };

typedef struct {
  uint32_t struct_size;  /* sizeof(tvm_mnv3_pixels) */
  int32_t format;
  int32_t width, height; /* of the picture, at least 1 */
  const uint8_t *data;   /* the first pixel of the top row */
  size_t size;           /* bytes at `data` that may be read */
  size_t stride;         /* bytes from a row to the next; 0: no gap */
  const uint8_t *chroma; /* NV21 only: V and U; null: behind the last row of `data`, within `size`, with its stride */
  size_t chroma_size;
  size_t chroma_stride;
} tvm_mnv3_pixels;

#define TVM_MNV3_PIXELS {sizeof(tvm_mnv3_pixels), TVM_MNV3_RGB, 0, 0, 0, 0, 0, 0, 0, 0}

/* Which cores the threads are kept to. On a phone with two or three kinds of cores, `big` is all but the slowest kind;
 * on a machine with one kind it is all. */
enum { TVM_MNV3_BIG_CORES = 0, TVM_MNV3_LITTLE_CORES = 1, TVM_MNV3_ALL_CORES = 2 };

typedef struct {
  uint32_t struct_size;              /* sizeof(tvm_mnv3_options) */
  int32_t threads;                   /* 0: one for each of those cores, but 4 at most */
  int32_t cores;
  int32_t max_short_side;            /* of the pictures to come; 0: 8192. Memory grows with it */
  const tvm_mnv3_parallel *parallel; /* the app's own threads, in place of `threads` and `cores`; copied */
  const char *labels;                /* UTF-8, one label a line; copied. Null: results have no label */
  size_t labels_size;                /* bytes of it */
} tvm_mnv3_options;

#define TVM_MNV3_OPTIONS {sizeof(tvm_mnv3_options), 0, TVM_MNV3_BIG_CORES, 0, 0, 0, 0}

typedef struct tvm_mnv3_classifier tvm_mnv3_classifier;

/* Makes a classifier of a model (P_model()). Null options are the defaults. On failure *classifier is null. */
int32_t tvm_mnv3_classifier_create(const tvm_mnv3_model *model, const tvm_mnv3_options *options,
                                   tvm_mnv3_classifier **classifier);

typedef struct {
  int32_t index;     /* of the class */
  float score;       /* its probability by softmax */
  const char *label; /* null without labels; lives as long as the classifier */
} tvm_mnv3_result;

/* The `count` best classes, best first, of equal ones the lower index first; where the model has fewer, the rest gets
 * index -1. Of a failure nothing is kept, and the classifier stays usable. */
int32_t tvm_mnv3_classify(tvm_mnv3_classifier *classifier, const tvm_mnv3_pixels *pixels, tvm_mnv3_result *results,
                          int32_t count);

/* The first half of it: the model's input made from a picture, `bytes` as the model's description says. */
int32_t tvm_mnv3_prepare(tvm_mnv3_classifier *classifier, const tvm_mnv3_pixels *pixels, void *input, size_t bytes);

/* What was chosen, and what it takes. */
typedef struct {
  uint32_t struct_size; /* set before the call: sizeof(tvm_mnv3_chosen) */
  int32_t threads;      /* the caller's included; 0: the app's own */
  int32_t cores;        /* the kind asked for */
  uint64_t cpus;        /* the CPUs that the started threads are kept to, one bit each; 0: any */
  int32_t classes;
  size_t memory;        /* bytes taken by create, all in all */
  size_t context;       /* of which the model's planned memory */
} tvm_mnv3_chosen;

int32_t tvm_mnv3_classifier_chosen(const tvm_mnv3_classifier *classifier, tvm_mnv3_chosen *chosen);

/* Ends the threads and gives the memory back. Null is ignored. */
void tvm_mnv3_classifier_destroy(tvm_mnv3_classifier *classifier);

#ifdef __cplusplus
}
#endif
#endif
