// object.h - what a client holds handles of: functions and modules.
#ifndef TVM_MNV3_AGENT_OBJECT_H
#define TVM_MNV3_AGENT_OBJECT_H

#include <stdint.h>

#include <map>
#include <memory>

#include "arguments.h"
#include "error.h"
#include "library.h"

namespace agent {

class Object {
 public:
  virtual ~Object() = default;

  virtual Error call(const Arguments &, Answer *) { return "this handle is no function"; }

  // The library behind a module; null for what is no module.
  virtual const Library *library() const { return nullptr; }
};

// Handles are numbers, not addresses: one that was never given, or was given back, is found to be so.
class Handles {
 public:
  uint64_t add(std::unique_ptr<Object> object) {
    objects_[next_] = std::move(object);
    return next_++;
  }

  Object *find(uint64_t handle) const {
    auto found = objects_.find(handle);
    return found == objects_.end() ? nullptr : found->second.get();
  }

  void drop(uint64_t handle) { objects_.erase(handle); }

 private:
  uint64_t next_ = 1;
  std::map<uint64_t, std::unique_ptr<Object>> objects_;
};

}  // namespace agent

#endif
