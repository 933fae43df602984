/* Kernels as a client uploads them: good ones, and each way in which one can go wrong. */
#include "tvm_ffi_abi.h"

#define KERNEL(name) \
  __attribute__((visibility("default"))) int __tvm_ffi_##name(void *self, const TVMFFIAny *args, int32_t count, \
                                                              TVMFFIAny *result)

/* main(x, y): y = 2 x, of float32 vectors; returns the number of elements. */
KERNEL(main) {
  (void)self;
  const DLTensor *x = count == 2 ? as_tensor(&args[0]) : 0, *y = count == 2 ? as_tensor(&args[1]) : 0;
  if (x == 0 || y == 0 || x->shape[0] != y->shape[0]) return -1;
  for (int64_t i = 0; i < x->shape[0]; ++i) ((float *)y->data)[i] = 2 * ((float *)x->data)[i];
  set_int(result, x->shape[0]);
  return 0;
}

/* calls(): how often it was called. */
KERNEL(calls) {
  static int64_t calls;
  (void)self, (void)args, (void)count;
  set_int(result, ++calls);
  return 0;
}

KERNEL(crash) {
  (void)self, (void)args, (void)count, (void)result;
  *(volatile int *)0 = 1;
  return 0;
}

KERNEL(hang) {
  (void)self, (void)args, (void)count, (void)result;
  for (;;) __asm__ volatile("");
}

static long system_call(long number, const void *first, const void *second) {
  register long x8 __asm__("x8") = number;
  register const void *x0 __asm__("x0") = first;
  register const void *x1 __asm__("x1") = second;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
  return (long)x0;
}

/* sleep_ms(n): takes n milliseconds of no processor's time. */
KERNEL(sleep_ms) {
  (void)self, (void)count;
  long time[2] = {args[0].v_int64 / 1000, args[0].v_int64 % 1000 * 1000000};
  set_int(result, system_call(101 /* nanosleep */, time, 0));
  return 0;
}
