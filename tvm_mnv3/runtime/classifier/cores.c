/* cores.c - see cores.h.
 *
 * Linux says how fast a core is in cpu_capacity (1024 is the fastest; ARM kernels have it) and, in kHz, in
 * cpufreq/cpuinfo_max_freq: the one is asked for first, the other where it is missing.
 */
#include "cores.h"

#include "../classifier.h"
#include "../system_calls.h"

enum { HERE = -100 /* AT_FDCWD */, CPUS = 64, LONGEST_PATH = 256 };

static char *append(char *to, const char *end, const char *text) {
  while (*text && to < end) *to++ = *text++;
  return to;
}

/* The number in FOLDER/cpuN/NAME, or 0. */
static int64_t read_number(const char *folder, int32_t cpu, const char *name) {
  char path[LONGEST_PATH], digits[3] = {(char)('0' + cpu / 10), (char)('0' + cpu % 10), 0};
  char *end = path + LONGEST_PATH - 1, *to = append(append(path, end, folder), end, "/cpu");
  to = append(append(append(to, end, cpu < 10 ? digits + 1 : digits), end, "/"), end, name);
  *to = 0;
  long file = system_call(CALL_OPEN_AT, HERE, (long)path, 0, 0);
  if (file < 0) return 0;
  char text[24];
  long length = system_call(CALL_READ, file, (long)text, sizeof text, 0);
  system_call(CALL_CLOSE, file, 0, 0, 0);
  int64_t number = 0;
  for (long i = 0; i < length && i < 18 && text[i] >= '0' && text[i] <= '9'; ++i) number = 10 * number + text[i] - '0';
  return number;
}

/* How fast each allowed CPU is by that file, and the slowest of it; 0 unless it is known of all. */
static int64_t read_speeds(const char *folder, uint64_t allowed, const char *name, int64_t speeds[CPUS]) {
  int64_t slowest = 0;
  for (int32_t cpu = 0; cpu < CPUS; ++cpu) {
    if (!(allowed >> cpu & 1)) continue;
    speeds[cpu] = read_number(folder, cpu, name);
    if (speeds[cpu] == 0) return 0;
    if (slowest == 0 || speeds[cpu] < slowest) slowest = speeds[cpu];
  }
  return slowest;
}

uint64_t mnv3_find_cores(const char *folder, uint64_t allowed, int32_t kind) {
  int64_t speeds[CPUS];
  if (kind == TVM_MNV3_ALL_CORES) return allowed;
  int64_t slowest = read_speeds(folder, allowed, "cpu_capacity", speeds);
  if (slowest == 0) slowest = read_speeds(folder, allowed, "cpufreq/cpuinfo_max_freq", speeds);
  uint64_t little = 0;
  for (int32_t cpu = 0; slowest > 0 && cpu < CPUS; ++cpu) {
    if ((allowed >> cpu & 1) && speeds[cpu] == slowest) little |= (uint64_t)1 << cpu;
  }
  if (little == 0 || little == allowed) return allowed; /* one kind */
  return kind == TVM_MNV3_LITTLE_CORES ? little : allowed & ~little;
}

uint64_t mnv3_allowed_cores(void) {
  uint64_t mask[16] = {0}; /* the kernel refuses a mask that is shorter than its own */
  long bytes = system_call(CALL_GET_AFFINITY, 0, sizeof mask, (long)mask, 0);
  return bytes > 0 && mask[0] ? mask[0] : 1;
}

int32_t mnv3_count_cores(uint64_t cpus) {
  int32_t count = 0;
  for (; cpus; cpus &= cpus - 1) ++count;
  return count;
}
