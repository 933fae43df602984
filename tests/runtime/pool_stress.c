/* pool_stress.c - uses the thread pool in every way it allows, and checks that each task ran exactly once.
 *
 *   pool_stress THREADS JOBS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thread_pool.h"

enum { MOST_TASKS = 300, POOLS = 2 };

typedef struct {
  int runs[MOST_TASKS]; /* not atomic: a task that ran twice at once is a data race */
  int value, count;     /* written before the job, read by its tasks */
  int sum[MOST_TASKS];
  const tvm_mnv3_parallel *nested;
} job;

typedef struct {
  int threads, jobs, failed;
  unsigned seed;
} plan;

static void task(void *state, int32_t begin, int32_t end) {
  job *j = state;
  for (int32_t i = begin; i < end; ++i) {
    j->runs[i] += 1;
    j->sum[i] = j->value + i;
  }
}

static void task_with_a_job(void *state, int32_t begin, int32_t end) {
  job *outer = state, *inner = calloc(1, sizeof *inner);
  inner->value = 5;
  outer->nested->parallel_for(outer->nested->pool, 10, task, inner);
  for (int i = 0; i < 10; ++i) {
    if (inner->runs[i] != 1) abort();
  }
  free(inner);
  task(state, begin, end);
}

/* Long enough that whoever waits goes to sleep. */
static void pause_for_a_while(void) {
  struct timespec millisecond = {0, 1000000};
  nanosleep(&millisecond, 0);
}

/* The last task is in a worker's share: the caller has to wait for it. */
static void task_with_a_slow_end(void *state, int32_t begin, int32_t end) {
  job *j = state;
  if (end == j->count) pause_for_a_while();
  task(state, begin, end);
}

static int ran_once(const job *j, int count) {
  for (int i = 0; i < MOST_TASKS; ++i) {
    if (j->runs[i] != (i < count)) return 0;
    if (i < count && j->sum[i] != j->value + i) return 0;
  }
  return 1;
}

static int next_random(unsigned *seed, int below) {
  *seed = *seed * 1103515245u + 12345u;
  return (int)((*seed >> 16) % (unsigned)below);
}

static void *use_a_pool(void *argument) {
  plan *p = argument;
  void *memory;
  if (posix_memalign(&memory, TVM_MNV3_ALIGNMENT, tvm_mnv3_pool_size(p->threads))) abort();
  memset(memory, 0xa5, tvm_mnv3_pool_size(p->threads)); /* a pool may not count on zeros */
  tvm_mnv3_pool *pool = tvm_mnv3_pool_create(memory, p->threads);
  if (!pool || tvm_mnv3_pool_threads(pool) != p->threads) abort();
  tvm_mnv3_parallel parallel = tvm_mnv3_pool_parallel(pool);
  job *j = malloc(sizeof *j);
  for (int n = 0; n < p->jobs; ++n) {
    int count = next_random(&p->seed, n % 2 ? 8 : MOST_TASKS + 1);
    memset(j, 0, sizeof *j);
    j->value = n;
    j->count = count;
    j->nested = &parallel;
    tvm_mnv3_task kind = n % 16 == 0 ? task_with_a_job : n % 32 == 1 ? task_with_a_slow_end : task;
    parallel.parallel_for(parallel.pool, count, kind, j);
    if (!ran_once(j, count)) p->failed = 1;
    if (n % 64 == 0) pause_for_a_while(); /* the workers go to sleep */
  }
  tvm_mnv3_pool_destroy(pool);
  free(j);
  free(memory);
  return 0;
}

static void come_and_go(int threads) {
  _Alignas(TVM_MNV3_ALIGNMENT) static unsigned char memory[TVM_MNV3_POOL_MAX_SIZE];
  for (int i = 0; i < 20; ++i) {
    tvm_mnv3_pool_destroy(tvm_mnv3_pool_create(memory, threads));
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  plan plans[POOLS];
  pthread_t users[POOLS];
  come_and_go(atoi(argv[1]));
  for (unsigned i = 0; i < POOLS; ++i) {
    plans[i] = (plan){atoi(argv[1]), atoi(argv[2]), 0, i + 1};
    if (pthread_create(&users[i], 0, use_a_pool, &plans[i])) abort();
  }
  for (int i = 0; i < POOLS; ++i) {
    pthread_join(users[i], 0);
    if (plans[i].failed) {
      puts("a task did not run exactly once");
      return 1;
    }
  }
  puts("every task ran exactly once");
  return 0;
}
