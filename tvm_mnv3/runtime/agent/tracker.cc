// tracker.cc - requests to the tracker: JSON texts, each answered by one.
#include "tracker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json.h"
#include "protocol.h"
#include "report.h"
#include "wire.h"

namespace agent {

namespace {

// A tracker that does not answer for so long is taken for gone.
constexpr int kPatienceSeconds = 10;
constexpr size_t kMostReplyBytes = 1 << 20;

std::string request(TrackerCode code, const std::vector<std::string> &rest) {
  std::vector<std::string> items = {to_text(static_cast<int64_t>(code))};
  items.insert(items.end(), rest.begin(), rest.end());
  return json_list(items);
}

}  // namespace

int connect_to(const Address &address, int timeout_seconds) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(address.port));
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  if (inet_pton(AF_INET, host.c_str(), &where.sin_addr) != 1) return -1;
  int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  const timeval patience{timeout_seconds, 0};
  setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int yes = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(made, reinterpret_cast<sockaddr *>(&where), sizeof where) == 0) return made;
  close(made);
  return -1;
}

Error Tracker::connect() {
  const std::string where = address_.host + ":" + to_text(address_.port);
  socket_ = connect_to(address_, kPatienceSeconds);
  if (socket_ < 0) return system_error("the tracker " + where + " cannot be reached");
  int32_t magic = kTrackerMagic;
  if (!send_all(socket_, &magic, sizeof magic) || !receive_all(socket_, &magic, sizeof magic) ||
      magic != kTrackerMagic) {
    disconnect();
    return "what answers at " + where + " is no tracker";
  }
  return tell_state("free");
}

void Tracker::disconnect() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

std::string Tracker::own_host() const {
  return listing_.address.host.empty() ? "null" : json_text(listing_.address.host);
}

// The tracker keeps the members that it does not know and lists them, so anyone who asks it sees the report.
Error Tracker::tell_state(const std::string &state) {
  const std::string address = json_list(std::vector<std::string>{own_host(), to_text(listing_.address.port)});
  const std::string info = JsonObject()
                               .add("key", "server:" + listing_.key)
                               .add_json("addr", address)
                               .add("state", state)
                               .add_json("report", device_report(listing_.source))
                               .json();
  std::string reply;
  return ask(request(TrackerCode::kUpdateInfo, {info}), &reply);
}

Error Tracker::offer(const std::string &match_key) {
  const std::string where = json_list(std::vector<std::string>{to_text(listing_.address.port), json_text(match_key)});
  std::string reply;
  return ask(request(TrackerCode::kPut, {json_text(listing_.key), where, own_host()}), &reply);
}

Error Tracker::still_offered(const std::string &match_key, bool *offered) {
  std::string reply;
  if (Error error = ask(request(TrackerCode::kPendingMatchKeys, {}), &reply)) return error;
  *offered = reply.find(json_text(match_key)) != std::string::npos;
  return {};
}

Error Tracker::ask(const std::string &text, std::string *reply) {
  if (socket_ >= 0 && send_text(socket_, text) && receive_text(socket_, reply, kMostReplyBytes)) return {};
  disconnect();
  return "the tracker has gone";
}

}  // namespace agent
