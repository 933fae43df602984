// agent.cc - the life of the agent: connect, offer, serve, and again.
#include "agent.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "supervisor.h"

namespace agent {

namespace {

constexpr int kRetryMs = 1000;
constexpr int kAskMs = 2000;
// A client that got the match key from the tracker and has not come after so many questions will not come.
constexpr int kMostQuestions = 3;

void log(const std::string &sentence) { fprintf(stderr, "agent: %s\n", sentence.c_str()); }

Listing listing(const Options &options, const Listener &listener) {
  Address address = options.announce;
  if (address.port == 0) address.port = listener.port();
  return {options.key, address, options.session.source};
}

}  // namespace

Agent::Agent(const Options &options, const Listener &listener, int stop)
    : options_(options), listener_(listener), tracker_(options.tracker, listing(options, listener)), stop_(stop) {}

void Agent::run() {
  while (!stopped_) {
    if (!tracker_.connected() && !connect()) {
      wait(kRetryMs);
      continue;
    }
    const std::string match_key = new_match_key(options_.key);
    if (Error error = tracker_.offer(match_key)) {
      lose_tracker(error);
      continue;
    }
    const Client client = wait_for_client(match_key);
    if (client.socket >= 0) serve(client);
  }
}

bool Agent::connect() {
  if (Error error = tracker_.connect()) {
    lose_tracker(error);
    return false;
  }
  tracker_missed_ = false;
  log("the tracker " + options_.tracker.host + ":" + to_text(options_.tracker.port) + " lists this device as " +
      options_.key);
  return true;
}

void Agent::lose_tracker(const Error &error) {
  tracker_.disconnect();
  if (!tracker_missed_) log(error.sentence() + "; trying again until it is back");
  tracker_missed_ = true;
}

// A client, or none if a new match key must be offered first.
Client Agent::wait_for_client(const std::string &match_key) {
  int taken = 0;
  while (true) {
    switch (wait(kAskMs)) {
      case Event::kStop:
        return {};
      case Event::kTrackerGone:
        lose_tracker("the tracker has gone");
        return {};
      case Event::kClient: {
        const Client client = listener_.accept_client(options_.key, match_key);
        if (client.socket >= 0) return client;
        break;
      }
      case Event::kNothing: {
        bool offered = true;
        if (Error error = tracker_.still_offered(match_key, &offered)) {
          lose_tracker(error);
          return {};
        }
        taken = offered ? 0 : taken + 1;
        if (taken > kMostQuestions) return {};
      }
    }
  }
}

Agent::Event Agent::wait(int milliseconds) {
  pollfd watched[] = {{stop_, POLLIN, 0},
                      {tracker_.socket(), POLLIN, 0},
                      {tracker_.connected() ? listener_.socket() : -1, POLLIN, 0}};
  if (poll(watched, 3, milliseconds) <= 0) return Event::kNothing;
  if (watched[0].revents != 0) {
    stopped_ = true;
    return Event::kStop;
  }
  // Unasked, the tracker says nothing: it has hung up.
  if (watched[1].revents != 0) return Event::kTrackerGone;
  return watched[2].revents != 0 ? Event::kClient : Event::kNothing;
}

void Agent::serve(const Client &client) {
  if (Error error = tracker_.tell_state("busy")) lose_tracker(error);
  run_session(client, options_.work_folder, options_.session, stop_);
  if (!tracker_.connected()) return;
  if (Error error = tracker_.tell_state("free")) lose_tracker(error);
}

std::string new_match_key(const std::string &key) {
  unsigned char random[16];
  if (getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) abort();
  std::string text = key + ":";
  for (unsigned char byte : random) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

}  // namespace agent
