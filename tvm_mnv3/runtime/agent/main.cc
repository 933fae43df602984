// main.cc - the device agent: lets TVM's RPC clients load, call and time libraries on this device. It needs nothing of
// TVM here. How its parts belong together is told in docs/tuning-devices.md.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.h"
#include "backend.h"
#include "cores.h"
#include "report.h"

namespace {

// Exit codes of tvm-mnv3.
enum { kDone = 0, kBadUsage = 2, kDeviceFailed = 3 };

int stop_pipe[2];

void request_stop(int) {
  const char byte = 0;
  // A pipe that is full has been asked to stop often enough.
  if (write(stop_pipe[1], &byte, 1) < 0) return;
}

void *stop_when_stdin_closes(void *) {
  char ignored[256];
  while (read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
  }
  request_stop(0);
  return nullptr;
}

int fail(int code, const agent::Error &error) {
  fprintf(stderr, "agent: %s\n", error.sentence().c_str());
  if (code == kBadUsage) fputs(agent::kUsage, stderr);
  return code;
}

agent::Error pin_sessions(const agent::Options &options) {
  if (options.pin.empty()) return {};
  std::vector<int> numbers;
  const std::vector<agent::Core> cores = agent::read_cores(options.session.source.root);
  if (agent::Error error = agent::choose_cores(cores, options.pin, &numbers)) return error;
  return agent::pin_to(numbers);
}

}  // namespace

int main(int count, char **words) {
  agent::Options options;
  if (agent::Error error = agent::read_options(count, words, &options)) return fail(kBadUsage, error);
  if (options.report_only) {
    puts(agent::device_report(options.session.source).c_str());
    return kDone;
  }
  char work_folder[4096];
  if (realpath(options.work_folder.c_str(), work_folder) == nullptr) {
    return fail(kDeviceFailed, agent::system_error("the folder " + options.work_folder + " cannot be used"));
  }
  options.work_folder = work_folder;
  if (agent::Error error = pin_sessions(options)) return fail(kBadUsage, error);
  agent::set_kernel_threads(options.threads);
  agent::Listener listener;
  if (agent::Error error = listener.open(options.listen)) return fail(kDeviceFailed, error);

  if (pipe(stop_pipe) != 0) return fail(kDeviceFailed, agent::system_error("a pipe cannot be made"));
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that gets too large is an error of writing
  signal(SIGTERM, request_stop);
  signal(SIGINT, request_stop);
  signal(SIGHUP, request_stop);  // adb's shell, when the cable is pulled
  pthread_t watcher;
  if (options.until_stdin_closes && pthread_create(&watcher, nullptr, stop_when_stdin_closes, nullptr) != 0) {
    return fail(kDeviceFailed, agent::system_error("a thread cannot be started"));
  }
  fprintf(stderr, "agent: listening on %s:%d\n", options.listen.host.c_str(), listener.port());
  agent::Agent(options, listener, stop_pipe[0]).run();
  return kDone;
}
