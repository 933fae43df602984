// error.h - how a function says that it failed: it returns an Error, which is false when all went well.
#ifndef TVM_MNV3_AGENT_ERROR_H
#define TVM_MNV3_AGENT_ERROR_H

#include <string>
#include <utility>

namespace agent {

class [[nodiscard]] Error {
 public:
  Error() = default;
  Error(std::string sentence) : sentence_(std::move(sentence)) {}
  Error(const char *sentence) : sentence_(sentence) {}

  explicit operator bool() const { return !sentence_.empty(); }
  const std::string &sentence() const { return sentence_; }

 private:
  std::string sentence_;
};

// "cannot write /tmp/x: No space left on device", from errno.
Error system_error(const std::string &what);

std::string to_text(int64_t number);

}  // namespace agent

#endif
