/* jni.c - the functions of tvm.mnv3.Native: each does as its namesake in classifier.h and returns a status. */
#include <dlfcn.h>
#include <jni.h>

#include "classifier.h"

enum { LIBRARY_MISSING = -1, LONGEST_NAME = 200, MOST_RESULTS = 64 };

static char *append(char *to, const char *end, const char *text) {
  while (*text && to < end) *to++ = *text++;
  *to = 0;
  return to;
}

/* The description of the model NAME in libNAME.so, or null. The library stays loaded: other classifiers may use it. */
static const tvm_mnv3_model *find_model(const char *name) {
  char text[LONGEST_NAME + 16];
  const char *end = text + sizeof text - 1;
  append(append(append(text, end, "lib"), end, name), end, ".so");
  void *library = dlopen(text, RTLD_NOW | RTLD_LOCAL);
  if (!library) return 0;
  append(append(text, end, name), end, "_model");
  const tvm_mnv3_model *(*describe)(void);
  *(void **)&describe = dlsym(library, text);
  return describe ? describe() : 0;
}

static int32_t create(JNIEnv *env, const char *name, jbyteArray labels, tvm_mnv3_options *options,
                      tvm_mnv3_classifier **classifier) {
  const tvm_mnv3_model *model = find_model(name);
  if (!model) return LIBRARY_MISSING;
  jbyte *text = 0;
  if (labels) {
    options->labels_size = (size_t)(*env)->GetArrayLength(env, labels);
    text = (*env)->GetByteArrayElements(env, labels, 0);
    if (!text) return TVM_MNV3_OUT_OF_MEMORY;
    options->labels = (const char *)text;
  }
  int32_t status = tvm_mnv3_classifier_create(model, options, classifier);
  if (text) (*env)->ReleaseByteArrayElements(env, labels, text, JNI_ABORT);
  return status;
}

JNIEXPORT jlong JNICALL Java_tvm_mnv3_Native_create(JNIEnv *env, jclass class, jstring model, jbyteArray labels,
                                                    jint threads, jint cores, jint max_short_side, jintArray status) {
  (void)class;
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  options.threads = threads;
  options.cores = cores;
  options.max_short_side = max_short_side;
  tvm_mnv3_classifier *classifier = 0;
  jint result = LIBRARY_MISSING;
  if ((*env)->GetStringUTFLength(env, model) <= LONGEST_NAME) {
    const char *name = (*env)->GetStringUTFChars(env, model, 0);
    result = name ? create(env, name, labels, &options, &classifier) : TVM_MNV3_OUT_OF_MEMORY;
    if (name) (*env)->ReleaseStringUTFChars(env, model, name);
  }
  (*env)->SetIntArrayRegion(env, status, 0, 1, &result);
  return (jlong)(intptr_t)classifier;
}

static jint classify(JNIEnv *env, jlong handle, const tvm_mnv3_pixels *pixels, jintArray indices, jfloatArray scores) {
  tvm_mnv3_result results[MOST_RESULTS];
  jint wanted = (*env)->GetArrayLength(env, indices), count = wanted < MOST_RESULTS ? wanted : MOST_RESULTS;
  int32_t status = tvm_mnv3_classify((tvm_mnv3_classifier *)(intptr_t)handle, pixels, results, count);
  for (jint i = 0; i < wanted && status == TVM_MNV3_OK; ++i) {
    jint index = i < count ? results[i].index : -1;
    jfloat score = i < count ? results[i].score : 0.0f;
    (*env)->SetIntArrayRegion(env, indices, i, 1, &index);
    (*env)->SetFloatArrayRegion(env, scores, i, 1, &score);
  }
  return status;
}

static tvm_mnv3_pixels described(const void *data, size_t size, jint format, jint width, jint height, jint stride) {
  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  pixels.format = format;
  pixels.width = width;
  pixels.height = height;
  pixels.data = data;
  pixels.size = size;
  pixels.stride = (size_t)stride;
  return pixels;
}

JNIEXPORT jint JNICALL Java_tvm_mnv3_Native_classifyBuffer(JNIEnv *env, jclass class, jlong handle, jobject buffer,
                                                           jint offset, jint size, jint format, jint width, jint height,
                                                           jint stride, jintArray indices, jfloatArray scores) {
  (void)class;
  const uint8_t *data = (*env)->GetDirectBufferAddress(env, buffer);
  if (!data) return TVM_MNV3_NULL_POINTER;
  if (stride < 0) return TVM_MNV3_SHORT_STRIDE;
  tvm_mnv3_pixels pixels = described(data + offset, (size_t)size, format, width, height, stride);
  return classify(env, handle, &pixels, indices, scores);
}

JNIEXPORT jint JNICALL Java_tvm_mnv3_Native_classifyInts(JNIEnv *env, jclass class, jlong handle, jintArray array,
                                                         jint width, jint height, jint stride, jintArray indices,
                                                         jfloatArray scores) {
  (void)class;
  if (!array) return TVM_MNV3_NULL_POINTER;
  if (stride < 0) return TVM_MNV3_SHORT_STRIDE;
  jint *data = (*env)->GetIntArrayElements(env, array, 0);
  if (!data) return TVM_MNV3_OUT_OF_MEMORY;
  size_t size = (size_t)(*env)->GetArrayLength(env, array) * sizeof(jint);
  tvm_mnv3_pixels pixels = described(data, size, TVM_MNV3_BGRA, width, height, stride);
  jint status = classify(env, handle, &pixels, indices, scores);
  (*env)->ReleaseIntArrayElements(env, array, data, JNI_ABORT);
  return status;
}

JNIEXPORT jint JNICALL Java_tvm_mnv3_Native_classifyBytes(JNIEnv *env, jclass class, jlong handle, jbyteArray array,
                                                          jint format, jint width, jint height, jint stride,
                                                          jintArray indices, jfloatArray scores) {
  (void)class;
  if (!array) return TVM_MNV3_NULL_POINTER;
  if (stride < 0) return TVM_MNV3_SHORT_STRIDE;
  jbyte *data = (*env)->GetByteArrayElements(env, array, 0);
  if (!data) return TVM_MNV3_OUT_OF_MEMORY;
  size_t size = (size_t)(*env)->GetArrayLength(env, array);
  tvm_mnv3_pixels pixels = described(data, size, format, width, height, stride);
  jint status = classify(env, handle, &pixels, indices, scores);
  (*env)->ReleaseByteArrayElements(env, array, data, JNI_ABORT);
  return status;
}

JNIEXPORT jlongArray JNICALL Java_tvm_mnv3_Native_chosen(JNIEnv *env, jclass class, jlong handle) {
  (void)class;
  tvm_mnv3_chosen chosen = {.struct_size = sizeof chosen};
  tvm_mnv3_classifier_chosen((tvm_mnv3_classifier *)(intptr_t)handle, &chosen);
  jlong values[4] = {chosen.threads, (jlong)chosen.cpus, chosen.classes, (jlong)chosen.memory};
  jlongArray array = (*env)->NewLongArray(env, 4);
  if (array) (*env)->SetLongArrayRegion(env, array, 0, 4, values);
  return array;
}

JNIEXPORT void JNICALL Java_tvm_mnv3_Native_destroy(JNIEnv *env, jclass class, jlong handle) {
  (void)env, (void)class;
  tvm_mnv3_classifier_destroy((tvm_mnv3_classifier *)(intptr_t)handle);
}

JNIEXPORT jstring JNICALL Java_tvm_mnv3_Native_statusText(JNIEnv *env, jclass class, jint status) {
  (void)class;
  return (*env)->NewStringUTF(env, tvm_mnv3_status_text(status));
}
