/* system_calls.h - the few Linux system calls that the companion makes, without a libc. */
#ifndef TVM_MNV3_SYSTEM_CALLS_H
#define TVM_MNV3_SYSTEM_CALLS_H

#include <stddef.h>
#include <stdint.h>

/* Returns what the kernel returns: a negative number is an error code. */
#if defined(__x86_64__)

enum { CALL_READ = 0, CALL_CLOSE = 3, CALL_FUTEX = 202, CALL_SET_AFFINITY = 203, CALL_GET_AFFINITY = 204,
       CALL_OPEN_AT = 257 };

static inline long system_call(long number, long a, long b, long c, long d) {
  long result = number; /* the call's number goes in where the result comes out */
  register long fourth __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(fourth)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

enum { CALL_OPEN_AT = 56, CALL_CLOSE = 57, CALL_READ = 63, CALL_FUTEX = 98, CALL_SET_AFFINITY = 122,
       CALL_GET_AFFINITY = 123 };

static inline long system_call(long number, long a, long b, long c, long d) {
  register long call __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(call), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

#else
#error "the companion knows the system calls of x86-64 and 64-bit ARM only"
#endif

#endif
