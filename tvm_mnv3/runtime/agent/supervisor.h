// supervisor.h - runs each session in a process of its own: a kernel that crashes or hangs takes only that with it.
#ifndef TVM_MNV3_AGENT_SUPERVISOR_H
#define TVM_MNV3_AGENT_SUPERVISOR_H

#include <string>

#include "listener.h"
#include "session.h"

namespace agent {

// Serves a client to the end of its session, and closes its socket. The session's files lie in a folder inside of
// `work_folder`, which goes with it. A session that lasts longer than the client asked for is killed, and the client
// told; so is one whose client has gone. Returns at once, having killed the session, when `stop` becomes readable.
void run_session(const Client &client, const std::string &work_folder, const SessionOptions &options, int stop);

}  // namespace agent

#endif
