// listener.h - where clients knock, and the handshake that lets one in.
#ifndef TVM_MNV3_AGENT_LISTENER_H
#define TVM_MNV3_AGENT_LISTENER_H

#include <string>

#include "error.h"
#include "tracker.h"

namespace agent {

// A client who was let in.
struct Client {
  int socket = -1;
  double timeout_seconds = 0;  // how long its session may last; 0 as long as it likes
};

class Listener {
 public:
  // Listens on an address; port 0 takes a free one.
  Error open(const Address &address);

  int socket() const { return socket_; }
  int port() const { return port_; }

  // Takes the next connection. Its client must know the match key that the tracker was given; the socket is -1 if it
  // does not.
  Client accept_client(const std::string &key, const std::string &match_key) const;

 private:
  int socket_ = -1;
  int port_ = 0;
};

// The number behind "-timeout=" in what a client sent, or 0.
double timeout_option(const std::string &introduction);

}  // namespace agent

#endif
