// host_symbols.cc - the functions that kernels import when they are linked without this project's own library of them:
// TVM's error functions, C's memory functions and single-precision mathematics.
#include "host_symbols.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace {

// A kernel that runs on several threads may fail on several; the last one is heard. Sessions have one caller.
char last_error[1024];

void record(const char *kind, const char *const *parts, int32_t count) {
  std::string sentence = std::string(kind) + ": ";
  for (int32_t i = 0; i < count; ++i) sentence += parts[i] != nullptr ? parts[i] : "";
  size_t kept = sentence.size() < sizeof last_error - 1 ? sentence.size() : sizeof last_error - 1;
  memcpy(last_error, sentence.data(), kept);
  last_error[kept] = '\0';
}

// The names and types of tvm/ffi/c_api.h.
extern "C" void TVMFFIErrorSetRaisedFromCStr(const char *kind, const char *message) { record(kind, &message, 1); }

extern "C" void TVMFFIErrorSetRaisedFromCStrParts(const char *kind, const char **parts, int32_t count) {
  record(kind, parts, count);
}

struct Symbol {
  const char *name;
  void *address;
};

#define SYMBOL(function) {#function, reinterpret_cast<void *>(&function)}
#define FLOAT1(function) {#function, reinterpret_cast<void *>(static_cast<float (*)(float)>(function))}
#define FLOAT2(function) {#function, reinterpret_cast<void *>(static_cast<float (*)(float, float)>(function))}

const Symbol kSymbols[] = {
    SYMBOL(TVMFFIErrorSetRaisedFromCStr),
    SYMBOL(TVMFFIErrorSetRaisedFromCStrParts),
    SYMBOL(memcmp),
    SYMBOL(memcpy),
    SYMBOL(memmove),
    SYMBOL(memset),
    FLOAT1(ceilf),
    FLOAT1(cosf),
    FLOAT1(erff),
    FLOAT1(exp2f),
    FLOAT1(expf),
    FLOAT1(floorf),
    FLOAT2(fmodf),
    FLOAT1(log2f),
    FLOAT1(logf),
    FLOAT2(powf),
    FLOAT1(rintf),
    FLOAT1(roundf),
    FLOAT1(sinf),
    FLOAT1(sqrtf),
    FLOAT1(tanhf),
};

}  // namespace

namespace agent {

void *host_symbol(const char *name) {
  for (const Symbol &symbol : kSymbols) {
    if (strcmp(symbol.name, name) == 0) return symbol.address;
  }
  return nullptr;
}

std::string take_kernel_error() {
  std::string taken = last_error;
  last_error[0] = '\0';
  return taken;
}

}  // namespace agent
