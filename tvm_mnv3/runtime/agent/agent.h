// agent.h - offers the device to the tracker, and serves the clients that it sends, one after the other.
#ifndef TVM_MNV3_AGENT_AGENT_H
#define TVM_MNV3_AGENT_AGENT_H

#include <string>

#include "listener.h"
#include "options.h"
#include "tracker.h"

namespace agent {

class Agent {
 public:
  // `stop` is a file that becomes readable when the agent shall end.
  Agent(const Options &options, const Listener &listener, int stop);

  // Serves until it is stopped.
  void run();

 private:
  enum class Event { kNothing, kClient, kTrackerGone, kStop };

  bool connect();  // false while the tracker cannot be reached
  Client wait_for_client(const std::string &match_key);
  Event wait(int milliseconds);
  void serve(const Client &client);
  void lose_tracker(const Error &error);

  Options options_;
  const Listener &listener_;
  Tracker tracker_;
  int stop_;
  bool stopped_ = false;
  bool tracker_missed_ = false;  // whether the log says already that the tracker is away
};

// A key that nobody can guess: the tracker gives it to one client.
std::string new_match_key(const std::string &key);

}  // namespace agent

#endif
