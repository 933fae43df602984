/* kernel_entry.c - the one kernel of a library in TVM's calling convention, so that an RPC session can call and time it.
 *
 * candidate(tensor..., tasks): every operand a tensor of bytes, then the number of tasks; all of them are done. Gives
 * back 0, or fails where an argument is none of that.
 */
#include "tvm_mnv3.h"
#include "tvm_ffi_abi.h"

enum { MOST_OPERANDS = 8 };

/* Any number of arguments fits one call: each takes a register or a slot of 8 bytes (AAPCS64, 6.8.2), and a kernel
 * does not look at those it does not have. */
extern void candidate0(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                       uintptr_t, uintptr_t);

__attribute__((visibility("default"))) int __tvm_ffi_candidate(void *self, const TVMFFIAny *args, int32_t num_args,
                                                               TVMFFIAny *result) {
  (void)self;
  uintptr_t a[MOST_OPERANDS + 2] = {0};
  int32_t operands = num_args - 1;
  if (operands < 1 || operands > MOST_OPERANDS || args[operands].type_index != kTVMFFIInt) return -1;
  for (int32_t i = 0; i < operands; ++i) {
    void *data = 0;
    if (!workspace_data(&args[i], 0, &data)) return -1;
    a[i] = (uintptr_t)data;
  }
  a[operands + 1] = (uintptr_t)args[operands].v_int64;
  candidate0(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
  set_int(result, 0);
  return 0;
}
