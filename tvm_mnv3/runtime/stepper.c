/* stepper.c - see stepper.h. */
#define _POSIX_C_SOURCE 200112L
#include "stepper.h"

#include <time.h>

/* A step with the addresses of its operands. */
typedef struct {
  const stepper_step *step;
  const uint8_t *code;
  void *at[STEPPER_MOST_OPERANDS];
} ready_step;

static void *address(const stepper_model *model, const stepper_operand *operand) {
  switch (operand->space) {
    case STEPPER_INPUT: return (void *)model->inputs[operand->offset];
    case STEPPER_OUTPUT: return model->outputs[operand->offset];
    case STEPPER_ARENA: return model->arena + operand->offset;
    default: return (void *)(model->weights + operand->offset);
  }
}

static void copy(uint8_t *to, const uint8_t *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; ++i) to[i] = from[i];
}

/* A kernel takes its operands and the range of tasks. */
static void call_kernel(const uint8_t *code, void *const *p, int64_t count, int32_t begin, int32_t end) {
  union {
    const uint8_t *code;
    void (*k2)(void *, void *, int32_t, int32_t);
    void (*k3)(void *, void *, void *, int32_t, int32_t);
    void (*k4)(void *, void *, void *, void *, int32_t, int32_t);
    void (*k5)(void *, void *, void *, void *, void *, int32_t, int32_t);
    void (*k6)(void *, void *, void *, void *, void *, void *, int32_t, int32_t);
    void (*k7)(void *, void *, void *, void *, void *, void *, void *, int32_t, int32_t);
    void (*k8)(void *, void *, void *, void *, void *, void *, void *, void *, int32_t, int32_t);
    void (*k9)(void *, void *, void *, void *, void *, void *, void *, void *, void *, int32_t, int32_t);
    void (*k10)(void *, void *, void *, void *, void *, void *, void *, void *, void *, void *, int32_t, int32_t);
  } f = {code};
  switch (count) {
    case 2: f.k2(p[0], p[1], begin, end); break;
    case 3: f.k3(p[0], p[1], p[2], begin, end); break;
    case 4: f.k4(p[0], p[1], p[2], p[3], begin, end); break;
    case 5: f.k5(p[0], p[1], p[2], p[3], p[4], begin, end); break;
    case 6: f.k6(p[0], p[1], p[2], p[3], p[4], p[5], begin, end); break;
    case 7: f.k7(p[0], p[1], p[2], p[3], p[4], p[5], p[6], begin, end); break;
    case 8: f.k8(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], begin, end); break;
    case 9: f.k9(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], begin, end); break;
    case 10: f.k10(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], begin, end); break;
    default: break; /* refused before: see devices/stepping.py */
  }
}

static void run_tasks(void *state, int32_t begin, int32_t end) {
  const ready_step *ready = (const ready_step *)state;
  call_kernel(ready->code, ready->at, ready->step->num_operands, begin, end);
}

static void run_step(const stepper_model *model, const stepper_step *step) {
  ready_step ready;
  ready.step = step;
  for (int64_t i = 0; i < step->num_operands; ++i) ready.at[i] = address(model, &step->operands[i]);
  if (step->kernel == STEPPER_COPY) {
    copy((uint8_t *)ready.at[1], (const uint8_t *)ready.at[0], step->operands[1].bytes);
    return;
  }
  ready.code = model->base + step->kernel;
  if (model->parallel != NULL && step->tasks > 1) {
    model->parallel->parallel_for(model->parallel->pool, (int32_t)step->tasks, run_tasks, &ready);
  } else {
    run_tasks(&ready, 0, (int32_t)step->tasks);
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void stepper_time(const stepper_model *model, int64_t *nanoseconds) {
  nanoseconds[0] = now();
  for (int64_t i = 0; i < model->num_steps; ++i) {
    run_step(model, &model->steps[i]);
    nanoseconds[i + 1] = now();
  }
}

void stepper_record(const stepper_model *model, uint8_t *values) {
  for (int64_t i = 0; i < model->num_steps; ++i) {
    const stepper_step *step = &model->steps[i];
    run_step(model, step);
    for (int64_t k = step->first_output; k < step->first_output + step->num_outputs; ++k) {
      copy(values, (const uint8_t *)address(model, &step->operands[k]), step->operands[k].bytes);
      values += step->operands[k].bytes;
    }
  }
}
