// session.h - one client's session: packets in, answers out, until the client says goodbye or goes away.
#ifndef TVM_MNV3_AGENT_SESSION_H
#define TVM_MNV3_AGENT_SESSION_H

#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "error.h"
#include "files.h"
#include "object.h"
#include "protocol.h"
#include "report.h"
#include "wire.h"

namespace agent {

struct SessionOptions {
  ReportSource source;     // of the device's report, and of its cores
  std::string shared_key;  // what a client must know; "" lets in everyone whom the tracker sends
};

class Session {
 public:
  Session(int socket, Folder folder, SessionOptions options)
      : socket_(socket), folder_(std::move(folder)), options_(std::move(options)) {}

  // Serves until the connection ends.
  void serve();

  // For the functions in remote_functions.cc.
  const Folder &folder() const { return folder_; }
  const SessionOptions &options() const { return options_; }
  Handles &handles() { return handles_; }
  Error load(const std::string &name, const Library **library);

 private:
  // Each of these answers one packet; false ends the session.
  bool answer(PacketCode code, Reader &packet);
  bool initialise(Reader &packet);
  bool call(Reader &packet);
  bool copy_from(Reader &packet);
  bool copy_to(Reader &packet);
  bool serve_device(PacketCode code, Reader &packet);

  Error allocate(PacketCode code, const Arguments &arguments, void **memory) const;
  uint64_t global_function(const std::string &name);

  // Packets to the client.
  bool send(PacketCode code, const Writer &payload) const;
  bool send_nothing() const;
  bool send_pointer(uint64_t pointer) const;
  bool send_answer(const Answer &answer) const;
  bool send_error(const Error &error) const;

  int socket_;
  Folder folder_;
  SessionOptions options_;
  bool welcome_ = false;  // whether the client has introduced itself
  Handles handles_;
  std::vector<std::unique_ptr<Library>> libraries_;
};

// Sends a client that waits for an answer an error instead.
bool send_exception(int socket, const std::string &sentence);

}  // namespace agent

#endif
