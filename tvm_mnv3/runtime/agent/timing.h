// timing.h - TVM's time_evaluator: how long a kernel takes on its arguments.
#ifndef TVM_MNV3_AGENT_TIMING_H
#define TVM_MNV3_AGENT_TIMING_H

#include <vector>

#include "kernel.h"
#include "object.h"

namespace agent {

// As Module.time_evaluator of TVM's Python takes them.
struct TimingOptions {
  int64_t number = 1;           // calls in one measurement, at first
  int64_t repeat = 1;           // measurements
  int64_t min_repeat_ms = 0;    // `number` grows until a measurement takes so long
  int64_t zero_limit = 100;     // measurements of no time at all before growing is given up
  int64_t cooldown_ms = 0;      // a pause after every `repeats_to_cooldown` measurements
  int64_t repeats_to_cooldown = 1;
  int64_t flush_bytes = 0;      // copied before each measurement, so that caches hold something else
  bool flush_arguments = false; // evict all arguments but the first from the caches before each measurement
};

// Reads the arguments of runtime.RPCTimeEvaluator from the fifth on.
Error read_timing_options(const Arguments &arguments, TimingOptions *options);

// Calls a kernel as often as the options say, and answers with the seconds of each measurement as raw doubles.
class TimeEvaluator : public Object {
 public:
  TimeEvaluator(KernelFunction kernel, const TimingOptions &options) : kernel_(kernel), options_(options) {}
  Error call(const Arguments &arguments, Answer *answer) override;

 private:
  Error measure(const Arguments &arguments, int64_t *number, double *seconds);
  void prepare_caches(const Arguments &arguments);

  KernelFunction kernel_;
  TimingOptions options_;
  std::vector<char> flushed_from_, flushed_to_;
};

// Writes back and evicts the cache lines of a piece of memory.
void flush_from_caches(const char *data, size_t size);

}  // namespace agent

#endif
