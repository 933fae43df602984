// supervisor.cc - the process of a session, watched by the agent.
#include "supervisor.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace agent {

namespace {

// How long a session may go on when its client has hung up: enough to read what it sent before.
constexpr int64_t kFarewellMs = 2000;

int64_t now_ms() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

enum class Ending { kEnded, kTimeout, kClientGone, kStopped };

// Waits for the end of a session: its process holds the other end of the pipe `alive` as long as it lives.
Ending wait_for_end(int alive, const Client &client, int stop) {
  const int64_t forever = INT64_MAX;
  int64_t deadline = forever;
  if (client.timeout_seconds > 0) deadline = now_ms() + static_cast<int64_t>(client.timeout_seconds * 1000);
  Ending at_deadline = Ending::kTimeout;
  pollfd watched[] = {{alive, POLLIN, 0}, {stop, POLLIN, 0}, {client.socket, POLLRDHUP, 0}};
  while (true) {
    const int64_t left = deadline == forever ? 60000 : deadline - now_ms();
    if (left <= 0) return at_deadline;
    if (poll(watched, 3, static_cast<int>(left < 60000 ? left : 60000)) <= 0) continue;
    if (watched[0].revents != 0) return Ending::kEnded;
    if (watched[1].revents != 0) return Ending::kStopped;
    if (watched[2].revents != 0) {
      deadline = now_ms() + kFarewellMs;
      at_deadline = Ending::kClientGone;
      watched[2].fd = -1;
    }
  }
}

[[noreturn]] void serve_and_exit(const Client &client, const Folder &folder, const SessionOptions &options,
                                 pid_t parent) {
  setsid();
  // A session that outlives its agent would keep the device's cores busy unseen.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const rlimit no_core_files{0, 0};  // a candidate that crashes is expected, and disks are small
  setrlimit(RLIMIT_CORE, &no_core_files);
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  Session(client.socket, folder, options).serve();
  fflush(nullptr);
  _exit(0);
}

// What the client, which waits for an answer that will not come, is told; empty if it has had its answers.
std::string epitaph(Ending ending, int status, const Client &client) {
  if (ending == Ending::kTimeout) {
    // TVM's client makes an RPCSessionTimeoutError of a sentence that begins so.
    char sentence[160];
    snprintf(sentence, sizeof sentence, "RPCSessionTimeoutError: the session was ended on the device: it lasted longer "
             "than the %g s that its client asked for", client.timeout_seconds);
    return sentence;
  }
  if (WIFSIGNALED(status)) {
    return std::string("the process of the session died on the device (") + strsignal(WTERMSIG(status)) + ")";
  }
  return "";
}

}  // namespace

void run_session(const Client &client, const std::string &work_folder, const SessionOptions &options, int stop) {
  Folder folder("");
  if (Error error = Folder::make_inside(work_folder, &folder)) {
    // The session can still answer, and says so when a file is to be stored.
    fprintf(stderr, "agent: %s\n", error.sentence().c_str());
  }
  int alive[2];
  const pid_t parent = getpid();
  pid_t child = pipe(alive) == 0 ? fork() : -1;
  if (child == 0) {
    close(alive[0]);
    serve_and_exit(client, folder, options, parent);
  }
  if (child < 0) {
    fprintf(stderr, "agent: %s\n", system_error("a session cannot be started").sentence().c_str());
    close(client.socket);
    return;
  }
  close(alive[1]);
  const Ending ending = wait_for_end(alive[0], client, stop);
  if (ending != Ending::kEnded) {
    kill(-child, SIGKILL);  // its process group: a kernel may have started others
    kill(child, SIGKILL);   // in case it has not made its group yet
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(alive[0]);
  const std::string last_words = epitaph(ending, ending == Ending::kEnded ? status : 0, client);
  if (!last_words.empty()) {
    fprintf(stderr, "agent: %s\n", last_words.c_str());
    send_exception(client.socket, last_words);
  }
  close(client.socket);
  folder.remove_all();
}

}  // namespace agent
