// timing.cc - the loop of TVM's WrapTimeEvaluator (src/runtime/timer.cc), with this process's monotonic clock.
#include "timing.h"

#include <time.h>

#include <algorithm>

#include "protocol.h"

namespace agent {

namespace {

int64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

void sleep_ms(int64_t milliseconds) {
  timespec time{static_cast<time_t>(milliseconds / 1000), static_cast<long>(milliseconds % 1000 * 1000000)};
  nanosleep(&time, nullptr);
}

// The number of calls that should reach `least_ms`, and at least the golden ratio more than before, as in TVM.
int64_t grown(int64_t number, int64_t elapsed_ns, int64_t least_ms) {
  const double call_ns = static_cast<double>(elapsed_ns) / static_cast<double>(number);
  const double needed = static_cast<double>(least_ms) * 1e6 / call_ns + 1;
  return static_cast<int64_t>(std::max(needed, static_cast<double>(number) * 1.618));
}

}  // namespace

Error read_timing_options(const Arguments &arguments, TimingOptions *options) {
  int64_t *const fields[] = {&options->number,     &options->repeat,      &options->min_repeat_ms,
                             &options->zero_limit, &options->cooldown_ms, &options->repeats_to_cooldown,
                             &options->flush_bytes};
  size_t index = 4;
  for (int64_t *field : fields) {
    if (Error error = arguments.integer(index++, field)) return error;
  }
  std::string preparation;
  if (Error error = arguments.text(index, &preparation)) return error;
  options->flush_arguments = preparation == "cache_flush_cpu_non_first_arg";
  if (!preparation.empty() && !options->flush_arguments) return "there is no function " + preparation;
  if (options->number < 1 || options->repeat < 1) return "number and repeat must be at least 1";
  if (options->repeats_to_cooldown < 1) options->repeats_to_cooldown = 1;
  return {};
}

Error TimeEvaluator::call(const Arguments &arguments, Answer *answer) {
  // The first call is not measured: it touches pages and caches for the first time.
  if (Error error = call_kernel(kernel_, arguments, answer)) return error;
  int64_t number = options_.number;
  std::string measured;
  for (int64_t i = 0; i < options_.repeat; ++i) {
    double seconds = 0;
    if (Error error = measure(arguments, &number, &seconds)) return error;
    measured.append(reinterpret_cast<const char *>(&seconds), sizeof seconds);
    if (options_.cooldown_ms > 0 && i % options_.repeats_to_cooldown == 0) sleep_ms(options_.cooldown_ms);
  }
  *answer = Answer::of_bytes(std::move(measured));
  return {};
}

Error TimeEvaluator::measure(const Arguments &arguments, int64_t *number, double *seconds) {
  Answer ignored;
  int64_t elapsed = 0;
  int64_t zeros = 0;
  do {
    if (elapsed > 0) *number = grown(*number, elapsed, options_.min_repeat_ms);
    prepare_caches(arguments);
    const int64_t start = now_ns();
    for (int64_t i = 0; i < *number; ++i) {
      if (Error error = call_kernel(kernel_, arguments, &ignored)) return error;
    }
    elapsed = now_ns() - start;
    if (elapsed == 0) ++zeros;
  } while (elapsed < options_.min_repeat_ms * 1000000 && zeros < options_.zero_limit);
  *seconds = static_cast<double>(elapsed) * 1e-9 / static_cast<double>(*number);
  return {};
}

void TimeEvaluator::prepare_caches(const Arguments &arguments) {
  if (options_.flush_bytes > 0) {
    flushed_from_.resize(static_cast<size_t>(options_.flush_bytes));
    flushed_to_ = flushed_from_;
    // The copy must be made although nobody reads it.
    asm volatile("" : : "r"(flushed_to_.data()) : "memory");
  }
  if (!options_.flush_arguments) return;
  for (size_t i = 1; i < arguments.count(); ++i) {
    const Tensor *tensor = nullptr;
    if (!arguments.tensor(i, &tensor)) flush_from_caches(tensor->data(), tensor->bytes());
  }
}

void flush_from_caches(const char *data, size_t size) {
#if defined(__aarch64__)
  uint64_t cache_type;
  asm volatile("mrs %0, ctr_el0" : "=r"(cache_type));
  const size_t line = size_t{4} << ((cache_type >> 16) & 15);
#else
  const size_t line = 64;
#endif
  const char *end = data + size;
  for (const char *at = data - reinterpret_cast<uintptr_t>(data) % line; at < end; at += line) {
#if defined(__aarch64__)
    asm volatile("dc civac, %0" : : "r"(at) : "memory");
#elif defined(__x86_64__)
    asm volatile("clflush (%0)" : : "r"(at) : "memory");
#endif
  }
#if defined(__aarch64__)
  asm volatile("dmb ish" : : : "memory");
#endif
}

}  // namespace agent
