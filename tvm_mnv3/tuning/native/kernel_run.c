/* kernel_run.c - runs one kernel of a library of this machine, and times it.
 *
 *   kernel_run LIBRARY SYMBOL TASKS IN OUT REPEATS MILLISECONDS CPU WEIGHTS END BYTES...
 *
 * The kernel is void SYMBOL(void *..., int32_t begin, int32_t end), its operands are of BYTES each and hold what the
 * file IN says, one after another. After one run OUT gets what they hold then. REPEATS times the kernel runs for at
 * least so many milliseconds, on one CPU; each time prints the seconds of one run on a line.
 *
 * As in a network, activations are warm and weights are not: the operands from number WEIGHTS up to END are there in
 * many copies, which the runs take in turns, so that a run finds its weights where the last inference left them. Copies
 * lie one behind the other, and the next turn's is half of them away: a kernel may fetch what lies behind its weights.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ALIGNMENT = 64, MOST_OPERANDS = 8, FIRST_SIZE = 11 };
/* Bytes of weights between two runs of a kernel. V3-Large has 22 MB, which with its activations and with whatever else
 * the machine does are more than a last cache of 32 MB keeps: with 24 MB here, knobs won that read more weights. */
enum { BETWEEN = 64 << 20 };
/* Bytes behind the last copy, for a kernel to fetch. */
enum { BEHIND = 4 << 20 };

typedef void (*kernel_function)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
                                uintptr_t, uintptr_t);

static kernel_function kernel;
/* A kernel does not look at arguments that it does not have (AAPCS64, 6.8.2; System V x86-64, 3.2.3). */
static uintptr_t a[MOST_OPERANDS + 2];

/* The weights: operands first to end, in so many copies (an odd number), each `size` bytes further on than the last. */
static struct {
  int first, end;
  long copies, turn;
  size_t size;
  uintptr_t start[MOST_OPERANDS];
} weights;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "kernel_run: %s%s\n", what, detail);
  exit(2);
}

static void next_weights(void) {
  for (int i = weights.first; i < weights.end; ++i) a[i] = weights.start[i] + (size_t)weights.turn * weights.size;
  weights.turn = (weights.turn + weights.copies / 2) % weights.copies;
}

static double seconds_of(long times) {
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < times; ++i) {
    next_weights();
    kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

static size_t aligned(size_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static int is_weight(int operand) { return operand >= weights.first && operand < weights.end; }

static size_t size_of(const char *text) { return strtoull(text, NULL, 10); }

static char *allocated(size_t size) {
  void *memory;
  if (posix_memalign(&memory, ALIGNMENT, size)) fail("out of memory", "");
  return memory;
}

static void read_operands(const char *path, int count, char **sizes) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot open ", path);
  for (int i = weights.first; i < weights.end; ++i) weights.size += aligned(size_of(sizes[i]));
  weights.copies = weights.size ? (long)(BETWEEN / weights.size) | 1 : 1;
  size_t all = (size_t)weights.copies * weights.size;
  char *copies = allocated(all + BEHIND), *next = copies;
  memset(copies + all, 0, BEHIND);
  for (int i = 0; i < count; ++i) {
    size_t size = size_of(sizes[i]);
    char *memory = is_weight(i) ? next : allocated(aligned(size));
    if (is_weight(i)) next += aligned(size);
    if (fread(memory, 1, size, file) != size) fail("too few bytes in ", path);
    a[i] = weights.start[i] = (uintptr_t)memory;
  }
  for (long copy = 1; copy < weights.copies; ++copy) memcpy(copies + (size_t)copy * weights.size, copies, weights.size);
  fclose(file);
}

static void write_operands(const char *path, int count, char **sizes) {
  FILE *file = fopen(path, "wb");
  if (!file) fail("cannot open ", path);
  for (int i = 0; i < count; ++i) {
    size_t size = size_of(sizes[i]);
    if (fwrite((void *)a[i], 1, size, file) != size) fail("cannot write ", path);
  }
  if (fclose(file)) fail("cannot write ", path);
}

static void run_on(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one)) fail("cannot run on the CPU ", "it was told");
}

int main(int argc, char **argv) {
  int count = argc - FIRST_SIZE;
  if (count < 1 || count > MOST_OPERANDS) fail("too few arguments, or too many", "");
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("the library does not load: ", dlerror());
  *(void **)&kernel = dlsym(library, argv[2]);
  if (!kernel) fail("the library does not export ", argv[2]);
  run_on(atoi(argv[8]));
  weights.first = atoi(argv[9]);
  weights.end = atoi(argv[10]);
  read_operands(argv[4], count, argv + FIRST_SIZE);
  a[count + 1] = (uintptr_t)atoi(argv[3]);
  seconds_of(1);
  write_operands(argv[5], count, argv + FIRST_SIZE);
  double least = 1e-3 * atof(argv[7]);
  long times = 1;
  while (seconds_of(times) < least) times *= 2;
  for (int repeat = atoi(argv[6]); repeat > 0; --repeat) printf("%.9e\n", seconds_of(times) / (double)times);
  return 0;
}
