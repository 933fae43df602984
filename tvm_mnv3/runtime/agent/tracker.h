// tracker.h - the agent's side of its talk with TVM's tracker (tvm/rpc/tracker.py).
#ifndef TVM_MNV3_AGENT_TRACKER_H
#define TVM_MNV3_AGENT_TRACKER_H

#include <string>

#include "error.h"
#include "report.h"

namespace agent {

// Where something listens: a numeric IPv4 address, or localhost.
struct Address {
  std::string host;
  int port = 0;
};

// How the tracker shall list this device.
struct Listing {
  std::string key;      // the kind of device that clients ask for
  Address address;      // where clients reach the agent; without a host, where the tracker sees it come from
  ReportSource source;  // of the report
};

class Tracker {
 public:
  Tracker(Address address, Listing listing) : address_(std::move(address)), listing_(std::move(listing)) {}
  Tracker(const Tracker &) = delete;
  ~Tracker() { disconnect(); }

  bool connected() const { return socket_ >= 0; }
  int socket() const { return socket_; }

  // Each of these closes the connection when it fails.
  Error connect();
  Error tell_state(const std::string &state);         // "free" or "busy", with a fresh report
  Error offer(const std::string &match_key);          // may be given to a client, once
  Error still_offered(const std::string &match_key, bool *offered);
  void disconnect();

 private:
  Error ask(const std::string &request, std::string *reply);
  std::string own_host() const;

  Address address_;
  Listing listing_;
  int socket_ = -1;
};

// A connected socket, or -1.
int connect_to(const Address &address, int timeout_seconds);

}  // namespace agent

#endif
