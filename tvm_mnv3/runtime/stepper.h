/* stepper.h - runs a compiled model's kernels one by one: the machine code of the very library that ships, called as
 * its own driver calls it, with a look at the clock or at the outputs after every step. A helper of `profile` and
 * `validate --layers`; it does not ship. */
#ifndef TVM_MNV3_STEPPER_H
#define TVM_MNV3_STEPPER_H

#include "tvm_mnv3.h"

enum { STEPPER_INPUT = 0, STEPPER_OUTPUT = 1, STEPPER_ARENA = 2, STEPPER_WEIGHTS = 3 };
enum { STEPPER_MOST_OPERANDS = 12, STEPPER_COPY = -1 };

typedef struct {
  int64_t space;  /* one of the four above */
  int64_t offset; /* of an input or output its position; else bytes from the start of the arena or the weights */
  int64_t bytes;
} stepper_operand;

typedef struct {
  int64_t kernel; /* offset of its code from the address that the library is loaded at, or STEPPER_COPY */
  int64_t tasks;
  int64_t num_operands;
  int64_t first_output;
  int64_t num_outputs;
  stepper_operand operands[STEPPER_MOST_OPERANDS];
} stepper_step;

typedef struct {
  const uint8_t *base; /* the address that the library is loaded at */
  const uint8_t *weights;
  const stepper_step *steps;
  int64_t num_steps;
  uint8_t *arena;
  const void *const *inputs;
  void *const *outputs;
  const tvm_mnv3_parallel *parallel;
} stepper_model;

/* Runs once; after step i, nanoseconds[i + 1] is the clock, and nanoseconds[0] the clock before the first step. */
void stepper_time(const stepper_model *model, int64_t *nanoseconds);

/* Runs once; every step's outputs are written to `values`, one behind the other. */
void stepper_record(const stepper_model *model, uint8_t *values);

#endif
