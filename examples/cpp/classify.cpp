// classify.cpp - a JPEG in, its five best classes out, in C++17. CMakeLists.txt says how it is built.
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#include "stb_image.h"

#include MODEL_HEADER
#include "classifier.h"

namespace {

void check(int32_t status) {
  if (status != TVM_MNV3_OK) throw std::runtime_error(tvm_mnv3_status_text(status));
}

struct Destroy {
  void operator()(tvm_mnv3_classifier *classifier) const { tvm_mnv3_classifier_destroy(classifier); }
};
using Classifier = std::unique_ptr<tvm_mnv3_classifier, Destroy>;

Classifier open_classifier(const std::string &labels) {
  tvm_mnv3_options options = TVM_MNV3_OPTIONS;
  options.labels = labels.data();
  options.labels_size = labels.size();
  tvm_mnv3_classifier *classifier = nullptr;
  check(tvm_mnv3_classifier_create(DESCRIPTION(), &options, &classifier));
  return Classifier(classifier);
}

void classify(tvm_mnv3_classifier *classifier, const char *path) {
  tvm_mnv3_pixels pixels = TVM_MNV3_PIXELS;
  std::unique_ptr<unsigned char, void (*)(void *)> data(stbi_load(path, &pixels.width, &pixels.height, nullptr, 3),
                                                        stbi_image_free);
  if (!data) throw std::runtime_error("it is no JPEG that can be read");
  pixels.data = data.get();
  pixels.size = static_cast<size_t>(pixels.width) * static_cast<size_t>(pixels.height) * 3;

  std::array<tvm_mnv3_result, 5> best;
  check(tvm_mnv3_classify(classifier, &pixels, best.data(), static_cast<int32_t>(best.size())));
  for (const tvm_mnv3_result &result : best) {
    if (result.index >= 0) std::printf("%6.2f%%  %4d  %s\n", 100.0 * result.score, result.index, result.label);
  }
}

}  // namespace

int main(int argc, char **argv) {
  try {
    std::ifstream file(LABELS, std::ios::binary);
    std::string labels(std::istreambuf_iterator<char>(file), {});
    Classifier classifier = open_classifier(labels);
    for (int i = 1; i < argc; ++i) classify(classifier.get(), argv[i]);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "classify: %s\n", error.what());
    return 2;
  }
  return 0;
}
