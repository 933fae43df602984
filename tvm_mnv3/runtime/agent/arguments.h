// arguments.h - what a client passes to a function, and what it gets back.
#ifndef TVM_MNV3_AGENT_ARGUMENTS_H
#define TVM_MNV3_AGENT_ARGUMENTS_H

#include <string>
#include <vector>

#include "error.h"
#include "tvm_ffi_abi.h"
#include "wire.h"

namespace agent {

// A tensor in this process's memory: its handle is its address.
struct Tensor {
  DLTensor view{};
  std::vector<int64_t> shape;

  void read(Reader &packet);
  size_t bytes() const;
  char *data() const { return static_cast<char *>(view.data) + view.byte_offset; }
};

size_t tensor_bytes(const DLTensor &tensor);

// One argument, with what its pointer points at.
struct Argument {
  TVMFFIAny value{};
  std::string text;
  Tensor tensor;
};

// A packed sequence as the protocol sends it: a count, then a type index and a value each.
class Arguments {
 public:
  Arguments() = default;
  Arguments(const Arguments &) = delete;

  void read(Reader &packet);

  size_t count() const { return arguments_.size(); }
  const TVMFFIAny *values() const { return values_.data(); }

  // The arguments by position, or an error that names the one that is not of that type.
  Error integer(size_t index, int64_t *value) const;
  Error text(size_t index, std::string *value) const;
  Error tensor(size_t index, const Tensor **value) const;
  Error handle(size_t index, uint64_t *value) const;

 private:
  Error expect(size_t index, bool fits, const char *what) const;

  std::vector<Argument> arguments_;
  std::vector<TVMFFIAny> values_;
};

// What a function returns.
struct Answer {
  int32_t type = 0;  // kTypeNone; numbers, handles, text and bytes are the others
  int64_t number = 0;
  std::string text;

  static Answer of_text(std::string text);
  static Answer of_bytes(std::string bytes);
  static Answer of_handle(int32_t type, uint64_t handle);
};

}  // namespace agent

#endif
