// library.h - loads a shared library into this process. A static program has no dlopen, and the libraries here are
// freestanding, so a few relocations are all that it takes.
#ifndef TVM_MNV3_AGENT_LIBRARY_H
#define TVM_MNV3_AGENT_LIBRARY_H

#include <stddef.h>

#include <map>
#include <string>

#include "error.h"

namespace agent {

// A loaded library. It is unloaded with its last user, which is the session: functions do not outlive it.
class Library {
 public:
  Library() = default;
  Library(const Library &) = delete;
  ~Library();

  // Reads `path`, a 64-bit ELF shared library for this machine. What it imports must be in host_symbols.h.
  Error load(const std::string &path);

  // The address of an exported symbol, or null.
  void *find(const std::string &symbol) const;

 private:
  char *base_ = nullptr;
  size_t size_ = 0;
  std::map<std::string, void *> symbols_;
};

}  // namespace agent

#endif
