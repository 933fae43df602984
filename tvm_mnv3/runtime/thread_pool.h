/* thread_pool.h - a thread pool for compiled models. C99, C++ safe. Linux and Android.
 *
 *   _Alignas(TVM_MNV3_ALIGNMENT) unsigned char memory[TVM_MNV3_POOL_MAX_SIZE];
 *   tvm_mnv3_pool *pool = tvm_mnv3_pool_create(memory, 4);
 *   tvm_mnv3_parallel parallel = tvm_mnv3_pool_parallel(pool);
 *   P_run(context, inputs, outputs, &parallel);
 *   tvm_mnv3_pool_destroy(pool);
 *
 * Of libc it needs pthread_create and pthread_join and nothing else, so one archive serves glibc, musl and bionic.
 */
#ifndef TVM_MNV3_THREAD_POOL_H
#define TVM_MNV3_THREAD_POOL_H

#include "tvm_mnv3.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TVM_MNV3_POOL_MAX_THREADS 64
#define TVM_MNV3_POOL_MAX_SIZE ((TVM_MNV3_POOL_MAX_THREADS + 4) * TVM_MNV3_ALIGNMENT)

typedef struct tvm_mnv3_pool tvm_mnv3_pool;

/* Bytes of memory for a pool of that many threads; 0 unless 1 <= threads <= TVM_MNV3_POOL_MAX_THREADS. */
size_t tvm_mnv3_pool_size(int32_t threads);

/* Starts a pool in the caller's memory: tvm_mnv3_pool_size(threads) bytes, aligned to TVM_MNV3_ALIGNMENT, which stay
 * the pool's until it is destroyed. The thread that calls parallel_for works too, so threads - 1 are started. Returns
 * null when a parameter is out of range, the memory is null or misaligned, or a thread cannot be started. A thread with
 * nothing to do spins for a tenth of a millisecond and then sleeps. */
tvm_mnv3_pool *tvm_mnv3_pool_create(void *memory, int32_t threads);

/* The same, with the started threads kept to the CPUs whose bits are set in `cpus` (bit 0 is CPU 0); 0 means to none.
 * The calling thread is the app's and stays where it is. A CPU that is not there is passed over. */
tvm_mnv3_pool *tvm_mnv3_pool_create_on(void *memory, int32_t threads, uint64_t cpus);

/* How many threads work, the caller's included; 0 for a null pool. */
int32_t tvm_mnv3_pool_threads(const tvm_mnv3_pool *pool);

/* What P_run takes. A pool that is busy (another thread uses it, or a task calls it) runs everything on the calling
 * thread. A null pool does so always. */
tvm_mnv3_parallel tvm_mnv3_pool_parallel(tvm_mnv3_pool *pool);

/* Ends the threads. Nothing may be running on the pool. A null pool is ignored. */
void tvm_mnv3_pool_destroy(tvm_mnv3_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
