/* cores.h - which CPUs are the big ones. */
#ifndef TVM_MNV3_CORES_H
#define TVM_MNV3_CORES_H

#include <stdint.h>

/* The CPUs of that kind (TVM_MNV3_BIG_CORES, ...) out of `allowed`, one bit each, at most the first 64. How fast each
 * is stands in `folder`: Linux's /sys/devices/system/cpu. Where that says nothing, all are of one kind. */
uint64_t mnv3_find_cores(const char *folder, uint64_t allowed, int32_t kind);

/* The CPUs that this thread may run on, as far as 64 bits say; 1 when the kernel does not tell. */
uint64_t mnv3_allowed_cores(void);

int32_t mnv3_count_cores(uint64_t cpus);

#endif
