/* thread_pool.c - see thread_pool.h.
 *
 * A job is `count` tasks. Every thread owns one contiguous share of them, cut into up to CHUNKS pieces; it takes its
 * own pieces first and then those that others have left, so a slow core or a late one holds nobody up.
 *
 * A share is one number: the pieces left. Whoever counts it down owns a piece, and a piece keeps its job alive until it
 * is counted (the caller waits until `done` equals `count`), so its owner may read the job's fields without a lock.
 * The caller never waits for a thread that came too late to get a piece; such a thread may as well help with the next
 * job.
 */
#include "thread_pool.h"

#include "futex.h"

enum { CHUNKS = 4 /* pieces of a share: what evens out cores of different speed, at the price of more calls */ };

/* glibc, musl and bionic: a pthread_t is one word, a null attribute means the defaults. */
extern int pthread_create(uintptr_t *thread, const void *attributes, void *(*start)(void *), void *argument);
extern int pthread_join(uintptr_t thread, void **result);

/* Each on its own cache line. */
typedef struct {
  uint32_t left; /* pieces not yet taken */
  tvm_mnv3_pool *pool;
  uintptr_t thread;
} __attribute__((aligned(TVM_MNV3_ALIGNMENT))) share;

struct tvm_mnv3_pool {
  /* The job: written by the caller between jobs. */
  tvm_mnv3_task task;
  void *state;
  int32_t count;
  int32_t threads;
  uint64_t cpus; /* of the workers, or 0 */
  uint32_t busy;
  uint32_t stop;
  /* Written by many, so on lines of their own. */
  uint32_t job __attribute__((aligned(TVM_MNV3_ALIGNMENT))); /* its number; workers sleep on it */
  uint32_t sleepers;
  uint32_t done __attribute__((aligned(TVM_MNV3_ALIGNMENT))); /* tasks; the caller sleeps on it */
  uint32_t caller_sleeps;
  share shares[];
};

typedef char max_size_holds_every_pool[sizeof(tvm_mnv3_pool) + TVM_MNV3_POOL_MAX_THREADS * sizeof(share) <=
                                               TVM_MNV3_POOL_MAX_SIZE
                                           ? 1
                                           : -1];

static int32_t first_task(const tvm_mnv3_pool *pool, int32_t owner) {
  return (int32_t)((int64_t)pool->count * owner / pool->threads);
}

static int32_t pieces(int32_t tasks) { return tasks < CHUNKS ? tasks : CHUNKS; }

/* Takes a piece: how many were left until then, or 0 when none was. */
static uint32_t take(share *from) {
  uint32_t left = __atomic_load_n(&from->left, __ATOMIC_RELAXED);
  while (left != 0) {
    /* Acquire: the job's fields were written before the share was given out. */
    if (__atomic_compare_exchange_n(&from->left, &left, left - 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) break;
  }
  return left;
}

/* Runs the piece of `owner`'s share that was taken when `left` were left: how many tasks it had. */
static uint32_t run_piece(tvm_mnv3_pool *pool, int32_t owner, uint32_t left) {
  int32_t first = first_task(pool, owner), tasks = first_task(pool, owner + 1) - first, cuts = pieces(tasks);
  int64_t piece = cuts - (int64_t)left;
  int32_t begin = first + (int32_t)(tasks * piece / cuts);
  int32_t end = first + (int32_t)(tasks * (piece + 1) / cuts);
  pool->task(pool->state, begin, end);
  return (uint32_t)(end - begin);
}

/* Adds up what it has run before it says so: every word about it takes the line of `done` from another core. */
static void work(tvm_mnv3_pool *pool, int32_t self) {
  uint32_t ran = 0;
  for (int32_t i = 0; i < pool->threads; ++i) {
    int32_t owner = (self + i) % pool->threads;
    for (uint32_t left; (left = take(&pool->shares[owner])) != 0;) ran += run_piece(pool, owner, left);
  }
  if (ran == 0) return;
  uint32_t count = (uint32_t)pool->count; /* read before `done` says that the job may end */
  uint32_t done = __atomic_add_fetch(&pool->done, ran, __ATOMIC_SEQ_CST);
  if (done == count && __atomic_load_n(&pool->caller_sleeps, __ATOMIC_SEQ_CST)) futex_wake(&pool->done, 1);
}

/* The number of the next job after `last`. */
static uint32_t next_job(tvm_mnv3_pool *pool, uint32_t last) {
  uint32_t job;
  for (const uint64_t start = moment(), most = moments_of_patience(); moment() - start < most;) {
    if ((job = __atomic_load_n(&pool->job, __ATOMIC_ACQUIRE)) != last) return job;
    relax();
  }
  __atomic_add_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
  while ((job = __atomic_load_n(&pool->job, __ATOMIC_SEQ_CST)) == last) futex_wait(&pool->job, last);
  __atomic_sub_fetch(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
  return job;
}

static void *worker(void *argument) {
  share *own = argument;
  tvm_mnv3_pool *pool = own->pool;
  int32_t self = (int32_t)(own - pool->shares);
  if (pool->cpus) system_call(CALL_SET_AFFINITY, 0, sizeof pool->cpus, (long)&pool->cpus, 0);
  for (uint32_t job = next_job(pool, 0);; job = next_job(pool, job)) {
    if (__atomic_load_n(&pool->stop, __ATOMIC_ACQUIRE)) return 0;
    work(pool, self);
  }
}

/* Lets the workers see that there is something to do (or that `stop` is set). A worker that slept through 2^32 of
 * these would miss one; the caller would then do the work alone. */
static void announce(tvm_mnv3_pool *pool, int32_t helpers) {
  __atomic_add_fetch(&pool->job, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST)) futex_wake(&pool->job, helpers);
}

static void wait_for_the_rest(tvm_mnv3_pool *pool) {
  uint32_t count = (uint32_t)pool->count, done;
  for (const uint64_t start = moment(), most = moments_of_patience(); moment() - start < most;) {
    if (__atomic_load_n(&pool->done, __ATOMIC_ACQUIRE) == count) return;
    relax();
  }
  __atomic_store_n(&pool->caller_sleeps, 1, __ATOMIC_SEQ_CST);
  while ((done = __atomic_load_n(&pool->done, __ATOMIC_SEQ_CST)) != count) futex_wait(&pool->done, done);
  __atomic_store_n(&pool->caller_sleeps, 0, __ATOMIC_SEQ_CST);
}

static void parallel_for(void *opaque, int32_t count, tvm_mnv3_task task, void *state) {
  tvm_mnv3_pool *pool = opaque;
  if (count <= 0) return;
  if (!pool || pool->threads == 1 || count == 1 || __atomic_exchange_n(&pool->busy, 1, __ATOMIC_ACQUIRE)) {
    task(state, 0, count);
    return;
  }
  pool->task = task;
  pool->state = state;
  pool->count = count;
  __atomic_store_n(&pool->done, 0, __ATOMIC_RELAXED);
  for (int32_t i = 0; i < pool->threads; ++i) {
    uint32_t left = (uint32_t)pieces(first_task(pool, i + 1) - first_task(pool, i));
    __atomic_store_n(&pool->shares[i].left, left, __ATOMIC_RELEASE);
  }
  announce(pool, count < pool->threads ? count - 1 : pool->threads - 1);
  work(pool, 0);
  wait_for_the_rest(pool);
  __atomic_store_n(&pool->busy, 0, __ATOMIC_RELEASE);
}

size_t tvm_mnv3_pool_size(int32_t threads) {
  if (threads < 1 || threads > TVM_MNV3_POOL_MAX_THREADS) return 0;
  return sizeof(tvm_mnv3_pool) + (size_t)threads * sizeof(share);
}

tvm_mnv3_pool *tvm_mnv3_pool_create(void *memory, int32_t threads) {
  return tvm_mnv3_pool_create_on(memory, threads, 0);
}

tvm_mnv3_pool *tvm_mnv3_pool_create_on(void *memory, int32_t threads, uint64_t cpus) {
  if (!memory || (uintptr_t)memory % TVM_MNV3_ALIGNMENT || !tvm_mnv3_pool_size(threads)) return 0;
  tvm_mnv3_pool *pool = memory;
  *pool = (tvm_mnv3_pool){.threads = threads, .cpus = cpus};
  for (int32_t i = 0; i < threads; ++i) pool->shares[i] = (share){.pool = pool};
  for (int32_t i = 1; i < threads; ++i) {
    if (pthread_create(&pool->shares[i].thread, 0, worker, &pool->shares[i])) {
      pool->threads = i;
      tvm_mnv3_pool_destroy(pool);
      return 0;
    }
  }
  return pool;
}

int32_t tvm_mnv3_pool_threads(const tvm_mnv3_pool *pool) { return pool ? pool->threads : 0; }

tvm_mnv3_parallel tvm_mnv3_pool_parallel(tvm_mnv3_pool *pool) {
  return (tvm_mnv3_parallel){parallel_for, pool};
}

void tvm_mnv3_pool_destroy(tvm_mnv3_pool *pool) {
  if (!pool) return;
  __atomic_store_n(&pool->stop, 1, __ATOMIC_RELEASE);
  announce(pool, pool->threads);
  for (int32_t i = 1; i < pool->threads; ++i) pthread_join(pool->shares[i].thread, 0);
}
