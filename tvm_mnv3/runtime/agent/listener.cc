// listener.cc - the listening socket and the handshake of a session (tvm/rpc/server.py).
#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol.h"
#include "wire.h"

namespace agent {

namespace {

// One who connects and says nothing must not keep the others out.
constexpr int kHandshakeSeconds = 5;
constexpr size_t kMostKeyBytes = 4096;

void set_time_limit(int socket, int seconds) {
  const timeval limit{seconds, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

// A client whose machine is switched off sends no farewell; the kernel asks after it.
void notice_silence(int socket) {
  const int yes = 1, idle_seconds = 30, interval_seconds = 10, probes = 3;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace

Error Listener::open(const Address &address) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(address.port));
  if (inet_pton(AF_INET, address.host.c_str(), &where.sin_addr) != 1) {
    return address.host + " is no numeric IPv4 address to listen on";
  }
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr *generic = reinterpret_cast<sockaddr *>(&where);
  socklen_t size = sizeof where;
  if (bind(socket_, generic, size) != 0 || listen(socket_, 8) != 0 || getsockname(socket_, generic, &size) != 0) {
    return system_error("cannot listen on " + address.host + ":" + to_text(address.port));
  }
  port_ = ntohs(where.sin_port);
  return {};
}

Client Listener::accept_client(const std::string &key, const std::string &match_key) const {
  Client client;
  int socket = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return client;
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  set_time_limit(socket, kHandshakeSeconds);
  int32_t magic = 0;
  std::string introduction;
  if (receive_all(socket, &magic, sizeof magic) && magic == kSessionMagic &&
      receive_text(socket, &introduction, kMostKeyBytes)) {
    const bool known = introduction.substr(0, introduction.find(' ')) == "client:" + match_key;
    const int32_t answer = known ? kSessionMagic : kSessionMismatch;
    const bool sent = send_all(socket, &answer, sizeof answer) && (!known || send_text(socket, "server:" + key));
    if (known && sent) {
      set_time_limit(socket, 0);
      notice_silence(socket);
      client.socket = socket;
      client.timeout_seconds = timeout_option(introduction);
      return client;
    }
    if (!known) fprintf(stderr, "agent: a client with another match key was sent away\n");
  }
  close(socket);
  return client;
}

double timeout_option(const std::string &introduction) {
  const std::string option = " -timeout=";
  size_t at = introduction.find(option);
  return at == std::string::npos ? 0 : atof(introduction.c_str() + at + option.size());
}

}  // namespace agent
