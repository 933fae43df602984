// backend.cc - workspace memory and threads for kernels.
#include "backend.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include <vector>

#include "library.h"

namespace agent {

namespace {

int kernel_threads = 1;

// As TVMParallelGroupEnv.
struct Group {
  void *barrier;
  int32_t tasks;
};

using Task = int (*)(int number, Group *group, void *data);

struct Job {
  Task task;
  void *data;
  Group group;
  int number;
  int status;
  pthread_t thread;
};

void *run_job(void *pointer) {
  Job *job = static_cast<Job *>(pointer);
  job->status = job->task(job->number, &job->group, job->data);
  return nullptr;
}

void *allocate_workspace(int, int, uint64_t bytes, int, int) {
  return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

int free_workspace(int, int, void *memory) {
  free(memory);
  return 0;
}

// Runs a task on each thread; a thread that cannot be started leaves its task to the caller's.
int launch_parallel(Task task, void *data, int tasks) {
  if (tasks <= 0) tasks = kernel_threads;
  std::vector<Job> jobs(static_cast<size_t>(tasks));
  std::vector<bool> started(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i] = {task, data, {nullptr, tasks}, static_cast<int>(i), 0, {}};
  for (size_t i = 1; i < jobs.size(); ++i) {
    started[i] = pthread_create(&jobs[i].thread, nullptr, run_job, &jobs[i]) == 0;
  }
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (!started[i]) run_job(&jobs[i]);
  }
  int status = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (started[i]) pthread_join(jobs[i].thread, nullptr);
    status |= jobs[i].status;
  }
  return status;
}

// No schedule of this project waits at a barrier inside a parallel loop.
int refuse_barrier(int, Group *) { return -1; }

}  // namespace

void set_kernel_threads(int threads) { kernel_threads = threads; }

void connect_backend(const Library &library) {
  const struct {
    const char *slot;
    void *function;
  } functions[] = {
      {"__TVMBackendAllocWorkspace", reinterpret_cast<void *>(&allocate_workspace)},
      {"__TVMBackendFreeWorkspace", reinterpret_cast<void *>(&free_workspace)},
      {"__TVMBackendParallelLaunch", reinterpret_cast<void *>(&launch_parallel)},
      {"__TVMBackendParallelBarrier", reinterpret_cast<void *>(&refuse_barrier)},
  };
  for (const auto &entry : functions) {
    if (void *slot = library.find(entry.slot)) *static_cast<void **>(slot) = entry.function;
  }
}

}  // namespace agent
