// options.h - the agent's command line.
#ifndef TVM_MNV3_AGENT_OPTIONS_H
#define TVM_MNV3_AGENT_OPTIONS_H

#include <string>

#include "error.h"
#include "session.h"
#include "tracker.h"

namespace agent {

struct Options {
  Address tracker;
  std::string key;
  Address listen{"127.0.0.1", 0};
  Address announce;  // what the tracker tells clients, where that is not where the agent listens
  std::string work_folder = ".";
  std::string pin;   // the cores of every session; "" leaves them alone
  int threads = 1;   // of kernels with parallel loops
  bool report_only = false;
  bool until_stdin_closes = false;
  SessionOptions session;
};

extern const char kUsage[];

// Reads the command line, and the file that it names.
Error read_options(int count, char **words, Options *options);

}  // namespace agent

#endif
